"""Real signals to this very process, and what is under way when they come."""

import os
import signal
import threading
import time
from collections.abc import Callable
from queue import Empty
from types import SimpleNamespace

import pytest

from twilio_build_wait.signals import GRACE, Cancelled, Signals

pytestmark = pytest.mark.usefixtures("alarms")

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
#: Longer than any test may take: where it counts, no test waits for it.
LONG = 10.0


def to_the_main_thread(number: int) -> None:
    """Send a signal so that it wakes the main thread, whichever thread this is."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, number)


class Noticed(list[int]):
    """The list of caught signals, which does something when it is asked whether it is empty."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then

    def __bool__(self) -> bool:
        if len(self):
            self._then()
        return len(self) > 0


# -- what has come ---------------------------------------------------------------------------------


@BOTH
def test_a_signal_is_remembered(number: int) -> None:
    caught: list[int] = []
    signals = Signals(caught)
    before = signals.caught
    signal.raise_signal(number)
    assert before is None
    assert (signals.caught, caught) == (number, [number])


def test_one_that_came_before_is_known() -> None:
    assert Signals([signal.SIGTERM]).caught == signal.SIGTERM


def test_a_second_one_changes_nothing(alarms: list[float]) -> None:
    signals = Signals([])
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert signals.caught == signal.SIGTERM
    with pytest.raises(Cancelled, match=r"^cancelled by SIGTERM$") as caught:
        signals.sleep(LONG)
    assert (caught.value.number, alarms) == (signal.SIGTERM, [GRACE])


# -- pauses ----------------------------------------------------------------------------------------


def test_a_pause_is_as_long_as_it_is_said_to_be() -> None:
    begun = time.monotonic()
    Signals([]).sleep(0.02)
    assert time.monotonic() - begun >= 0.02
    Signals([]).sleep(0)


@BOTH
def test_a_signal_ends_a_pause(number: int) -> None:
    signals = Signals([])
    sender = threading.Thread(target=to_the_main_thread, args=[number])
    begun = time.monotonic()
    sender.start()
    with pytest.raises(Cancelled) as caught:
        signals.sleep(LONG)
    assert caught.value.number == number
    assert time.monotonic() - begun < LONG
    sender.join()


class Idle:
    """A queue that stays empty, and notes how long it was to be waited for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def put(self, _item: object) -> None:
        """Lose it."""

    def get(self, *, timeout: float) -> object:
        self.asked.append(round(timeout, 6))
        raise Empty


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Idle:
    made = Idle()
    monkeypatch.setattr("twilio_build_wait.signals.SimpleQueue", lambda: made)
    return made


@pytest.mark.parametrize(
    "readings, asked",
    [
        ([5, 5, 5.2, 5.2, 5.4, 5.4, 5.5], [0.2, 0.2, 0.1]),
        ([5, 5, 5.45, 5.45, 5.6], [0.2, 0.05]),  # the system ends a pause early
        ([5, 5, 5.49, 5.7, 5.7], [0.2, 0]),
        ([5, 9, 9], [0]),
    ],
)
def test_a_pause_is_taken_in_slices(
    idle: Idle, monkeypatch: pytest.MonkeyPatch, readings: list[float], asked: list[float]
) -> None:
    left = iter(readings)
    clock = SimpleNamespace(monotonic=lambda: next(left))
    monkeypatch.setattr("twilio_build_wait.signals.time", clock)
    Signals([]).sleep(0.5)
    assert (idle.asked, list(left)) == (asked, [])


def test_a_signal_is_no_time_to_wait(idle: Idle) -> None:
    signals = Signals([])
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Cancelled):
        signals.sleep(LONG)
    assert idle.asked == [0]


def test_there_is_no_pause_after_a_signal() -> None:
    signals = Signals([])
    signal.raise_signal(signal.SIGINT)
    for _ in range(2):
        with pytest.raises(Cancelled):
            signals.sleep(LONG)
    with pytest.raises(Cancelled):
        Signals([signal.SIGINT]).sleep(LONG)


# -- work ------------------------------------------------------------------------------------------


def test_work_returns_its_result() -> None:
    signals = Signals([])
    threads: list[threading.Thread] = []

    def work() -> str:
        threads.append(threading.current_thread())
        return "done"

    assert signals.run(work, LONG) == "done"
    assert threads[0] is not threading.main_thread()
    assert threads[0].daemon


def test_none_is_a_result_like_any_other() -> None:
    assert Signals([]).run(lambda: None, LONG) is None


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3), KeyboardInterrupt()])
def test_what_work_raises_is_raised(error: BaseException) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        Signals([]).run(work, LONG)
    assert caught.value is error


def test_work_that_takes_too_long_is_left_behind() -> None:
    signals, release, done = Signals([]), threading.Event(), threading.Event()

    def work() -> str:
        release.wait()
        done.set()
        return "late"

    with pytest.raises(TimeoutError):
        signals.run(work, 0.01)
    release.set()
    done.wait()
    # Its result is nobody's any more, least of all that of what is done next.
    assert signals.run(lambda: "next", LONG) == "next"
    signals.sleep(0.01)
    assert signals.run(lambda: "after that", LONG) == "after that"


@BOTH
def test_a_signal_ends_the_wait_for_work_that_hangs(number: int) -> None:
    signals, release = Signals([]), threading.Event()

    def work() -> None:
        to_the_main_thread(number)
        release.wait()

    with pytest.raises(Cancelled) as caught:
        signals.run(work, LONG)
    assert caught.value.number == number
    release.set()


def test_nothing_is_begun_after_a_signal() -> None:
    begun: list[str] = []
    signals = Signals([signal.SIGTERM])
    with pytest.raises(Cancelled, match=r"^cancelled by SIGTERM$"):
        signals.run(lambda: begun.append("work"), LONG)
    assert begun == []


def test_a_result_that_came_first_counts_in_spite_of_a_signal() -> None:
    worker: list[threading.Thread] = []

    def work() -> str:
        worker.append(threading.current_thread())
        to_the_main_thread(signal.SIGTERM)
        return "verdict"

    def until_it_is_done() -> None:
        worker[0].join()

    # The main thread sees the signal before the result is there; by the time that it looks, it is.
    signals = Signals(Noticed(until_it_is_done))
    assert signals.run(work, LONG) == "verdict"
    assert signals.caught == signal.SIGTERM


def test_once_a_signal_came_no_result_is_waited_for() -> None:
    signals, release = Signals([]), threading.Event()

    def work() -> str:
        to_the_main_thread(signal.SIGTERM)
        release.wait(LONG)
        return "too late"

    begun = time.monotonic()
    with pytest.raises(Cancelled):
        signals.run(work, LONG)
    assert time.monotonic() - begun < LONG
    release.set()


# -- the last resort -------------------------------------------------------------------------------


@BOTH
def test_a_signal_that_is_not_answered_in_time_ends_the_process(
    number: int, alarms: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    signals = Signals([])
    assert alarms == []
    signal.raise_signal(number)
    assert alarms == [0.7]
    signal.raise_signal(signal.SIGALRM)
    assert left == [128 + number]
    # The end is decided: what comes now is too late.
    assert {signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)} == {signal.SIG_IGN}
    signals.last_will = lambda: 1
    signal.raise_signal(signal.SIGALRM)
    assert left == [128 + number, 1]
