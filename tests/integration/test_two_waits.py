"""Two waits in a row in one job: the second never picks up anything of the first."""

import json
import signal
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration import wire as faults
from tests.integration.harness import (
    BUILD_SID,
    OTHER_BUILD_SID,
    OUTPUT_NAMES,
    Finished,
    Tool,
    base_env,
)
from tests.integration.wire import Wire, reply, status

pytestmark = pytest.mark.fault

PREFIX = "TWILIO_BUILD_WAIT_"


def first_wait(tool: Tool, tmp_path: Path, **env: str | None) -> Finished:
    """A wait that completes, and leaves its outputs where the second one finds them."""
    with Wire(status("building"), status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, **env))
    assert run.code == 0, run.stdout
    return run


def exported(run: Finished) -> dict[str, str]:
    """The first wait's outputs as the environment of what follows, by their dotenv names."""
    names = {name: PREFIX + name.upper().replace("-", "_") for name in OUTPUT_NAMES}
    return {names[name]: value for name, value in run.outputs.items()}


def other_build(word: object) -> faults.Act:
    return status(word, sid=OTHER_BUILD_SID)


def test_the_second_wait_asks_for_its_own_build(tool: Tool, tmp_path: Path) -> None:
    first = first_wait(tool, tmp_path)
    with Wire(other_build("failed")) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_SID=OTHER_BUILD_SID)
        second = tool.run(exported(first) | env)
    assert second.code == 1, second.stdout
    assert OTHER_BUILD_SID in wire.requests[0].target
    assert BUILD_SID not in wire.requests[0].target
    assert second.outputs["build-sid"] == OTHER_BUILD_SID
    assert second.outputs["outcome"] == "failed"
    assert second.output_json["outcome"] == "failed"
    assert BUILD_SID not in second.output_text


def test_a_first_waits_outputs_are_never_inputs(tool: Tool, tmp_path: Path) -> None:
    first = first_wait(tool, tmp_path)
    with Wire(status("completed")) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_SID=None, TWILIO_SERVICE_SID=None)
        second = tool.run(exported(first) | env)
    assert second.code == 2, second.stdout
    assert wire.connections == 0
    assert second.outputs["outcome"] == "invalid"
    assert second.outputs["build-sid"] == ""
    assert second.outputs["service-sid"] == ""
    assert second.outputs["status"] == ""


@pytest.mark.parametrize("name", ["outputs.json", "outputs.env"])
def test_a_killed_second_wait_leaves_no_outcome_of_the_first(
    tool: Tool, tmp_path: Path, name: str
) -> None:
    place = str(tmp_path / name)
    first_wait(tool, tmp_path, TWILIO_BUILD_OUTPUT_FILE=place)
    with Wire(faults.nothing_ever()) as wire:
        env = base_env(
            wire.root,
            tmp_path,
            TWILIO_BUILD_SID=OTHER_BUILD_SID,
            TWILIO_BUILD_OUTPUT_FILE=place,
        )
        running = tool.start(env)
        running.wait_until(lambda: len(wire.requests) == 1)
        running.kill()
    text = Path(place).read_text(encoding="utf-8")
    if name.endswith(".json"):
        left = json.loads(text)
    else:
        pairs = runner_model.dotenv(text)
        left = {k.removeprefix(PREFIX).lower().replace("_", "-"): v for k, v in pairs.items()}
    assert left["outcome"] == ""
    assert left["status"] == ""
    assert left["build-sid"] == OTHER_BUILD_SID
    assert BUILD_SID not in text


ENDINGS: dict[str, tuple[faults.Act, str, str]] = {
    "failed": (other_build("failed"), "5s", "failed"),
    "rejected": (reply(401), "5s", "rejected"),
    "timed-out": (other_build("building"), "0", "timed-out"),
    "timed-out-without-a-read": (reply(500), "0", "timed-out"),
}


@pytest.mark.parametrize("act, timeout, outcome", ENDINGS.values(), ids=ENDINGS)
def test_every_value_is_the_second_waits(
    tool: Tool, tmp_path: Path, act: faults.Act, timeout: str, outcome: str
) -> None:
    first_wait(tool, tmp_path)
    with Wire(act) as wire:
        env = base_env(
            wire.root, tmp_path, TWILIO_BUILD_SID=OTHER_BUILD_SID, TWILIO_BUILD_TIMEOUT=timeout
        )
        second = tool.run(env)
    assert second.outputs["outcome"] == outcome, second.stdout
    assert second.outputs["status"] != "completed"
    assert second.output_json["outcome"] == outcome
    assert second.output_json["polls"] == 1
    for name in OUTPUT_NAMES:
        assert BUILD_SID not in second.outputs[name]


def test_a_cancelled_second_wait_says_so_everywhere(tool: Tool, tmp_path: Path) -> None:
    first_wait(tool, tmp_path)
    with Wire(faults.nothing_ever()) as wire:
        running = tool.start(base_env(wire.root, tmp_path, TWILIO_BUILD_SID=OTHER_BUILD_SID))
        running.wait_until(lambda: len(wire.requests) == 1)
        running.send_signal(signal.SIGTERM)
        second = running.finish()
    assert second.code == 143
    assert second.outputs["outcome"] == second.output_json["outcome"] == "cancelled"
    assert second.outputs["status"] == second.output_json["status"] == ""


def test_an_invalid_second_wait_replaces_the_file(tool: Tool, tmp_path: Path) -> None:
    first_wait(tool, tmp_path)
    with Wire(status("completed")) as wire:
        second = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_SID="ZBnot-a-sid"))
    assert second.code == 2, second.stdout
    assert second.output_json["outcome"] == "invalid"
    assert second.output_json["build-sid"] == ""
    assert BUILD_SID not in second.output_text


def test_both_waits_outputs_stay_readable_in_one_file(tool: Tool, tmp_path: Path) -> None:
    # A loop in one step: one GITHUB_OUTPUT for both, which is appended to and never truncated.
    (tmp_path / "github-output").write_text("mine=kept\n", encoding="utf-8")
    with Wire(status("building"), status("completed")) as wire:
        tool.run(base_env(wire.root, tmp_path), check=False)
    with Wire(other_build("failed")) as wire:
        second = tool.run(
            base_env(wire.root, tmp_path, TWILIO_BUILD_SID=OTHER_BUILD_SID), check=False
        )
    pairs = second.output_pairs
    assert pairs[0] == ("mine", "kept")
    outcomes = [value for name, value in pairs if name == "outcome"]
    assert outcomes[-1] == "failed"
    assert "completed" in outcomes
    assert second.outputs["build-sid"] == OTHER_BUILD_SID
