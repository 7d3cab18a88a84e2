"""The deadline, against servers that are slow, late, or there in the last moment."""

import time
from pathlib import Path

import pytest

from tests.integration import wire as faults
from tests.integration.harness import Tool, base_env
from tests.integration.wire import Act, Peer, Wire, after, reply, status

pytestmark = pytest.mark.fault

LAST_READ_S = 5.0
SLACK_S = 1.0


def completed_from(seconds: float) -> Act:
    """Building, and completed once so many seconds have passed since the first request."""

    def run(peer: Peer) -> None:
        began = peer.wire.requests[0].at
        done = time.monotonic() - began >= seconds
        status("completed" if done else "building").run(peer)

    return Act(run)


def test_zero_reads_once(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("building")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    assert run.code == 3
    assert run.outputs["outcome"] == "timed-out"
    assert run.outputs["status"] == "building"
    assert run.outputs["polls"] == "1"
    assert len(wire.requests) == 1


def test_zero_with_a_finished_build(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("failed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    assert run.code == 1
    assert run.outputs["polls"] == "1"


def test_zero_with_a_passing_fault(tool: Tool, tmp_path: Path) -> None:
    with Wire(reply(503), status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    assert run.code == 3
    assert "503" in run.outputs["reason"]
    assert len(wire.requests) == 1


def test_a_read_under_way_at_the_deadline_is_the_last(tool: Tool, tmp_path: Path) -> None:
    slow = after(3, status("completed"))
    with Wire(slow) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="1s"))
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "1"
    assert 3 <= float(run.outputs["elapsed-seconds"]) < 3 + SLACK_S


def test_a_read_under_way_that_says_building(tool: Tool, tmp_path: Path) -> None:
    with Wire(after(2, status("building"))) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="1s"))
    assert run.code == 3, run.stdout
    assert run.outputs["polls"] == "1"
    assert run.outputs["status"] == "building"


def test_the_last_read_is_at_the_deadline(tool: Tool, tmp_path: Path) -> None:
    # The next delay would reach beyond it: the schedule is cut to the deadline, not the other way.
    with Wire(status("building")) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="2s", TWILIO_BUILD_INTERVAL="1h")
        run = tool.run(env)
    assert run.code == 3, run.stdout
    assert len(wire.requests) == 2
    assert 2 - 0.1 <= wire.requests[1].at - wire.requests[0].at < 2 + SLACK_S


def test_a_build_that_completes_in_the_last_moment(tool: Tool, tmp_path: Path) -> None:
    with Wire(completed_from(1.9)) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="2s"))
    assert run.code == 0, run.stdout
    assert run.outputs["outcome"] == "completed"


def test_there_is_one_read_at_the_deadline_and_none_after(tool: Tool, tmp_path: Path) -> None:
    # At 0, about 0.8 and about 1.6 s; the next would be due after the deadline.
    with Wire(status("building")) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="2s")
        run = tool.run(env | {"TWILIO_BUILD_INTERVAL": "800ms"})
    assert run.code == 3, run.stdout
    assert len(wire.requests) == 4
    assert wire.requests[3].at - wire.requests[0].at >= 2 - 0.1
    assert run.outputs["polls"] == "4"


def test_a_fault_at_the_deadline_is_named_beside_the_status(tool: Tool, tmp_path: Path) -> None:
    script = [status("building"), reply(502)]
    with Wire(*script) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="1s", TWILIO_BUILD_INTERVAL="1h")
        run = tool.run(env)
    assert run.code == 3, run.stdout
    assert run.outputs["status"] == "building"
    assert "building" in run.outputs["reason"]
    assert "502" in run.outputs["reason"]
    assert len(wire.requests) == 2


def test_a_last_read_cut_off_is_named_beside_the_status(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("building"), faults.nothing_ever()) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="1s", TWILIO_BUILD_INTERVAL="1h")
        run = tool.run(env)
    assert run.code == 3, run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= 1 + LAST_READ_S + 0.1
    assert "building" in run.outputs["reason"]
    assert f"127.0.0.1:{wire.port}" in run.outputs["reason"]


def test_a_lasting_fault_at_the_deadline_is_rejected(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("building"), reply(401)) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="1s", TWILIO_BUILD_INTERVAL="1h")
        run = tool.run(env)
    assert run.code == 4, run.stdout
    assert run.outputs["status"] == "building"


def test_a_404_after_a_good_read_meets_the_deadline(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("building"), reply(404)) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="3s"))
    assert run.code == 4, run.stdout
    assert "404" in run.outputs["reason"]
    assert 3 - 0.1 <= float(run.outputs["elapsed-seconds"]) < 3 + SLACK_S


def test_a_row_of_faults_is_cut_to_the_deadline(tool: Tool, tmp_path: Path) -> None:
    with Wire(reply(500)) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="4s"))
    assert run.code == 3, run.stdout
    assert 4 - 0.1 <= float(run.outputs["elapsed-seconds"]) < 4 + SLACK_S
    assert run.outputs["status"] == ""
    assert wire.requests[-1].at - wire.requests[0].at >= 4 - 0.1
