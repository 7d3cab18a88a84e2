"""The delays between polls, and which errors are permanent."""

from collections.abc import Sequence

import pytest

from tests.support import samples
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.schedule import Schedule, Uniform
from twilio_build_wait.settings import read

CAUSE = message("cause")
TRANSIENT = PollError(CAUSE)
NOT_FOUND = PollError(CAUSE, ErrorKind.NOT_FOUND)
UNSENT = PollError(CAUSE, reach=Reach.NOWHERE)


def make_schedule(uniform: Uniform = max, **changes: str) -> Schedule:
    """Make a schedule whose delays are at an end of their range: `min` or `max` of it."""
    return Schedule(read(samples.environment(**changes)), uniform)


def delays(errors: Sequence[PollError], uniform: Uniform = max) -> list[float | None]:
    """Return the delays after errors at the start of the wait."""
    schedule = make_schedule(uniform)
    return [schedule.after_error(error, 0) for error in errors]


# Seconds waited -> the interval, without jitter.
INTERVALS: dict[float, float] = {0: 1.0, 100: 4.0, 133: 4.99, 134: 5.0, 3000: 5.0}


@pytest.mark.parametrize("uniform, factor", [(min, 0.9), (max, 1.1)])
@pytest.mark.parametrize("elapsed", INTERVALS)
def test_interval_grows_by_3_percent_of_the_wait_up_to_5_s(
    elapsed: float, uniform: Uniform, factor: float
) -> None:
    delay = make_schedule(uniform).after_success(elapsed)
    assert delay == pytest.approx(INTERVALS[elapsed] * factor)


def test_interval_and_max_interval_are_inputs() -> None:
    schedule = make_schedule(TWILIO_BUILD_INTERVAL="7s", TWILIO_BUILD_MAX_INTERVAL="8s")
    assert [schedule.after_success(elapsed) / 1.1 for elapsed in (0, 900)] == pytest.approx([7, 8])


def test_backoff_is_from_0_to_a_limit_that_doubles_up_to_30_s() -> None:
    assert delays([TRANSIENT] * 2000)[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert delays([TRANSIENT] * 2, min) == [0, 0]


def test_success_starts_the_backoff_again() -> None:
    schedule = make_schedule()
    schedule.after_error(TRANSIENT, 0)
    schedule.after_success(1)
    assert schedule.after_error(TRANSIENT, 2) == 1


@pytest.mark.parametrize("seconds", [0, 7])
@pytest.mark.parametrize("uniform, more", [(min, 0), (max, 1)])
def test_delay_is_at_least_retry_after(seconds: float, uniform: Uniform, more: float) -> None:
    assert delays([PollError(CAUSE, retry_after=seconds)], uniform) == [seconds + more]


def test_longer_backoff_precedes_retry_after() -> None:
    assert delays([*[TRANSIENT] * 4, PollError(CAUSE, retry_after=3)])[-1] == 16


@pytest.mark.parametrize("uniform, delay", [(min, 0.9), (max, 1.1)])
def test_404_is_retried_every_second(uniform: Uniform, delay: float) -> None:
    assert delays([NOT_FOUND], uniform) == [delay]


def test_404_neither_counts_as_transient_nor_resets_their_count() -> None:
    assert delays([TRANSIENT, NOT_FOUND, TRANSIENT]) == [1, 1.1, 2]


LOCAL, SENT = PollError(CAUSE, reach=Reach.LOCAL), PollError(CAUSE, reach=Reach.SENT)
# The results of polls by the second in which they come; None is a success.
Results = dict[float, PollError | None]
PERMANENT: dict[str, Results] = {
    "permanent error": {0: PollError(CAUSE, ErrorKind.PERMANENT)},
    "404 for 10 s": {5: NOT_FOUND, 9: TRANSIENT, 15: NOT_FOUND},
    "404 for 10 s after a success": {5: NOT_FOUND, 6: None, 7: NOT_FOUND, 17: NOT_FOUND},
    "never sent for 60 s": {0: UNSENT, 60: UNSENT},
    "never sent, at first for a local shortage": {0: LOCAL, 60: UNSENT},
}
RETRIED: dict[str, Results] = {
    "404 for less than 10 s": {5: NOT_FOUND, 14.9: NOT_FOUND},
    "404 for 10 s with a success": {5: NOT_FOUND, 6: None, 7: NOT_FOUND, 16.9: NOT_FOUND},
    "never sent for less than 60 s": {0: UNSENT, 59.9: UNSENT},
    "local shortage": {0: UNSENT, 60: LOCAL},
    "sent once": {0: SENT, 900: UNSENT},
    "sent after 60 s": {0: UNSENT, 60: SENT},
    "answered once": {0: UNSENT, 1: TRANSIENT, 900: UNSENT},
    "404 once": {0: NOT_FOUND, 900: UNSENT},
    "success once": {0: None, 900: UNSENT},
}


def last_delay(results: Results) -> float | None:
    schedule = make_schedule()
    delay: float | None = 0.0
    for elapsed, error in results.items():
        after_error, after_success = schedule.after_error, schedule.after_success
        delay = after_error(error, elapsed) if error else after_success(elapsed)
    return delay


@pytest.mark.parametrize("results", PERMANENT.values(), ids=PERMANENT)
def test_error_is_permanent(results: Results) -> None:
    assert last_delay(results) is None


@pytest.mark.parametrize("results", RETRIED.values(), ids=RETRIED)
def test_error_is_retried(results: Results) -> None:
    assert last_delay(results) is not None
