"""The wait: a state machine that turns poll results into delays and, in the end, an outcome.

`Wait` does no I/O. `poll_until_the_end` adds the loop, which is `backoff`'s. The deadline and the
sleep are ours: backoff's `max_time` follows the wall clock, and its `time.sleep` cannot be
interrupted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, cast

from twilio_build_wait.durations import render
from twilio_build_wait.model import (
    COMPLETED,
    FAILED,
    BuildStatus,
    Ending,
    ErrorKind,
    Outcome,
    PollError,
    Progress,
)
from twilio_build_wait.schedule import Schedule
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.text import NO_TEXT, SafeText, clip, fit

#: The longest that one poll may take, in seconds.
POLL_LIMIT = 10.0
#: The longest that the last poll, the one at the deadline, may take, in seconds.
LAST_POLL_LIMIT = 5.0

# The longest status that is quoted in a reason, in characters.
_QUOTED = 60
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True)
class Limits:
    """The timeout, the first and the longest interval, all in seconds."""

    timeout: float
    interval: float
    max_interval: float


class Observer(Protocol):
    """Sees the wait go on."""

    def poll_started(self, progress: Progress) -> None:
        """Called when a poll starts."""

    def poll_succeeded(self, progress: Progress, status: BuildStatus) -> None:
        """Called after a successful poll."""

    def poll_failed(self, progress: Progress, error: PollError, delay: float | None) -> None:
        """Called after a failed poll; `delay` is in seconds, None if it was the last poll."""


class Wait:
    """One wait for one build. It owns the progress."""

    def __init__(
        self,
        limits: Limits,
        known: Progress,
        *,
        clock: Callable[[], float],
        uniform: Callable[[float, float], float],
        show: Callable[[str], SafeText],
    ) -> None:
        """Start with what is known before the first poll.

        Args:
            limits: how long to wait and how often to poll.
            known: the inputs that are outputs too.
            clock: a monotonic clock, in seconds.
            uniform: `random.uniform`.
            show: makes foreign text safe; a value that it would change becomes no output.
        """
        self.progress = known
        #: How the wait ended, None before. An outcome is final: no later signal changes it.
        self.outcome: Outcome | None = None
        self._limits = limits
        self._clock = clock
        self._show = show
        self._schedule = Schedule(limits.interval, limits.max_interval, uniform)
        self._last_status: SafeText | None = None
        self._started: float | None = None

    @property
    def elapsed(self) -> float:
        """The seconds since the first poll started."""
        return 0.0 if self._started is None else self._clock() - self._started

    def begin_poll(self) -> float:
        """Count a poll and return how many seconds it may take."""
        if self._started is None:
            self._started = self._clock()
        self._update(polls=self.progress.polls + 1)
        left = self._limits.timeout - self.progress.elapsed
        return min(POLL_LIMIT, max(left, 0.0) + LAST_POLL_LIMIT)

    def step(self, result: BuildStatus | PollError) -> float | Outcome:
        """Take the result of a poll; return the seconds until the next one, or the outcome."""
        self._update()
        if isinstance(result, PollError):
            return self._after_error(result)
        return self._after_success(result)

    def cancel(self, number: int) -> Outcome:
        """End a wait that a signal has cancelled; an earlier outcome stands."""
        if self.outcome:
            return self.outcome
        self._update()
        ending = Ending.of_signal(number)
        when = f"after {render(self.progress.elapsed)}" if self.progress.polls else "before a poll"
        return self._end(ending, fit(f"{ending.meaning} {when}; {self._last_known()}"))

    def reject_inputs(self, reason: SafeText) -> Outcome:
        """End a wait whose inputs are invalid."""
        return self._end(Ending.INVALID, reason)

    def crash(self) -> Outcome:
        """End a wait that a bug of ours has stopped."""
        return self._end(Ending.ERROR, fit("a bug in twilio-build-wait; there is no verdict"))

    def _after_success(self, result: BuildStatus) -> float | Outcome:
        self._learn(result)
        if result.status == COMPLETED:
            return self._end(Ending.COMPLETED, NO_TEXT)
        if result.status == FAILED:
            return self._end(Ending.FAILED, fit("Twilio reports that the build failed"))
        delay = self._schedule.after_success(self.progress.elapsed)
        return self._time_out() if self._is_over() else self._bounded(delay)

    def _after_error(self, error: PollError) -> float | Outcome:
        delay = self._schedule.after_error(error, self.progress.elapsed)
        if delay is None or (self._is_over() and error.kind is ErrorKind.NOT_FOUND):
            after = f". {error.advice}" if error.advice else ""
            return self._end(Ending.REJECTED, fit(error.cause, error.message, after))
        return self._time_out(error) if self._is_over() else self._bounded(delay)

    def _is_over(self) -> bool:
        # A poll in flight at the deadline is the last one, as is one that starts at it.
        return self.progress.elapsed >= self._limits.timeout

    def _bounded(self, delay: float) -> float:
        """Cut a delay at the deadline, when the last poll is due."""
        return min(delay, self._limits.timeout - self.progress.elapsed)

    def _learn(self, result: BuildStatus) -> None:
        """Keep what Twilio reports, unless it does not have the format or holds a credential."""
        self._last_status = self._show(result.status)
        progress = self.progress
        self._update(
            status=self._as_output(result.status),
            build_sid=result.build_sid or progress.build_sid,
            account_sid=self._unchanged(result.account_sid) or progress.account_sid,
            service_sid=self._unchanged(result.service_sid) or progress.service_sid,
            url=self._unchanged(result.url) or progress.url,
            found=result.found or progress.found,
        )

    def _as_output(self, status: str) -> str:
        if status in {COMPLETED, FAILED}:
            return status
        # Comparisons in workflows ignore case: `COMPLETED` must not look like a verdict.
        is_lookalike = status.lower() in {COMPLETED, FAILED}
        return self._unchanged(status) if _WORD.fullmatch(status) and not is_lookalike else ""

    def _unchanged(self, value: str) -> str:
        return value if self._show(value) == value else ""

    def _time_out(self, error: PollError | None = None) -> Outcome:
        reason = f"no verdict within {render(self._limits.timeout)}; {self._last_known()}"
        if error is None:
            return self._end(Ending.TIMED_OUT, fit(reason))
        reason += f"; the last poll failed: {error.cause}"
        if self._schedule.is_answered:
            return self._end(Ending.TIMED_OUT, fit(reason, error.message))
        # A longer timeout would not help where nothing answers.
        after = f". Nothing has ever answered. {error.advice}"
        advice = Ending.REJECTED.advice
        return self._end(Ending.TIMED_OUT, fit(reason, error.message, after), advice)

    def _last_known(self) -> str:
        if self._last_status is None:
            return "Twilio has not reported a status"
        return f"the last status was '{clip(self._last_status, _QUOTED)}'"

    def _update(self, **changes: str | int | None) -> None:
        self.progress = replace(self.progress, elapsed=self.elapsed, **changes)  # type: ignore[arg-type] # each caller gives a field its own type

    def _end(self, ending: Ending, reason: SafeText, advice: SafeText | None = None) -> Outcome:
        self.outcome = Outcome(ending, self.progress, reason, advice or ending.advice)
        return self.outcome


def poll_until_the_end(
    wait: Wait,
    poll: Callable[[float], BuildStatus | PollError],
    observer: Observer,
    pause: Callable[[float], None],
) -> Outcome:
    """Poll until the wait ends.

    Args:
        wait: decides what each result means.
        poll: polls once, within a number of seconds; may raise `Cancelled`.
        observer: is told of every poll.
        pause: sleeps for a number of seconds; may raise `Cancelled`.
    """
    import backoff  # noqa: PLC0415 (see below)

    def step() -> float | Outcome:
        limit = wait.begin_poll()
        observer.poll_started(wait.progress)
        result = poll(limit)
        following = wait.step(result)
        if isinstance(result, PollError):
            delay = following if isinstance(following, float) else None
            observer.poll_failed(wait.progress, result, delay)
        else:
            observer.poll_succeeded(wait.progress, result)
        return following

    # Imported and decorated here: it takes its time, and asks asyncio, which warns from Python 3.14
    # on. No logger: its own would print what the server sent. No jitter: its own would shorten
    # a delay that Retry-After asked for.
    until_the_end = backoff.on_predicate(
        backoff.constant,
        lambda following: isinstance(following, float),
        interval=0,
        jitter=None,
        logger=None,
        on_backoff=lambda details: pause(details["value"]),
    )
    try:
        pause(0.0)  # a signal before the first poll: none is started or counted
        return cast("Outcome", until_the_end(step)())  # the loop ends with nothing else
    except Cancelled as cancelled:
        return wait.cancel(cancelled.number)
