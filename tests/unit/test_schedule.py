"""The delays between polls."""

import math

import pytest

from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.schedule import Schedule
from twilio_build_wait.text import SafeText

CAUSE = SafeText("cause")
TRANSIENT = PollError(CAUSE)
NOT_FOUND = PollError(CAUSE, ErrorKind.NOT_FOUND)
PERMANENT = PollError(CAUSE, ErrorKind.PERMANENT)
UNREACHABLE = PollError(CAUSE, is_answer=False, is_unreachable=True)
TIMEOUT = PollError(CAUSE, is_answer=False)

# Interval, longest interval, time waited -> the middle of the next delay, in seconds.
INTERVALS = {
    "at the start": (1, 10, 0, 1),
    "3 % of the time waited is added": (1, 10, 100, 4),
    "max-interval is the limit": (1, 10, 299, 9.97),
    "beyond the limit": (1, 10, 3000, 10),
    "equal": (5, 5, 60, 5),
}


def low(low: float, _high: float) -> float:
    return low


def high(_low: float, high: float) -> float:
    return high


def make(uniform: object = high, interval: float = 1, longest: float = 10) -> Schedule:
    assert callable(uniform)
    return Schedule(interval, longest, uniform)


@pytest.mark.parametrize("interval, longest, elapsed, middle", INTERVALS.values(), ids=INTERVALS)
def test_interval_grows_with_the_wait(
    interval: float, longest: float, elapsed: float, middle: float
) -> None:
    for uniform, factor in ((low, 0.9), (high, 1.1)):
        delay = make(uniform, interval, longest).after_success(elapsed)
        assert delay == pytest.approx(middle * factor)


def test_backoff_doubles_up_to_30_s() -> None:
    schedule = make(high)
    delays = [schedule.after_error(TRANSIENT, 0) for _ in range(8)]
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    assert make(low).after_error(TRANSIENT, 0) == 0


def test_backoff_survives_thousands_of_errors() -> None:
    schedule = make(high)
    assert [schedule.after_error(TRANSIENT, 0) for _ in range(2000)][-1] == 30


def test_success_resets_the_backoff() -> None:
    schedule = make(high)
    schedule.after_error(TRANSIENT, 0)
    schedule.after_success(0)
    assert schedule.after_error(TRANSIENT, 0) == 1


@pytest.mark.parametrize(
    "uniform, seconds, delay", [(low, 7, 7), (high, 7, 8), (low, 0, 0), (high, 0, 1)]
)
def test_retry_after_is_a_lower_bound(uniform: object, seconds: float, delay: float) -> None:
    error = PollError(CAUSE, retry_after=seconds)
    assert make(uniform).after_error(error, 0) == delay


def test_longer_backoff_beats_retry_after() -> None:
    schedule = make(high)
    for _ in range(4):
        schedule.after_error(TRANSIENT, 0)
    assert schedule.after_error(PollError(CAUSE, retry_after=3), 0) == 16


def test_permanent_error_has_no_delay() -> None:
    assert make().after_error(PERMANENT, 0) is None


def test_404_is_retried_every_second_for_10_s() -> None:
    schedule = make(low)
    assert schedule.after_error(NOT_FOUND, 5) == pytest.approx(0.9)
    assert make(high).after_error(NOT_FOUND, 5) == pytest.approx(1.1)
    assert schedule.after_error(NOT_FOUND, 14.9) is not None
    assert schedule.after_error(NOT_FOUND, 15) is None


def test_404_does_not_touch_the_backoff() -> None:
    schedule = make(high)
    delays = [schedule.after_error(error, 0) for error in (TRANSIENT, NOT_FOUND, TRANSIENT)]
    assert delays == pytest.approx([1, 1.1, 2])


def test_success_starts_the_10_s_of_a_404_anew_and_an_error_does_not() -> None:
    schedule = make()
    schedule.after_error(NOT_FOUND, 0)
    schedule.after_error(TRANSIENT, 5)
    assert schedule.after_error(NOT_FOUND, 10) is None
    schedule.after_success(11)
    assert schedule.after_error(NOT_FOUND, 20.9) is not None


def test_unreachable_is_permanent_after_60_s() -> None:
    schedule = make()
    assert [schedule.after_error(UNREACHABLE, elapsed) for elapsed in (2, 61.9)] == [1, 2]
    assert schedule.after_error(UNREACHABLE, 62) is None
    assert not schedule.is_answered


def test_another_error_starts_the_60_s_anew() -> None:
    schedule = make()
    schedule.after_error(UNREACHABLE, 0)
    schedule.after_error(TIMEOUT, 30)
    assert schedule.after_error(UNREACHABLE, 60) is not None
    assert schedule.after_error(UNREACHABLE, 119) is not None
    assert schedule.after_error(UNREACHABLE, 120) is None


@pytest.mark.parametrize("answer", [TRANSIENT, NOT_FOUND, None], ids=["error", "404", "success"])
def test_unreachable_is_transient_for_ever_once_something_answered(
    answer: PollError | None,
) -> None:
    schedule = make()
    if answer:
        schedule.after_error(answer, 0)
    else:
        schedule.after_success(0)
    assert schedule.is_answered
    for elapsed in (1, 100, 1000):
        assert schedule.after_error(UNREACHABLE, elapsed) is not None


def test_jitter_is_drawn_between_the_bounds() -> None:
    drawn = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return math.nan

    schedule = make(uniform)
    schedule.after_success(0)
    schedule.after_error(PollError(CAUSE, retry_after=3), 0)
    schedule.after_error(NOT_FOUND, 0)
    assert drawn == [(0.9, 1.1), (0, 1), (0, 1), (0.9, 1.1)]
