"""Sleep and work that a signal interrupts, on top of the guard's thread.

Both wait on one queue that the guard's thread and the worker threads feed. So a signal is answered
even while a request hangs in a system call: it hangs in a thread that is left behind.
"""

import errno
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from twilio_build_wait.guard import Watch

T = TypeVar("T")

#: A clock, in seconds.
Clock = Callable[[], float]


class Cancelled(Exception):  # noqa: N818 (a request, not an error)
    """A signal asks the program to end; `number` is the first signal's."""

    def __init__(self, number: int) -> None:
        self.number = number


class Signals(Protocol):
    """Sleep and work that a signal interrupts."""

    @property
    def caught(self) -> int | None:
        """The first signal that arrived, or None."""

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `Cancelled` if a signal arrives or has arrived."""

    def run(self, work: Callable[[], T], limit: float) -> T:
        """Run `work` in a thread for at most `limit` seconds, and return or raise what it does.

        Raises TimeoutError if it has not ended in time, Cancelled if a signal arrives (the thread
        is left behind), and OSError with EAGAIN if no thread can be started.
        """


class ProcessSignals:
    """`Signals` of this process, which `watch` takes, on its monotonic clock."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._queue: SimpleQueue[object] = SimpleQueue()
        watch.wake = lambda: self._queue.put(None)

    @property
    def caught(self) -> int | None:
        """See `Signals`."""
        if self._watch.caught is None and not self._watch.is_running:
            self._watch.take(0.0)  # no thread could be started to take it
        return self._watch.caught

    def sleep(self, seconds: float) -> None:
        """See `Signals`."""
        self._wait(self, seconds)

    def run(self, work: Callable[[], T], limit: float) -> T:
        """See `Signals`."""
        if self.caught:
            raise Cancelled(self.caught)
        request: Future[T] = Future()

        def do() -> None:
            try:
                request.set_result(work())
            except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
                request.set_exception(error)
            self._queue.put(request)

        try:
            if not self._watch.is_running:
                self._watch.start()
            # A daemon: a lookup that hangs must not keep the process from ending.
            threading.Thread(target=do, daemon=True).start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, "no thread can be started") from None
        if not self._wait(request, limit):
            raise TimeoutError
        return request.result()

    def _wait(self, awaited: object, seconds: float) -> bool:
        """Wait until `awaited` is in the queue (True) or `seconds` have passed (False)."""
        end = time.monotonic() + seconds
        with suppress(Empty):
            while True:
                # After a signal, accept only a result that is already queued: it may be a verdict.
                left = 0.0 if self.caught else max(0.0, end - time.monotonic())
                if self._queue.get(timeout=left) is awaited:
                    return True
        if self.caught:
            raise Cancelled(self.caught)
        return False
