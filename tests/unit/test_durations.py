"""Durations: what is read and how they are shown."""

import pytest

from twilio_build_wait.durations import parse, render

DURATIONS = {
    "0": 0,
    "90": 90_000,
    "1.5": 1_500,
    "007": 7_000,
    "90s": 90_000,
    "15m": 900_000,
    "1h30m": 5_400_000,
    "1.5h": 5_400_000,
    "500ms": 500,
    "1h2m3s4ms": 3_723_004,
    "1m500ms": 60_500,
    "1h1ms": 3_600_001,
    "0.5h0.5m0.5s": 1_830_500,
    # Binary fractions would round these to the wrong side of a bound.
    "0.13m": 7_800,
    "0.09s10ms": 100,
    "0.0004": 0,
    "0.0006s": 1,
}

NOT_DURATIONS = {
    "empty": "",
    "space": "1 s",
    "day": "1d",
    "capital unit": "1M",
    "minus": "-1",
    "plus": "+1s",
    "exponent": "1e3",
    "underscore": "1_000",
    "no digit before the point": ".5",
    "no digit after the point": "1.s",
    "comma": "1,5",
    "smallest unit first": "30m1h",
    "milliseconds first": "1ms1s",
    "unit twice": "1m1m",
    "last number without unit": "1h30",
    "unit without number": "m",
    "line break": "1s\n",
    "Arabic digits": "١٥",
    "full-width digits": "１５s",
    "infinity": "inf",
}

SHOWN = {
    0.0: "0s",
    0.0004: "0s",
    0.001: "1ms",
    0.1: "100ms",
    0.9994: "999ms",
    0.9996: "1s",
    1.0: "1s",
    2.54: "2.5s",
    59.94: "59.9s",
    59.96: "1m",
    60.0: "1m",
    90.4: "1m30s",
    900.0: "15m",
    3600.0: "1h",
    3661.0: "1h1m1s",
    86400.0: "24h",
}


@pytest.mark.parametrize("text", DURATIONS)
def test_duration_is_parsed_to_milliseconds(text: str) -> None:
    assert parse(text) == DURATIONS[text]


@pytest.mark.parametrize("text", NOT_DURATIONS.values(), ids=NOT_DURATIONS)
def test_other_text_is_no_duration(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("seconds", SHOWN)
def test_duration_is_shown_for_a_person(seconds: float) -> None:
    assert render(seconds) == SHOWN[seconds]
