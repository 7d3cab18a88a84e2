"""The wait as a state machine in virtual time: deadlines, endings and reasons."""

import signal
from dataclasses import dataclass, field, replace

import pytest

from tests.support.clocks import VirtualClock
from tests.support.samples import ACCOUNT_SID, BUILD_SID, SERVICE_SID, STATUS_URL, TOKEN
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
LONG = SafeText("x" * 5000)


class Bench:
    """One wait, and the clock that it goes by."""

    def __init__(self, timeout: float = 60, known: Progress | None = None) -> None:
        self.clock = VirtualClock()
        self.wait = Wait(
            Limits(timeout, 1, 10),
            known or Progress(),
            clock=self.clock.now,
            uniform=lambda low, high: (low + high) / 2,
            show=Redactor([TOKEN]).piece,
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
STATUSES = {
    "building": "building",
    "COMPLETED": "",
    "Failed": "",
    "completed ": "",
    "in progress": "",
    "": "",
    "x" * 40: "x" * 40,
    "x" * 41: "",
    "queued\n": "",
}


@pytest.mark.parametrize("status", STATUSES)
def test_any_other_status_goes_on(status: str) -> None:
    bench = Bench()
    assert bench.poll(BuildStatus(status)) == 1
    assert (bench.wait.outcome, bench.wait.progress.status) == (None, STATUSES[status])


def test_status_that_is_a_credential_is_no_output() -> None:
    bench = Bench()
    bench.wait = Wait(
        Limits(0, 1, 10),
        Progress(),
        clock=bench.clock.now,
        uniform=max,
        show=Redactor(["sw0rdfish"]).piece,
    )
    outcome = bench.end(BuildStatus("sw0rdfish", service_sid="sw0rdfish"))
    assert (outcome.progress.status, outcome.progress.service_sid) == ("", "")
    assert "sw0rdfish" not in outcome.reason


def test_progress_keeps_what_twilio_reported_last() -> None:
    known = Progress(BUILD_SID, "name", url="https://before.test")
    bench = Bench(known=known)
    bench.poll(BuildStatus("building", "", ACCOUNT_SID, SERVICE_SID, STATUS_URL, SafeText("new")))
    bench.poll(BUILDING)
    assert bench.wait.progress == Progress(
        BUILD_SID, SERVICE_SID, ACCOUNT_SID, STATUS_URL, "building", 0, 2, SafeText("new")
    )
    bench.poll(BuildStatus("a", "ZB", "AC", "ZS", f"https://{TOKEN}", SafeText("newer")))
    assert bench.wait.progress == Progress(
        "ZB", "ZS", "AC", STATUS_URL, "a", 0, 3, SafeText("newer")
    )


# Timeout, time waited -> the longest that the next poll may take.
POLL_LIMITS = {
    "no timeout": (0, 0, 5),
    "short timeout": (3, 0, 8),
    "5 s left": (60, 55, 10),
    "2 s left": (60, 58, 7),
    "at the deadline": (60, 60, 5),
    "suspended past the deadline": (60, 600, 5),
    "long before": (900, 10, 10),
}


@pytest.mark.parametrize("timeout, elapsed, limit", POLL_LIMITS.values(), ids=POLL_LIMITS)
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


def test_verdict_of_the_last_poll_counts() -> None:
    assert Bench(0).end(COMPLETED, 4).ending is Ending.COMPLETED


def test_timeout_names_the_last_status_and_the_last_error() -> None:
    bench = Bench(10)
    bench.poll(BUILDING)
    reason = bench.end(ERROR, 10).reason
    assert "'building'" in reason
    assert "the last poll failed: HTTP 500: oops" in reason
    assert "Nothing has ever answered" not in reason


def test_timeout_without_any_answer_advises_no_longer_timeout() -> None:
    outcome = Bench(10).end(SILENCE, 10)
    assert "not reported a status" in outcome.reason
    assert outcome.reason.endswith(f"Nothing has ever answered. {ADVICE}")
    assert outcome.advice == Ending.REJECTED.advice


def test_permanent_error_ends_the_wait() -> None:
    outcome = Bench().end(DENIED)
    assert (outcome.ending, outcome.reason) == (Ending.REJECTED, f"HTTP 500: oops. {ADVICE}")
    assert Bench().end(replace(DENIED, advice=SafeText(""))).reason == "HTTP 500: oops"


def test_404_is_retried_and_rejected_at_the_deadline() -> None:
    assert Bench(11).poll(NOT_FOUND, 9) == 1
    assert Bench(10).end(NOT_FOUND, 10).ending is Ending.REJECTED


LONG_REASONS: dict[str, tuple[PollError, float, list[str]]] = {
    "rejected": (replace(DENIED, message=LONG), 0, ["HTTP 500: x", f"…. {ADVICE}"]),
    "timed out": (replace(ERROR, message=LONG), 60, ["within 1m", "HTTP 500: x", "x…"]),
    "never answered": (replace(SILENCE, message=LONG), 60, ["HTTP 500: x", str(ADVICE)]),
}


@pytest.mark.parametrize("error, seconds, words", LONG_REASONS.values(), ids=LONG_REASONS)
def test_foreign_text_of_a_reason_is_cut_first(
    error: PollError, seconds: float, words: list[str]
) -> None:
    reason = Bench().end(error, seconds).reason
    assert len(reason) == 500
    assert [word for word in words if word not in reason] == []


def test_long_status_does_not_push_the_error_out_of_the_reason() -> None:
    bench = Bench()
    bench.poll(BuildStatus("s" * 600))
    reason = bench.end(ERROR, 60).reason
    assert f"'{'s' * 59}…'" in reason
    assert "HTTP 500: oops" in reason


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
    assert bench.wait.cancel(signal.SIGTERM) is outcome is bench.wait.outcome


def test_invalid_inputs_and_bugs_are_endings() -> None:
    outcome = Bench().wait.reject_inputs(SafeText("timeout"))
    assert (outcome.ending, outcome.reason) == (Ending.INVALID, "timeout")
    outcome = Bench().wait.crash()
    assert outcome.ending is Ending.ERROR
    assert "bug" in outcome.reason


@dataclass
class Record:
    """An observer that notes what it sees."""

    seen: list[object] = field(default_factory=list)

    def poll_started(self, progress: Progress) -> None:
        self.seen.append(progress.polls)

    def poll_succeeded(self, progress: Progress, status: BuildStatus) -> None:
        self.seen.append((progress.status, status.status))

    def poll_failed(self, progress: Progress, error: PollError, delay: float | None) -> None:
        self.seen.append((progress.status, error.cause, delay))


def run(bench: Bench, *results: BuildStatus | PollError | Cancelled) -> list[object]:
    """Run a wait to its end and return what the observer saw."""
    left, record = list(results), Record()

    def poll(limit: float) -> BuildStatus | PollError:
        assert limit == 10
        result = left.pop(0)
        if isinstance(result, Cancelled):
            raise result
        return result

    assert poll_until_the_end(bench.wait, poll, record, bench.clock.sleep) is bench.wait.outcome
    assert not left
    return record.seen


def test_observer_sees_every_poll() -> None:
    bench = Bench()
    seen = run(bench, ERROR, BUILDING, DENIED)
    expected = [1, ("", "HTTP 500", 0.5), 2, ("building", "building"), 3]
    assert seen == [*expected, ("building", "HTTP 500", None)]
    assert bench.clock.elapsed == pytest.approx(0.5 + 1.015)


def test_signal_before_the_first_poll_starts_none() -> None:
    bench = Bench()
    bench.clock = VirtualClock(signal_at=0)
    assert run(bench) == []
    assert bench.wait.progress.polls == 0
    assert bench.wait.outcome
    assert bench.wait.outcome.ending is Ending.TERMINATED


def test_signal_during_a_poll_cancels() -> None:
    bench = Bench()
    assert run(bench, BUILDING, Cancelled(signal.SIGINT))[-1] == 2
    assert bench.wait.outcome
    assert bench.wait.outcome.ending is Ending.INTERRUPTED
