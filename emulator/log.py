"""The log of requests, for a client that wants to count them or to compute a lag.

It holds no header but the user agent, so that no credential can be in it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.builds import Build

_MOST = 100_000


@dataclass
class Entry:
    """One request. Times are seconds on the emulator's clock, 0 at its start.

    `connection` counts the connections from 1. `reply` is the fault's label, ``ok`` for an honest
    reply, and `status` the HTTP status that went out, None where no status line was meant to.
    `build_status` is how the build really stood then. `ended` is None until the reply is out or
    the connection gone.
    """

    time: float
    connection: int
    route: str
    method: str
    path: str
    query: str
    build: str
    user_agent: str
    reply: str = ""
    status: int | None = None
    build_status: str | None = None
    ended: float | None = None


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start the clock of the log at the present reading of `clock`."""
        self._clock = clock
        self._start = clock()
        self._entries: deque[Entry] = deque(maxlen=_MOST)

    def now(self) -> float:
        """Return the seconds since the start."""
        return self._clock() - self._start

    def add(self, entry: Entry) -> None:
        """Append an entry; its owner goes on to fill in how it went."""
        self._entries.append(entry)

    def content(self, builds: list[Build], build_sid: str | None = None) -> dict[str, Any]:
        """Return what ``GET /emulator/requests`` says, of one build or of all."""

        def wanted(sid: str) -> bool:
            return build_sid is None or sid.lower() == build_sid.lower()

        def since_start(moment: float | None) -> float | None:
            return None if moment is None else moment - self._start

        return {
            "now": self.now(),
            "requests": [asdict(entry) for entry in self._entries if wanted(entry.build)],
            "builds": [
                {
                    "sid": build.sid,
                    "ending": build.ending,
                    "started": since_start(build.started),
                    "ends_at": since_start(build.ends_at),
                }
                for build in builds
                if wanted(build.sid)
            ],
        }
