"""Lag and requests of the project's own wait and of the peers' policies, one build at a time."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from multiprocessing import Pool
from random import Random
from statistics import fmean, stdev
from typing import Any

from bench import virtual
from bench.policies import PEERS, Delay, growing
from bench.virtual import Found

#: The name of the project's own wait among the policies.
OWN = "twilio-build-wait"
#: Build times are log-uniform between these, in seconds: 5 s and 20 min.
SHORTEST, LONGEST = 5.0, 1200.0
#: Also looked at one by one, in seconds. Each run draws within SPREAD of it: a build of 60 s to the
#: millisecond would make every fixed interval that divides 60 look perfect.
FIXED = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
SPREAD = 0.1
FAULT_RATE = 0.1
#: Slices of equal ratio that the picture shows the log-uniform build times in.
BINS = 20
#: Defaults that this project could have as well: first delay, growth, longest delay.
ALTERNATIVES = tuple(
    product((0.5, 1.0, 2.0), (0.02, 0.03, 0.04, 0.05, 0.06), (5.0, 7.0, 10.0, 20.0))
)
#: Differences below this share count as equal when one policy is held against another.
TOLERANCE = 0.01

MEASURES = ("mean_lag", "p95_lag", "relative_lag", "requests")

#: Runs that one worker does at a time.
_PIECE = 250
#: The wait asks `backoff` to sleep for no time at all, which still takes the system 50 µs and more;
#: so a core can serve several workers.
_WORKERS = 4 * (os.cpu_count() or 1)


@dataclass(frozen=True)
class _Job:
    """Some runs of one policy: a name, or the numbers of an alternative default."""

    policy: str | tuple[float, float, float]
    build_times: tuple[float, ...]
    fault_rate: float
    seed: str

    def run(self) -> list[Found]:
        random = Random(self.seed)  # noqa: S311 (a simulation has no secrets)
        if self.policy == OWN:
            bounds = virtual.limits()
            return [virtual.own(time, random, bounds, self.fault_rate) for time in self.build_times]
        delay = _delay(self.policy)
        return [virtual.peer(time, random, delay, self.fault_rate) for time in self.build_times]


def _delay(policy: str | tuple[float, float, float]) -> Delay:
    if isinstance(policy, tuple):
        return growing(*policy)
    return next(peer.delay for peer in PEERS if peer.name == policy)


def log_uniform(runs: int, seed: int) -> list[float]:
    """Draw build times in seconds: one at random in each of `runs` slices of equal probability."""
    random = Random(f"build times {seed}")  # noqa: S311 (a simulation has no secrets)
    ratio = LONGEST / SHORTEST
    return [SHORTEST * ratio ** ((n + random.random()) / runs) for n in range(runs)]


def about(build_time: float, runs: int, seed: int) -> list[float]:
    """Draw build times in seconds within SPREAD of one, each in a slice of equal probability."""
    random = Random(f"about {build_time} {seed}")  # noqa: S311 (a simulation has no secrets)
    shares = ((n + random.random()) / runs for n in range(runs))
    return [build_time * (1 - SPREAD + 2 * SPREAD * share) for share in shares]


def simulate(
    policy: str | tuple[float, float, float],
    build_times: Sequence[float],
    seed: int,
    fault_rate: float = 0.0,
) -> list[Found]:
    """Run one policy over the build times, in this process."""
    return _Job(policy, tuple(build_times), fault_rate, f"{policy} {seed}").run()


def summary(build_times: Sequence[float], found: Sequence[Found]) -> dict[str, float]:
    """Return the four measures, and the standard error of the mean lag.

    `mean_lag`, `p95_lag` and `error` are in seconds, `relative_lag` is the mean of lag over build
    time, `requests` the mean number a build.
    """
    lags = [one.lag for one in found]
    return {
        "mean_lag": fmean(lags),
        "p95_lag": percentile(lags, 0.95),
        "relative_lag": fmean(one.lag / time for one, time in zip(found, build_times, strict=True)),
        "requests": fmean(one.requests for one in found),
        "error": stdev(lags) / math.sqrt(len(lags)),
    }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that a share of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def dominates(one: dict[str, float], other: dict[str, float]) -> bool:
    """Tell whether `one` is nowhere worse than `other`, by TOLERANCE, and somewhere better."""
    pairs = [(one[measure], other[measure]) for measure in MEASURES]
    no_worse = all(mine <= theirs * (1 + TOLERANCE) for mine, theirs in pairs)
    return no_worse and any(mine < theirs * (1 - TOLERANCE) for mine, theirs in pairs)


def bound(relative: bool) -> float:  # noqa: FBT001 (one of two integrals)
    """Return the least product of mean lag and reads that any schedule can reach, roughly.

    For build times with density f and survivor function S, a schedule that pauses D(t) at time t
    has a mean lag of about ∫ f·D/2 and makes about ∫ S/D reads after the first; by the
    Cauchy-Schwarz inequality their product is at least (∫ √(f·S))² / 2, and with lag over build
    time for lag, (∫ √(f·S/t))² / 2. Roughly, since reads are few and whole. A schedule reaches it
    only by knowing f. In seconds for mean lag, a plain number for lag over build time.
    """
    steps, span = 20_000, math.log(LONGEST / SHORTEST)
    total = 0.0
    for step in range(steps):
        share = (step + 0.5) / steps  # of the logarithmic span; S is what is left of it
        time = SHORTEST * math.exp(share * span)
        density = 1 / (time * span)
        integrand = math.sqrt(density * (1 - share) / (time if relative else 1.0))
        total += integrand * time * span / steps
    return total**2 / 2


def measure(runs: int, seed: int) -> dict[str, Any]:
    """Do all runs, and return the data of the page: nothing but plain values."""
    names = (OWN, *(peer.name for peer in PEERS))
    times = log_uniform(runs, seed)
    fixed = {time: about(time, runs // len(FIXED), seed) for time in FIXED}
    fewer = log_uniform(runs // 4, seed)
    with Pool(_WORKERS) as pool:
        plans: dict[tuple[Any, ...], list[Any]] = {}

        def plan(
            key: tuple[Any, ...],
            policy: str | tuple[float, float, float],
            some: Sequence[float],
            rate: float = 0.0,
        ) -> None:
            pieces = [tuple(some[at : at + _PIECE]) for at in range(0, len(some), _PIECE)]
            plans[key] = [
                pool.apply_async(_Job(policy, piece, rate, f"{key} {seed} {at}").run)
                for at, piece in enumerate(pieces)
            ]

        for name in names:
            plan((name, "calm"), name, times)
            plan((name, "faults"), name, times, FAULT_RATE)
            for time, some in fixed.items():
                plan((name, time), name, some)
        for alternative in ALTERNATIVES:
            plan(alternative, alternative, fewer)
        done = {
            key: [one for each in pieces for one in each.get()] for key, pieces in plans.items()
        }
    policies = {
        name: {
            "calm": summary(times, done[name, "calm"]),
            "faults": summary(times, done[name, "faults"]),
            "fixed": {f"{time:g}": summary(fixed[time], done[name, time]) for time in FIXED},
            "by_build_time": _bins(times, done[name, "calm"]),
        }
        for name in names
    }
    return {
        "runs": runs,
        "seed": seed,
        "fault_rate": FAULT_RATE,
        "policies": policies,
        "alternatives": [
            {"interval": i, "growth": g, "cap": c, **summary(fewer, done[i, g, c])}
            for i, g, c in ALTERNATIVES
        ],
        "bounds": {
            "mean_lag": bound(relative=False),
            "relative_lag": bound(relative=True),
            "mean_build_time": fmean(times),
        },
    }


def _bins(times: Sequence[float], found: Sequence[Found]) -> list[dict[str, float]]:
    """Cut the runs, which are in order of build time, into BINS of equal size."""
    size = len(times) // BINS
    cuts = [(at * size, (at + 1) * size) for at in range(BINS)]
    return [
        {
            "build_time": math.exp(fmean(math.log(time) for time in times[start:end])),
            "mean_lag": fmean(one.lag for one in found[start:end]),
            "requests": fmean(one.requests for one in found[start:end]),
        }
        for start, end in cuts
    ]
