"""Real signals to this process, during pauses and requests. Times are short but real."""

import signal
import threading
import time
from collections.abc import Callable
from unittest import mock

import pytest

from twilio_build_wait import signals as module
from twilio_build_wait.signals import Cancelled, Signals, ThreadShortageError

pytestmark = pytest.mark.usefixtures("handlers")

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
LONG = 30.0  # no test waits for it


def make(*caught: int) -> tuple[Signals, list[int]]:
    """Return signals, and the list of exit codes that they leave with."""
    exits: list[int] = []
    return Signals([*caught], exits.append), exits


def test_sleep_lasts_as_long_as_it_should() -> None:
    start = time.monotonic()
    make()[0].sleep(0.25)  # more than one slice
    assert 0.25 <= time.monotonic() - start < LONG


@BOTH
def test_first_signal_counts_and_nothing_starts_after_it(number: int) -> None:
    signals, _ = make()
    for each in (number, signal.SIGTERM, signal.SIGINT):
        signal.raise_signal(each)
    for seconds in (0, LONG):
        with pytest.raises(Cancelled, match=signal.Signals(number).name):
            signals.sleep(seconds)
    with pytest.raises(Cancelled) as cancelled:
        signals.run(lambda: pytest.fail("started"), LONG)
    assert cancelled.value.number == signals.caught == number


def test_request_returns_or_raises_what_it_did() -> None:
    signals, _ = make()
    assert signals.run(lambda: 42, LONG) == 42
    with pytest.raises(KeyError):
        signals.run(lambda: {0: 1}[2], LONG)


def test_request_that_hangs_times_out_and_its_result_is_ignored() -> None:
    signals, _ = make()
    is_over, workers = threading.Event(), []

    def hang() -> str:
        workers.append(threading.current_thread())
        is_over.wait(LONG)
        return "late"

    with pytest.raises(TimeoutError):
        signals.run(hang, 0.05)
    assert workers[0].daemon  # it does not keep the process from ending
    is_over.set()
    workers[0].join(LONG)
    assert signals.run(lambda: "next", LONG) == "next"


def test_result_that_is_queued_when_the_signal_comes_counts() -> None:
    workers: list[threading.Thread] = []

    class Caught(list[int]):
        """Signals that nobody looks at before the request has ended."""

        def __bool__(self) -> bool:
            if len(self):
                workers[0].join(LONG)
            return len(self) > 0

    def verdict_and_signal() -> str:
        workers.append(threading.current_thread())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        return "completed"

    signals = Signals(Caught(), lambda _code: None)
    assert signals.run(verdict_and_signal, LONG) == "completed"
    assert signals.caught == signal.SIGTERM


def test_shortage_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = make()[0], make()[0]
    after.run(lambda: None, LONG)
    monkeypatch.setattr(threading.Thread, "start", mock.Mock(side_effect=RuntimeError))
    for signals in (before, after):
        with pytest.raises(ThreadShortageError, match="thread") as shortage:
            signals.run(lambda: None, LONG)
        assert shortage.value.ever_started is (signals is after)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_last_words_that_hang_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.01)
    signals, exits = make()
    signals.before_exit(lambda _number: wait_until(lambda: exits), lambda number: number)
    start = time.monotonic()
    signal.raise_signal(signal.SIGINT)
    wait_until(lambda: len(exits) == 2)  # once more, because this process goes on
    assert set(exits) == {signal.SIGINT}
    assert time.monotonic() - start < 1


def alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)  # as when it has expired
    signal.raise_signal(signal.SIGALRM)


def test_alarm_ends_what_does_not_answer_a_signal() -> None:
    signals, exits = make(signal.SIGTERM)
    alarm()
    assert exits == [143]
    words: list[int] = []
    signals.before_exit(words.append, lambda number: number + 1)
    alarm()
    assert (words, exits[1:]) == ([], [16])  # it was leaving already: no second last words
    signals, exits = make(signal.SIGINT)
    signals.before_exit(words.append, lambda number: number + 1)
    alarm()
    assert (words, exits) == ([signal.SIGINT], [3])
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.2


def test_alarm_from_outside_is_ignored() -> None:
    _, exits = make()
    alarm()
    signal.raise_signal(signal.SIGTERM)  # starts the timer
    signal.raise_signal(signal.SIGALRM)
    assert exits == []
