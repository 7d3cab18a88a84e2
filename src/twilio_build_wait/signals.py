"""SIGINT and SIGTERM, answered within one second.

A handler only notes the signal. The program waits in two places, a pause and a request, and both
wait on one queue that the handlers and the worker threads feed. So a signal is answered even while
a request or a DNS lookup hangs in a system call: it hangs in a thread that is left behind.
"""

import signal
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

#: How long the main thread may take to answer a signal, in seconds, before the process is ended.
GRACE = 0.7
# How long the last words may take, in seconds; together less than the second that is promised.
_LAST_WORDS = 0.2

# A signal that arrives between the interpreter's check and the system call interrupts nothing and
# is answered when the call returns. So no call waits longer than this, in seconds.
_SLICE = 0.2
# The most that one slice counts, in seconds. It counts longer than that if the process was
# suspended, and then a response may be waiting in the socket.
_LONGEST_SLICE = 1.0


class Cancelled(Exception):  # noqa: N818 (a request, not an error)
    """A signal asks the program to end; `number` is the first signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(f"cancelled by {signal.Signals(number).name}")
        self.number = number


class ThreadShortageError(OSError):
    """No thread could be started; `ever_started` says whether one could earlier in this run."""

    def __init__(self, *, ever_started: bool) -> None:
        super().__init__("no thread could be started")
        self.ever_started = ever_started


class Signals:
    """Remembers the first signal and wakes `sleep` and `run`; made in the main thread.

    It takes over from the handlers that have filled `caught` since the first statement. `exit_now`
    ends the process with an exit code.
    """

    def __init__(self, caught: list[int], exit_now: Callable[[int], None]) -> None:
        self._caught = caught
        self._exit_now = exit_now
        # SimpleQueue.put is reentrant (library reference); Event.set can deadlock in a handler.
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._last_words: Callable[[int], object] = lambda _number: None
        self._exit_code: Callable[[int], int] = lambda number: 128 + number
        self._has_started_a_thread = False
        self._is_leaving = False
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGALRM, self._give_up)

    @property
    def caught(self) -> int | None:
        """The first signal that arrived, or None."""
        return self._caught[0] if self._caught else None

    def before_exit(
        self, last_words: Callable[[int], object], exit_code: Callable[[int], int]
    ) -> None:
        """Set what happens if a signal is not answered in time: the main thread hangs elsewhere.

        Both take the signal's number. `last_words` reports what it can, `exit_code` is asked next.
        """
        self._last_words = last_words
        self._exit_code = exit_code

    def sleep(self, seconds: float) -> None:
        """Sleep on the monotonic clock. Raises `Cancelled` if a signal arrives or has arrived."""
        self._wait(self, seconds)

    def run(self, work: Callable[[], T], limit: float) -> T:
        """Run `work` in a thread, wait at most `limit` seconds for it, and return its result.

        Time during which the process is suspended does not count.

        Raises:
            TimeoutError: it did not end in time; the thread is left behind, its result ignored.
            Cancelled: a signal arrived before or meanwhile; likewise.
            ThreadShortageError: the thread could not be started.
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

        try:
            # A daemon: a lookup that hangs must not keep the process from ending.
            threading.Thread(target=do, daemon=True).start()
        except RuntimeError:
            raise ThreadShortageError(ever_started=self._has_started_a_thread) from None
        self._has_started_a_thread = True
        if not self._wait(returned, limit, longest_slice=_LONGEST_SLICE):
            raise TimeoutError
        if raised:
            raise raised[0]
        return returned[0]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._caught.append(number)
        self._queue.put(None)
        if len(self._caught) == 1:
            signal.setitimer(signal.ITIMER_REAL, GRACE)

    def _give_up(self, _number: int, _frame: FrameType | None) -> None:
        if not self._caught or signal.getitimer(signal.ITIMER_REAL)[0]:
            return  # a SIGALRM from outside
        number = self._caught[0]
        if not self._is_leaving:  # otherwise the last words hang, too
            self._is_leaving = True
            signal.setitimer(signal.ITIMER_REAL, _LAST_WORDS)
            self._last_words(number)
        self._exit_now(self._exit_code(number))

    def _wait(self, awaited: object, seconds: float, longest_slice: float = float("inf")) -> bool:
        """Wait until `awaited` is in the queue (True) or `seconds` have passed (False)."""
        left, before = seconds, time.monotonic()
        while True:
            try:
                # After a signal, accept only a result that is already queued: it may be a verdict.
                timeout = 0.0 if self._caught else max(0.0, min(_SLICE, left))
                if self._queue.get(timeout=timeout) is awaited:
                    return True
            except Empty:
                if self._caught:
                    raise Cancelled(self._caught[0]) from None
                if left <= 0:
                    return False
            now = time.monotonic()
            left -= min(now - before, longest_slice)
            before = now
