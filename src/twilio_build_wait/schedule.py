"""When to read next: pure arithmetic over what has been seen, with no clock of its own."""

from collections.abc import Callable

from twilio_build_wait.results import Fault, Kind

#: The share of the time waited that is added to the delay: long builds are read less often.
GROWTH = 0.03
#: Good reads are spread by this share, so that waits side by side do not march in step.
JITTER = 0.1
#: The longest mean pause after passing faults, in seconds, before `Retry-After`.
LONGEST_BACKOFF = 30.0
#: For how long a 404 may be a build just created, or a replica behind, in seconds.
MISSING_FOR = 10.0
#: How long an unbroken row of "no such name" or "refused" may last where nothing ever answered.
UNREACHABLE_FOR = 60.0


class Schedule:
    """Remembers the rows of faults, and says how long to pause; or that a fault is lasting."""

    def __init__(
        self, interval: float, max_interval: float, uniform: Callable[[float, float], float]
    ) -> None:
        """Take the first and the longest delay in seconds, and `random.uniform` or a stand-in."""
        self._interval = interval
        self._max_interval = max_interval
        self._uniform = uniform
        self._row = 0
        self._missing_since: float | None = None
        self._unreachable_since: float | None = None
        self._answered = False

    def after_reading(self, elapsed: float) -> float:
        """Return the seconds to pause after a good read, `elapsed` seconds into the wait."""
        self._row = 0
        self._missing_since = None
        self._answered = True
        delay = min(self._interval + GROWTH * elapsed, self._max_interval)
        return delay * self._uniform(1 - JITTER, 1 + JITTER)

    def after_fault(self, fault: Fault, elapsed: float) -> float | None:
        """Return the seconds to pause after a fault seen at `elapsed`, or None if it is lasting."""
        if fault.kind is Kind.LASTING:
            return None
        self._answered = self._answered or not fault.unanswered
        if fault.kind is Kind.MISSING:
            return self._after_missing(elapsed)
        if self._is_unreachable(fault, elapsed):
            return None
        self._row += 1
        # The exponent is bounded before the power: a row can be thousands long.
        pause = self._uniform(0.0, min(LONGEST_BACKOFF, 2.0 ** min(self._row - 1, 5)))
        if fault.retry_after is None:
            return pause
        return max(pause, fault.retry_after + self._uniform(0.0, 1.0))

    def _after_missing(self, elapsed: float) -> float | None:
        if self._missing_since is None:
            self._missing_since = elapsed
        if elapsed - self._missing_since >= MISSING_FOR:
            return None
        return self._uniform(1 - JITTER, 1 + JITTER)

    def _is_unreachable(self, fault: Fault, elapsed: float) -> bool:
        if self._answered or not fault.unreachable:
            self._unreachable_since = None
            return False
        if self._unreachable_since is None:
            self._unreachable_since = elapsed
        return elapsed - self._unreachable_since >= UNREACHABLE_FOR
