"""The project's own wait on a virtual clock, and the peers' policies beside it.

Time passes only in pauses, so that a wait of 20 minutes takes milliseconds. A read takes no time,
and a build that ends in the very moment of a read is found ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bench.policies import Delay
from twilio_build_wait.outcome import Ending, Progress
from twilio_build_wait.results import BUILDING, COMPLETED, Fault, Reading
from twilio_build_wait.settings import Settings, read
from twilio_build_wait.wait import Limits, Wait

#: A read that tells nothing, as the project's own status client describes one.
FAULT = Fault("HTTP 503 from serverless.twilio.com")


@dataclass(frozen=True)
class Found:
    """How one wait went: seconds from the build's end until it was seen, and requests made."""

    lag: float
    requests: int


def settings() -> Settings:
    """Read the project's settings with every default, but a time-out no build outlasts."""
    given = {
        "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
        "TWILIO_AUTH_TOKEN": 32 * "0",
        "TWILIO_SERVICE_SID": "ZS" + 32 * "0",
        "TWILIO_BUILD_SID": "ZB" + 32 * "0",
        "TWILIO_BUILD_TIMEOUT": "24h",
    }
    found = read(given)
    if found.problems:
        raise AssertionError(found.problems)
    return found


def limits() -> Limits:
    """Return the limits of a wait with every default, but a time-out no build outlasts."""
    defaults = settings()
    return Limits(defaults.timeout, defaults.interval, defaults.max_interval)


class _Silent:
    """A watcher that does not look."""

    def polling(self, progress: Progress) -> None:
        """Hear that a read begins."""

    def reading(self, progress: Progress, reading: Reading) -> None:
        pass

    def fault(self, progress: Progress, fault: Fault, pause: float | None) -> None:
        pass


def wait(
    read_once: Callable[[float], Reading | Fault],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    random: Random,
    bounds: Limits,
) -> int:
    """Run the project's own wait to its end, and return the number of reads it took.

    Raises:
        AssertionError: it ended other than with `completed`.
    """
    ended = Wait(
        read_once,
        bounds,
        Progress(),
        _Silent(),
        clock=clock,
        sleep=sleep,
        uniform=random.uniform,
        show=str,
    ).run()
    if ended.ending is not Ending.COMPLETED:
        raise AssertionError(ended)
    return ended.progress.polls


def own(build_time: float, random: Random, bounds: Limits, fault_rate: float = 0.0) -> Found:
    """Wait with the project's own code for a build that ends after `build_time` seconds."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def read_once(_limit: float) -> Reading | Fault:
        if fault_rate and random.random() < fault_rate:
            return FAULT
        return Reading(COMPLETED if now >= build_time else BUILDING)

    requests = wait(read_once, lambda: now, sleep, random, bounds)
    return Found(now - build_time, requests)


def peer(build_time: float, random: Random, delay: Delay, fault_rate: float = 0.0) -> Found:
    """Wait by a peer's policy for a build that ends after `build_time` seconds."""
    now, requests = 0.0, 1
    while now < build_time or (fault_rate and random.random() < fault_rate):
        now += delay(requests, now, random)
        requests += 1
    return Found(now - build_time, requests)
