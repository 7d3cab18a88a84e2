"""The image where little is given: locked down, in a hostile workspace, entrypoint replaced."""

import json
from pathlib import Path

import pytest

from tests.e2e.containers import BUILD_SID, COMMAND, HOME, Container, docker, inputs, reply
from tests.integration import runner_model
from tests.integration.harness import ScriptedServer, json_reply

LOCKED_DOWN = [
    "--user=12345",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
]
ENDINGS = {"completed": 0, "failed": 1}

endings = pytest.mark.parametrize("status", list(ENDINGS))


@endings
def test_locked_down(image: str, folder: Path, status: str) -> None:
    with ScriptedServer(json_reply(reply("building")), json_reply(reply(status))) as server:
        env = inputs(server.url, TWILIO_BUILD_OUTPUT_FILE="verdict.env")
        with Container(image, folder, env, flags=LOCKED_DOWN) as container:
            assert container.run() == ENDINGS[status], container.log
            assert container.outputs["outcome"] == status
            assert container.outputs["polls"] == "2"
            assert status in container.summary
    verdict = runner_model.dotenv((folder / "verdict.env").read_text(encoding="utf-8"))
    assert verdict["TWILIO_BUILD_WAIT_OUTCOME"] == status
    assert verdict["TWILIO_BUILD_WAIT_BUILD_SID"] == BUILD_SID


def test_locked_down_with_a_temporary_file_system_alone(image: str, folder: Path) -> None:
    with ScriptedServer(json_reply(reply("completed"))) as server:
        env = inputs(
            server.url,
            TWILIO_BUILD_OUTPUT_FILE="/scratch/verdict.json",
            GITHUB_ACTIONS="",
            GITHUB_OUTPUT="",
            GITHUB_STEP_SUMMARY="",
        )
        with Container(
            image,
            folder,
            env,
            flags=[*LOCKED_DOWN, "--tmpfs=/scratch:mode=1777", "--entrypoint=sh"],
            command=["-c", f"{COMMAND} && cat /scratch/verdict.json"],
        ) as container:
            assert container.run() == 0, container.log
            verdict = json.loads(container.log[container.log.index("\n{") :])
    assert verdict["outcome"] == "completed"
    assert verdict["polls"] == 1


def test_a_work_folder_that_cannot_be_written_to(image: str, folder: Path) -> None:
    """The verdict stands; that an output channel failed is an exit of its own."""
    folder.chmod(0o555)
    with ScriptedServer(json_reply(reply("completed"))) as server:
        env = inputs(server.url, TWILIO_BUILD_OUTPUT_FILE="verdict.env")
        with Container(image, folder, env, flags=LOCKED_DOWN) as container:
            assert container.run() == 5, container.log
            assert container.outputs["outcome"] == "completed"


# --- a workspace that wants to be imported -------------------------------------------------------

TRAP = """
import pathlib, sys
pathlib.Path("/checkout/TRAPPED").write_text(__file__)
print("TRAPPED", __file__, flush=True)
sys.exit(99)
"""
MODULES = [
    "backoff",
    "json",
    "requests",
    "signal",
    "site",
    "sitecustomize",
    "twilio_build_wait",
    "urllib3",
    "usercustomize",
]


@pytest.fixture
def hostile_folder(folder: Path) -> Path:
    """A checked-out repository whose files bear the names of all that the tool imports."""
    for parent in (folder, folder / "src", folder / "lib" / "python3.13"):
        parent.mkdir(parents=True, exist_ok=True)
        for name in MODULES:
            (parent / f"{name}.py").write_text(TRAP, encoding="utf-8")
        package = parent / "twilio_build_wait"
        package.mkdir()
        for name in ("__init__.py", "__main__.py"):
            (package / name).write_text(TRAP, encoding="utf-8")
    for program in ("python", "python3", "env", COMMAND):
        path = folder / program
        path.write_text("#!/bin/sh\necho TRAPPED >/checkout/TRAPPED\nexit 99\n", encoding="utf-8")
        path.chmod(0o755)
    (folder / "pyvenv.cfg").write_text("home = /checkout\n", encoding="utf-8")
    return folder


HOSTILE_VARIABLES = {
    "PYTHONPATH": "/checkout:/checkout/src",
    "PYTHONHOME": "/checkout",
    "PYTHONSTARTUP": "/checkout/requests.py",
    "PYTHONUSERBASE": "/checkout",
    "PYTHONINSPECT": "1",
    "PYTHONBREAKPOINT": "requests.nowhere",
    "PYTHONWARNINGS": "error",
    "HOME": "/checkout",
}


@endings
def test_nothing_of_a_hostile_workspace_is_run(
    image: str, hostile_folder: Path, status: str
) -> None:
    path = "/checkout:/usr/local/bin:/usr/bin:/bin"
    with ScriptedServer(json_reply(reply(status))) as server:
        env = inputs(server.url, PATH=path, **HOSTILE_VARIABLES)
        with Container(image, hostile_folder, env) as container:
            assert container.run() == ENDINGS[status], container.log
            assert container.outputs["outcome"] == status
    assert not (hostile_folder / "TRAPPED").exists()


def test_nothing_of_a_hostile_workspace_is_run_by_the_command(
    image: str, hostile_folder: Path
) -> None:
    """Started by a shell as the command, from a PATH that ends in the workspace."""
    path = "/usr/local/bin:/usr/bin:/bin:/checkout"
    with ScriptedServer(json_reply(reply("completed"))) as server:
        env = inputs(server.url, PATH=path, **HOSTILE_VARIABLES)
        with Container(
            image, hostile_folder, env, flags=["--entrypoint=sh"], command=["-c", COMMAND]
        ) as container:
            assert container.run() == 0, container.log
            assert container.outputs["outcome"] == "completed"
    assert not (hostile_folder / "TRAPPED").exists()


def test_the_traps_do_snap(image: str, hostile_folder: Path) -> None:
    """An ordinary Python in the same folder falls into them, or the tests above show nothing."""
    with Container(
        image,
        hostile_folder,
        {"PYTHONPATH": "/checkout"},
        flags=["--entrypoint=/usr/local/bin/python3"],
        command=["-c", "import requests"],
    ) as container:
        container.run()
        assert "TRAPPED" in container.log
    assert (hostile_folder / "TRAPPED").exists()


# --- a CI that replaces the entrypoint -----------------------------------------------------------


@pytest.mark.parametrize("entrypoint", ["", "sh"], ids=["emptied", "sh"])
def test_a_shell_runs_the_command_and_reads_its_verdict(
    image: str, folder: Path, entrypoint: str
) -> None:
    script = f"{COMMAND}; code=$?; . ./verdict.env; echo $code $TWILIO_BUILD_WAIT_OUTCOME"
    shell = ["-c", script] if entrypoint else ["sh", "-c", script]
    with ScriptedServer(json_reply(reply("failed"))) as server:
        env = inputs(server.url, TWILIO_BUILD_OUTPUT_FILE="verdict.env")
        with Container(
            image, folder, env, flags=[f"--entrypoint={entrypoint}"], command=shell
        ) as container:
            assert container.run() == 0, container.log
            assert container.log.endswith("\n1 failed\n")


@pytest.mark.parametrize("flags", [[], LOCKED_DOWN], ids=["root", "locked-down"])
def test_help_and_version_need_no_input_and_no_network(image: str, flags: list[str]) -> None:
    run = ["run", "--rm", "--network=none", *flags, image]
    assert docker(*run, "--version").split()[0] == COMMAND
    assert "TWILIO_BUILD_SID" in docker(*run, "--help")


def test_the_command_is_the_program_of_the_entrypoint(image: str) -> None:
    run = ["run", "--rm", "--network=none", "--entrypoint=sh", image, "-c"]
    assert docker(*run, f"readlink -f $(command -v {COMMAND})").strip() == f"{HOME}/entrypoint.py"
