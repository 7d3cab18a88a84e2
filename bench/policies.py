"""When others poll: each policy as one line of arithmetic, below its source.

A delay takes the number of polls so far, the seconds since the first poll and a source of
randomness, and returns seconds. The bounds of exponents only keep numbers small.
"""

from collections.abc import Callable
from random import Random

Delay = Callable[[int, float, Random], float]

#: The policies in words and as functions, by name.
OTHERS: dict[str, tuple[str, Delay]] = {
    # twilio-labs/serverless-toolkit packages/serverless-api/src/api/builds.ts:147-186 @b1976af
    "Twilio's toolkit": ("1 s", lambda _n, _t, _r: 1.0),
    # cli/cli pkg/cmd/run/watch/watch.go:20 @44ee177
    "gh run watch": ("3 s", lambda _n, _t, _r: 3.0),
    # Such as lewtun.github.io/blog/til/2021/01/07/til-poll-api-with-bash.html
    "shell loop": ("5 s", lambda _n, _t, _r: 5.0),
    # lewagon/wait-on-check-action action.yml @3b8be5b
    "wait-on-check": ("10 s", lambda _n, _t, _r: 10.0),
    # StateChangeConf: hashicorp/terraform-plugin-sdk helper/retry/state.go:88-201 @9e60169
    "Terraform": ("200 ms, doubled to 10 s", lambda n, _t, _r: min(0.1 * 2.0 ** min(n, 8), 10.0)),
    # DEFAULT_POLLING: google-api-core 2.44.0, future/polling.py and retry/retry_base.py
    "google.api_core": (
        "U(0, 1 s), growing by half to 20 s",
        lambda n, _t, r: r.uniform(0.0, min(1.5 ** min(n - 1, 9), 20.0)),
    ),
    # smithy-lang/smithy-typescript packages/core/src/submodules/client/util-waiter/ @6815d3e, with
    # its waiterServiceDefaults; it draws no delay from log2(120 / 2) + 1 polls on
    "AWS SDK v3": (
        "U(2 s, 2ⁿ s), then 120 s",
        lambda n, _t, r: r.uniform(2.0, 2.0**n) if n <= 6 else 120.0,  # noqa: PLR2004 (see above)
    ),
    # getPollingDelay: vercel/vercel packages/client/src/utils/get-polling-delay.ts @17d9eba
    "vercel deploy": (
        "1 s, later 5 s, 15 s, 30 s",
        lambda _n, t, _r: 1.0 if t <= 15 else 5.0 if t <= 60 else 15.0 if t <= 300 else 30.0,  # noqa: PLR2004 (the four steps)
    ),
    # expo and full_jitter: litl/backoff backoff/_wait_gen.py and _jitter.py @d82b23c
    "backoff expo": ("U(0, 2ⁿ⁻¹ s)", lambda n, _t, r: r.uniform(0.0, 2.0 ** min(n - 1, 30))),
}
