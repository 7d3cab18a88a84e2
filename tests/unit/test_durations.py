"""Durations: what is read and how they are shown."""

import pytest

from twilio_build_wait.durations import parse, render

DURATIONS = {"0": 0, "90": 90_000, "1.5": 1_500, "007": 7_000, "90s": 90_000, "15m": 900_000}
DURATIONS |= {"1h30m": 5_400_000, "1.5h": 5_400_000, "500ms": 500, "1m500ms": 60_500}
DURATIONS |= {"1h2m3s4ms": 3_723_004, "1h1ms": 3_600_001, "0.0004": 0, "0.0006s": 1}
# Binary fractions would round these to the wrong side of a bound.
DURATIONS |= {"0.13m": 7_800, "0.09s10ms": 100}
NOT_DURATIONS = ["", "1d", "1M", "-1", "+1s", "1e3", "1_000", ".5", "1.s", "1,5", "1 s", "1s\n"]
NOT_DURATIONS += ["30m1h", "1ms1s", "1m1m", "1h30", "m", "١٥", "１５s", "inf"]
SHOWN = {0.0: "0s", 0.0004: "0s", 0.001: "1ms", 0.1: "100ms", 0.9994: "999ms", 0.9996: "1s"}
SHOWN |= {1.0: "1s", 2.54: "2.5s", 59.94: "59.9s", 59.96: "1m", 60.0: "1m", 90.4: "1m30s"}
SHOWN |= {900.0: "15m", 3600.0: "1h", 3661.0: "1h1m1s", 86400.0: "24h"}


@pytest.mark.parametrize("text", DURATIONS)
def test_duration_is_parsed_to_milliseconds(text: str) -> None:
    assert parse(text) == DURATIONS[text]


@pytest.mark.parametrize("text", NOT_DURATIONS, ids=ascii)
def test_other_text_is_no_duration(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("seconds", SHOWN)
def test_duration_is_shown_for_a_person(seconds: float) -> None:
    assert render(seconds) == SHOWN[seconds]
