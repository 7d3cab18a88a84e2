"""The delays between polls."""

from collections.abc import Callable, Sequence

import pytest

from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.schedule import Schedule
from twilio_build_wait.text import SafeText

CAUSE = SafeText("cause")
TRANSIENT = PollError(CAUSE)
NOT_FOUND = PollError(CAUSE, ErrorKind.NOT_FOUND)
UNREACHABLE = PollError(CAUSE, is_answer=False, is_unreachable=True)
TIMEOUT = PollError(CAUSE, is_answer=False)

Uniform = Callable[[float, float], float]


def low(low: float, _high: float) -> float:
    return low


def high(_low: float, high: float) -> float:
    return high


def delays(errors: Sequence[PollError], uniform: Uniform = high) -> list[float | None]:
    """Return the delays after errors at the start of the wait."""
    schedule = Schedule(1, 10, uniform)
    return [schedule.after_error(error, 0) for error in errors]


# Seconds waited -> the interval, without jitter.
INTERVALS = {0: 1, 100: 4, 299: 9.97, 3000: 10}


@pytest.mark.parametrize("uniform, factor", [(low, 0.9), (high, 1.1)])
def test_interval_grows_by_3_percent_of_the_wait(uniform: Uniform, factor: float) -> None:
    schedule = Schedule(1, 10, uniform)
    for elapsed, interval in INTERVALS.items():
        assert schedule.after_success(elapsed) == pytest.approx(interval * factor)


def test_backoff_doubles_up_to_30_s() -> None:
    assert delays([TRANSIENT] * 2000)[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert delays([TRANSIENT] * 2, low) == [0, 0]


def test_retry_after_is_a_lower_bound() -> None:
    for seconds in (0, 7):
        error = PollError(CAUSE, retry_after=seconds)
        assert delays([error], low) + delays([error]) == [seconds, seconds + 1]
    assert delays([*[TRANSIENT] * 4, PollError(CAUSE, retry_after=3)])[-1] == 16


def test_404_is_retried_every_second_for_10_s() -> None:
    assert delays([NOT_FOUND], low) + delays([NOT_FOUND]) == pytest.approx([0.9, 1.1])
    schedule = Schedule(1, 10, high)
    schedule.after_error(NOT_FOUND, 5)
    schedule.after_error(TRANSIENT, 9)
    assert schedule.after_error(NOT_FOUND, 14.9) is not None
    assert schedule.after_error(NOT_FOUND, 15) is None
    schedule.after_success(16)
    assert schedule.after_error(NOT_FOUND, 20) is not None
    assert schedule.after_error(NOT_FOUND, 29.9) is not None


def test_unreachable_is_permanent_after_60_s_without_another_error() -> None:
    schedule = Schedule(1, 10, high)
    assert schedule.after_error(UNREACHABLE, 2) == 1
    schedule.after_error(TIMEOUT, 30)
    assert schedule.after_error(UNREACHABLE, 62) is not None
    assert schedule.after_error(UNREACHABLE, 121.9) is not None
    assert schedule.after_error(UNREACHABLE, 122) is None
    assert not schedule.is_answered


@pytest.mark.parametrize("answer", [TRANSIENT, NOT_FOUND])
def test_unreachable_is_transient_once_something_answered(answer: PollError) -> None:
    schedule = Schedule(1, 10, high)
    schedule.after_error(UNREACHABLE, 0)
    schedule.after_error(answer, 1)
    assert schedule.is_answered
    for elapsed in (2, 100, 1000):
        assert schedule.after_error(UNREACHABLE, elapsed) is not None
