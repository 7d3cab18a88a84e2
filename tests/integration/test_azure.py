"""Azure Pipelines: the log byte for byte, and what its agent reads out of it.

Grammar: microsoft/azure-pipelines-agent, Command.cs and CommandStringConvertor.cs.
"""

import base64
import re
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    TOKEN,
    Finished,
    ScriptedServer,
    Tool,
    base_env,
    build,
    off_github,
    twilio_error,
)
from twilio_build_wait import __version__

PATH = f"/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
LOGIN = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()


def on_azure(root: str, tmp_path: Path, **more: str) -> dict[str, str]:
    azure = {"TF_BUILD": "True", "TWILIO_BUILD_TIMEOUT": "0", **more}
    return off_github(base_env(root, tmp_path, **azure))


def variables(run: Finished, reason: str) -> str:
    """What sets every output, once for this job's steps and once for other jobs."""
    values = {**run.result(), "reason": reason}
    names = {name: "TWILIO_BUILD_WAIT_" + name.upper().replace("-", "_") for name in values}
    return "".join(
        f"##vso[task.setvariable variable={names[name]}{scope}]{value}\n"
        for name, value in values.items()
        for scope in ("", ";isOutput=true")
    )


def opening(server: ScriptedServer, tmp_path: Path) -> str:
    # The token of these tests has a percent sign in it.
    return (
        f"##vso[task.setsecret]{TOKEN.replace('%', '%AZP25')}\n"
        f"##vso[task.setsecret]{LOGIN}\n"
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID}"
        f" at 127.0.0.1:{server.port}, time-out 0s, with auth token\n"
        f"Azure Pipelines; outputs go to: output-file {tmp_path}/outputs.json, standard output\n"
        "##[group]Waiting for the Twilio build\n"
    )


def test_the_log_of_a_completed_build(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(on_azure(server.url, tmp_path))
    assert run.code == 0
    head, rest = re.split(r" +\d+\.\ds  completed\n", run.stdout)
    assert head == opening(server, tmp_path)
    end = "##[endgroup]\n" + variables(run, reason="")
    assert rest.startswith(end)
    ending = rest.removeprefix(end)
    assert ending.startswith("Twilio build completed after ")
    assert ending.count("\n") == 1
    assert f"variable=TWILIO_BUILD_WAIT_BUILD_SID]{BUILD_SID}\n" in run.stdout
    assert "variable=TWILIO_BUILD_WAIT_STATUS;isOutput=true]completed\n" in run.stdout
    assert f"https://serverless.twilio.com{PATH}\n" in run.stdout
    assert "variable=TWILIO_BUILD_WAIT_REASON]\n" in run.stdout


def test_what_it_escapes_is_what_the_agent_undoes(tool: Tool, tmp_path: Path) -> None:
    """Percent signs that look like its escapes, and the ends of properties and commands."""
    hostile = "100% of %0A and %5D and %AZP25; then ] and ;isOutput=true] ##vso[task.complete] x"
    with ScriptedServer(twilio_error(400, 1, hostile)) as server:
        run = tool.run(on_azure(server.url, tmp_path))
    assert run.code == 4
    shown = hostile.replace("##vso[", "# #vso[")
    reason = run.result()["reason"]
    assert shown in reason
    escaped = reason.replace("%", "%AZP25")
    title = "Twilio build status cannot be read"
    assert f"\n##vso[task.logissue type=error]{title}: {escaped}. " in run.stdout
    assert variables(run, escaped) in run.stdout

    commands = runner_model.azure_commands(run.stdout)
    assert [one.name for one in commands if one.name != "task.setvariable"] == [
        "task.setsecret",
        "task.setsecret",
        "task.logissue",
    ]
    assert [one.data for one in commands if one.name == "task.setsecret"] == [TOKEN, LOGIN]
    (issue,) = [one for one in commands if one.name == "task.logissue"]
    assert issue.data.startswith(f"{title}: {reason}. ")
    read = [
        one.data for one in commands if one.properties.get("variable") == "TWILIO_BUILD_WAIT_REASON"
    ]
    assert read == [reason, reason]


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\x0b", "\x85", "\u2028"])
def test_no_text_begins_a_line_of_its_own(tool: Tool, tmp_path: Path, line_break: str) -> None:
    hostile = f"first{line_break}##vso[task.setvariable variable=PATH]/tmp{line_break}##[error]last"
    with ScriptedServer(twilio_error(403, 1, hostile)) as server:
        run = tool.run(on_azure(server.url, tmp_path))
    assert run.code == 4
    set_by_it = {
        one.properties["variable"]
        for one in runner_model.azure_commands(run.stdout)
        if one.name == "task.setvariable"
    }
    assert all(name.startswith("TWILIO_BUILD_WAIT_") for name in set_by_it)
    assert "##[error]" not in run.stdout


def test_github_and_its_files_are_not_meant_here(tool: Tool, tmp_path: Path) -> None:
    """TF_BUILD with a value; an empty one, as some shells leave it, is none."""
    with ScriptedServer(build("failed")) as server:
        run = tool.run(on_azure(server.url, tmp_path, TF_BUILD=""))
    assert run.code == 1
    assert "##" not in run.stdout
    assert "error: Twilio build failed: " in run.stdout
