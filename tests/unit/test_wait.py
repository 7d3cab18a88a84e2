"""The wait as a state machine in virtual time: deadlines, endings and reasons."""

import signal
from dataclasses import replace
from itertools import cycle
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clocks import VirtualClock
from twilio_build_wait.durations import render
from twilio_build_wait.model import BuildStatus, Ending, ErrorKind, Outcome, PollError, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.text import SafeText
from twilio_build_wait.wait import Limits, Wait, poll_until_the_end

MINUTE, UNKNOWN = Limits(60, 1, 10), Progress()
BUILDING = BuildStatus("building")
ADVICE = SafeText("Check the SID")
ERROR = PollError(SafeText("HTTP 500"), message=SafeText("x" * 5000), advice=ADVICE)
SILENCE = replace(ERROR, is_answer=False)
DENIED = replace(ERROR, kind=ErrorKind.PERMANENT)


class Bench:
    """One wait, and the clock that it goes by. `share` is where in a range a delay lies."""

    def __init__(
        self, limits: Limits = MINUTE, known: Progress = UNKNOWN, share: float = 0.5
    ) -> None:
        self.clock = VirtualClock()
        self.wait = Wait(
            limits,
            known,
            clock=self.clock.now,
            uniform=lambda low, high: low + share * (high - low),
            show=Redactor(["sw0rdfish"]).piece,
        )

    def poll(self, result: BuildStatus | PollError, seconds: float = 0) -> float | Outcome:
        """Begin a poll now, and end it so many seconds later, or when its time is up."""
        self.clock.sleep(min(seconds, self.wait.begin_poll()))
        return self.wait.step(result)


# What Twilio says -> the output `status`.
STATUSES = {"building": "building", "x" * 40: "x" * 40, "TOKEN-sw0rdfish": ""}
STATUSES |= dict.fromkeys(("COMPLETED", "Failed", "completed ", "", "x" * 41, "queued\n"), "")


@pytest.mark.parametrize("status", STATUSES)
def test_any_other_status_goes_on(status: str) -> None:
    bench = Bench()
    assert bench.poll(BuildStatus(status)) == 1
    assert (bench.wait.outcome, bench.wait.progress.status) == (None, STATUSES[status])


def test_progress_keeps_what_twilio_reported_last() -> None:
    bench = Bench(known=Progress("ZB0", "name", url="https://before"))
    bench.poll(BuildStatus("building", "", "AC1", "ZS1", "https://1", SafeText("new")))
    bench.poll(BUILDING)
    expected = Progress("ZB0", "ZS1", "AC1", "https://1", "building", 0, 2, SafeText("new"))
    assert bench.wait.progress == expected
    bench.poll(BuildStatus("a", "ZB2", "AC2", "ZS2", "https://sw0rdfish", SafeText("newer")))
    expected = Progress("ZB2", "ZS2", "AC2", "https://1", "a", 0, 3, SafeText("newer"))
    assert bench.wait.progress == expected


# Timeout, time waited, the longest that the next poll may take, all in seconds.
POLL_LIMITS = [(0, 0, 5), (3, 0, 8), (60, 55, 10), (60, 58, 7), (60, 60, 5), (60, 600, 5)]


@pytest.mark.parametrize("timeout, elapsed, limit", POLL_LIMITS)
def test_last_poll_gets_5_s_and_others_10_s(timeout: float, elapsed: float, limit: float) -> None:
    bench = Bench(Limits(timeout, 1, 10))
    bench.clock.sleep(7)  # before the wait
    bench.wait.begin_poll()
    bench.clock.sleep(elapsed)
    assert bench.wait.begin_poll() == pytest.approx(limit)
    assert bench.wait.elapsed == pytest.approx(elapsed)
    assert bench.wait.progress.polls == 2


@pytest.mark.parametrize("error, seconds", [(DENIED, 0), (ERROR, 60), (SILENCE, 60)])
def test_foreign_text_of_a_reason_is_cut_first(error: PollError, seconds: float) -> None:
    bench = Bench()
    bench.wait.begin_poll()
    bench.clock.sleep(seconds)
    outcome = bench.poll(error)
    assert isinstance(outcome, Outcome)
    assert len(outcome.reason) == 500
    assert "HTTP 500: xxx" in outcome.reason
    assert "xxx…" in outcome.reason
    assert outcome.reason.endswith("x…" if error is ERROR else ADVICE)


@pytest.mark.parametrize("polls", [0, 2])
def test_signal_before_or_during_a_poll_cancels(polls: int) -> None:
    bench = Bench()
    sleep = bench.clock.sleep if polls else VirtualClock(signal_at=0).sleep
    poll = mock.Mock(side_effect=[BUILDING, Cancelled(signal.SIGTERM)])
    outcome = poll_until_the_end(bench.wait, poll, mock.Mock(), sleep)
    assert (outcome.ending, outcome.progress.polls) == (Ending.TERMINATED, polls)
    before = "before a poll; Twilio has not reported a status"
    after = f"after {render(outcome.progress.elapsed)}; the last status was 'building'"
    assert outcome.reason == f"cancelled by SIGTERM {after if polls else before}"


# --- whatever the server says, and however long it takes ------------------------------------------

ERRORS = st.builds(
    PollError,
    cause=st.integers(1, 700).map(lambda size: SafeText("c" * size)),
    kind=st.sampled_from(ErrorKind),
    message=st.integers(0, 900).map(lambda size: SafeText("m" * size)),
    advice=st.just(ADVICE),
    retry_after=st.none() | st.floats(0, 1e9),
    is_answer=st.booleans(),
)
REPORTED = st.sampled_from(["building", "completed", "failed", "Completed", "queued", ""])
#: The result of each poll, and how long it takes in seconds.
POLLS = st.lists(st.tuples(REPORTED.map(BuildStatus) | ERRORS, st.floats(0, 20)), min_size=1)
LIMITS = st.builds(
    lambda timeout, interval, more: Limits(timeout, interval, interval + more),
    st.floats(0, 90),
    st.floats(1, 60),
    st.floats(0, 60),
)


@settings(max_examples=30, deadline=None)
@given(POLLS, LIMITS, st.floats(0.05, 1))
def test_only_completed_is_success_and_the_wait_ends_in_time(
    polls: list[tuple[BuildStatus | PollError, float]], limits: Limits, share: float
) -> None:
    bench = Bench(limits, share=share)
    wait = bench.wait
    for number, (result, seconds) in enumerate(cycle(polls), 1):
        assert wait.elapsed <= limits.timeout + 1e-3  # there is one poll at the deadline
        following = bench.poll(result, seconds)
        assert wait.progress.polls == number
        status = result.status if isinstance(result, BuildStatus) else None
        if isinstance(following, Outcome):
            assert (following.ending is Ending.COMPLETED) == (status == "completed")
            assert (following.ending is Ending.FAILED) == (status == "failed")
            assert following.ending is not Ending.TIMED_OUT or wait.elapsed >= limits.timeout
            assert wait.elapsed <= limits.timeout + 5 + 1e-3
            assert len(following.reason) <= 500
            assert wait.cancel(signal.SIGTERM) is following
            return
        assert status not in {"completed", "failed"}
        bench.clock.sleep(following)
