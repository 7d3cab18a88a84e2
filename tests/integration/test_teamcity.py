"""TeamCity: the log byte for byte, and the service messages that it reads out of it.

Grammar: jetbrains.com/help/teamcity/service-messages.html.
"""

import re
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
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


def on_teamcity(root: str, tmp_path: Path) -> dict[str, str]:
    version = {"TEAMCITY_VERSION": "2025.07 (build 197242)", "TWILIO_BUILD_TIMEOUT": "0"}
    return off_github(base_env(root, tmp_path, **version))


def parameters(run: Finished, reason: str) -> str:
    """What sets every output; only a reason needs its escapes, which are the caller's to write."""
    values = {**run.result(), "reason": reason}
    return "".join(
        "##teamcity[setParameter"
        f" name='env.TWILIO_BUILD_WAIT_{name.upper().replace('-', '_')}' value='{value}']\n"
        for name, value in values.items()
    )


def test_the_log_of_a_completed_build(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(on_teamcity(server.url, tmp_path))
    assert run.code == 0
    head, rest = re.split(r" +\d+\.\ds  completed\n", run.stdout)
    assert head == (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID}"
        f" at 127.0.0.1:{server.port}, time-out 0s, with auth token\n"
        f"TeamCity; outputs go to: output-file {tmp_path}/outputs.json, standard output\n"
    )
    assert rest.startswith(parameters(run, reason=""))
    ending = rest.removeprefix(parameters(run, reason=""))
    assert ending.startswith("Twilio build completed after ")
    assert ending.count("\n") == 1
    assert TOKEN not in run.stdout, "TeamCity hides its own; there is no message to ask for it"


def test_what_it_escapes_is_what_teamcity_undoes(tool: Tool, tmp_path: Path) -> None:
    hostile = "it's a [list] | of |n and |' ##teamcity[buildStop comment='x'] end"
    with ScriptedServer(twilio_error(400, 1, hostile)) as server:
        run = tool.run(on_teamcity(server.url, tmp_path))
    assert run.code == 4
    reason = run.result()["reason"]
    assert hostile.replace("##teamcity[", "# #teamcity[") in reason
    escaped = reason.replace("|", "||")
    for character in "'[]":
        escaped = escaped.replace(character, f"|{character}")
    title = "Twilio build status cannot be read"
    assert f"\n##teamcity[buildProblem description='{title}: {escaped}. " in run.stdout
    assert parameters(run, escaped) in run.stdout

    messages = runner_model.teamcity_messages(run.stdout)
    assert {message.name for message in messages} == {"setParameter", "buildProblem"}
    (problem,) = [message for message in messages if message.name == "buildProblem"]
    assert problem.properties.keys() == {"description"}
    assert problem.properties["description"].startswith(f"{title}: {reason}. ")
    name = "env.TWILIO_BUILD_WAIT_REASON"
    (read,) = [one.properties for one in messages if one.properties.get("name") == name]
    assert read["value"] == reason


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\x0b", "\x85", "\u2028", "\u2029"])
def test_no_text_begins_a_message_of_its_own(tool: Tool, tmp_path: Path, line_break: str) -> None:
    hostile = f"x{line_break}##teamcity[setParameter name='env.PATH' value='/tmp']{line_break}y"
    with ScriptedServer(twilio_error(403, 1, hostile)) as server:
        run = tool.run(on_teamcity(server.url, tmp_path))
    assert run.code == 4
    names = {
        message.properties["name"]
        for message in runner_model.teamcity_messages(run.stdout)
        if message.name == "setParameter"
    }
    assert all(name.startswith("env.TWILIO_BUILD_WAIT_") for name in names)
    assert line_break.strip("\r\n") == "" or line_break not in run.stdout


def test_a_warning_is_a_message(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("it's")) as server:
        run = tool.run(on_teamcity(server.url, tmp_path))
    assert run.code == 3
    warning = "##teamcity[message text='Unknown build status: Twilio reports the status |'it|'s|', "
    (line,) = [line for line in run.lines if line.startswith("##teamcity[message ")]
    assert line.startswith(warning)
    assert line.endswith(" status='WARNING']")
    assert "value=''" in next(line for line in run.lines if "WAIT_STATUS'" in line)
