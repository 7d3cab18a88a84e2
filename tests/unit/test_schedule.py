"""The arithmetic of the delays, by example; rows of replies are played in test_wait_properties."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_build_wait.results import Fault, Kind
from twilio_build_wait.schedule import Schedule

PASSING = Fault("HTTP 503")
MISSING = Fault("HTTP 404", Kind.MISSING)
REFUSED = Fault("refused", unanswered=True, unreachable=True)
SILENT = Fault("timed out", unanswered=True)


def highest(_low: float, high: float) -> float:
    return high


def lowest(low: float, _high: float) -> float:
    return low


def middle(low: float, high: float) -> float:
    return (low + high) / 2


# -- after a good read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interval, max_interval, elapsed, delay",
    [
        (1, 10, 0, 1),
        (1, 10, 100, 4),
        (1, 10, 300, 10),
        (1, 10, 3000, 10),
        (0.1, 10, 10, 0.4),
        (30, 30, 600, 30),
        (5, 3600, 1000, 35),
    ],
)
def test_the_delay_grows_by_three_hundredths_of_the_time_waited(
    interval: float, max_interval: float, elapsed: float, delay: float
) -> None:
    assert Schedule(interval, max_interval, middle).after_reading(elapsed) == pytest.approx(delay)
    jitter = (
        Schedule(interval, max_interval, lowest).after_reading(elapsed),
        Schedule(interval, max_interval, highest).after_reading(elapsed),
    )
    assert jitter == pytest.approx((0.9 * delay, 1.1 * delay))


# -- after passing faults --------------------------------------------------------------------------


def test_the_row_of_passing_faults_doubles_up_to_half_a_minute() -> None:
    schedule = Schedule(1, 10, highest)
    row = [schedule.after_fault(PASSING, float(n)) for n in range(8)]
    assert row == [1, 2, 4, 8, 16, 30, 30, 30]


def test_the_whole_of_it_is_jitter() -> None:
    schedule = Schedule(1, 10, lowest)
    assert {schedule.after_fault(PASSING, float(n)) for n in range(8)} == {0}


def test_a_row_may_be_of_any_length() -> None:
    schedule = Schedule(1, 10, highest)
    assert [schedule.after_fault(PASSING, 0) for _ in range(5000)][-1] == 30


def test_a_good_read_ends_the_row() -> None:
    schedule = Schedule(1, 10, highest)
    assert [schedule.after_fault(PASSING, 0) for _ in range(3)] == [1, 2, 4]
    schedule.after_reading(0)
    assert [schedule.after_fault(PASSING, 0) for _ in range(3)] == [1, 2, 4]


def test_a_404_neither_counts_in_the_row_nor_ends_it() -> None:
    schedule = Schedule(1, 10, highest)
    assert [schedule.after_fault(PASSING, 0) for _ in range(2)] == [1, 2]
    assert [schedule.after_fault(MISSING, 0) for _ in range(3)] == pytest.approx([1.1, 1.1, 1.1])
    assert schedule.after_fault(PASSING, 0) == 4


@pytest.mark.parametrize("asked", [0, 0.5, 7, 10**9])
def test_retry_after_is_a_floor_with_up_to_a_second_on_top(asked: float) -> None:
    limited = Fault("HTTP 429", retry_after=asked)
    assert Schedule(1, 10, lowest).after_fault(limited, 0) == asked
    assert Schedule(1, 10, highest).after_fault(limited, 0) == max(1, asked + 1)


def test_retry_after_does_not_shorten_the_pause() -> None:
    schedule = Schedule(1, 10, highest)
    for _ in range(5):
        schedule.after_fault(PASSING, 0)
    assert schedule.after_fault(Fault("HTTP 429", retry_after=3), 0) == 30
    assert schedule.after_fault(Fault("HTTP 429", retry_after=60), 0) == 61


def test_a_lasting_fault_has_no_next_read() -> None:
    assert Schedule(1, 10, middle).after_fault(Fault("HTTP 401", Kind.LASTING), 0) is None


# -- 404 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [0, 3.5, 1000])
def test_a_404_is_read_again_every_second_for_ten(begun: float) -> None:
    schedule = Schedule(20, 60, middle)
    for seconds in (0, 1, 5, 9.5, 9.999):
        assert schedule.after_fault(MISSING, begun + seconds) == 1
    assert schedule.after_fault(MISSING, begun + 10) is None


def test_its_second_is_spread_by_a_tenth() -> None:
    assert Schedule(20, 60, lowest).after_fault(MISSING, 0) == 0.9
    assert Schedule(20, 60, highest).after_fault(MISSING, 0) == 1.1


def test_a_good_read_begins_the_ten_seconds_anew() -> None:
    schedule = Schedule(1, 10, middle)
    assert schedule.after_fault(MISSING, 0) == 1
    schedule.after_reading(9)
    assert schedule.after_fault(MISSING, 12) == 1
    assert schedule.after_fault(MISSING, 21.9) == 1
    assert schedule.after_fault(MISSING, 22) is None


def test_a_passing_fault_does_not() -> None:
    schedule = Schedule(1, 10, middle)
    assert schedule.after_fault(MISSING, 0) == 1
    assert schedule.after_fault(PASSING, 5) == 0.5
    assert schedule.after_fault(MISSING, 10) is None


# -- nobody there ----------------------------------------------------------------------------------


def test_a_minute_without_anyone_there_is_lasting() -> None:
    schedule = Schedule(1, 10, middle)
    for elapsed in (2.0, 30, 61.9):
        assert schedule.after_fault(REFUSED, elapsed) is not None
    assert schedule.after_fault(REFUSED, 62) is None


@pytest.mark.parametrize("answer", [PASSING, MISSING, Fault("cut")], ids=lambda f: f.cause)
def test_not_where_anything_has_ever_answered(answer: Fault) -> None:
    schedule = Schedule(1, 10, middle)
    schedule.after_fault(answer, 0)
    for elapsed in (1.0, 61, 500):
        assert schedule.after_fault(REFUSED, elapsed) is not None


def test_not_after_a_good_read() -> None:
    schedule = Schedule(1, 10, middle)
    schedule.after_reading(0)
    for elapsed in (1.0, 61, 500):
        assert schedule.after_fault(REFUSED, elapsed) is not None


def test_silence_breaks_the_row_of_refusals_and_is_no_answer() -> None:
    schedule = Schedule(1, 10, middle)
    assert schedule.after_fault(REFUSED, 0) is not None
    assert schedule.after_fault(SILENT, 59) is not None
    assert schedule.after_fault(REFUSED, 60) is not None
    assert schedule.after_fault(REFUSED, 119.9) is not None
    assert schedule.after_fault(REFUSED, 120) is None


def test_silence_alone_is_never_lasting() -> None:
    schedule = Schedule(1, 10, middle)
    assert all(schedule.after_fault(SILENT, float(n)) is not None for n in range(0, 500, 10))


def test_those_that_are_lasting_by_their_kind_count_as_nothing_else() -> None:
    schedule = Schedule(1, 10, middle)
    assert schedule.after_fault(REFUSED, 0) is not None
    assert schedule.after_fault(Fault("HTTP 401", Kind.LASTING), 1) is None


@given(
    st.lists(st.sampled_from([PASSING, MISSING, REFUSED, SILENT, None]), max_size=30),
    st.randoms(use_true_random=False),
)
def test_no_pause_is_negative_or_beyond_its_bound(row: list[Fault | None], random: Random) -> None:
    schedule = Schedule(1, 10, random.uniform)
    for number, fault in enumerate(row):
        if fault is None:
            assert 0.9 <= schedule.after_reading(float(number)) <= 11
        else:
            pause = schedule.after_fault(fault, float(number))
            assert pause is None or 0 <= pause <= 30
