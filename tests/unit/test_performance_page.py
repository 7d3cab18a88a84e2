"""docs/performance.md is what the template makes of its data, and the data still holds."""

import json
import re
from random import Random
from xml.etree import ElementTree as ET

import pytest

from bench import charts, page, simulation
from bench.policies import OTHERS

DATA = json.loads(page.DATA.read_text("utf-8"))
OWN = DATA["policies"][simulation.OWN]


class Middle(Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


#: The first delays in seconds, each drawn from the middle of its range.
DELAYS: dict[str, list[float]] = {
    "Twilio's toolkit": [1, 1, 1],
    "gh run watch": [3, 3, 3],
    "shell loop": [5, 5, 5],
    "wait-on-check": [10, 10, 10],
    "Terraform": [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10],
    "google.api_core": [0.5, 0.75, 1.125, 1.6875],
    "AWS SDK v3": [2, 3, 5, 9, 17, 33, 120, 120],
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


def test_own_policy_is_as_good_as_the_page_says() -> None:
    now = simulation.simulate(simulation.OWN, "calm", builds=100)
    for measure in ("mean_lag", "relative_lag", "polls"):
        assert now[measure] == pytest.approx(OWN["calm"][measure], rel=0.25)
    assert page.is_within_limits(DATA)
