"""The pictures show what the tool prints now; `python -m tools.pictures` writes them again."""

import html
import re

from emulator import AUTH_TOKEN
from tools import pictures
from tools.pictures import ENVIRONMENT, FAILED, IMAGES, SMALLER


def normalize(text: str) -> str:
    """Leave out the version and the seconds, and all space: the picture wraps lines."""
    return "".join(re.sub(r"(?<=build-wait\s)\S+(?=:)|\d+\.\d\s?s\b", "N", text).split())


def picture(name: str) -> str:
    return (IMAGES / name).read_text("utf-8")


def test_pictures_show_what_the_tool_writes() -> None:
    matrix = picture("log.svg").partition('class="log-matrix"')[2]
    shown = html.unescape("".join(re.findall(r"<text [^>]*>([^<]*)</text>", matrix)))
    log, failed = pictures.run(TWILIO_BUILD_SID=FAILED)
    assert normalize(shown) == normalize(log)
    assert normalize(picture("summary-failed.md")) == normalize(failed)
    _, changes = pictures.run(TWILIO_BUILD_SID=SMALLER, TWILIO_ENVIRONMENT_SID=ENVIRONMENT)
    assert normalize(picture("summary-changes.md")) == normalize(changes)


def test_pictures_load_nothing_and_hold_no_secret_or_address() -> None:
    for path in IMAGES.iterdir():
        text = picture(path.name)
        assert not re.search(r"@font-face|url\((?!#)|127\.0\.0\.1|add-mask", text), path
        assert AUTH_TOKEN not in text, path
