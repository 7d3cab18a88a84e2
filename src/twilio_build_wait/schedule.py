"""When to poll next: pure arithmetic over what has happened, without a clock of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from twilio_build_wait.model import ErrorKind, PollError

#: The share of the time waited that is added to the interval: long builds are polled less often.
GROWTH = 0.03
#: The jitter of an interval, so that waits side by side do not poll in step.
JITTER = 0.1
#: The longest backoff after transient errors, in seconds, before `Retry-After`.
LONGEST_BACKOFF = 30.0
#: How long a 404 is retried: the build may be new, or a replica behind. In seconds.
NOT_FOUND_FOR = 10.0
#: How long "unreachable" is retried if nothing has ever answered, in seconds.
UNREACHABLE_FOR = 60.0


@dataclass
class Schedule:
    """Counts the errors in a row and returns delays, or None once an error is permanent.

    The first and the longest interval are in seconds, `uniform` is `random.uniform`. `is_answered`
    says whether anything has ever answered.
    """

    interval: float
    max_interval: float
    uniform: Callable[[float, float], float]
    is_answered: bool = False
    _errors_in_row: int = 0
    _not_found_since: float = inf
    _unreachable_since: float = inf

    def after_success(self, elapsed: float) -> float:
        """Return the delay after a successful poll, `elapsed` seconds into the wait."""
        self._errors_in_row = 0
        self._not_found_since = inf
        self.is_answered = True
        interval = min(self.interval + GROWTH * elapsed, self.max_interval)
        return interval * self.uniform(1 - JITTER, 1 + JITTER)

    def after_error(self, error: PollError, elapsed: float) -> float | None:
        """Return the delay after a failed poll, or None if the error is permanent."""
        self.is_answered = self.is_answered or error.is_answer
        if error.kind is ErrorKind.PERMANENT:
            return None
        if error.kind is ErrorKind.NOT_FOUND:
            self._not_found_since = min(self._not_found_since, elapsed)
            is_over = elapsed - self._not_found_since >= NOT_FOUND_FOR
            return None if is_over else self.uniform(1 - JITTER, 1 + JITTER)
        is_unreachable = error.is_unreachable and not self.is_answered
        self._unreachable_since = min(self._unreachable_since, elapsed) if is_unreachable else inf
        if elapsed - self._unreachable_since >= UNREACHABLE_FOR:
            return None
        self._errors_in_row += 1
        # The exponent is bounded before the power: a row can be thousands long.
        longest = min(LONGEST_BACKOFF, 2.0 ** min(self._errors_in_row - 1, 5))
        delay = self.uniform(0.0, longest)
        if error.retry_after is None:
            return delay
        return max(delay, error.retry_after + self.uniform(0.0, 1.0))
