"""Simulates waits, ours by the `Wait` of production: a virtual clock and one heap of events."""

import heapq
import math
from collections.abc import Generator, Iterator, Sequence
from itertools import product
from multiprocessing import Pool
from random import Random
from statistics import fmean
from typing import Any

from bench.policies import OTHERS, Delay
from twilio_build_wait.inputs import INTERVAL, MAX_INTERVAL
from twilio_build_wait.model import COMPLETED, BuildStatus, Outcome, PollError, Progress
from twilio_build_wait.text import SafeText
from twilio_build_wait.wait import Limits, Wait

OWN = "twilio-build-wait"
#: Build times are log-uniform between these, in seconds: 5 s and 20 min.
SHORTEST, LONGEST = 5.0, 1200.0
#: Builds, all waited for from the same moment on, and the groups for the lag by build time.
BUILDS, GROUPS = 1000, 10

_LIMITS = Limits(24 * 3600.0, INTERVAL.default, MAX_INTERVAL.default)  # longer than any build
_ERROR = PollError(SafeText("HTTP 503"))
_BUILDING, _COMPLETED = BuildStatus("building"), BuildStatus(COMPLETED)


#: The share of polls that fail, and the capacity of a server that works 0.1 to 0.3 s on a request
#: and answers with a 429 at its capacity. Without a capacity, responses take no time.
SCENARIOS = {"calm": (0.0, None), "errors": (0.1, None), "crowd": (0.0, 100)}


class _OtherWait:
    """Another policy with the methods of `Wait`; an error counts as "not finished"."""

    def __init__(self, delay: Delay, world: "_World") -> None:
        self._delay, self._world = delay, world
        self._polls = 0

    def begin_poll(self) -> None:
        self._polls += 1

    def step(self, result: BuildStatus | PollError) -> float | None:
        if result is _COMPLETED:
            return None
        return self._delay(self._polls, self._world.now, self._world.random)


class _World:
    """The clock of all waits, in seconds, and the server that they poll."""

    def __init__(self, error_rate: float, capacity: int | None) -> None:
        self.now = 0.0
        self.polls = self._in_work = 0
        self.random = Random(7)  # noqa: S311 (a simulation has no secrets)
        self._error_rate, self._capacity = error_rate, capacity

    def run(self, policy: str, build_times: Sequence[float]) -> list[float]:
        """Wait for all builds; return the lags in seconds."""
        lags = [0.0] * len(build_times)
        waits = [self._wait(policy, time) for time in build_times]
        events = [(0.0, self.random.random(), number) for number in range(len(waits))]
        while events:
            self.now, _, number = heapq.heappop(events)
            seconds = next(waits[number], None)
            if seconds is None:
                lags[number] = self.now - build_times[number]
            else:
                heapq.heappush(events, (self.now + seconds, self.random.random(), number))
        return lags

    def _wait(self, policy: str, build_time: float) -> Iterator[float]:
        """Yield the seconds that requests and delays take, until the end is seen."""
        wait: Wait | _OtherWait
        if policy == OWN:
            clock, uniform = lambda: self.now, self.random.uniform
            wait = Wait(_LIMITS, Progress(), clock=clock, uniform=uniform, show=SafeText)
        else:
            wait = _OtherWait(OTHERS[policy][1], self)
        following: float | Outcome | None = 0.0
        while isinstance(following, float):
            yield following
            wait.begin_poll()
            following = wait.step((yield from self._request(build_time)))

    def _request(self, build_time: float) -> Generator[float, None, BuildStatus | PollError]:
        self.polls += 1
        if self._capacity:
            if self._in_work == self._capacity:
                yield 0.02  # the 429 takes this long
                return _ERROR
            self._in_work += 1
            yield self.random.uniform(0.1, 0.3)
            self._in_work -= 1
        if self.random.random() < self._error_rate:
            return _ERROR
        return _COMPLETED if self.now >= build_time else _BUILDING


def simulate(policy: str, scenario: str, builds: int = BUILDS) -> dict[str, Any]:
    """Return the means per build of one policy, times in seconds.

    `relative_lag` is over the build time, `by_build_time` from the shortest builds to the longest.
    """
    ratio, size = LONGEST / SHORTEST, builds // GROUPS
    times = [SHORTEST * ratio ** ((number + 0.5) / builds) for number in range(builds)]
    world = _World(*SCENARIOS[scenario])
    lags = world.run(policy, times)
    return {
        "mean_lag": fmean(lags),
        "p95_lag": sorted(lags)[math.ceil(0.95 * builds) - 1],
        "relative_lag": fmean(lag / time for lag, time in zip(lags, times, strict=True)),
        "polls": world.polls / builds,
        "by_build_time": [fmean(lags[at : at + size]) for at in range(0, size * GROUPS, size)],
    }


def measure() -> dict[str, dict[str, Any]]:
    """Simulate every policy in every scenario on all cores: results by policy, by scenario."""
    names = (OWN, *OTHERS)
    with Pool() as pool:
        results = iter(pool.starmap(simulate, product(names, SCENARIOS), 1))
    return {name: {scenario: next(results) for scenario in SCENARIOS} for name in names}
