"""The wall clock steps an hour in the middle of a wait, and nothing of the wait moves with it."""

import email.utils
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Tool, base_env
from tests.integration.wire import Act, Peer, Wire, reply, status

pytestmark = pytest.mark.fault

HOUR_S = 3600
STEPS = {"an-hour-back": -HOUR_S, "an-hour-forward": HOUR_S, "ten-years-forward": 87600 * HOUR_S}
SLACK_S = 1.0


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shim, built by the machine's C compiler."""
    built = tmp_path_factory.mktemp("shim") / "clock_shim.so"
    source = Path(__file__).with_name("clock_shim.c")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", built, source],
        check=True,
        timeout=60,
    )
    return built


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    cwd = tmp_path / "workspace"
    cwd.mkdir()
    tool = Tool(cwd)
    yield tool
    tool.close()


def stepping(shim: Path, by: int, after: float) -> dict[str, str]:
    return {"LD_PRELOAD": str(shim), "CLOCK_STEP_S": str(by), "CLOCK_STEP_AFTER_S": str(after)}


def building_until(seconds: float) -> Act:
    """Building, and completed once so many seconds have passed since the first request."""

    def run(peer: Peer) -> None:
        done = time.monotonic() - peer.wire.requests[0].at >= seconds
        status("completed" if done else "building").run(peer)

    return Act(run)


@pytest.mark.parametrize("by", STEPS.values(), ids=STEPS)
def test_a_wait_goes_on_as_if_nothing_had_happened(
    tool: Tool, tmp_path: Path, shim: Path, by: int
) -> None:
    with Wire(building_until(3)) as wire:
        env = base_env(wire.root, tmp_path, **stepping(shim, by, 1.5))
        run = tool.run(env)
    assert run.code == 0, run.stdout
    assert 3 <= float(run.outputs["elapsed-seconds"]) < 3 + SLACK_S
    pauses = [b.at - a.at for a, b in zip(wire.requests, wire.requests[1:], strict=False)]
    assert max(pauses) < 0.3 + SLACK_S


@pytest.mark.parametrize("by", STEPS.values(), ids=STEPS)
def test_the_deadline_stays_where_it_was(tool: Tool, tmp_path: Path, shim: Path, by: int) -> None:
    with Wire(status("building")) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="3s", **stepping(shim, by, 1.5))
        run = tool.run(env)
    assert run.code == 3, run.stdout
    assert 3 <= float(run.outputs["elapsed-seconds"]) < 3 + SLACK_S
    assert run.seconds < 3 + 2 * SLACK_S


@pytest.mark.parametrize("by", STEPS.values(), ids=STEPS)
def test_a_retry_after_date_is_the_servers_own_affair(
    tool: Tool, tmp_path: Path, shim: Path, by: int
) -> None:
    headers = {
        "Date": email.utils.formatdate(1_800_000_000, usegmt=True),
        "Retry-After": email.utils.formatdate(1_800_000_002, usegmt=True),
    }
    with Wire(status("building"), reply(503, b"", headers), status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, **stepping(shim, by, 0)))
    assert run.code == 0, run.stdout
    assert 2 <= wire.requests[2].at - wire.requests[1].at < 3 + SLACK_S


def test_the_shim_moves_the_one_clock_and_not_the_other(shim: Path) -> None:
    source = """
import time
wall, steady = time.time(), time.monotonic()
time.sleep(1)
print(time.time() - wall, time.monotonic() - steady)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", source],
        env=stepping(shim, -HOUR_S, 0.5),
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
    )
    wall, steady = map(float, done.stdout.split())
    assert -HOUR_S + 1 <= wall < -HOUR_S + 1 + SLACK_S
    assert 1 <= steady < 1 + SLACK_S
