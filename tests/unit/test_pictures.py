"""The pictures show what the tool prints now; `python -m tools.pictures` writes them again."""

import html
import re

import pytest

from emulator import AUTH_TOKEN
from tools import pictures
from tools.pictures import ENVIRONMENT, FAILED, IMAGES, SMALLER


@pytest.fixture(scope="module")
def failed() -> tuple[str, str]:
    """The log and the summary of a failed build."""
    return pictures.run(TWILIO_BUILD_SID=FAILED)


def normalize(text: str) -> str:
    """Leave out the version and the seconds, and all space: the picture wraps lines."""
    return "".join(re.sub(r"(?<=build-wait\s)\S+(?=:)|\d+\.\d\s?s\b", "N", text).split())


def test_log_picture_has_the_lines_of_the_log(failed: tuple[str, str]) -> None:
    svg = (IMAGES / "log.svg").read_text("utf-8")
    matrix = svg.partition('class="log-matrix"')[2]
    shown = html.unescape("".join(re.findall(r"<text [^>]*>([^<]*)</text>", matrix)))
    assert normalize(shown) == normalize(failed[0])


def test_summary_of_a_failed_build_is_what_the_tool_writes(failed: tuple[str, str]) -> None:
    page = (IMAGES / "summary-failed.md").read_text("utf-8")
    assert normalize(page) == normalize(failed[1])


def test_summary_of_a_build_with_removals_is_what_the_tool_writes() -> None:
    _, summary = pictures.run(TWILIO_BUILD_SID=SMALLER, TWILIO_ENVIRONMENT_SID=ENVIRONMENT)
    page = (IMAGES / "summary-changes.md").read_text("utf-8")
    assert normalize(page) == normalize(summary)


def test_pictures_load_nothing_and_hold_no_secret_or_address() -> None:
    for path in IMAGES.iterdir():
        text = path.read_text("utf-8")
        assert not re.search(r"@font-face|url\((?!#)|127\.0\.0\.1|add-mask", text), path
        assert AUTH_TOKEN not in text, path
