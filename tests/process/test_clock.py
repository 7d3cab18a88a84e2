"""The wall clock steps during a wait. Nothing in the wait follows it."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.run import Process, preload
from tests.support.samples import build_status
from tests.support.server import Server

STEP = """
import time
start, wall_clock = time.monotonic(), time.time
time.time = lambda: wall_clock() + ({} if time.monotonic() - start > 0.5 else 0)
"""
STEPS = {"an hour back": -3600, "ten years forward": 315360000}


@pytest.mark.parametrize("seconds", STEPS.values(), ids=STEPS)
def test_wait_does_not_follow_the_wall_clock(
    environ: dict[str, str], server: Server, tmp_path: Path, seconds: int
) -> None:
    server.script(build_status())
    environ |= {"TWILIO_BUILD_TIMEOUT": "2s"}
    with Process(preload(environ, tmp_path, STEP.format(seconds)), server) as process:
        run = process.finish()
    assert run.code == 3
    assert 2 <= float(run.outputs["elapsed-seconds"]) < 3
    delays = [after.time - before.time for before, after in pairwise(run.requests)]
    assert max(delays) < 1
