"""Every example's commands, run with that CI's variables: what is deployed, and what is green.

GitHub's own run by act, in tests/e2e/test_examples_act.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.example_machine import EXAMPLES, Machine
from tests.integration.example_pipelines import PIPELINES
from tests.integration.example_twilio import (
    BUILD_SID,
    CREDENTIALS,
    ENDINGS,
    FUNCTION_VERSION,
    twilio,
)

# TeamCity is told of a time-out by a build problem, and a build with one is red.
TOLERATES_A_TIME_OUT = PIPELINES.keys() - {"teamcity.kts"}

every_example = pytest.mark.parametrize("example", list(PIPELINES))


def prepare(tmp_path: Path, url: str, variables: dict[str, str], timeout: str = "0") -> Machine:
    given = {**variables, "TWILIO_BASE_URL": url, "TWILIO_BUILD_TIMEOUT": timeout}
    return Machine.prepare(tmp_path, given)


@every_example
@pytest.mark.parametrize("ending", list(ENDINGS))
def test_only_a_completed_build_is_deployed(tmp_path: Path, example: str, ending: str) -> None:
    with twilio(ending) as server:
        machine = prepare(tmp_path, server.url, server.credentials())
        green = PIPELINES[example](machine)
        reads = [request["route"] for request in server.emulator.requests(BUILD_SID)]
    log = "".join(machine.log)
    assert "status" in reads, log
    assert server.deployed == ([BUILD_SID] if ending == "completed" else []), log
    tolerated = ending == "building" and example in TOLERATES_A_TIME_OUT
    assert green == (ending == "completed" or tolerated), log
    for line in log.splitlines():
        masks = "##vso[task.setsecret]"
        assert CREDENTIALS.api_secret not in line or line.startswith(masks), line


@every_example
@pytest.mark.parametrize("earlier", ["completed", "timed-out"])
def test_a_tool_that_does_not_start_is_no_verdict(
    tmp_path: Path, example: str, earlier: str
) -> None:
    """The image cannot be pulled, say, and an earlier run's file is still there."""
    with twilio() as server:
        machine = prepare(tmp_path, server.url, server.credentials())
        if example in {"docker-run.sh", "Jenkinsfile", "buildkite.yml"}:  # they keep a workspace
            (machine.folder / "wait.env").write_text(
                f"TWILIO_BUILD_WAIT_OUTCOME={earlier}\nTWILIO_BUILD_WAIT_BUILD_SID={BUILD_SID}\n"
                "TWILIO_BUILD_WAIT_STATUS=building\n"
            )
        for name in ("docker", "twilio-build-wait"):
            machine.program(name, "#!/bin/sh\nexit 125\n")
        try:
            green = PIPELINES[example](machine)
        except FileNotFoundError:  # the report that GitLab would upload
            green = False
    assert not green, machine.log
    assert server.deployed == [], machine.log


def test_a_build_is_created_and_its_sid_printed(tmp_path: Path) -> None:
    with twilio() as server:
        machine = prepare(tmp_path, server.url, server.credentials())
        env = {"TWILIO_FUNCTION_VERSION": FUNCTION_VERSION}
        done = machine.run("./create-build.sh", env)
        assert (done.code, done.log) == (0, f"{BUILD_SID}\n")
        assert server.created == [FUNCTION_VERSION]
        refused = machine.run("./create-build.sh", {**env, "TWILIO_API_SECRET": "wrong"})
        assert refused.code != 0
        assert "400" in refused.log
        not_live = machine.run(f"./deploy-build.sh {BUILD_SID}", {"TWILIO_API_SECRET": "wrong"})
        assert not_live.code != 0
        assert "live" not in not_live.log


@every_example
def test_its_commands_are_sound_shell(tmp_path: Path, example: str) -> None:
    with twilio() as server:
        machine = prepare(tmp_path, server.url, server.credentials())
        assert PIPELINES[example](machine), machine.log
    assert machine.scripts
    for number, (shell, script) in enumerate(machine.scripts):
        path = tmp_path / f"{number}.sh"
        path.write_text(script)
        shellcheck(path, shell)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.sh")), ids=lambda path: str(path.name))
def test_the_scripts_are_sound_shell(path: Path) -> None:
    shellcheck(path, "sh")
    assert path.stat().st_mode & 0o111


def shellcheck(path: Path, shell: str) -> None:
    """Check a script; wait.env, and what it sets, is not there to be looked at (1091, 2154)."""
    checked = subprocess.run(
        [
            str(Path(sys.executable).with_name("shellcheck")),
            f"--shell={shell}",
            "--exclude=SC1091,SC2154",
            str(path),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
