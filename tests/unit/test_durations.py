import math
from fractions import Fraction
from itertools import takewhile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twilio_build_wait.durations import parse, render

UNITS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
DIGITS = "0123456789"


def reference(text: str) -> Fraction | None:
    """Read a duration from left to right, as the README says it, without regular expressions."""
    number, rest = leading_number(text)
    if number is not None and not rest:
        return number
    total, units, rest = Fraction(0), list(UNITS), text
    while rest:
        number, rest = leading_number(rest)
        unit = "".join(takewhile(lambda c: c in "hms", rest))
        if number is None or unit not in units:
            return None
        units = units[units.index(unit) + 1 :]
        total += number * UNITS[unit]
        rest = rest[len(unit) :]
    return total if text else None


def leading_number(text: str) -> tuple[Fraction | None, str]:
    whole = "".join(takewhile(DIGITS.__contains__, text))
    rest = text[len(whole) :]
    fraction = "".join(takewhile(DIGITS.__contains__, rest[1:])) if rest[:1] == "." else ""
    number = f"{whole}.{fraction}" if fraction else whole
    return (Fraction(number) if whole else None), text[len(number) :]


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
        ("007", 7),
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("24h", 86400),
        ("1h2m3s4ms", 3723.004),
        ("2m5ms", 120.005),
        ("3s4ms", 3.004),
        ("90m90s", 5490),
        ("0h0m0s0ms", 0),
    ],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse(text) == pytest.approx(seconds)
    assert reference(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "s", "h", ".", "-1", "+1", "1e3", "1_000", "1,5", "0x10", "inf", "nan", "1 s"),
        *(" 1", "1 ", "1\n", "1s\n", ".5", "1.", "1.s", "1..5", "1.5.5", "5S", "5M", "5H", "5MS"),
        *("1sec", "1min", "1d", "1w", "1us", "1m1h", "1ms1s", "1s1m", "1s1s", "1h1h", "1h30", "m5"),
        *("٣", "３s", "1\N{ARABIC DECIMAL SEPARATOR}5", "1m\u00a030s", "²s"),
    ],
)
def test_what_is_no_duration(text: str) -> None:
    assert parse(text) is None
    assert reference(text) is None


@given(st.text("0123456789.hms", max_size=12) | st.text("019.hms -+eE_\n٣\u00b2", max_size=8))
def test_the_grammar_is_the_one_of_the_readme(text: str) -> None:
    expected = reference(text)
    if expected is None:
        assert parse(text) is None
    else:
        assert parse(text) == pytest.approx(float(expected))


@given(st.text(DIGITS, min_size=310, max_size=400), st.sampled_from(["", *UNITS]))
def test_a_number_without_bounds_is_long_and_no_error(digits: str, unit: str) -> None:
    assert parse(f"1{digits}{unit}") == math.inf


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0s"),
        (0.1, "100ms"),
        (0.0014, "1ms"),
        (0.9994, "999ms"),
        (0.9996, "1s"),
        (0.0006, "1ms"),
        (0.0004, "0s"),
        (1, "1s"),
        (2.5, "2.5s"),
        (2.04, "2s"),
        (59.94, "59.9s"),
        (59.95001, "1m"),
        (60, "1m"),
        (90, "1m30s"),
        (90.5001, "1m31s"),
        (900, "15m"),
        (3599.6, "1h"),
        (3601, "1h1s"),
        (5400, "1h30m"),
        (86400, "24h"),
    ],
)
def test_a_duration_for_a_person(seconds: float, text: str) -> None:
    assert render(seconds) == text


@given(st.floats(0, 86400))
@example(0.0)
@example(59.95)
@example(0.9999)
def test_what_a_person_is_shown_is_what_it_was(seconds: float) -> None:
    shown = parse(render(seconds))
    assert shown is not None
    precision = 0.0005 if seconds < 0.9995 else 0.05 if seconds < 59.95 else 0.5
    assert abs(shown - seconds) <= precision + 1e-9


@given(st.integers(0, 86400))
def test_whole_seconds_survive_the_round_trip(seconds: int) -> None:
    assert parse(render(float(seconds))) == seconds
