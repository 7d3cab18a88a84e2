"""Simulates waits in virtual time. All times are in seconds.

The polls before the end of a build do not depend on when it ends. So each simulated wait lasts as
long as the longest build, and its polls serve for builds of any time.
"""

import math
from bisect import bisect_left
from itertools import pairwise
from operator import itemgetter
from random import Random
from statistics import fmean
from typing import Any

from bench.policies import start

SHORTEST, LONGEST = 5, 1200
_STEPS = [(number + 0.5) / 1000 for number in range(1000)]  # even, from 0 to 1
#: Build times, spread evenly on a logarithmic scale.
BUILD_TIMES = [SHORTEST * (LONGEST / SHORTEST) ** step for step in _STEPS]
#: Ranges of build times. Each is a multiple of 5 s: whole intervals of a loop that polls every 5 s.
RANGES = list(pairwise((SHORTEST, 10, 30, 60, 120, 300, 600, LONGEST)))
#: The waits of a policy. So many make the means exact to about 0.3 %.
WAITS = 200
#: The share of polls that fail.
ERROR_RATE = 0.1


def simulate(policy: str, waits: int = WAITS) -> dict[str, Any]:
    """Return the means of a policy, in total, with errors, and for each of the `RANGES`.

    In a range, the build times are spread evenly.
    """
    random = Random(7)  # noqa: S311 (a simulation has no secrets)
    calm = [_successful_polls(policy, random, 0.0) for _ in range(waits)]
    faulty = [_successful_polls(policy, random, ERROR_RATE) for _ in range(waits)]
    by_build_time = {
        f"{in_words(first)} to {in_words(last)}": _means(
            calm, [first + (last - first) * step for step in _STEPS]
        )
        for first, last in RANGES
    }
    return {
        **_means(calm, BUILD_TIMES),
        "mean_lag_with_errors": _means(faulty, BUILD_TIMES)["mean_lag"],
        "by_build_time": by_build_time,
    }


def _successful_polls(policy: str, random: Random, error_rate: float) -> list[tuple[float, int]]:
    """Return the times and the numbers of the polls in one wait that do not fail."""
    delay = start(policy, random)
    elapsed, number = 0.0, 1
    successful: list[tuple[float, int]] = []
    while not successful or successful[-1][0] < LONGEST:
        has_failed = random.random() < error_rate
        if not has_failed:
            successful.append((elapsed, number))
        elapsed += delay(number, elapsed, has_failed)
        number += 1
    return successful


def _means(waits: list[list[tuple[float, int]]], build_times: list[float]) -> dict[str, float]:
    """Return the means over every wait with every build.

    `relative_lag` is over the build time.
    """
    lags, relative_lags, numbers = [], [], []
    for polls in waits:
        for build_time in build_times:
            time, number = polls[bisect_left(polls, build_time, key=itemgetter(0))]
            lags.append(time - build_time)
            relative_lags.append((time - build_time) / build_time)
            numbers.append(number)
    return {
        "mean_lag": fmean(lags),
        "p95_lag": sorted(lags)[math.ceil(0.95 * len(lags)) - 1],
        "relative_lag": fmean(relative_lags),
        "polls": fmean(numbers),
    }


def in_words(seconds: float) -> str:
    """Return a round time in the unit that suits it."""
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"  # noqa: PLR2004 (a minute)
