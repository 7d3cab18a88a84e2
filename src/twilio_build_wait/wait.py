"""The wait: a state machine that turns poll results into delays and, in the end, an outcome.

`Wait` does no I/O. `poll_until_the_end` adds the loop, which is `backoff`'s. The deadline and the
sleep are ours: backoff's `max_time` follows the wall clock, and its `time.sleep` cannot be
interrupted.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import cast

from twilio_build_wait.durations import render
from twilio_build_wait.model import (
    COMPLETED,
    FAILED,
    BuildStatus,
    Ending,
    ErrorKind,
    Outcome,
    PollError,
    PollResult,
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


@dataclass(eq=False)
class Wait:
    """One wait for one build. It owns the progress, which starts with the inputs that are outputs.

    `show` makes foreign text safe; a value that it would change becomes no output. `clock` is
    monotonic, `uniform` is `random.uniform`. `outcome` is how the wait ended, None before. It is
    final: no later signal changes it.
    """

    limits: Limits
    progress: Progress
    clock: Callable[[], float]
    uniform: Callable[[float, float], float]
    show: Callable[[str], SafeText]
    outcome: Outcome | None = None
    _last_status: SafeText | None = None
    _started: float = inf

    def __post_init__(self) -> None:
        limits = self.limits
        self._lock = threading.Lock()
        self._schedule = Schedule(limits.interval, limits.max_interval, self.uniform)

    @property
    def elapsed(self) -> float:
        """The seconds since the first poll started."""
        return max(0.0, self.clock() - self._started)

    def begin_poll(self) -> float:
        """Count a poll and return how many seconds it may take."""
        self._started = min(self._started, self.clock())
        self._update(polls=self.progress.polls + 1)
        left = self.limits.timeout - self.progress.elapsed
        return min(POLL_LIMIT, max(left, 0.0) + LAST_POLL_LIMIT)

    def step(self, result: PollResult) -> float | Outcome:
        """Take the result of a poll; return the seconds until the next one, or the outcome."""
        self._update()
        elapsed = self.progress.elapsed
        # A poll in flight at the deadline is the last one, as is one that starts at it.
        is_last = elapsed >= self.limits.timeout
        if isinstance(result, PollError):
            delay = self._schedule.after_error(result, elapsed)
            if delay is None or (is_last and result.kind is ErrorKind.NOT_FOUND):
                after = f". {result.advice}" if result.advice else ""
                return self.end(Ending.REJECTED, fit(result.cause, result.message, after))
        else:
            self._learn(result)
            if result.status == COMPLETED:
                return self.end(Ending.COMPLETED, NO_TEXT)
            if result.status == FAILED:
                return self.end(Ending.FAILED, fit("Twilio reports that the build failed"))
            delay = self._schedule.after_success(elapsed)
        return self._time_out(result) if is_last else min(delay, self.limits.timeout - elapsed)

    def cancel(self, number: int) -> Outcome:
        """End a wait that a signal has cancelled; an earlier outcome stands."""
        self._update()
        ending = Ending.of_signal(number)
        when = f"after {render(self.progress.elapsed)}" if self.progress.polls else "before a poll"
        return self.end(ending, fit(f"{ending.meaning} {when}; {self._last_known()}"))

    def end(self, ending: Ending, reason: SafeText, advice: SafeText | None = None) -> Outcome:
        """End the wait, or return the outcome that came first; see `Outcome` for the advice.

        A signal ends it in another thread if the main thread hangs.
        """
        with self._lock:
            if self.outcome is None:
                self.outcome = Outcome(ending, self.progress, reason, advice or ending.advice)
            return self.outcome

    def _time_out(self, result: PollResult) -> Outcome:
        reason = f"no verdict within {render(self.limits.timeout)}; {self._last_known()}"
        if not isinstance(result, PollError):
            return self.end(Ending.TIMED_OUT, fit(reason))
        reason += f"; the last poll failed: {result.cause}"
        if self._schedule.is_answered:
            return self.end(Ending.TIMED_OUT, fit(reason, result.message))
        # A longer timeout would not help where nothing answers.
        after = f". Nothing has ever answered. {result.advice}"
        advice = Ending.REJECTED.advice
        return self.end(Ending.TIMED_OUT, fit(reason, result.message, after), advice)

    def _last_known(self) -> str:
        if self._last_status is None:
            return "Twilio has not reported a status"
        return f"the last status was '{clip(self._last_status, _QUOTED)}'"

    def _learn(self, result: BuildStatus) -> None:
        """Keep what Twilio reports, unless it does not have the format or holds a credential."""
        self._last_status = self.show(result.status)
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
        return value if self.show(value) == value else ""

    def _update(self, **changes: str | int | None) -> None:
        self.progress = replace(self.progress, elapsed=self.elapsed, **changes)  # type: ignore[arg-type] # each caller gives a field its own type


def poll_until_the_end(
    wait: Wait,
    poll: Callable[[float], PollResult],
    report: Callable[[Progress, PollResult, float | None], None],
    pause: Callable[[float], None],
) -> Outcome:
    """Poll until the wait ends.

    `poll` polls once, within a number of seconds, and `pause` sleeps; both may raise `Cancelled`.
    `report` takes each result and the seconds until the next poll, None if there is none.
    """
    import backoff  # noqa: PLC0415 (see below)

    def step() -> float | Outcome:
        result = poll(wait.begin_poll())
        following = wait.step(result)
        report(wait.progress, result, following if isinstance(following, float) else None)
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
