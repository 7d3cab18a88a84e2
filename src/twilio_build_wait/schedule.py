"""When to poll next, and when an error ends the wait: pure arithmetic, without a clock."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from twilio_build_wait.inputs import INTERVAL, MAX_INTERVAL
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import NOTHING, Message
from twilio_build_wait.settings import Settings

#: The signature of `random.uniform`.
Uniform = Callable[[float, float], float]

#: The share of the time waited that is added to the interval: long builds are polled less often.
GROWTH = 0.03
#: The jitter of an interval, so that waits side by side do not poll in step.
JITTER = 0.1
#: The longest backoff after transient errors, in seconds, before `Retry-After`.
LONGEST_BACKOFF = 30.0
#: How long a 404 is retried: the build may be new, or a replica behind. In seconds.
NOT_FOUND_FOR = 10.0
#: How long polls that are never sent are retried if nothing has ever answered, in seconds.
UNREACHABLE_FOR = 60.0


@dataclass
class Schedule:
    """Returns delays, or None once an error is permanent; `reach` is how far any poll has got."""

    settings: Settings
    uniform: Uniform
    reach: Reach = Reach.LOCAL
    advice: Message = NOTHING
    _errors_in_row: int = 0
    _not_found_since: float = inf

    def after_success(self, elapsed: float) -> float:
        """Return the delay after a successful poll, `elapsed` seconds into the wait."""
        self._errors_in_row = 0
        self._not_found_since = inf
        self.reach = Reach.TWILIO
        interval = self.settings[INTERVAL] + GROWTH * elapsed
        return min(interval, self.settings[MAX_INTERVAL]) * self.uniform(1 - JITTER, 1 + JITTER)

    def after_error(self, error: PollError, elapsed: float) -> float | None:
        """Return the delay after a failed poll, or None if the error is permanent."""
        if error.reach >= self.reach:
            self.reach, self.advice = error.reach, error.advice
        if error.kind is ErrorKind.PERMANENT:
            return None
        if error.kind is ErrorKind.NOT_FOUND:
            self._not_found_since = min(self._not_found_since, elapsed)
            if elapsed - self._not_found_since >= NOT_FOUND_FOR:
                return None
            return self.uniform(1 - JITTER, 1 + JITTER)
        if error.reach is self.reach is Reach.NOWHERE and elapsed >= UNREACHABLE_FOR:
            return None
        self._errors_in_row += 1
        # The exponent is bounded before the power: a row can be thousands long.
        longest = min(LONGEST_BACKOFF, 2.0 ** min(self._errors_in_row - 1, 5))
        delay = self.uniform(0.0, longest)
        if error.retry_after is not None:
            delay = max(delay, error.retry_after + self.uniform(0.0, 1.0))
        return delay
