"""Faults: what is sent in place of Twilio's response. `python3 -m emulator --help` has them all."""

import math
import re
from dataclasses import dataclass

from emulator.durations import seconds
from emulator.messages import ApiError, Response

# Sent at random to polls: these routes.
TRANSIENT = ("500", "503", "429=1s", "reset", "garbage", "slow=12s")
POLLS = ("status", "builds")
_SPEC = re.compile(
    r"(?:(?P<route>[a-z-]+):)?(?P<kind>[45][0-9]{2}|reset|garbage|slow|ok)"
    r"(?:=(?P<duration>[^*]+))?(?P<times>\*[0-9]*)?"
)


@dataclass
class Fault:
    """A fault for the next `times` requests of a route, or of ``any``; `duration` in seconds."""

    spec: str
    route: str
    kind: str
    duration: float
    times: float

    def response(self) -> Response | None:
        """Return what is sent instead of Twilio's response; None if that is sent after all."""
        if self.kind in {"slow", "ok"}:
            return None
        if self.kind == "reset":
            return Response(0)
        if self.kind == "garbage":
            return Response(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
        retry_after = {"Retry-After": str(math.ceil(self.duration))} if self.duration else {}
        return ApiError(int(self.kind), **retry_after).response()


def parse(spec: str) -> Fault:
    """Read ``[ROUTE:]KIND[=DURATION][*[TIMES]]``; raises ValueError."""
    match = _SPEC.fullmatch(spec)
    if match is None or (match["kind"] == "slow" and not match["duration"]):
        raise ValueError(f"{spec!r} is not a fault: see python3 -m emulator --help")
    times = math.inf if match["times"] == "*" else float((match["times"] or "*1")[1:])
    duration = seconds(match["duration"] or "0")
    return Fault(spec, match["route"] or "status", match["kind"], duration, times)
