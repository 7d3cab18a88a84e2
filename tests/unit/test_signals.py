"""Sleep and work that a signal interrupts. Times are short but real."""

import signal
import threading
import time
from collections.abc import Callable
from unittest import mock

import pytest

from twilio_build_wait.signals import Cancelled, ProcessSignals, ThreadShortageError

LONG = 30.0  # seconds; no test waits for it


class FakeWatch:
    """A watch whose signal comes when a test says so. `pending` has come, but nobody took it."""

    caught: int | None = None
    pending: int | None = None
    ends_at = 0.0
    wake: Callable[[], object]
    final_report: Callable[[int | None], object]
    exit_code: Callable[[int | None], int]

    def __init__(self, *, is_running: bool = True) -> None:
        self.is_running = is_running

    def catch(self, number: int) -> None:
        self.caught = number
        self.wake()

    def take(self, timeout: float) -> None:
        assert timeout == 0
        self.caught = self.pending

    def start(self) -> None:
        self.is_running = True

    def is_alive(self) -> bool:
        return self.is_running


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


@pytest.fixture
def signals(watch: FakeWatch) -> ProcessSignals:
    return ProcessSignals(watch)


def test_sleep_lasts_as_long_as_it_should(signals: ProcessSignals) -> None:
    start = time.monotonic()
    signals.sleep(0.05)
    assert 0.05 <= time.monotonic() - start < LONG


def test_signal_ends_a_sleep(watch: FakeWatch, signals: ProcessSignals) -> None:
    timer = threading.Timer(0.02, watch.catch, [signal.SIGINT])
    timer.start()
    with pytest.raises(Cancelled, match="SIGINT") as cancelled:
        signals.sleep(LONG)
    timer.join()
    assert cancelled.value.number == signal.SIGINT


def test_nothing_starts_after_a_signal(watch: FakeWatch, signals: ProcessSignals) -> None:
    watch.catch(signal.SIGTERM)
    with pytest.raises(Cancelled):
        signals.run(lambda: pytest.fail("started"), LONG)
    with pytest.raises(Cancelled):
        signals.sleep(0.0)


def test_request_returns_what_it_returned(signals: ProcessSignals) -> None:
    assert signals.run(lambda: 42, LONG) == 42


def test_request_raises_what_it_raised(signals: ProcessSignals) -> None:
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


def test_lack_of_threads_is_an_error(
    signals: ProcessSignals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", mock.Mock(side_effect=RuntimeError))
    with pytest.raises(ThreadShortageError):
        signals.run(lambda: None, LONG)


def test_signal_is_taken_where_no_thread_waits_for_it() -> None:
    watch = FakeWatch(is_running=False)
    signals = ProcessSignals(watch)
    watch.pending = signal.SIGTERM
    assert signals.caught == signal.SIGTERM


def test_request_starts_the_thread_that_could_not_be_started_before() -> None:
    watch = FakeWatch(is_running=False)
    signals = ProcessSignals(watch)
    assert signals.run(lambda: "done", LONG) == "done"
    assert watch.is_running


def test_end_counts_from_now(watch: FakeWatch, signals: ProcessSignals) -> None:
    before = time.monotonic()
    signals.end_after(5.0)
    assert before + 5.0 <= watch.ends_at <= time.monotonic() + 5.0


def test_watch_learns_how_to_report(watch: FakeWatch, signals: ProcessSignals) -> None:
    report, code = mock.Mock(), mock.Mock()
    signals.before_exit(report, code)
    assert watch.final_report is report
    assert watch.exit_code is code
