"""Virtual time: only sleeps and the pauses of a server move it. HTTP still uses real sockets."""

import contextlib
import math
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from twilio_build_wait.signals import Cancelled

T = TypeVar("T")


class VirtualClock:
    """Virtual time, and `Signals` in it: what sleeps and what waits for a request.

    SIGTERM comes `signal_at` seconds after the start. `elapsed` is in seconds since the start,
    `request` the latest request, which may be over.
    """

    def __init__(self, signal_at: float = math.inf) -> None:
        self.elapsed = 0.0
        self.request: Future[Any] = Future()
        self._deadline = 0.0
        self._signal_at = signal_at
        self._sleeps_of_zero = 0

    def now(self) -> float:
        return 1000.0 + self.elapsed

    @property
    def caught(self) -> int | None:
        return signal.SIGTERM if self.elapsed >= self._signal_at else None

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, seconds
        self._sleeps_of_zero = 0 if seconds else self._sleeps_of_zero + 1
        assert self._sleeps_of_zero < 100, "it does not end, and no time passes: every delay is 0"
        self._raise_if_caught()
        # Never exactly as long: a wait must not stand still where floats run out of digits.
        self._advance(self.elapsed + (seconds and seconds + 1e-9))
        self._raise_if_caught()

    def run(self, work: Callable[[], T], limit: float) -> T:
        self._raise_if_caught()
        request: Future[T] = Future()
        self.request, self._deadline = request, self.elapsed + limit

        def do() -> None:
            with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
                try:
                    request.set_result(work())
                except BaseException as error:  # noqa: BLE001 (raised again by `result`)
                    request.set_exception(error)

        threading.Thread(target=do, daemon=True).start()
        return request.result()

    def spend(self, seconds: float, request: Future[Any]) -> bool:
        """Let time pass during a request; return False if nobody waits for it any more."""
        if request is self.request and not request.done():
            self._advance(min(self.elapsed + seconds, self._deadline))
            with contextlib.suppress(InvalidStateError):  # it has just ended
                if self.caught:
                    request.set_exception(Cancelled(self.caught))
                elif self.elapsed >= self._deadline:
                    request.set_exception(TimeoutError())
                return not request.done()
        return False

    def _advance(self, end: float) -> None:
        """Let time pass until then, or until the signal comes."""
        self.elapsed = max(self.elapsed, min(end, self._signal_at))

    def _raise_if_caught(self) -> None:
        if self.caught:
            raise Cancelled(self.caught)
