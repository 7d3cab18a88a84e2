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
from tests.support.samples import ACCOUNT_SID, BUILD_SID, OTHER_SERVICE_SID, SERVICE_SID
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


def test_progress_keeps_what_twilio_reported_last() -> None:
    timed = TimedWait(TWILIO_BUILD_SID="latest")
    assert timed.wait.progress == Progress("", SERVICE_SID)
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


TWILIOS = replace(ERROR, reach=Reach.TWILIO)
UNSENT, SENT = replace(ERROR, reach=Reach.NOWHERE), replace(ERROR, reach=Reach.SENT)
OTHER_ADVICE = message("Check the way")
IS_BUILDING = "the last status was 'building'"
NO_STATUS = "Twilio has not reported a status; the last poll failed: HTTP 500"
AGAIN = f"Run the step again with build-sid: {BUILD_SID}"
LONGER = f"{AGAIN}, or set a longer timeout"
CONSOLE = "Look for the build's errors in Twilio's Console"


@dataclass(frozen=True)
class End:
    """The ending after these results, the last one at the deadline; `text` is reason and advice."""

    results: Sequence[PollResult]
    text: str
    ending: Ending = Ending.TIMED_OUT
    timeout: str = "50s"
    build_sid: str = BUILD_SID


ENDS = {
    "completed": End([COMPLETED], "", Ending.COMPLETED),
    "newest build completed": End(
        [replace(COMPLETED, latest=LATEST)],
        "A deployment that failed did so before it created a build, or after this one had "
        "completed: see its own log",
        Ending.NEWEST_COMPLETED,
    ),
    "failed": End([FAILED], f"Twilio reports that the build failed. {CONSOLE}", Ending.FAILED),
    "newest build failed": End(
        [replace(FAILED, latest=LATEST)],
        f"Twilio reports that the build failed. About the newest build, {BUILD_SID}, created "
        "2026-10-01 11:58:00 UTC, 2m ago. If the deployment began later, it created no build: see "
        f"its own log (only 20 builds were read). {CONSOLE}",
        Ending.FAILED,
    ),
    "building": End([BUILDING], f"no verdict within 50s; {IS_BUILDING}. {LONGER}"),
    "error after a status": End(
        [BUILDING, SENT],
        f"no verdict within 50s; {IS_BUILDING}; the last poll failed: HTTP 500. {LONGER}",
    ),
    "error of Twilio": End([TWILIOS, UNSENT], f"no verdict within 50s; {NO_STATUS}. {LONGER}"),
    "error of the list": End(
        [TWILIOS],
        f"no verdict within 50s; {NO_STATUS}. {LONGER.replace(BUILD_SID, 'latest')}",
        build_sid="latest",
    ),
    "error that is not Twilio's": End(
        [replace(ERROR, advice=OTHER_ADVICE), ERROR, replace(SENT, advice=OTHER_ADVICE)],
        f"no verdict within 50s; {NO_STATUS}. Nothing that answered looks like Twilio. Check it",
    ),
    "no answer": End(
        [UNSENT, SENT],
        f"no verdict within 50s; {NO_STATUS}. Nothing has ever answered. Check it",
    ),
    "nothing sent for 60 s": End(
        [UNSENT],
        "HTTP 500. Nothing has ever answered. Check it",
        Ending.REJECTED,
        timeout="90s",
    ),
    "404 at the deadline": End([NOT_FOUND], "HTTP 500. Check it", Ending.REJECTED),
    "timeout 0": End(
        [BUILDING],
        f"the build is not finished; {IS_BUILDING}. {AGAIN}, or set a timeout to wait for it",
        Ending.NOT_FINISHED,
        timeout="0",
    ),
    "timeout 0 and an error": End(
        [TWILIOS], f"no verdict within 0s; {NO_STATUS}. {LONGER}", timeout="0"
    ),
    "permanent error with an ending of its own": End(
        [replace(DENIED, ending=Ending.NO_RECENT_BUILD)],
        "HTTP 500. Check it",
        Ending.NO_RECENT_BUILD,
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_ending_with_its_reason_and_advice(end: End) -> None:
    inputs = {"TWILIO_BUILD_TIMEOUT": end.timeout, "TWILIO_BUILD_SID": end.build_sid}
    outcome = TimedWait(**inputs).end(*end.results)
    assert outcome.ending is end.ending
    assert join(". ", outcome.reason, outcome.advice).text() == end.text


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
    assert outcome.reason.text() == f"cancelled by SIGINT after 1s; {IS_BUILDING}"
    assert outcome.advice.text() == AGAIN


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


ERRORS = st.builds(
    PollError,
    cause=st.integers(1, 700).map(lambda size: message("{}", "c" * size)),
    kind=st.sampled_from(ErrorKind),
    said=st.integers(0, 900).map(lambda size: message("{}", "s" * size)),
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
