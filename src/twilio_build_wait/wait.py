"""The wait: a state machine that turns poll results into delays and, in the end, an outcome.

`Wait` does no I/O. The loop around it is `backoff`'s; deadline and sleep are ours, because its
`max_time` follows the wall clock, and its `time.sleep` cannot be interrupted.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from math import inf
from signal import Signals
from typing import Any, cast

from twilio_build_wait.durations import render
from twilio_build_wait.inputs import BUILD_SID, LATEST, SERVICE_SID, TIMEOUT
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
    Reach,
)
from twilio_build_wait.safe_text import NOTHING, Message, join, message
from twilio_build_wait.schedule import Schedule, Uniform
from twilio_build_wait.settings import Settings
from twilio_build_wait.signals import Cancelled, Clock

#: The longest that one poll may take, in seconds.
POLL_LIMIT = 10.0
#: The longest that the last poll, the one at the deadline, may take, in seconds.
LAST_POLL_LIMIT = 5.0

_FINAL = {COMPLETED, FAILED}
_SAFE_STATUS = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NO_ANSWER = "Nothing has ever answered"
_NOT_TWILIO = "Nothing that answered looks like Twilio"


class Wait:
    """One wait for one build. It owns the progress and the outcome, which is final."""

    def __init__(self, settings: Settings, clock: Clock, uniform: Uniform) -> None:
        build_sid = "" if settings.is_latest else settings[BUILD_SID]
        url = settings.status_url(build_sid)
        self.progress = Progress(build_sid, settings[SERVICE_SID], url=url)
        self.outcome: Outcome | None = None
        self._timeout = settings[TIMEOUT]
        self._clock = clock
        self._started = inf
        self._last_status = message("Twilio has not reported a status")
        self._schedule = Schedule(settings, uniform)
        # If the main thread hangs, another one ends the wait.
        self._lock = threading.RLock()

    @property
    def elapsed(self) -> float:
        """The seconds since the first poll started."""
        return max(0.0, self._clock() - self._started)

    def begin_poll(self) -> float:
        """Count a poll and return how many seconds it may take."""
        self._started = min(self._started, self._clock())
        self._update(polls=self.progress.polls + 1)
        return min(POLL_LIMIT, max(0.0, self._timeout - self.progress.elapsed) + LAST_POLL_LIMIT)

    def step(self, result: PollResult) -> float | Outcome:
        """Take the result of a poll; return the seconds until the next one, or the outcome."""
        with self._lock:
            if self.outcome:
                return self.outcome
            self._update()
            elapsed = self.progress.elapsed
            # A poll in flight at the deadline, or started then, is the last one.
            is_last = elapsed >= self._timeout
            if isinstance(result, PollError):
                delay = self._schedule.after_error(result, elapsed)
                if delay is None or (is_last and result.kind is ErrorKind.NOT_FOUND):
                    # A transient error becomes permanent only if nothing has ever answered.
                    addition = _NO_ANSWER if result.kind is ErrorKind.TRANSIENT else ""
                    reason = join(". ", result.text, message(addition), result.advice)
                    return self.end(result.ending, reason)
            else:
                self._learn(result)
                if result.status in _FINAL:
                    return self._verdict(result.status)
                delay = self._schedule.after_success(elapsed)
            return self._time_out(result) if is_last else min(delay, self._timeout - elapsed)

    def cancel(self, number: int) -> Outcome:
        """End a wait that a signal has cancelled; an earlier outcome stands."""
        with self._lock:
            self._update()
            ending = next(each for each in Ending if each.exit_code == 128 + number)
            waited = f"after {render(self.progress.elapsed)}"
            when = waited if self.progress.polls else "before the first poll"
            reason = f"cancelled by {Signals(number).name} {when}; {{}}"
            return self.end(ending, message(reason, self._last_status))

    def end(
        self, ending: Ending, reason: Message = NOTHING, advice: Message | None = None
    ) -> Outcome:
        """End the wait, or return the outcome that came first. None is the ending's own advice."""
        with self._lock:
            if self.outcome is None:
                if advice is None:
                    advice = message(ending.advice, self.progress.build_sid or LATEST)
                self.outcome = Outcome(ending, self.progress, reason, advice)
            return self.outcome

    def _verdict(self, status: str) -> Outcome:
        latest = self.progress.latest
        if status == COMPLETED:
            return self.end(Ending.NEWEST_COMPLETED if latest else Ending.COMPLETED)
        reason = message("Twilio reports that the build failed")
        return self.end(Ending.FAILED, latest.qualify(reason) if latest else reason)

    def _time_out(self, result: PollResult) -> Outcome:
        reason = message(f"no verdict within {render(self._timeout)}; {{}}", self._last_status)
        if isinstance(result, PollError):
            reason = message("{}; the last poll failed: {}", reason, result.text)
            if self._schedule.reach is not Reach.TWILIO:
                # A longer timeout would not help.
                addition = _NOT_TWILIO if self._schedule.reach is Reach.ANSWERED else _NO_ANSWER
                reason = join(". ", reason, message(addition), self._schedule.advice)
                return self.end(Ending.TIMED_OUT, reason, NOTHING)
        elif not self._timeout:
            reason = message("the build is not finished; {}", self._last_status)
            return self.end(Ending.NOT_FINISHED, reason)
        return self.end(Ending.TIMED_OUT, reason)

    def _learn(self, result: BuildStatus) -> None:
        self._last_status = message("the last status was '{}'", result.status)
        progress, latest, status = self.progress, result.latest, result.status
        # Comparisons in workflows ignore case: `COMPLETED` must not look like a verdict.
        is_lookalike = status.lower() in _FINAL and status not in _FINAL
        self._update(
            status=status if _SAFE_STATUS.fullmatch(status) and not is_lookalike else "",
            build_sid=latest.build_sid if latest else progress.build_sid,
            account_sid=result.account_sid or progress.account_sid,
            service_sid=result.service_sid or progress.service_sid,
            url=result.url or progress.url,
            latest=latest or progress.latest,
        )

    def _update(self, **changes: Any) -> None:
        self.progress = replace(self.progress, elapsed=self.elapsed, **changes)


def poll_until_the_end(
    wait: Wait,
    poll: Callable[[float], PollResult],
    report: Callable[[Progress, PollResult, float | None], None],
    pause: Callable[[float], None],
) -> Outcome:
    """Poll until the wait ends; `report` takes each result, and the delay until the next."""
    import backoff  # noqa: PLC0415 (see below)

    def step() -> float | Outcome:
        result = poll(wait.begin_poll())
        decision = wait.step(result)
        report(wait.progress, result, decision if isinstance(decision, float) else None)
        return decision

    # Importing it is slow, and decorating calls asyncio, which warns from Python 3.14 on. It never
    # sleeps: `pause` does. No logger: it would print what the server sent. No jitter: it would
    # shorten a delay that Retry-After asked for.
    until_the_end = backoff.on_predicate(
        backoff.constant,
        lambda decision: isinstance(decision, float),
        interval=0,
        jitter=None,
        logger=None,
        on_backoff=lambda details: pause(details["value"]),
    )
    try:
        pause(0.0)  # raises if a signal is already here, so that no poll is counted
        return cast("Outcome", until_the_end(step)())  # the loop ends with nothing else
    except Cancelled as cancelled:
        return wait.cancel(cancelled.number)
