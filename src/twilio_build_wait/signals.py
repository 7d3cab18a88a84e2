"""SIGINT and SIGTERM, remembered at once and answered where the program waits.

A handler only notes the signal; nothing is interrupted half-way. The two places that can
take long, a pause and a request, both wait here, on one queue that the handlers and the worker
threads feed. So a signal is answered at once even while a request or a name look-up hangs in a
system call that no signal can interrupt: it hangs in a thread that is left behind.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

#: How long a signal may go unanswered, in seconds; a wait that is cancelled ends within one.
GRACE = 0.7

# A signal that comes between the interpreter's last look for one and the system call interrupts
# nothing, and is answered when the call returns: so no call waits for longer than this, in seconds.
_SLICE = 0.2

# What a shell reports for a process that a signal ended.
_SIGNAL_BASE = 128

#: The signals that cancel a wait.
CANCELLING = (signal.SIGINT, signal.SIGTERM)


class Cancelled(Exception):  # noqa: N818 (it is a request, not an error)
    """A signal asked for the end; `number` is the first signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(f"cancelled by {signal.Signals(number).name}")
        self.number = number


class Signals:
    """Remembers the first signal, and wakes whoever waits in `sleep` or `run`."""

    def __init__(self, caught: list[int]) -> None:
        """Take over from the handlers that have filled `caught` since the first statement.

        Must be called in the main thread, as `signal.signal` must.
        """
        self._caught = caught
        # Putting into a SimpleQueue is safe in a signal handler, where Event.set can deadlock
        # (queue.SimpleQueue.put in the library reference: "reentrant").
        self._queue: SimpleQueue[object] = SimpleQueue()
        #: What to do, and the exit code to leave with, when a signal is not answered in time: the
        #: main thread hangs where it does not wait here, in an import from a slow disk, say.
        self.last_will: Callable[[], int] = lambda: _SIGNAL_BASE + self._caught[0]
        for number in CANCELLING:
            signal.signal(number, self._handle)
        signal.signal(signal.SIGALRM, self._leave)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._caught.append(number)
        self._queue.put(None)
        if len(self._caught) == 1:
            signal.setitimer(signal.ITIMER_REAL, GRACE)

    def _leave(self, _number: int, _frame: FrameType | None) -> None:
        code = self.last_will()
        for number in CANCELLING:
            signal.signal(number, signal.SIG_IGN)  # the end is decided
        os._exit(code)

    @property
    def caught(self) -> int | None:
        """The first signal that came, or None."""
        return self._caught[0] if self._caught else None

    def sleep(self, seconds: float) -> None:
        """Pause for `seconds`, measured on the monotonic clock.

        Raises:
            Cancelled: a signal came, before or meanwhile.
        """
        self._wait(self, seconds)

    def run(self, work: Callable[[], T], limit: float) -> T:
        """Do `work` in a thread, wait for it at most `limit` seconds, and return its result.

        Raises:
            TimeoutError: it did not end in time; the thread is left behind and its result ignored.
            Cancelled: a signal came, before or meanwhile; likewise.
            BaseException: whatever `work` raised.
        """
        if self._caught:
            raise Cancelled(self._caught[0])
        returned: list[T] = []
        raised: list[BaseException] = []

        def do() -> None:
            try:
                returned.append(work())
            except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
                raised.append(error)
            self._queue.put(returned)

        # A daemon: a look-up that hangs must not keep the process from ending.
        threading.Thread(target=do, daemon=True).start()
        if not self._wait(returned, limit):
            raise TimeoutError
        if raised:
            raise raised[0]
        return returned[0]

    def _wait(self, awaited: object, seconds: float) -> bool:
        """Wait until `awaited` is in the queue (True) or `seconds` have passed (False)."""
        end = time.monotonic() + seconds
        while True:
            try:
                # Once a signal came, only what is there already counts: a reply that was read
                # just before it may hold a verdict, and a verdict once read is final.
                left = 0.0 if self._caught else max(0.0, min(_SLICE, end - time.monotonic()))
                if self._queue.get(timeout=left) is awaited:
                    return True
            except Empty:
                if self._caught:
                    raise Cancelled(self._caught[0]) from None
                if time.monotonic() >= end:
                    return False
