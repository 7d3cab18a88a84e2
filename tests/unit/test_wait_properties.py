"""What holds for every wait, whatever the replies, the clock and the randomness are.

The rules are written a second time here, as they read in the README: looking back over everything
that has happened, instead of remembering a little of it as the schedule does.
"""

from collections.abc import Sequence
from itertools import chain, cycle, repeat

from hypothesis import event, example, given
from hypothesis import strategies as st

from tests.unit.virtual import Read, World
from twilio_build_wait.outcome import Ending, Outcome
from twilio_build_wait.results import Fault, Kind, Reading
from twilio_build_wait.wait import Limits

# Sums of decimal fractions: nothing here is about the last bit of a float.
TINY = 1e-6

PASSING = [Fault("HTTP 503"), Fault("cut"), Fault("timed out", unanswered=True)]
REFUSED = Fault("refused", unanswered=True, unreachable=True)
MISSING = Fault("HTTP 404", Kind.MISSING)
LASTING = Fault("HTTP 401", Kind.LASTING)

limited = st.one_of(st.integers(0, 40), st.integers(0, 10**9)).map(
    lambda seconds: Fault("HTTP 429", retry_after=float(seconds))
)
unfinished = st.sampled_from(["building", "queued", "COMPLETED", "completed ", ""]).map(Reading)
going_on = st.one_of(unfinished, st.sampled_from([*PASSING, REFUSED, MISSING]), limited)
final = st.sampled_from([Reading("completed"), Reading("failed"), LASTING])
durations = st.sampled_from([0.0, 0.01, 0.3, 2.5, 7.0, 100.0])

# Rows of one kind are what most of the rules are about.
rows = st.tuples(going_on, st.integers(1, 25), durations).map(
    lambda row: [(row[2], row[0])] * row[1]
)
scripts = st.tuples(
    st.lists(st.one_of(st.tuples(durations, going_on).map(lambda one: [one]), rows), max_size=8),
    st.one_of(final, going_on),
).map(lambda script: list(chain(*script[0], [(0.0, script[1])])))

limits = st.tuples(
    st.sampled_from([0.0, 0.3, 1.0, 5.0, 12.0, 60.0, 61.0, 90.0, 200.0]),
    st.sampled_from([0.5, 1.0, 3.0, 20.0]),
    st.sampled_from([0.0, 2.0, 9.0]),
).map(lambda drawn: Limits(drawn[0], drawn[1], drawn[1] + drawn[2]))

shares = st.lists(st.floats(0.25, 1), min_size=1, max_size=5)


def play(
    script: Sequence[tuple[float, Reading | Fault]],
    limits: Limits,
    drawn: Sequence[float],
    overshoot: float = 1e-9,
) -> tuple[World, Outcome]:
    """Play a script whose last entry repeats; `drawn` are what the random numbers are in turn."""
    at = cycle(drawn)
    world = World(
        chain(script, repeat(script[-1])),
        lambda low, high: low + (high - low) * next(at),
        overshoot=overshoot,
    )
    return world, world.wait(limits)


# -- how it ends -----------------------------------------------------------------------------------


def ought_to_end(reads: Sequence[Read], timeout: float) -> Ending | None:
    """Say how a wait ends with the last of these reads, or None if it goes on."""
    last, start = reads[-1], reads[0].begun
    over = last.ended - start >= timeout
    if isinstance(last.result, Reading):
        verdict = {"completed": Ending.COMPLETED, "failed": Ending.FAILED}.get(last.result.status)
        return verdict or (Ending.TIMED_OUT if over else None)
    if last.result.kind is Kind.LASTING:
        return Ending.REJECTED
    if last.result.kind is Kind.MISSING:
        since = since_the_last_good_read(reads)
        first = next(read for read in since if read.result == MISSING)
        lasting = last.ended - first.ended >= 10
        return Ending.REJECTED if over or lasting else None
    if last.result.unreachable and not any(answered(read) for read in reads):
        row = row_at_the_end(reads)
        if last.ended - row[0].ended >= 60:
            return Ending.REJECTED
    return Ending.TIMED_OUT if over else None


def since_the_last_good_read(reads: Sequence[Read]) -> Sequence[Read]:
    good = [n for n, read in enumerate(reads) if isinstance(read.result, Reading)]
    return reads[good[-1] + 1 :] if good else reads


def row_at_the_end(reads: Sequence[Read]) -> Sequence[Read]:
    others = [n for n, read in enumerate(reads) if read.result != REFUSED]
    return reads[others[-1] + 1 :] if others else reads


def answered(read: Read) -> bool:
    return isinstance(read.result, Reading) or not read.result.unanswered


@given(scripts, limits, shares, st.sampled_from([1e-9, 0.002, 1.7]))
@example([(0.0, MISSING)], Limits(9.5, 1, 10), [0.5], 1e-9)
@example([(0.0, REFUSED)], Limits(200, 1, 10), [0.5], 1e-9)
@example([(0.0, REFUSED)] * 4 + [(0.0, MISSING), (0.0, REFUSED)], Limits(200, 1, 10), [0.5], 1e-9)
def test_it_ends_when_it_ought_to_and_as_it_ought_to(
    script: list[tuple[float, Reading | Fault]],
    limits: Limits,
    drawn: list[float],
    overshoot: float,
) -> None:
    world, outcome = play(script, limits, drawn, overshoot)
    endings = [ought_to_end(world.reads[: n + 1], limits.timeout) for n in range(len(world.reads))]
    assert endings == [None] * (len(endings) - 1) + [outcome.ending]
    event(outcome.ending.outcome)
    assert outcome.progress.polls == len(world.reads)
    assert outcome.progress.elapsed == world.reads[-1].ended - world.reads[0].begun


@given(scripts, limits, shares)
def test_it_never_says_more_than_twilio_did(
    script: list[tuple[float, Reading | Fault]], limits: Limits, drawn: list[float]
) -> None:
    world, outcome = play(script, limits, drawn)
    last = world.reads[-1].result
    said = last.status if isinstance(last, Reading) else None
    assert (outcome.ending is Ending.COMPLETED) == (said == "completed")
    assert (outcome.ending is Ending.FAILED) == (said == "failed")
    assert (outcome.reason == "") == (outcome.ending is Ending.COMPLETED)


# -- when it ends ----------------------------------------------------------------------------------


@given(scripts, limits, shares)
def test_it_ends_by_the_time_out_and_five_seconds(
    script: list[tuple[float, Reading | Fault]], limits: Limits, drawn: list[float]
) -> None:
    world, outcome = play(script, limits, drawn)
    assert outcome.progress.elapsed <= limits.timeout + 5 + TINY
    assert all(0 < read.limit <= 10 for read in world.reads)


@given(scripts, limits, shares)
def test_it_reads_once_at_the_deadline_and_not_before_it(
    script: list[tuple[float, Reading | Fault]], limits: Limits, drawn: list[float]
) -> None:
    world, outcome = play(script, limits, drawn)
    *earlier, last = world.reads
    start = world.reads[0].begun
    assert all(read.ended - start < limits.timeout for read in earlier)
    assert last.begun - start <= limits.timeout + TINY
    if outcome.ending is Ending.TIMED_OUT:
        assert last.ended - start >= limits.timeout
    if last.begun - start >= limits.timeout:
        assert last.limit <= 5 + TINY


# -- how often it reads ----------------------------------------------------------------------------


def bounds(reads: Sequence[Read], limits: Limits) -> tuple[float, float]:
    """Say how long the pause after the last of these reads is at the least and the most."""
    last = reads[-1]
    if isinstance(last.result, Reading):
        waited = last.ended - reads[0].begun
        delay = min(limits.interval + 0.03 * waited, limits.max_interval)
        return 0.9 * delay, 1.1 * delay
    if last.result.kind is Kind.MISSING:
        return 0.9, 1.1
    row = [read for read in since_the_last_good_read(reads) if read.result != MISSING]
    longest = min(30, 2 ** (len(row) - 1))
    asked = last.result.retry_after
    return (0, longest) if asked is None else (asked, max(longest, asked + 1))


@given(scripts, limits, shares)
def test_every_pause_is_within_the_bounds_of_its_row(
    script: list[tuple[float, Reading | Fault]], limits: Limits, drawn: list[float]
) -> None:
    world, _ = play(script, limits, drawn)
    deadline = world.reads[0].begun + limits.timeout
    for number, (read, then) in enumerate(zip(world.reads, world.reads[1:], strict=False)):
        least, most = bounds(world.reads[: number + 1], limits)
        left = deadline - read.ended
        assert min(least, left) - TINY <= then.begun - read.ended <= min(most, left) + TINY


@given(scripts, limits, shares)
def test_it_never_comes_back_sooner_than_retry_after_but_for_the_last_read(
    script: list[tuple[float, Reading | Fault]], limits: Limits, drawn: list[float]
) -> None:
    world, _ = play(script, limits, drawn)
    deadline = world.reads[0].begun + limits.timeout
    for read, then in zip(world.reads, world.reads[1:], strict=False):
        if isinstance(read.result, Fault) and read.result.retry_after is not None:
            due = read.ended + read.result.retry_after
            assert then.begun >= min(due, deadline) - TINY


@given(scripts, limits, shares, st.floats(0.5, 30))
def test_requests_in_any_window_stay_under_the_schedule_s_bound(
    script: list[tuple[float, Reading | Fault]],
    limits: Limits,
    drawn: list[float],
    window: float,
) -> None:
    world, _ = play(script, limits, drawn)
    # The shortest pause there is: after a good read, a 404, or the first fault of a row, whose
    # jitter is a quarter at the least here. One more request may come at the deadline.
    shortest = min(0.9 * limits.interval, 0.9, 0.25 * min(drawn) / 0.25)
    most = 1 + window / shortest + 1
    begun = [read.begun for read in world.reads]
    for first in begun:
        assert sum(first <= at <= first + window for at in begun) <= most + TINY


@given(shares, st.integers(8, 40))
def test_a_lasting_outage_is_met_with_a_few_requests(drawn: list[float], row: int) -> None:
    world, _ = play([(0.0, PASSING[0])], Limits(30.0 * row, 1, 10), drawn)
    # 63 s for the first six at full length, then one every 30 s; jitter takes three quarters at
    # the most.
    assert len(world.reads) <= 6 + 1 + (30 * row - 63 * min(drawn)) / (30 * min(drawn)) + 2
