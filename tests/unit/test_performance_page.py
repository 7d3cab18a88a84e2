"""docs/performance.md is what the template makes of its data, and the data still holds."""

import json
import re
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import charts, page, simulation
from bench.policies import OTHERS, OWN

DATA = json.loads(page.DATA.read_text("utf-8"))
#: In seconds: half of the loop's interval.
SHELL_LOOP_LAG = 2.5


class Middle(Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


#: The first delays in seconds, each drawn from the middle of its range.
DELAYS: dict[str, list[float]] = {
    "Twilio's toolkit": [1, 1, 1],
    "gh run watch": [3, 3, 3],
    "shell loop": [5, 5, 5],
    "wait-on-check": [10, 10, 10],
    "vercel deploy": [1.0] * 16 + [5.0] * 9 + [15.0] * 16 + [30.0],
    "backoff expo": [0.5, 1, 2, 4, 8, 16, 32, 64, 128],
}


def test_page_is_made_of_its_data() -> None:
    assert page.PAGE.read_text("utf-8") == page.render(DATA)


def test_charts_show_the_data_and_load_nothing() -> None:
    for name, description in charts.describe(DATA).items():
        text = page.DATA.with_name(name).read_text("utf-8")
        assert ET.fromstring(text)[0].text == description  # noqa: S314 (the project's own file)
        assert not re.search(r"@import|@font-face|url\((?!#)", text)


@pytest.mark.parametrize("name", DELAYS)
def test_other_policies_delay_as_their_source_says(name: str) -> None:
    elapsed = 0.0
    for number, expected in enumerate(DELAYS[name], 1):
        assert OTHERS[name][1](number, elapsed, Middle()) == pytest.approx(expected)
        elapsed += expected


@pytest.fixture(scope="module")
def own() -> dict[str, Any]:
    return simulation.simulate(OWN, waits=20)


@pytest.mark.parametrize("measure", ["mean_lag", "p95_lag", "polls", "mean_lag_with_errors"])
def test_own_policy_is_as_good_as_the_page_says(own: dict[str, Any], measure: str) -> None:
    assert own[measure] == pytest.approx(DATA["policies"][OWN][measure], rel=0.02)


def test_shell_loop_is_at_most_1_percent_earlier_at_any_build_time(own: dict[str, Any]) -> None:
    for means in own["by_build_time"].values():
        assert means["mean_lag"] <= 1.01 * SHELL_LOOP_LAG


def test_shell_loop_is_later_for_builds_of_less_than_2_minutes(own: dict[str, Any]) -> None:
    for times in ("5 s to 10 s", "10 s to 30 s", "30 s to 1 min", "1 min to 2 min"):
        assert own["by_build_time"][times]["mean_lag"] < 0.8 * SHELL_LOOP_LAG
