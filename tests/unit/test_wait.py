"""The wait as a state machine in virtual time: deadlines, endings, reasons and advice."""

import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.support import samples
from tests.support.clocks import VirtualClock
from tests.support.samples import ACCOUNT_SID, BUILD_SID, OTHER_SERVICE_SID, SERVICE_SID, STATUS_URL
from twilio_build_wait.inputs import TIMEOUT
from twilio_build_wait.model import (
    BuildStatus,
    Ending,
    ErrorKind,
    Latest,
    Outcome,
    PollError,
    PollResult,
    Progress,
    Reach,
)
from twilio_build_wait.safe_text import Message, join, message
from twilio_build_wait.settings import read
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.wait import Wait, poll_until_the_end

BUILDING, COMPLETED, FAILED = map(BuildStatus, ("building", "completed", "failed"))
LATEST = Latest(BUILD_SID, "2026-10-01 11:58:00", "2m", message("only 20 builds were read"))
ERROR = PollError(message("HTTP 500"), advice=message("Check it"))
NOT_FOUND = replace(ERROR, kind=ErrorKind.NOT_FOUND)
DENIED = replace(ERROR, kind=ErrorKind.PERMANENT)


class TimedWait:
    """A wait, and the clock that it goes by. `share` is where in a range a delay lies."""

    share = 0.5

    def __init__(self, **inputs: str) -> None:
        self.clock = VirtualClock()
        settings = read(samples.environment(**{"TWILIO_BUILD_TIMEOUT": "50s", **inputs}))
        self.timeout = settings[TIMEOUT]
        self.wait = Wait(settings, self.clock.now, self.uniform)

    def uniform(self, low: float, high: float) -> float:
        return low + self.share * (high - low)

    def poll(self, result: PollResult, seconds: float = 0) -> float | Outcome:
        """Begin a poll now, and end it so many seconds later, or when its time is up."""
        self.clock.sleep(min(seconds, self.wait.begin_poll()))
        return self.wait.step(result)

    def end(self, *results: PollResult) -> Outcome:
        """Return the outcome after these results; the last one comes at the deadline."""
        *earlier, last = results
        self.wait.begin_poll()
        for result in earlier:
            self.wait.step(result)
        self.clock.sleep(self.timeout)
        outcome = self.wait.step(last)
        assert isinstance(outcome, Outcome)
        return outcome


# --- statuses and progress ------------------------------------------------------------------------

# What Twilio says -> the output `status`.
STATUSES = {
    "building": "building",
    "x" * 40: "x" * 40,
    "x" * 41: "",
    "COMPLETED": "",
    "Failed": "",
    "completed ": "",
    "queued\n": "",
    "": "",
}


@pytest.mark.parametrize("status", STATUSES)
def test_any_other_status_goes_on(status: str) -> None:
    timed = TimedWait()
    assert timed.poll(BuildStatus(status)) == 1
    assert timed.wait.progress.status == STATUSES[status]


def test_progress_has_the_inputs_before_the_first_poll() -> None:
    assert TimedWait().wait.progress == Progress(BUILD_SID, SERVICE_SID, url=STATUS_URL)


def test_progress_names_no_build_until_latest_is_known() -> None:
    assert TimedWait(TWILIO_BUILD_SID="latest").wait.progress == Progress("", SERVICE_SID)


def test_progress_keeps_what_twilio_reported_last() -> None:
    timed = TimedWait(TWILIO_BUILD_SID="latest")
    timed.poll(BuildStatus("building", ACCOUNT_SID, OTHER_SERVICE_SID, "https://1", LATEST))
    timed.poll(BuildStatus("queued"))
    assert timed.wait.progress == Progress(
        BUILD_SID, OTHER_SERVICE_SID, ACCOUNT_SID, "https://1", "queued", 0, 2, LATEST
    )


# Timeout, time waited, the longest that the next poll may take, all in seconds.
POLL_LIMITS = [(0, 0, 5), (3, 0, 8), (60, 55, 10), (60, 58, 7), (60, 60, 5), (60, 600, 5)]


@pytest.mark.parametrize("timeout, elapsed, limit", POLL_LIMITS)
def test_last_poll_gets_5_s_and_others_10_s(timeout: int, elapsed: float, limit: float) -> None:
    timed = TimedWait(TWILIO_BUILD_TIMEOUT=f"{timeout}s")
    timed.clock.sleep(7)  # before the wait
    timed.wait.begin_poll()
    timed.clock.sleep(elapsed)
    assert timed.wait.begin_poll() == pytest.approx(limit)


def test_time_counts_from_the_first_poll() -> None:
    timed = TimedWait()
    timed.clock.sleep(7)
    before = timed.wait.elapsed
    timed.wait.begin_poll()
    timed.clock.sleep(2)
    assert [before, timed.wait.elapsed] == pytest.approx([0, 2])


def test_next_poll_is_not_after_the_deadline() -> None:
    assert TimedWait(TWILIO_BUILD_TIMEOUT="600ms").poll(BUILDING) == 0.6


# --- endings --------------------------------------------------------------------------------------

TWILIOS = replace(ERROR, reach=Reach.TWILIO)
UNSENT, SENT = replace(ERROR, reach=Reach.NOWHERE), replace(ERROR, reach=Reach.SENT)
NO_STATUS = (
    "no verdict within 50s; Twilio has not reported a status; the last poll failed: HTTP 500"
)
AGAIN = f"Run the step again with build-sid: {BUILD_SID}"


@dataclass(frozen=True)
class End:
    """The ending after these results, the last one at the deadline; `text` is reason and advice."""

    results: Sequence[PollResult]
    ending: Ending
    text: str
    timeout: str = "50s"
    build_sid: str = BUILD_SID


ENDS = {
    "completed": End([COMPLETED], Ending.COMPLETED, ""),
    "newest build completed": End(
        [replace(COMPLETED, latest=LATEST)],
        Ending.NEWEST_COMPLETED,
        "A deployment that failed did so before it created a build, or after this one had "
        "completed: see its own log",
    ),
    "failed": End(
        [FAILED],
        Ending.FAILED,
        "Twilio reports that the build failed. Look for the build's errors in Twilio's Console",
    ),
    "newest build failed": End(
        [replace(FAILED, latest=LATEST)],
        Ending.FAILED,
        f"Twilio reports that the build failed. About the newest build, {BUILD_SID}, created "
        "2026-10-01 11:58:00 UTC, 2m ago. If the deployment began later, it created no build: see "
        "its own log (only 20 builds were read). Look for the build's errors in Twilio's Console",
    ),
    "building": End(
        [BUILDING],
        Ending.TIMED_OUT,
        f"no verdict within 50s; the last status was 'building'. {AGAIN}, or set a longer timeout",
    ),
    "error after a status": End(
        [BUILDING, SENT],
        Ending.TIMED_OUT,
        "no verdict within 50s; the last status was 'building'; the last poll failed: HTTP 500. "
        f"{AGAIN}, or set a longer timeout",
    ),
    "error of Twilio": End(
        [TWILIOS, UNSENT], Ending.TIMED_OUT, f"{NO_STATUS}. {AGAIN}, or set a longer timeout"
    ),
    "error of the list": End(
        [TWILIOS],
        Ending.TIMED_OUT,
        f"{NO_STATUS}. Run the step again with build-sid: latest, or set a longer timeout",
        build_sid="latest",
    ),
    "error that is not Twilio's": End(
        [ERROR, replace(SENT, advice=message("Check the way"))],
        Ending.TIMED_OUT,
        f"{NO_STATUS}. Nothing that answered looks like Twilio. Check it",
    ),
    "no answer": End(
        [UNSENT, SENT], Ending.TIMED_OUT, f"{NO_STATUS}. Nothing has ever answered. Check it"
    ),
    "nothing sent": End(
        [UNSENT], Ending.TIMED_OUT, f"{NO_STATUS}. Nothing has ever answered. Check it"
    ),
    "nothing sent for 60 s": End(
        [UNSENT],
        Ending.REJECTED,
        "HTTP 500. Nothing has ever answered. Check it",
        timeout="90s",
    ),
    "permanent error": End([DENIED], Ending.REJECTED, "HTTP 500. Check it"),
    "404 at the deadline": End([NOT_FOUND], Ending.REJECTED, "HTTP 500. Check it"),
    "timeout 0": End(
        [BUILDING],
        Ending.NOT_FINISHED,
        f"the build is not finished; the last status was 'building'. {AGAIN}, or set a timeout to "
        "wait for it",
        timeout="0",
    ),
    "timeout 0 and an error": End(
        [TWILIOS],
        Ending.TIMED_OUT,
        "no verdict within 0s; Twilio has not reported a status; the last poll failed: HTTP 500. "
        f"{AGAIN}, or set a longer timeout",
        timeout="0",
    ),
    "error with an ending of its own": End(
        [replace(DENIED, ending=Ending.NO_RECENT_BUILD)],
        Ending.NO_RECENT_BUILD,
        "HTTP 500. Check it",
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_ending_with_its_reason_and_advice(end: End) -> None:
    inputs = {"TWILIO_BUILD_TIMEOUT": end.timeout, "TWILIO_BUILD_SID": end.build_sid}
    outcome = TimedWait(**inputs).end(*end.results)
    assert outcome.ending is end.ending
    assert join(". ", outcome.reason, outcome.advice).text() == end.text


def test_advice_after_untrusted_text_is_not_cut() -> None:
    reason = TimedWait().end(replace(DENIED, said="x" * 5000)).reason.fit()
    assert reason.endswith("xx…. Check it")


# --- signals --------------------------------------------------------------------------------------


def test_signal_before_the_first_poll() -> None:
    wait = TimedWait().wait
    sleep = VirtualClock(signal_at=0).sleep
    outcome = poll_until_the_end(wait, mock.Mock(), mock.Mock(), sleep)
    reason = "cancelled by SIGTERM before the first poll; Twilio has not reported a status"
    assert outcome.reason.text() == reason


def test_signal_during_a_poll() -> None:
    timed = TimedWait()
    poll = mock.Mock(side_effect=[BUILDING, Cancelled(signal.SIGINT)])
    outcome = poll_until_the_end(timed.wait, poll, mock.Mock(), timed.clock.sleep)
    assert outcome.ending is Ending.INTERRUPTED
    assert outcome.progress.polls == 2
    assert outcome.reason.text() == "cancelled by SIGINT after 1s; the last status was 'building'"


def test_cancelled_wait_advises_to_run_again_for_the_same_build() -> None:
    assert TimedWait().wait.cancel(signal.SIGTERM).advice.text() == AGAIN


def test_first_outcome_stands() -> None:
    timed = TimedWait()
    cancelled = timed.wait.cancel(signal.SIGTERM)
    assert timed.poll(COMPLETED) is cancelled
    assert timed.wait.progress.status == ""


class RacingLatest(Latest):
    """Lets a signal arrive in another thread between a verdict and its outcome."""

    thread: threading.Thread

    def qualify(self, reason: Message) -> Message:
        self.thread.start()
        self.thread.join(0.05)  # it is blocked, or done
        return reason


def test_verdict_and_signal_that_race_have_one_winner() -> None:
    wait = TimedWait().wait
    RacingLatest.thread = threading.Thread(target=wait.cancel, args=(signal.SIGTERM,))
    outcome = wait.step(replace(FAILED, latest=RacingLatest(BUILD_SID, "", "")))
    RacingLatest.thread.join()
    assert isinstance(outcome, Outcome)
    assert outcome.ending is Ending.FAILED
    assert outcome.progress.status == "failed"


# --- whatever the server says, and however long it takes ------------------------------------------

ERRORS = st.builds(
    PollError,
    cause=st.integers(1, 700).map(lambda size: message("{}", "c" * size)),
    kind=st.sampled_from(ErrorKind),
    said=st.integers(0, 900).map(lambda size: "s" * size),
    advice=st.just(ERROR.advice),
    reach=st.sampled_from(Reach),
    retry_after=st.none() | st.floats(0, 1e9),
)
REPORTED = st.sampled_from(["building", "completed", "failed", "Completed", "queued", ""])
#: The result of each poll, and how long it takes in seconds.
POLLS = st.lists(st.tuples(REPORTED.map(BuildStatus) | ERRORS, st.floats(0, 20)), min_size=1)


@profile(max_examples=30, deadline=None)
@given(POLLS, st.integers(0, 90), st.integers(1, 120), st.floats(0.05, 1))
def test_only_completed_is_success_and_the_wait_ends_in_time(
    polls: list[tuple[PollResult, float]], timeout: int, interval: int, share: float
) -> None:
    inputs = {"TWILIO_BUILD_TIMEOUT": f"{timeout}s", "TWILIO_BUILD_INTERVAL": f"{interval}s"}
    timed = TimedWait(**inputs)
    timed.share, wait = share, timed.wait
    for result, seconds in cycle(polls):
        assert wait.elapsed <= timeout + 1e-3  # there is one poll at the deadline
        following = timed.poll(result, seconds)
        status = result.status if isinstance(result, BuildStatus) else None
        if isinstance(following, Outcome):
            assert (following.ending is Ending.COMPLETED) == (status == "completed")
            assert (following.ending is Ending.FAILED) == (status == "failed")
            assert following.ending is not Ending.TIMED_OUT or wait.elapsed >= timeout
            assert wait.elapsed <= timeout + 5 + 1e-3
            assert len(following.reason.fit()) <= 500
            return
        assert status not in {"completed", "failed"}
        timed.clock.sleep(following)
