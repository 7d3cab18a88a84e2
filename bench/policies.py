"""When to poll next: the project's own policy by its production code, others by their arithmetic.

A delay takes the number of polls so far, the seconds since the first poll and a source of
randomness, and returns seconds. Each one stands below its source. The bounds of exponents only keep
numbers small.
"""

from collections.abc import Callable
from random import Random
from typing import cast

from twilio_build_wait.inputs import INTERVAL, MAX_INTERVAL
from twilio_build_wait.model import PollError
from twilio_build_wait.safe_text import message
from twilio_build_wait.schedule import GROWTH, JITTER, Schedule
from twilio_build_wait.settings import Settings

Delay = Callable[[int, float, Random], float]

OWN, LOOP = "twilio-build-wait", "shell loop"
#: The other policies, by name: a description, and the delay.
OTHERS: dict[str, tuple[str, Delay]] = {
    # twilio-labs/serverless-toolkit packages/serverless-api/src/api/builds.ts:147-186 @b1976af.
    # The Terraform provider polls as often: RJPearson94/terraform-provider-twilio
    # twilio/internal/services/serverless/resource_serverless_build.go:337-358 @149ea3e
    "Twilio's toolkit": ("1 s", lambda _n, _t, _r: 1.0),
    # cli/cli pkg/cmd/run/watch/watch.go:20 @44ee177
    "gh run watch": ("3 s", lambda _n, _t, _r: 3.0),
    # Such as lewtun.github.io/blog/til/2021/01/07/til-poll-api-with-bash.html
    LOOP: ("5 s", lambda _n, _t, _r: 5.0),
    # lewagon/wait-on-check-action action.yml @3b8be5b
    "wait-on-check": ("10 s", lambda _n, _t, _r: 10.0),
    # getPollingDelay: vercel/vercel packages/client/src/utils/get-polling-delay.ts @17d9eba
    "vercel deploy": (
        "1 s, later 5 s, 15 s, 30 s",
        lambda _n, t, _r: 1.0 if t <= 15 else 5.0 if t <= 60 else 15.0 if t <= 300 else 30.0,  # noqa: PLR2004 (the four steps)
    ),
    # expo and full_jitter: litl/backoff backoff/_wait_gen.py and _jitter.py @d82b23c
    "backoff expo": ("U(0, 2ⁿ⁻¹ s)", lambda n, _t, r: r.uniform(0.0, 2.0 ** min(n - 1, 30))),
}

#: The delays in words, by the policy's name.
DESCRIPTIONS = {name: description for name, (description, _) in OTHERS.items()}
DESCRIPTIONS[OWN] = (
    f"{INTERVAL.default:g} s + {100 * GROWTH:g} % of the time waited, "
    f"at most {MAX_INTERVAL.default:g} s, ±{100 * JITTER:g} %"
)

_ERROR = PollError(message("HTTP 503"))


def start(policy: str, random: Random) -> Callable[[int, float, bool], float]:
    """Start one wait; return a function for the seconds until the next poll.

    It takes the number of polls so far, the seconds since the first one, and whether the latest has
    failed. Other policies take an error for "not finished".
    """
    schedule = Schedule(Settings(), random.uniform)

    def own(_number: int, elapsed: float, has_failed: bool) -> float:  # noqa: FBT001 (no option)
        if has_failed:  # an HTTP 503 is never permanent: there is a delay
            return cast("float", schedule.after_error(_ERROR, elapsed))
        return schedule.after_success(elapsed)

    if policy == OWN:
        return own
    _, delay = OTHERS[policy]
    return lambda number, elapsed, _has_failed: delay(number, elapsed, random)
