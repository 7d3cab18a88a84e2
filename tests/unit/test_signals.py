"""Sleep and work that a signal interrupts. Times are short but real."""

import signal
import threading
import time
from unittest import mock

import pytest

from twilio_build_wait.guard import Watch
from twilio_build_wait.signals import Cancelled, ProcessSignals

LONG = 30.0  # seconds; no test waits for it


class FakeWatch(Watch):
    """A watch without its thread: its signal comes when a test says so.

    `pending` is a signal that has arrived, but that nobody has taken yet.
    """

    pending: int | None = None

    def catch(self, number: int) -> None:
        self.caught = number
        self.wake()

    def take(self, timeout: float) -> None:
        assert timeout == 0
        self.caught = self.pending

    def start(self) -> None:
        self.is_running = True


@pytest.fixture
def watch() -> FakeWatch:
    watch = FakeWatch()
    watch.start()
    return watch


@pytest.fixture
def signals(watch: FakeWatch) -> ProcessSignals:
    return ProcessSignals(watch)


def test_sleep_lasts_as_long_as_it_should(signals: ProcessSignals) -> None:
    start = time.monotonic()
    signals.sleep(0.05)
    assert 0.05 <= time.monotonic() - start < 0.9


def test_signal_ends_a_sleep(watch: FakeWatch, signals: ProcessSignals) -> None:
    timer = threading.Timer(0.02, watch.catch, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(Cancelled) as cancelled:
        signals.sleep(1.0)
    assert time.monotonic() - start < 0.9
    timer.join()
    assert cancelled.value.number == signal.SIGINT


def test_sleep_ends_at_once_after_a_signal(watch: FakeWatch, signals: ProcessSignals) -> None:
    watch.catch(signal.SIGTERM)
    start = time.monotonic()
    with pytest.raises(Cancelled):
        signals.sleep(1.0)
    assert time.monotonic() - start < 0.9


def test_no_request_starts_after_a_signal(watch: FakeWatch, signals: ProcessSignals) -> None:
    watch.catch(signal.SIGTERM)
    with pytest.raises(Cancelled):
        signals.run(lambda: pytest.fail("started"), LONG)


def test_request_returns_or_raises_what_its_work_does(signals: ProcessSignals) -> None:
    assert signals.run(lambda: 42, LONG) == 42
    with pytest.raises(KeyError):
        signals.run(lambda: {0: 1}[2], LONG)


def test_request_that_hangs_times_out_and_its_result_is_ignored(signals: ProcessSignals) -> None:
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


def test_result_that_is_queued_when_the_signal_comes_counts(
    watch: FakeWatch, signals: ProcessSignals
) -> None:
    """The signal is noticed only after the request has ended."""
    workers: list[threading.Thread] = []

    def verdict() -> str:
        workers.append(threading.current_thread())
        return "completed"

    def wake_after_the_request() -> int | None:
        if workers:
            workers[0].join(LONG)
            watch.caught = signal.SIGTERM
        return watch.caught

    with mock.patch.object(ProcessSignals, "caught", property(lambda _: wake_after_the_request())):
        assert signals.run(verdict, LONG) == "completed"


def test_no_thread_is_an_error(signals: ProcessSignals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", mock.Mock(side_effect=RuntimeError))
    with pytest.raises(BlockingIOError, match="no thread can be started"):
        signals.run(lambda: None, LONG)


def test_signal_is_taken_without_a_thread(watch: FakeWatch, signals: ProcessSignals) -> None:
    watch.is_running = False
    watch.pending = signal.SIGTERM
    assert signals.caught == signal.SIGTERM


def test_request_starts_the_thread_that_could_not_be_started_before(
    watch: FakeWatch, signals: ProcessSignals
) -> None:
    watch.is_running = False
    assert signals.run(lambda: "done", LONG) == "done"
    assert watch.is_running
