"""What each CI reads in the log. `tests/unit/test_ci.py` has the escapes."""

import base64
import errno
from pathlib import Path
from typing import NoReturn

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    build_status,
    without_github,
)
from twilio_build_wait import __version__
from twilio_build_wait.reporters.ci import choose

COMPLETED = build_status("completed")
LOGIN = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
MASKS = {
    "GITHUB_ACTIONS": [f"::add-mask::{TOKEN.replace('%', '%25')}", f"::add-mask::{LOGIN}"],
    "TF_BUILD": [
        f"##vso[task.setsecret]{TOKEN.replace('%', '%AZP25')}",
        f"##vso[task.setsecret]{LOGIN}",
    ],
    "GITLAB_CI": [],
}


def elsewhere(tool: Tool, name: str) -> Tool:
    """Return the tool in another CI."""
    return Tool(tool.server, without_github(tool.environ)) | {name: "1"}


@pytest.mark.parametrize("name", MASKS)
def test_log_of_a_completed_build(tool: Tool, name: str) -> None:
    run = elsewhere(tool, name).run(COMPLETED)
    plan = (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
        f"at 127.0.0.1:{tool.server.port}, timeout 15m, with auth token"
    )
    end = ["    0.0s  completed", "Twilio build completed after 0s, 1 poll"]
    shown = [line for line in run.lines if "task.setvariable" not in line]
    assert shown == [*MASKS[name], plan, *end]


def test_azure_log_carries_the_outputs(tool: Tool) -> None:
    run = elsewhere(tool, "TF_BUILD").run(COMPLETED)
    lines = [line for line in run.lines if "task.setvariable" in line]
    assert lines == choose({"TF_BUILD": "1"}).outputs(run.outputs)


def test_first_line_says_latest_and_api_key(tool: Tool) -> None:
    tool |= {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
    run = tool.run(COMPLETED, TWILIO_BUILD_SID="latest", TWILIO_BUILD_TIMEOUT="0", code=3)
    (line,) = [line for line in run.lines if line.startswith("twilio-build-wait ")]
    assert "waiting for the latest build of service" in line
    assert line.endswith(", timeout 0s, with API key")


def test_problems_with_the_inputs_follow_the_version(tool: Tool) -> None:
    run = tool.run(code=2, TWILIO_BUILD_TIMEOUT="soon")
    masks = len(run.commands("add-mask"))
    assert run.lines[masks] == f"twilio-build-wait {__version__}"
    assert run.lines[masks + 1].startswith("  timeout: ")
    (error,) = run.commands("error")
    assert error.title == "Wrong inputs"
    assert error.data.endswith(". Fix the inputs above, then re-run the step")


# GITHUB_OUTPUT -> what the warning says of it.
UNREAD = {
    "": "GITHUB_OUTPUT is not set: pass it on to the container, with the file it names",
    "missing": "GITHUB_OUTPUT names a file that does not exist: check that its folder is mounted",
}


@pytest.mark.parametrize("name", UNREAD)
def test_step_outputs_that_nobody_reads_are_a_warning(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tool.run(COMPLETED, GITHUB_OUTPUT=name)
    (warning,) = run.commands("warning")
    assert warning.title == "No later step will see the outputs"
    assert warning.data == UNREAD[name]
    assert ("GITHUB_OUTPUT" in run.files) == bool(name)  # it is written all the same


def test_missing_step_outputs_are_no_problem_elsewhere(tool: Tool) -> None:
    assert "No later step" not in elsewhere(tool, "TF_BUILD").run(COMPLETED).stdout


# CI and status -> the exit code where standard output cannot be written to.
FULL = {("TF_BUILD", "completed"): 5, ("GITLAB_CI", "completed"): 0, ("TF_BUILD", "failed"): 1}


@pytest.mark.parametrize("ci, status", FULL)
def test_standard_output_is_a_channel_where_it_carries_outputs(
    tool: Tool, ci: str, status: str
) -> None:
    def refuse(_data: bytes) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    tool.server.script(build_status(status))
    run = run_inside(elsewhere(tool, ci).environ, tool.server, write=refuse)
    assert run.code == FULL[ci, status]
    assert run.output_file["outcome"] == status
