"""A wait in virtual time: what reads it, what it sleeps on, and a record of all it did."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from twilio_build_wait.outcome import Outcome, Progress
from twilio_build_wait.results import Fault, Reading
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.wait import Limits, Wait

#: More reads than any script here can need: a wait that does not end must not hang the tests.
MOST_READS = 1000


@dataclass(frozen=True)
class Read:
    """One read of the record: when it began and ended, what it was allowed, what came of it."""

    begun: float
    ended: float
    limit: float
    result: Reading | Fault


@dataclass
class World:
    """A clock that only sleeping and reading move forward, and everything a wait is handed.

    `answers` yields for each read how long it takes, in seconds, and its result; a read is cut off
    at its limit, as the transport does. `overshoot` is by how much a sleep is too long (never by
    nothing: so no wait stands still just before its deadline, where floats run out of digits), and
    `cancelled_at` when a signal comes.
    """

    answers: Iterator[tuple[float, Reading | Fault]]
    uniform: Callable[[float, float], float]
    now: float = 1000.0
    overshoot: float = 1e-9
    cancelled_at: float | None = None
    number: int = 15
    reads: list[Read] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    polled: list[Progress] = field(default_factory=list)
    told: list[tuple[Progress, Reading | Fault, float | None]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def read(self, limit: float) -> Reading | Fault:
        assert len(self.reads) < MOST_READS, "the wait does not end"
        duration, result = next(self.answers)
        if duration > limit:
            duration, result = limit, Fault("too slow", unanswered=True)
        begun = self.now
        self._pass(duration)
        self.reads.append(Read(begun, self.now, limit, result))
        return result

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.pauses.append(seconds)
        self._pass(seconds + (self.overshoot if seconds else 0.0))

    def _pass(self, seconds: float) -> None:
        at = self.cancelled_at
        if at is not None and at <= self.now + seconds:
            self.now = max(self.now, at)
            raise Cancelled(self.number)
        self.now += seconds

    # -- the watcher ---------------------------------------------------------------------------

    def polling(self, progress: Progress) -> None:
        self.polled.append(progress)

    def reading(self, progress: Progress, reading: Reading) -> None:
        self.told.append((progress, reading, None))

    def fault(self, progress: Progress, fault: Fault, pause: float | None) -> None:
        self.told.append((progress, fault, pause))

    def wait(
        self,
        limits: Limits,
        known: Progress | None = None,
        show: Callable[[str], str] = lambda text: text,
    ) -> Outcome:
        return Wait(
            self.read,
            limits,
            known or Progress(),
            self,
            clock=self.clock,
            sleep=self.sleep,
            uniform=self.uniform,
            show=show,
        ).run()
