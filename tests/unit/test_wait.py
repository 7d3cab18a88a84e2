"""The wait by example, in virtual time: what it reads when, what it says, how it ends."""

import logging
from dataclasses import replace
from itertools import chain, repeat

import pytest

from tests.unit.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_URL,
)
from tests.unit.virtual import World
from twilio_build_wait.outcome import Ending, Outcome, Progress
from twilio_build_wait.results import Fault, Kind, Reading
from twilio_build_wait.wait import Limits

KNOWN = Progress(BUILD_SID, SERVICE_SID, url=STATUS_URL)
BUILDING, COMPLETED, FAILED = Reading("building"), Reading("completed"), Reading("failed")
UNAVAILABLE = Fault("HTTP 503")
MISSING = Fault("HTTP 404", Kind.MISSING, "Check service-sid")
REFUSED = Fault("refused", unanswered=True, unreachable=True)
MINUTE = Limits(60, 1, 10)


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def world(*answers: Reading | Fault, each: float = 0.0) -> World:
    """Make a world in which each read takes `each` seconds, and the last answer repeats."""
    endless = chain(answers, repeat(answers[-1]))
    return World(((each, answer) for answer in endless), middle)


def begun(of: World) -> list[float]:
    """Say when the reads began, in seconds from the first."""
    return [round(read.begun - of.reads[0].begun, 6) for read in of.reads]


def rounded(progress: Progress) -> Progress:
    return replace(progress, elapsed=round(progress.elapsed, 6))


# -- verdicts --------------------------------------------------------------------------------------


def test_a_build_that_has_completed() -> None:
    at = world(COMPLETED, each=0.25)
    assert at.wait(MINUTE, KNOWN) == Outcome(
        Ending.COMPLETED,
        Progress(BUILD_SID, SERVICE_SID, "", STATUS_URL, "completed", 0.25, 1),
    )
    assert [read.limit for read in at.reads] == [10]
    assert at.pauses == [0]


def test_a_build_that_fails_after_a_while() -> None:
    at = world(BUILDING, BUILDING, FAILED, each=0.5)
    ended = at.wait(MINUTE, KNOWN)
    assert (ended.ending, ended.reason) == (Ending.FAILED, "Twilio reports that the build failed")
    assert (ended.progress.status, ended.progress.polls) == ("failed", 3)
    # The delay is the interval and 3 % of the time waited when the read has ended.
    assert begun(at) == [0, 1.515, 3.07545]
    assert ended.progress.elapsed == pytest.approx(3.57545)


def test_a_verdict_counts_at_the_deadline_and_beyond_it() -> None:
    at = world(BUILDING, COMPLETED, each=4)
    ended = at.wait(Limits(5, 1, 10))
    assert (ended.ending, rounded(ended.progress).elapsed) == (Ending.COMPLETED, 9)
    assert [read.limit for read in at.reads] == pytest.approx([10, 5])


@pytest.mark.parametrize(
    "status", ["Completed", "COMPLETED", "completed ", " completed", "completedx", "success", ""]
)
def test_nothing_but_completed_is_completed(status: str) -> None:
    at = world(Reading(status))
    assert at.wait(Limits(3, 1, 1)).ending is Ending.TIMED_OUT
    assert len(at.reads) == 4


@pytest.mark.parametrize("status", ["Failed", "FAILED", "failed\n", "failure"])
def test_nothing_but_failed_is_failed(status: str) -> None:
    at = world(Reading(status), COMPLETED)
    assert at.wait(MINUTE).ending is Ending.COMPLETED


# -- what is learned on the way --------------------------------------------------------------------


def test_what_twilio_says_of_the_build_is_kept() -> None:
    url = STATUS_URL.replace(SERVICE_SID, OTHER_SERVICE_SID)
    said = Reading("building", ACCOUNT_SID, OTHER_SERVICE_SID, url)
    at = world(said, BUILDING, COMPLETED)
    assert rounded(at.wait(MINUTE, KNOWN).progress) == Progress(
        BUILD_SID, OTHER_SERVICE_SID, ACCOUNT_SID, url, "completed", 2.03, 3
    )


@pytest.mark.parametrize(
    "status, output",
    [
        ("building", "building"),
        ("queued", "queued"),
        ("a-B_9", "a-B_9"),
        (40 * "s", 40 * "s"),
        (41 * "s", ""),
        ("", ""),
        ("two words", ""),
        ("naïve", ""),
        ("queued\n", ""),
        ("COMPLETED", ""),
        ("Failed", ""),
        ("Building", "Building"),
        ("uncompleted", "uncompleted"),
    ],
)
def test_a_status_is_passed_on_if_it_is_a_word_and_looks_like_no_verdict(
    status: str, output: str
) -> None:
    at = world(Reading(status))
    ended = at.wait(Limits(0, 1, 10))
    assert ended.progress.status == output
    assert ended.reason == f"no verdict within 0s; the last status was '{status}'"


def test_a_word_replaces_an_earlier_one_and_so_does_none() -> None:
    at = world(Reading("queued"), Reading("two words"))
    assert at.wait(Limits(1, 1, 10)).progress.status == ""


def test_a_value_that_gives_a_secret_away_is_not_passed_on() -> None:
    secrets = ("queued", ACCOUNT_SID, OTHER_SERVICE_SID, "evil.test")

    def show(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    at = world(Reading("queued", ACCOUNT_SID, OTHER_SERVICE_SID, "https://evil.test"))
    ended = at.wait(Limits(0, 1, 10), KNOWN, show)
    assert ended.progress == Progress(BUILD_SID, SERVICE_SID, "", STATUS_URL, "", 0, 1)
    assert ended.reason == "no verdict within 0s; the last status was '***'"


@pytest.mark.parametrize("status", ["building", "completed", "failed"])
def test_a_status_that_is_known_gives_nothing_away(status: str) -> None:
    # Whoever has it for a secret would lose the one output that matters.
    at = world(Reading(status))
    assert at.wait(Limits(0, 1, 10), KNOWN, lambda _: "***").progress.status == status


# -- faults ----------------------------------------------------------------------------------------


def test_passing_faults_are_read_again() -> None:
    at = world(UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, COMPLETED)
    ended = at.wait(MINUTE)
    assert (ended.ending, ended.reason, ended.progress.polls) == (Ending.COMPLETED, "", 4)
    assert begun(at) == [0, 0.5, 1.5, 3.5]


def test_a_lasting_fault_ends_it_with_what_to_do() -> None:
    at = world(BUILDING, Fault("HTTP 401", Kind.LASTING, "Check the SID"))
    ended = at.wait(MINUTE)
    assert (ended.ending, ended.reason) == (Ending.REJECTED, "HTTP 401. Check the SID")
    assert (ended.progress.status, ended.progress.polls) == ("building", 2)


def test_a_404_is_lasting_after_ten_seconds() -> None:
    at = world(BUILDING, MISSING)
    ended = at.wait(MINUTE)
    assert (ended.ending, ended.reason) == (Ending.REJECTED, "HTTP 404. Check service-sid")
    assert begun(at) == [0, *range(1, 12)]


def test_a_404_is_lasting_at_the_deadline() -> None:
    at = world(MISSING)
    assert at.wait(Limits(3, 1, 10)).ending is Ending.REJECTED
    assert begun(at) == [0, 1, 2, 3]


def test_a_fault_at_the_deadline_after_a_404_is_a_time_out() -> None:
    at = world(MISSING, UNAVAILABLE)
    assert at.wait(Limits(1, 1, 10)).ending is Ending.TIMED_OUT


def test_a_build_that_turns_up_after_some_404s() -> None:
    assert world(MISSING, MISSING, COMPLETED).wait(MINUTE).ending is Ending.COMPLETED


def test_nobody_there_for_a_minute() -> None:
    ended = world(REFUSED).wait(Limits(600, 1, 10))
    assert ended.ending is Ending.REJECTED
    assert ended.reason == (
        "refused. Nothing has ever answered: check region, edge and base-url, and the way out of "
        "this network"
    )
    assert 60 <= ended.progress.elapsed < 75


# -- the deadline ----------------------------------------------------------------------------------


def test_the_status_is_read_once_at_the_deadline_and_not_before_it() -> None:
    at = world(BUILDING)
    ended = at.wait(Limits(3.3, 1, 10))
    assert begun(at) == [0, 1, 2.03, 3.0909, 3.3]
    assert [read.limit for read in at.reads] == pytest.approx([8.3, 7.3, 6.27, 5.2091, 5])
    assert (ended.ending, rounded(ended.progress).elapsed) == (Ending.TIMED_OUT, 3.3)
    assert ended.reason == "no verdict within 3.3s; the last status was 'building'"


def test_the_limit_of_a_read() -> None:
    at = world(BUILDING)
    at.wait(Limits(8, 2, 2))
    assert [read.limit for read in at.reads] == pytest.approx([10, 10, 9, 7, 5])


def test_no_time_at_all_is_one_read() -> None:
    at = world(BUILDING, each=1)
    ended = at.wait(Limits(0, 1, 10))
    assert (ended.ending, ended.progress.polls) == (Ending.TIMED_OUT, 1)
    assert ([read.limit for read in at.reads], at.pauses) == ([5], [0])


def test_a_read_under_way_at_the_deadline_is_the_last_one() -> None:
    at = world(BUILDING, each=3)
    ended = at.wait(Limits(5, 1, 10))
    assert (begun(at), rounded(ended.progress).elapsed) == ([0, 4.09], 7.09)


def test_a_late_waking_does_not_take_the_last_read_away() -> None:
    at = world(BUILDING)
    at.overshoot = 30
    at.wait(Limits(5, 1, 10))
    assert (begun(at), [read.limit for read in at.reads]) == ([0, 31], [10, 0.1])


def test_retry_after_beyond_the_deadline_leaves_the_last_read_at_it() -> None:
    at = world(Fault("HTTP 429", retry_after=10**9), COMPLETED)
    assert at.wait(MINUTE).ending is Ending.COMPLETED
    assert begun(at) == [0, 60]


def test_retry_after_within_the_deadline() -> None:
    at = world(Fault("HTTP 429", retry_after=20), COMPLETED)
    assert at.wait(MINUTE).ending is Ending.COMPLETED
    assert begun(at) == [0, 20.5]


def test_a_fault_of_the_last_read_is_named_beside_the_last_status() -> None:
    at = world(BUILDING, UNAVAILABLE)
    assert at.wait(Limits(0.5, 1, 10)).reason == (
        "no verdict within 500ms; the last status was 'building'; the last read failed: HTTP 503"
    )


def test_there_may_be_no_status_to_name() -> None:
    assert world(UNAVAILABLE).wait(Limits(0, 1, 10)).reason == (
        "no verdict within 0s; Twilio has not reported a status; the last read failed: HTTP 503"
    )
    assert world(UNAVAILABLE, Reading("")).wait(Limits(0.4, 1, 10)).reason == (
        "no verdict within 400ms; the last status was ''"
    )


# -- signals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number, ending, name",
    [(2, Ending.INTERRUPTED, "SIGINT"), (15, Ending.TERMINATED, "SIGTERM")],
)
def test_a_signal_in_a_pause(number: int, ending: Ending, name: str) -> None:
    at = world(BUILDING)
    at.cancelled_at, at.number = 1000.5, number
    ended = at.wait(MINUTE, KNOWN)
    assert ended == Outcome(
        ending,
        Progress(BUILD_SID, SERVICE_SID, "", STATUS_URL, "building", 0.5, 1),
        f"cancelled by {name} after 500ms; the last status was 'building'",
    )


def test_a_signal_in_a_read() -> None:
    at = world(BUILDING, each=5)
    at.cancelled_at = 1002.0
    ended = at.wait(MINUTE)
    assert (ended.progress.elapsed, ended.progress.polls) == (2, 1)
    assert ended.reason == "cancelled by SIGTERM after 2s; Twilio has not reported a status"


def test_a_signal_before_the_first_read_leaves_none_to_count() -> None:
    at = world(BUILDING)
    at.cancelled_at = 1000.0
    ended = at.wait(MINUTE, KNOWN)
    assert (ended.ending, ended.progress) == (Ending.TERMINATED, KNOWN)
    assert at.reads == []


# -- who watches -----------------------------------------------------------------------------------


def test_the_watcher_is_told_of_everything() -> None:
    lasting = Fault("HTTP 401", Kind.LASTING)
    at = world(BUILDING, UNAVAILABLE, MISSING, lasting, each=0.5)
    at.wait(MINUTE)
    assert [(seen.polls, rounded(seen).elapsed, what, pause) for seen, what, pause in at.told] == [
        (1, 0.5, BUILDING, None),
        (2, 2.015, UNAVAILABLE, 0.5),
        (3, 3.015, MISSING, 1),
        (4, 4.515, lasting, None),
    ]
    assert at.told[0][0].status == "building"


@pytest.mark.parametrize("last", [UNAVAILABLE, MISSING])
def test_the_watcher_is_not_told_of_a_read_that_does_not_come(last: Fault) -> None:
    at = world(last)
    ended = at.wait(Limits(0, 1, 10))
    assert at.told == [(ended.progress, last, None)]


def test_the_watcher_is_told_of_a_pause_that_the_deadline_cuts() -> None:
    at = world(Fault("HTTP 429", retry_after=900))
    at.wait(MINUTE)
    assert [pause for _, _, pause in at.told] == [60, None]


def test_the_watcher_is_told_when_a_read_begins() -> None:
    at = world(Reading("building", ACCOUNT_SID), COMPLETED, each=0.5)
    at.wait(MINUTE, KNOWN)
    first, second = (rounded(progress) for progress in at.polled)
    assert first == replace(KNOWN, polls=1)
    assert second == replace(
        KNOWN, polls=2, elapsed=1.515, account_sid=ACCOUNT_SID, status="building"
    )


def test_backoff_says_nothing_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    # Its own logger would print what the server said.
    caplog.set_level(logging.DEBUG)
    world(BUILDING, UNAVAILABLE, BUILDING, COMPLETED).wait(MINUTE)
    assert caplog.records == []


def test_reasons_are_made_safe_to_show() -> None:
    def show(text: str) -> str:
        return f"<{text}>"

    assert world(Fault("a", Kind.LASTING, "b")).wait(MINUTE, show=show).reason == "<a. b>"
    assert world(Reading("failed")).wait(MINUTE, show=show).reason.startswith("<Twilio")
    assert world(COMPLETED).wait(MINUTE, show=lambda text: text or "").reason == ""
