"""Sleep and work that a signal interrupts, on top of the guard's thread.

The program waits in two places, a sleep and a request, and both wait on one queue that the guard's
thread and the worker threads feed. So a signal is answered even while a request or a DNS lookup
hangs in a system call: it hangs in a thread that is left behind.
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

T = TypeVar("T")


class Cancelled(Exception):  # noqa: N818 (a request, not an error)
    """A signal asks the program to end; `number` is the first signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(f"cancelled by {signal.Signals(number).name}")
        self.number = number


class ThreadShortageError(OSError):
    """No thread could be started."""


class Watch(Protocol):
    """The guard's thread; see `guard.Watch`."""

    caught: int | None
    ends_at: float
    wake: Callable[[], object]
    final_report: Callable[[int | None], object]
    exit_code: Callable[[int | None], int]

    def take(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for a signal."""

    def start(self) -> None:
        """Start the thread. Raises RuntimeError if none can be started."""

    def is_alive(self) -> bool:
        """Return whether the thread waits for signals."""


class Signals(Protocol):
    """What a run needs of signals and time."""

    @property
    def caught(self) -> int | None:
        """The first signal that arrived, or None."""

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `Cancelled` if a signal arrives or has arrived."""

    def run(self, work: Callable[[], T], limit: float) -> T:
        """Run `work` in a thread, wait at most `limit` seconds for it, and return its result.

        Raises:
            TimeoutError: it did not end in time; the thread is left behind, its result ignored.
            Cancelled: a signal arrived before or meanwhile; likewise.
            ThreadShortageError: the thread could not be started.
            BaseException: whatever `work` raised.
        """

    def end_after(self, seconds: float) -> None:
        """Make sure that the process ends within so many seconds, wherever it hangs."""

    def before_exit(
        self,
        final_report: Callable[[int | None], object],
        exit_code: Callable[[int | None], int],
    ) -> None:
        """Set what happens if the main thread hangs.

        Both take the signal, or None if the time is up. `final_report` reports what it can,
        `exit_code` is asked next.
        """


class ProcessSignals:
    """The signals of this process, which `watch` takes, and its monotonic clock."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._queue: SimpleQueue[object] = SimpleQueue()
        watch.wake = lambda: self._queue.put(None)

    @property
    def caught(self) -> int | None:
        """The first signal that arrived, or None."""
        if self._watch.caught is None and not self._watch.is_alive():
            self._watch.take(0.0)  # no thread could be started to take it
        return self._watch.caught

    def sleep(self, seconds: float) -> None:
        """Sleep on the monotonic clock; see `Signals.sleep`."""
        self._wait(self, seconds)

    def run(self, work: Callable[[], T], limit: float) -> T:
        """Run `work` in a thread; see `Signals.run`."""
        if self.caught:
            raise Cancelled(self.caught)
        returned: list[T] = []
        raised: list[BaseException] = []

        def do() -> None:
            try:
                returned.append(work())
            except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
                raised.append(error)
            self._queue.put(returned)

        try:
            if not self._watch.is_alive():
                self._watch.start()
            # A daemon: a lookup that hangs must not keep the process from ending.
            threading.Thread(target=do, daemon=True).start()
        except RuntimeError:
            raise ThreadShortageError from None
        if not self._wait(returned, limit):
            raise TimeoutError
        if raised:
            raise raised[0]
        return returned[0]

    def end_after(self, seconds: float) -> None:
        """Make sure that the process ends; see `Signals.end_after`."""
        self._watch.ends_at = time.monotonic() + seconds

    def before_exit(
        self,
        final_report: Callable[[int | None], object],
        exit_code: Callable[[int | None], int],
    ) -> None:
        """Set what happens if the main thread hangs; see `Signals.before_exit`."""
        self._watch.final_report = final_report
        self._watch.exit_code = exit_code

    def _wait(self, awaited: object, seconds: float) -> bool:
        """Wait until `awaited` is in the queue (True) or `seconds` have passed (False)."""
        end = time.monotonic() + seconds
        while True:
            # After a signal, accept only a result that is already queued: it may be a verdict.
            left = 0.0 if self.caught else max(0.0, end - time.monotonic())
            with suppress(Empty):
                if self._queue.get(timeout=left) is awaited:
                    return True
                continue
            if self.caught:
                raise Cancelled(self.caught)
            return False
