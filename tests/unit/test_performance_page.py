"""docs/performance.md is what the template makes of its data, and the data still holds."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from bench import charts, page, simulation
from bench.policies import LOOP, OWN

DATA = json.loads(page.DATA.read_text("utf-8"))


def test_page_is_made_of_its_data() -> None:
    assert page.PAGE.read_text("utf-8") == page.render(DATA)


def test_charts_show_the_data_and_load_nothing() -> None:
    for name, description in charts.describe(DATA).items():
        text = page.DATA.with_name(name).read_text("utf-8")
        assert ET.fromstring(text)[0].text == description  # noqa: S314 (the project's own file)
        assert not re.search(r"@import|@font-face|url\((?!#)", text)


def test_own_policy_is_as_good_as_the_page_says() -> None:
    measured = simulation.simulate(OWN, waits=20)
    for measure in ("mean_lag", "p95_lag", "polls", "mean_lag_with_errors"):
        promised = DATA["policies"][OWN][measure]
        assert measured[measure] == pytest.approx(promised, rel=0.02), measure


def test_shell_loop_is_later_for_builds_of_less_than_2_minutes() -> None:
    own, loop = (DATA["policies"][name]["by_build_time"] for name in (OWN, LOOP))
    for times in ("5 s to 10 s", "10 s to 30 s", "30 s to 1 min", "1 min to 2 min"):
        assert own[times]["mean_lag"] < 0.8 * loop[times]["mean_lag"], times
