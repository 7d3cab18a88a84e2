"""What each CI reads in the log: exact lines. `tests/unit/test_ci.py` has the escapes.

Grammars: command.ts of actions/toolkit, CommandStringConvertor.cs of azure-pipelines-agent, and
jetbrains.com/help/teamcity/service-messages.html.
"""

import base64
import errno
from pathlib import Path
from typing import NoReturn

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    build_status,
    twilio_error,
    without_github,
)
from tests.support.server import Server
from twilio_build_wait import __version__
from twilio_build_wait.outputs import variable

COMPLETED = build_status("completed")
LOGIN = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
#: A message that every CI would read otherwise if it were not escaped.
MESSAGE = "100% of $(PATH) %0A |[x]' ;isOutput=true] %name% $$(A)"
REJECTED = "Twilio build status cannot be read"
ADVICE = "Look up the status and the code in Twilio's documentation"


def first_line(server: Server) -> str:
    return (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
        f"at 127.0.0.1:{server.port}, timeout 15m, with auth token"
    )


def error_line(reason: str) -> str:
    return f"    0.0s  {reason.removesuffix(f'. {ADVICE}')}"


def rejected(tool: Tool) -> tuple[Run, str]:
    """Return a run that ends with a 400, and its reason."""
    run = tool.run(twilio_error(400, 1, MESSAGE, **{"Twilio-Request-Id": ""}), code=4)
    host = f"127.0.0.1:{tool.server.port}"
    return run, f"HTTP 400 from {host} (Twilio error 1): {MESSAGE}. {ADVICE}"


def elsewhere(tool: Tool, name: str) -> Tool:
    """Return the tool in another CI."""
    return Tool(tool.server, without_github(tool.environ)) | {name: "1"}


def test_github_log(tool: Tool) -> None:
    assert tool.run(COMPLETED).lines == [
        f"::add-mask::{TOKEN.replace('%', '%25')}",
        f"::add-mask::{LOGIN}",
        first_line(tool.server),
        "    0.0s  completed",
        "Twilio build completed after 0s, 1 poll",
    ]


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


# The name of a file beside GITHUB_OUTPUT -> what the warning says of it.
UNREAD = {
    "": "GITHUB_OUTPUT is not set: pass it on to the container, with the file it names",
    "missing": "GITHUB_OUTPUT names a file that does not exist: check that its folder is mounted",
}


@pytest.mark.parametrize("name", UNREAD)
def test_step_outputs_that_nobody_reads_are_a_warning(
    tool: Tool, tmp_path: Path, name: str
) -> None:
    run = tool.run(COMPLETED, GITHUB_OUTPUT=name and str(tmp_path / name))
    (warning,) = run.commands("warning")
    assert warning.title == "No later step will see the outputs"
    assert warning.data == UNREAD[name]
    # They are written all the same.
    assert run.outputs["outcome"] == "completed"
    assert ("GITHUB_OUTPUT" in run.files) == bool(name)


def test_missing_step_outputs_are_no_problem_elsewhere(tool: Tool) -> None:
    assert "No later step" not in elsewhere(tool, "TF_BUILD").run(COMPLETED).stdout


def test_azure_log(tool: Tool) -> None:
    run, reason = rejected(elsewhere(tool, "TF_BUILD"))
    # It would expand `$(name)` in a value.
    values = run.outputs | {"reason": reason.replace("%", "%AZP25").replace("$(", "$ (")}
    assert run.lines == [
        f"##vso[task.setsecret]{TOKEN.replace('%', '%AZP25')}",
        f"##vso[task.setsecret]{LOGIN}",
        first_line(tool.server),
        *(
            f"##vso[task.setvariable variable={variable(name)}{scope}]{value}"
            for name, value in values.items()
            for scope in ("", ";isOutput=true")
        ),
        error_line(reason),
        f"##vso[task.logissue type=error]{REJECTED}: {reason}".replace("%", "%AZP25"),
    ]


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


def test_other_log_is_plain(tool: Tool) -> None:
    run, reason = rejected(elsewhere(tool, "GITLAB_CI"))
    error = f"error: {REJECTED}: {reason}"
    assert run.lines == [first_line(tool.server), error_line(reason), error]
