"""What holds for every wait, whatever the server says and however long it takes."""

import signal
from itertools import cycle

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
#: How long each poll takes in seconds, and its result.
POLLS = st.lists(st.tuples(st.floats(0, 20), STATUSES.map(BuildStatus) | ERRORS), min_size=1)
LIMITS = st.builds(
    lambda timeout, interval, more: Limits(timeout, interval, interval + more),
    st.floats(0, 90),
    st.floats(1, 60),
    st.floats(0, 60),
)


@settings(max_examples=30, deadline=None)
@given(POLLS, LIMITS, st.floats(0.05, 1))
def test_only_completed_is_success_and_the_wait_ends_in_time(
    polls: list[tuple[float, BuildStatus | PollError]], limits: Limits, share: float
) -> None:
    def uniform(low: float, high: float) -> float:
        return low + share * (high - low)

    clock, show = VirtualClock(), Redactor([]).piece
    wait = Wait(limits, Progress(), clock=clock.now, uniform=uniform, show=show)
    for number, (seconds, result) in enumerate(cycle(polls), 1):
        assert wait.elapsed <= limits.timeout + 1e-3  # there is one poll at the deadline
        clock.sleep(min(seconds, wait.begin_poll()))
        following = wait.step(result)
        assert wait.progress.polls == number
        status = result.status if isinstance(result, BuildStatus) else None
        if isinstance(following, Outcome):
            break
        assert status not in {"completed", "failed"}
        clock.sleep(following)
    assert (following.ending is Ending.COMPLETED) == (status == "completed")
    assert (following.ending is Ending.FAILED) == (status == "failed")
    assert following.ending is not Ending.TIMED_OUT or wait.elapsed >= limits.timeout
    assert wait.elapsed <= limits.timeout + 5 + 1e-3
    assert len(following.reason) <= 500
    assert wait.cancel(signal.SIGTERM) is following
