"""What each CI reads in the log: exact lines. `tests/unit/test_ci.py` has the escapes.

Grammars: command.ts of actions/toolkit, CommandStringConvertor.cs of azure-pipelines-agent, and
jetbrains.com/help/teamcity/service-messages.html.
"""

import base64
import errno

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    TOKEN,
    build_status,
    twilio_error,
    without_github,
)
from tests.support.server import Server
from twilio_build_wait import __version__
from twilio_build_wait.model import variable

COMPLETED = build_status("completed")
LOGIN = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
#: A message that every CI would read otherwise if it were not escaped.
MESSAGE = "100% of $(PATH) %0A |[x]' ;isOutput=true] %name% $$(A)"
REJECTED = "Twilio build status cannot be read"
ADVICE = "Look up the status and the code in Twilio's documentation"
NEXT = "Fix the problem above, then re-run the step; the build itself may be fine"


def first_line(server: Server) -> str:
    return (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
        f"at 127.0.0.1:{server.port}, timeout 15m, with auth token"
    )


def status_line(reason: str) -> str:
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
    file = f"output-file {tool.environ['TWILIO_BUILD_OUTPUT_FILE']}"
    assert tool.run(COMPLETED).lines == [
        f"::add-mask::{TOKEN.replace('%', '%25')}",
        f"::add-mask::{LOGIN}",
        first_line(tool.server),
        f"GitHub Actions: outputs go to GITHUB_OUTPUT, {file}",
        "    0.0s  completed",
        "Twilio build completed after 0s, 1 poll",
    ]


@pytest.mark.parametrize("value", ["", "missing"])
def test_step_outputs_that_nobody_reads_are_a_warning(tool: Tool, value: str) -> None:
    path = tool.environ["GITHUB_OUTPUT"]
    run = tool.run(COMPLETED, GITHUB_OUTPUT=value and f"{path}.{value}")
    (warning,) = run.commands("warning")
    assert warning.title == "No later step will see the outputs"
    assert "GITHUB_OUTPUT" in warning.data
    assert run.output_file["outcome"] == "completed"
    assert ("GITHUB_OUTPUT" in run.files) == (value == "missing")


def test_azure_log(tool: Tool) -> None:
    run, reason = rejected(elsewhere(tool, "TF_BUILD"))
    file = f"output-file {tool.environ['TWILIO_BUILD_OUTPUT_FILE']}"
    # It would expand `$(name)` in a value.
    values = run.outputs | {"reason": reason.replace("%", "%AZP25").replace("$(", "$ (")}
    assert run.lines == [
        f"##vso[task.setsecret]{TOKEN.replace('%', '%AZP25')}",
        f"##vso[task.setsecret]{LOGIN}",
        first_line(tool.server),
        f"Azure Pipelines: outputs go to {file}, standard output",
        status_line(reason),
        *(
            f"##vso[task.setvariable variable={variable(name)}{scope}]{value}"
            for name, value in values.items()
            for scope in ("", ";isOutput=true")
        ),
        f"##vso[task.logissue type=error]{REJECTED}: {reason}. {NEXT}".replace("%", "%AZP25"),
    ]


@pytest.mark.parametrize("name", ["TF_BUILD", "GITLAB_CI"])
def test_standard_output_is_a_channel_where_it_carries_outputs(tool: Tool, name: str) -> None:
    def refuse(_data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for status, code in (("completed", 0 if name == "GITLAB_CI" else 5), ("failed", 1)):
        tool.server.script(build_status(status))
        run = run_inside(elsewhere(tool, name).environ, tool.server, write=refuse)
        assert run.code == code
        assert run.output_file["outcome"] == status


@pytest.mark.parametrize("name", ["GITLAB_CI", "NO_CI"])
def test_other_log_is_plain(tool: Tool, name: str) -> None:
    run, reason = rejected(elsewhere(tool, name) | {"TF_BUILD": "", "TEAMCITY_VERSION": ""})
    error = f"error: {REJECTED}: {reason}. {NEXT}"
    assert run.lines == [first_line(tool.server), status_line(reason), error]
    assert run.output_file["reason"] == reason
