"""The wall clock steps during a wait. Nothing in the wait follows it."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.run import Process
from tests.support.samples import build_status
from tests.support.server import Response, Server

HOUR = 3600  # seconds
STEPS = {"an hour back": -HOUR, "ten years forward": 87600 * HOUR}

# Two seconds apart, but not for who reads them in local time: summer time begins in Berlin.
DATES = {"Date": "Sun, 29 Mar 2026 00:59:59 GMT", "Retry-After": "Sun, 29 Mar 2026 01:00:01 GMT"}


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a library to preload, see clock_shim.c."""
    built = tmp_path_factory.mktemp("shim") / "clock_shim.so"
    source = Path(__file__).with_name("clock_shim.c")
    flags = ("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["gcc", *flags, "-o", built, source], check=True, timeout=60)
    return str(built)


def step(shim: str, seconds: int) -> dict[str, str]:
    """Return the variables that step the wall clock after 0.5 s."""
    return {"LD_PRELOAD": shim, "CLOCK_STEP_S": str(seconds), "CLOCK_STEP_AFTER_S": "0.5"}


@pytest.mark.parametrize("seconds", STEPS.values(), ids=STEPS)
def test_wait_does_not_follow_the_wall_clock(
    shim: str, environ: dict[str, str], server: Server, seconds: int
) -> None:
    server.script(build_status(), build_status(), Response(503, headers=DATES), build_status())
    environ |= {"TWILIO_BUILD_TIMEOUT": "5s", "TWILIO_BUILD_INTERVAL": "500ms"}
    with Process(environ | step(shim, seconds) | {"TZ": "Europe/Berlin"}, server) as process:
        run = process.finish()
    assert run.code == 3
    assert 5 <= float(run.outputs["elapsed-seconds"]) < 6
    delays = [after.time - before.time for before, after in pairwise(run.requests)]
    assert 2 <= delays.pop(2) < 3.5
    assert max(delays) < 1.5


def test_shim_steps_only_the_wall_clock(shim: str) -> None:
    source = (
        "import time; a, b = time.time(), time.monotonic(); time.sleep(0.7); "
        "print(time.time() - a, time.monotonic() - b)"
    )
    command = ["python3", "-I", "-c", source]
    done = subprocess.run(command, env=step(shim, -HOUR), capture_output=True, check=True)
    wall, monotonic = map(float, done.stdout.split())
    assert wall < 10 - HOUR
    assert 0.7 <= monotonic < 10
