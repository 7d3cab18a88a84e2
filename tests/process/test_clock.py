"""The wall clock steps during a wait. Nothing in the wait follows it."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.run import Process, preload
from tests.support.samples import build_status
from tests.support.server import Response, Server

HOUR = 3600  # seconds
STEPS = {"an hour back": -HOUR, "ten years forward": 87600 * HOUR}

CLOCK = """
import datetime, time
start, wall_clock = time.monotonic(), time.time
def stepped():
    return wall_clock() + ({} if time.monotonic() - start > 0.5 else 0)
class Stepped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(stepped(), tz)
time.time, datetime.datetime = stepped, Stepped
"""

# One second apart, but not for who reads them in local time: summer time begins in Berlin.
DATES = {"Date": "Sun, 29 Mar 2026 00:59:59 GMT", "Retry-After": "Sun, 29 Mar 2026 01:00:00 GMT"}


@pytest.mark.parametrize("seconds", STEPS.values(), ids=STEPS)
def test_wait_does_not_follow_the_wall_clock(
    environ: dict[str, str], server: Server, tmp_path: Path, seconds: int
) -> None:
    server.script(build_status(), build_status(), Response(503, headers=DATES), build_status())
    environ |= {"TWILIO_BUILD_TIMEOUT": "3s", "TZ": "Europe/Berlin"}
    with Process(preload(environ, tmp_path, CLOCK.format(seconds)), server) as process:
        run = process.finish()
    assert run.code == 3
    assert 3 <= float(run.outputs["elapsed-seconds"]) < 4
    delays = [after.time - before.time for before, after in pairwise(run.requests)]
    assert 1 <= delays[2] < 2.5
    assert max(delays) == delays[2]
