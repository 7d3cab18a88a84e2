"""The wait as a state machine in virtual time: deadlines, endings and reasons."""

import signal
from dataclasses import replace
from unittest import mock

import pytest

from tests.support.clocks import VirtualClock
from twilio_build_wait.model import BuildStatus, Ending, ErrorKind, Outcome, PollError, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.text import SafeText
from twilio_build_wait.wait import Limits, Wait, poll_until_the_end

BUILDING, COMPLETED, FAILED = map(BuildStatus, ("building", "completed", "failed"))
ADVICE = SafeText("Check the SID")
ERROR = PollError(SafeText("HTTP 500"), message=SafeText("oops"), advice=ADVICE)
SILENCE = replace(ERROR, is_answer=False)
DENIED = replace(ERROR, kind=ErrorKind.PERMANENT)
NOT_FOUND = replace(ERROR, kind=ErrorKind.NOT_FOUND)


class Bench:
    """One wait, and the clock that it goes by."""

    def __init__(self, timeout: float = 60, known: Progress | None = None) -> None:
        self.clock = VirtualClock()
        self.wait = Wait(
            Limits(timeout, 1, 10),
            known or Progress(),
            clock=self.clock.now,
            uniform=lambda low, high: (low + high) / 2,
            show=Redactor(["sw0rdfish"]).piece,
        )

    def poll(self, result: BuildStatus | PollError, seconds: float = 0) -> float | Outcome:
        """Begin a poll now, and end it so many seconds later."""
        self.wait.begin_poll()
        self.clock.sleep(seconds)
        return self.wait.step(result)

    def end(self, result: BuildStatus | PollError, seconds: float = 0) -> Outcome:
        outcome = self.poll(result, seconds)
        assert isinstance(outcome, Outcome)
        assert outcome is self.wait.outcome
        return outcome


@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.FAILED])
def test_verdict_ends_the_wait(ending: Ending) -> None:
    outcome = Bench().end(BuildStatus(ending.outcome))
    assert (outcome.ending, outcome.advice) == (ending, ending.advice)
    assert outcome.progress.status == ending.outcome
    assert ("failed" in outcome.reason) is (ending is Ending.FAILED)


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
    bench = Bench(timeout)
    bench.clock.sleep(7)  # before the wait
    bench.wait.begin_poll()
    bench.clock.sleep(elapsed)
    assert bench.wait.begin_poll() == pytest.approx(limit)
    assert bench.wait.elapsed == pytest.approx(elapsed)
    assert bench.wait.progress.polls == 2


def test_delay_ends_at_the_deadline() -> None:
    bench = Bench(10)
    assert bench.poll(BUILDING, 9.5) == pytest.approx(0.5)
    bench = Bench(10)
    assert bench.poll(replace(ERROR, retry_after=100), 4) == pytest.approx(6)


def test_poll_that_ends_at_the_deadline_is_the_last() -> None:
    outcome = Bench(10).end(BUILDING, 10)
    assert (outcome.ending, outcome.advice) == (Ending.TIMED_OUT, Ending.TIMED_OUT.advice)
    assert "no verdict within 10s" in outcome.reason
    assert "'building'" in outcome.reason


def test_timeout_without_any_answer_advises_no_longer_timeout() -> None:
    outcome = Bench(10).end(SILENCE, 10)
    assert "not reported a status" in outcome.reason
    assert outcome.reason.endswith(f"Nothing has ever answered. {ADVICE}")
    assert outcome.advice == Ending.REJECTED.advice


def test_permanent_error_ends_the_wait() -> None:
    outcome = Bench().end(DENIED)
    assert (outcome.ending, outcome.reason) == (Ending.REJECTED, f"HTTP 500: oops. {ADVICE}")
    assert Bench().end(replace(DENIED, advice=SafeText(""))).reason == "HTTP 500: oops"


@pytest.mark.parametrize("error, seconds", [(DENIED, 0), (ERROR, 60), (SILENCE, 60)])
def test_foreign_text_of_a_reason_is_cut_first(error: PollError, seconds: float) -> None:
    reason = Bench().end(replace(error, message=SafeText("x" * 5000)), seconds).reason
    assert len(reason) == 500
    assert "HTTP 500: xxx" in reason
    assert "xxx…" in reason
    assert reason.endswith("x…" if error is ERROR else ADVICE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_cancels(number: int) -> None:
    bench = Bench()
    outcome = bench.wait.cancel(number)
    assert outcome.ending is Ending.of_signal(number)
    assert "before a poll" in outcome.reason
    bench = Bench()
    bench.poll(BUILDING)
    bench.clock.sleep(90)
    outcome = bench.wait.cancel(number)
    assert outcome.progress.elapsed == pytest.approx(90)
    for word in (signal.Signals(number).name, "after 1m30s", "'building'"):
        assert word in outcome.reason


def test_signal_after_a_verdict_changes_nothing() -> None:
    bench = Bench()
    outcome = bench.end(FAILED)
    assert bench.wait.cancel(signal.SIGTERM) is outcome


def test_every_poll_is_reported() -> None:
    bench, report = Bench(), mock.Mock()
    polls = mock.Mock(side_effect=[ERROR, BUILDING, DENIED])
    outcome = poll_until_the_end(bench.wait, polls, report, bench.clock.sleep)
    assert outcome is bench.wait.outcome
    assert bench.clock.elapsed == pytest.approx(0.5 + 1.015)
    calls = [(call.args[0].polls, *call.args[1:]) for call in report.mock_calls]
    assert calls[0::2] == [(1, ERROR, 0.5), (3, DENIED, None)]
    assert calls[1] == (2, BUILDING, pytest.approx(1.015))


@pytest.mark.parametrize("polls", [0, 2])
def test_signal_before_or_during_a_poll_cancels(polls: int) -> None:
    bench = Bench()
    sleep = bench.clock.sleep if polls else VirtualClock(signal_at=0).sleep
    poll = mock.Mock(side_effect=[BUILDING, Cancelled(signal.SIGTERM)])
    outcome = poll_until_the_end(bench.wait, poll, mock.Mock(), sleep)
    assert (outcome.ending, outcome.progress.polls) == (Ending.TERMINATED, polls)
