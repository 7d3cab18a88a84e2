"""What `make bench` writes is what it would write now: docs/performance.md and the pictures."""

import html
import json
import re
from xml.etree import ElementTree as ET

import pytest

from bench import charts, page, simulation
from bench.policies import LOOP, OWN
from emulator import AUTH_TOKEN
from tools import pictures
from tools.pictures import ENVIRONMENT, FAILED, IMAGES, SMALLER

DATA = json.loads(page.DATA.read_text("utf-8"))


def test_page_is_made_of_its_data() -> None:
    assert page.PAGE.read_text("utf-8") == page.render(DATA)


def test_charts_show_the_data() -> None:
    for name, description in charts.describe(DATA).items():
        text = page.DATA.with_name(name).read_text("utf-8")
        assert ET.fromstring(text)[0].text == description  # noqa: S314 (the project's own file)


def test_own_policy_is_as_good_as_the_page_says() -> None:
    measured = simulation.simulate(OWN, waits=20)
    for measure in ("mean_lag", "p95_lag", "polls", "mean_lag_with_errors"):
        promised = DATA["policies"][OWN][measure]
        assert measured[measure] == pytest.approx(promised, rel=0.02), measure


def test_shell_loop_is_later_for_builds_of_less_than_2_minutes() -> None:
    own, loop = (DATA["policies"][name]["by_build_time"] for name in (OWN, LOOP))
    for times in ("5 s to 10 s", "10 s to 30 s", "30 s to 1 min", "1 min to 2 min"):
        assert own[times]["mean_lag"] < 0.8 * loop[times]["mean_lag"], times


def normalize(text: str) -> str:
    """Leave out the version and the seconds, and all space: the picture wraps lines."""
    return "".join(re.sub(r"(?<=build-wait\s)\S+(?=:)|\d+\.\d\s?s\b", "N", text).split())


def picture(name: str) -> str:
    return normalize((IMAGES / name).read_text("utf-8"))


def test_pictures_show_what_the_tool_writes() -> None:
    matrix = (IMAGES / "log.svg").read_text("utf-8").partition('class="log-matrix"')[2]
    shown = html.unescape("".join(re.findall(r"<text [^>]*>([^<]*)</text>", matrix)))
    log, failed = pictures.run(TWILIO_BUILD_SID=FAILED)
    assert normalize(shown) == normalize(log)
    assert picture("summary-failed.md") == normalize(failed)
    _, changes = pictures.run(TWILIO_BUILD_SID=SMALLER, TWILIO_ENVIRONMENT_SID=ENVIRONMENT)
    assert picture("summary-changes.md") == normalize(changes)


def test_pictures_load_nothing_and_hold_no_secret_or_address() -> None:
    for path in [*IMAGES.iterdir(), *page.DATA.parent.glob("*.svg")]:
        text = path.read_text("utf-8")
        assert not re.search(r"@import|@font-face|url\((?!#)|127\.0\.0\.1|add-mask", text), path
        assert AUTH_TOKEN not in text, path
