"""The wait: reads the status until there is a verdict, a lasting fault, the deadline or a signal.

The loop is `backoff`'s; the delay, the clock, the sleep and the deadline are ours. Its own
`max_time` follows the wall clock and its `time.sleep` cannot be interrupted, so the callback that
gives it the delay does the sleeping itself, and asks it to sleep for no time at all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, cast

import backoff

from twilio_build_wait.durations import render
from twilio_build_wait.outcome import Ending, Outcome, Progress
from twilio_build_wait.results import BUILDING, COMPLETED, FAILED, Fault, Kind, Reading
from twilio_build_wait.schedule import Schedule
from twilio_build_wait.signals import Cancelled

#: The longest that one read may take, in seconds.
READ_LIMIT = 10.0
#: The longest that the last read, the one at the deadline, may take, in seconds.
LAST_READ_LIMIT = 5.0

_NO_ANSWER = (
    "Nothing has ever answered: check region, edge and base-url, and the way out of this network"
)
_KNOWN = frozenset({BUILDING, COMPLETED, FAILED})
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Watcher(Protocol):
    """Whoever is told how the wait goes on."""

    def polling(self, progress: Progress) -> None:
        """Hear that a read begins."""

    def reading(self, progress: Progress, reading: Reading) -> None:
        """Hear of a good read."""

    def fault(self, progress: Progress, fault: Fault, pause: float | None) -> None:
        """Hear of a fault, and in how many seconds the next read is due (None: no more reads)."""


@dataclass(frozen=True)
class Limits:
    """The time-out, the first and the longest delay between two good reads, all in seconds."""

    timeout: float
    interval: float
    max_interval: float


class Wait:
    """One wait for one build."""

    def __init__(
        self,
        read: Callable[[float], Reading | Fault],
        limits: Limits,
        known: Progress,
        watcher: Watcher,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        uniform: Callable[[float, float], float],
        show: Callable[[str], str],
    ) -> None:
        """Take everything from outside.

        Args:
            read: reads the status once, within a number of seconds; `status.reader` makes it.
            limits: how long to wait, and how often to read.
            known: what is known before the first read.
            watcher: is told of every read.
            clock: a monotonic clock, in seconds.
            sleep: pauses for a number of seconds; like `read` it may raise `Cancelled`.
            uniform: `random.uniform`.
            show: makes foreign text safe to show; a value that it would change is not passed on.
        """
        self._read = read
        self._limits = limits
        self._progress = known
        self._watcher = watcher
        self._clock = clock
        self._sleep = sleep
        self._show = show
        self._schedule = Schedule(limits.interval, limits.max_interval, uniform)
        self._last_status: str | None = None
        self._started = 0.0

    def run(self) -> Outcome:
        """Wait, and return how it ended."""
        # Decorated here and not at import: backoff's decorator asks asyncio, which warns about it
        # from Python 3.14 on. No logger: its own would print what the server said. No jitter: its
        # own would shorten a pause that Retry-After asked for.
        until_ended = backoff.on_predicate(
            backoff.runtime,
            lambda step: isinstance(step, float),
            value=self._pause,
            jitter=None,
            logger=None,
        )
        self._started = self._clock()
        try:
            self._sleep(0.0)  # a signal before the first read: none is begun then, or counted
            ended = until_ended(self._step)()
        except Cancelled as cancelled:
            self._progress = replace(self._progress, elapsed=self._elapsed())
            ending = Ending.of_signal(cancelled.number)
            waited = render(self._progress.elapsed)
            return self._end(ending, f"{cancelled} after {waited}; {self._so_far()}")
        return cast("Outcome", ended)  # the loop ends with nothing else

    def _step(self) -> Outcome | float:
        """Read once; return the outcome, or in how many seconds to read again."""
        begun = self._elapsed()
        self._progress = replace(self._progress, polls=self._progress.polls + 1, elapsed=begun)
        self._watcher.polling(self._progress)
        left = self._limits.timeout - begun + LAST_READ_LIMIT
        # A starved machine may wake late: the last read is still worth a try.
        result = self._read(max(0.1, min(READ_LIMIT, left)))
        elapsed = self._elapsed()
        self._progress = replace(self._progress, elapsed=elapsed)
        if isinstance(result, Fault):
            return self._after_fault(result, elapsed)
        return self._after_reading(result, elapsed)

    # backoff calls a callable argument without arguments first, and takes it as it is only if that
    # is a TypeError: so exactly one required argument, and no default.
    def _pause(self, step: float) -> float:
        self._sleep(step)
        return 0.0

    def _after_reading(self, reading: Reading, elapsed: float) -> Outcome | float:
        self._learn(reading)
        self._watcher.reading(self._progress, reading)
        if reading.status == COMPLETED:
            return self._end(Ending.COMPLETED)
        if reading.status == FAILED:
            return self._end(Ending.FAILED, "Twilio reports that the build failed")
        if self._is_over(elapsed):
            return self._time_out()
        return self._bounded(self._schedule.after_reading(elapsed), elapsed)

    def _after_fault(self, fault: Fault, elapsed: float) -> Outcome | float:
        pause = self._schedule.after_fault(fault, elapsed)
        over = self._is_over(elapsed)
        if pause is None or (over and fault.kind is Kind.MISSING):
            self._watcher.fault(self._progress, fault, None)
            return self._end(Ending.REJECTED, f"{fault.cause}. {fault.advice or _NO_ANSWER}")
        if over:
            self._watcher.fault(self._progress, fault, None)
            return self._time_out(f"; the last read failed: {fault.cause}")
        pause = self._bounded(pause, elapsed)
        self._watcher.fault(self._progress, fault, pause)
        return pause

    def _is_over(self, elapsed: float) -> bool:
        # A read under way at the deadline is the last one, just as one begun at it.
        return elapsed >= self._limits.timeout

    def _bounded(self, pause: float, elapsed: float) -> float:
        """Cut a pause short at the deadline, where the status is read one last time."""
        return min(pause, self._limits.timeout - elapsed)

    def _learn(self, reading: Reading) -> None:
        """Keep what Twilio says of the build, where it has the form and gives no secret away."""
        self._last_status = reading.status
        word = reading.status if _WORD.fullmatch(reading.status) else ""
        if word.lower() in {COMPLETED, FAILED} and word not in {COMPLETED, FAILED}:
            # Comparisons in workflows ignore case: `COMPLETED` must not look like a verdict.
            word = ""
        self._progress = replace(
            self._progress,
            status=word if word in _KNOWN else self._passed_on(word),
            account_sid=self._passed_on(reading.account_sid) or self._progress.account_sid,
            service_sid=self._passed_on(reading.service_sid) or self._progress.service_sid,
            url=self._passed_on(reading.url) or self._progress.url,
        )

    def _passed_on(self, value: str) -> str:
        return value if self._show(value) == value else ""

    def _time_out(self, last_read: str = "") -> Outcome:
        reason = f"no verdict within {render(self._limits.timeout)}; {self._so_far()}{last_read}"
        return self._end(Ending.TIMED_OUT, reason)

    def _so_far(self) -> str:
        if self._last_status is None:
            return "Twilio has not reported a status"
        return f"the last status was '{self._last_status}'"

    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _end(self, ending: Ending, reason: str = "") -> Outcome:
        return Outcome(ending, self._progress, self._show(reason))
