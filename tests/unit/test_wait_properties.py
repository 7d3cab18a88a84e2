"""What holds for every wait, whatever the server says and however long it takes."""

import signal
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clocks import VirtualClock
from twilio_build_wait.model import BuildStatus, Ending, ErrorKind, Outcome, PollError, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import SafeText
from twilio_build_wait.wait import Limits, Wait

STATUSES = st.sampled_from(["building", "completed", "failed", "Completed", "queued", ""])
ERRORS = st.builds(
    PollError,
    cause=st.integers(1, 700).map(lambda size: SafeText("c" * size)),
    kind=st.sampled_from(ErrorKind),
    message=st.integers(0, 900).map(lambda size: SafeText("m" * size)),
    advice=st.just(SafeText("Check the network")),
    retry_after=st.none() | st.floats(0, 1e9),
    is_answer=st.booleans(),
)
ENDLESS = st.builds(BuildStatus, st.just("building")) | ERRORS.map(
    lambda error: replace(error, kind=ErrorKind.TRANSIENT)
)
SECONDS = st.floats(0, 20)
LIMITS = st.builds(
    lambda timeout, interval, more: Limits(timeout, interval, interval + more),
    st.floats(0, 90),
    st.floats(1, 60),
    st.floats(0, 60),
)
FEW = settings(max_examples=30, deadline=None)


def wait_in(clock: VirtualClock, limits: Limits, share: float = 0.5) -> Wait:
    return Wait(
        limits,
        Progress(),
        clock=clock.now,
        uniform=lambda low, high: low + share * (high - low),
        show=Redactor([]).piece,
    )


@FEW
@given(st.lists(st.tuples(SECONDS, STATUSES.map(BuildStatus) | ERRORS)), LIMITS)
def test_only_completed_ends_as_success(
    polls: list[tuple[float, BuildStatus | PollError]], limits: Limits
) -> None:
    clock = VirtualClock()
    wait = wait_in(clock, limits)
    for seconds, result in polls:
        clock.sleep(min(seconds, wait.begin_poll()))
        following = wait.step(result)
        status = result.status if isinstance(result, BuildStatus) else None
        if isinstance(following, Outcome):
            assert (following.ending is Ending.COMPLETED) == (status == "completed")
            assert (following.ending is Ending.FAILED) == (status == "failed")
            assert len(following.reason) <= 500
            assert wait.cancel(signal.SIGTERM) is following
            return
        assert status not in {"completed", "failed"}
        clock.sleep(following)


@FEW
@given(ENDLESS, SECONDS, LIMITS, st.floats(0.05, 1))
def test_wait_ends_5_s_after_the_timeout_at_the_latest(
    result: BuildStatus | PollError, seconds: float, limits: Limits, share: float
) -> None:
    clock = VirtualClock()
    wait = wait_in(clock, limits, share)
    last_start, polls, following = 0.0, 0, 0.0
    while wait.outcome is None:
        clock.sleep(following)
        last_start = wait.elapsed
        clock.sleep(min(seconds, wait.begin_poll()))
        polls += 1
        step = wait.step(result)
        following = step if isinstance(step, float) else 0.0
    assert wait.elapsed <= limits.timeout + 5 + 1e-3
    # There is one last poll at the deadline, or one in flight then.
    assert wait.elapsed >= limits.timeout or wait.outcome.ending is Ending.REJECTED
    assert last_start <= limits.timeout + 1e-3
    assert wait.outcome.progress.polls == polls
    if isinstance(result, BuildStatus):
        assert polls <= limits.timeout / (0.9 * limits.interval) + 2
