"""When others read again: each policy as one line of arithmetic, with the source it was read in.

A policy is asked after a read that has not found the build ended. It gets the number of reads done
(from 1), the seconds since the first of them and a source of randomness, and returns the seconds to
the next read. Where a program's own handling of a fault is another, the page says so: here a read
that told nothing counts as "not finished", which flatters those that would have died of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

#: (reads done, seconds elapsed, randomness) -> seconds to the next read
Delay = Callable[[int, float, Random], float]


@dataclass(frozen=True)
class Policy:
    """One policy: its name on the page, the delay, the delay in words, and where it was read."""

    name: str
    delay: Delay
    words: str
    source: str


#: From here on the waiter of AWS SDK v3 no longer draws its delay: log2(120 / 2) + 1 reads.
_AWS_CEILING = 6.907
#: Past these exponents each delay has long reached its maximum; without a bound it would overflow.
_TERRAFORM_TOP, _GOOGLE_TOP, _BACKOFF_TOP = 8, 9, 30

PEERS = (
    Policy(
        "fixed 1 s",
        lambda _n, _t, _r: 1.0,
        "1 s",
        "Twilio's own toolkit, for these very builds: twilio-labs/serverless-toolkit "
        "packages/serverless-api/src/api/builds.ts:147-186 @b1976af; Twilio's documentation "
        "advises the same",
    ),
    Policy(
        "fixed 3 s",
        lambda _n, _t, _r: 3.0,
        "3 s",
        "`gh run watch`: cli/cli pkg/cmd/run/watch/watch.go:20 @44ee177",
    ),
    Policy(
        "fixed 5 s",
        lambda _n, _t, _r: 5.0,
        "5 s",
        "shell loops, such as lewtun.github.io/blog/til/2021/01/07/til-poll-api-with-bash.html",
    ),
    Policy(
        "fixed 10 s",
        lambda _n, _t, _r: 10.0,
        "10 s",
        "lewagon/wait-on-check-action action.yml, `wait-interval` @3b8be5b",
    ),
    Policy(
        "Terraform",
        lambda n, _t, _r: min(0.1 * 2.0 ** min(n, _TERRAFORM_TOP), 10.0),
        "200 ms, doubled to 10 s",
        "`StateChangeConf` without MinTimeout or PollInterval: hashicorp/terraform-plugin-sdk "
        "helper/retry/state.go:88-201 @9e60169",
    ),
    Policy(
        "google.api_core",
        lambda n, _t, r: r.uniform(0.0, min(1.5 ** min(n - 1, _GOOGLE_TOP), 20.0)),
        "U(0, 1 s), the bound growing by half up to 20 s",
        "`DEFAULT_POLLING` and `exponential_sleep_generator`: google-api-core 2.44.0, "
        "future/polling.py and retry/retry_base.py",
    ),
    Policy(
        "AWS SDK v3",
        lambda n, _t, r: r.uniform(2.0, 2.0**n) if n <= _AWS_CEILING else 120.0,
        "U(2 s, 2ⁿ s), then 120 s",
        "`waiterServiceDefaults` and `exponentialBackoffWithJitter`: smithy-lang/"
        "smithy-typescript packages/core/src/submodules/client/util-waiter/ @6815d3e",
    ),
    Policy(
        "vercel deploy",
        lambda _n, t, _r: 1.0 if t <= 15 else 5.0 if t <= 60 else 15.0 if t <= 300 else 30.0,  # noqa: PLR2004 (the four steps of the source)
        "1 s to 15 s, 5 s to 1 min, 15 s to 5 min, then 30 s",
        "`getPollingDelay`: vercel/vercel packages/client/src/utils/get-polling-delay.ts @17d9eba "
        "(its polling alone; a stream of events may end its wait sooner)",
    ),
    Policy(
        "backoff expo",
        lambda n, _t, r: r.uniform(0.0, 2.0 ** min(n - 1, _BACKOFF_TOP)),
        "U(0, 2ⁿ⁻¹ s), unbounded",
        "`backoff.on_predicate(backoff.expo)` as it comes, with `full_jitter`: litl/backoff "
        "backoff/_wait_gen.py and _jitter.py @d82b23c",
    ),
)


def growing(interval: float, growth: float, cap: float, jitter: float = 0.1) -> Delay:
    """Make the delay of this project's kind with other numbers, in seconds and shares."""
    return lambda _n, t, r: min(interval + growth * t, cap) * r.uniform(1 - jitter, 1 + jitter)
