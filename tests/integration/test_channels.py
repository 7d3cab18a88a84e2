"""Azure Pipelines and TeamCity: standard output carries the outputs."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    GITLAB_SECTION,
    OUTPUT_NAMES,
    SERVICE_SID,
    TOKEN,
    Finished,
    Handler,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    check_outputs,
    credential_forms,
    off_github,
    silence,
    twilio_error,
)

AZURE = {"TF_BUILD": "True"}
TEAMCITY = {"TEAMCITY_VERSION": "2025.07 (build 197242)"}
PLATFORMS = pytest.mark.parametrize("platform", [AZURE, TEAMCITY], ids=["azure", "teamcity"])
PREFIX = "TWILIO_BUILD_WAIT_"

ENDINGS: dict[str, tuple[Handler, int]] = {
    "completed": (build("completed"), 0),
    "failed": (build("failed"), 1),
    "timed-out": (build(), 3),
    "rejected": (twilio_error(401, 20003, "it's [so] | no"), 4),
}


def env_on(platform: Mapping[str, str], root: str, tmp_path: Path, **more: str) -> dict[str, str]:
    env = off_github(base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    return env | {"CI": "true"} | dict(platform) | more


def output_name(variable: str) -> str:
    assert variable.startswith(PREFIX), variable
    return variable.removeprefix(PREFIX).lower().replace("_", "-")


def azure_outputs(run: Finished) -> dict[str, str]:
    """The variables of the job; those for later jobs have to be the same."""
    found: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for command in runner_model.azure_commands(run.stdout):
        if command.name == "task.setvariable":
            output = command.properties.get("isOutput", "false") == "true"
            found[output][output_name(command.properties["variable"])] = command.data
    assert found[True] == found[False]
    return found[False]


def teamcity_outputs(run: Finished) -> dict[str, str]:
    messages = runner_model.teamcity_messages(run.stdout)
    pairs = [one.properties for one in messages if one.name == "setParameter"]
    assert all(pair["name"].startswith("env.") for pair in pairs)
    return {output_name(pair["name"].removeprefix("env.")): pair["value"] for pair in pairs}


def outputs_of(run: Finished) -> dict[str, str]:
    return azure_outputs(run) if run.env.get("TF_BUILD") else teamcity_outputs(run)


@PLATFORMS
@pytest.mark.parametrize("outcome", ENDINGS)
def test_every_output_of_every_ending(
    tool: Tool, tmp_path: Path, platform: Mapping[str, str], outcome: str
) -> None:
    reply, code = ENDINGS[outcome]
    with ScriptedServer(reply) as server:
        run = tool.run(env_on(platform, server.url, tmp_path))
    assert run.code == code, run.stdout
    outputs = outputs_of(run)
    check_outputs(outputs, code)
    assert outputs == run.result()
    assert outputs["build-sid"] == BUILD_SID
    assert outputs["service-sid"] == SERVICE_SID
    plain = run.stdout.replace("##vso[", "").replace("##teamcity[", "")
    assert {one.name for one in runner_model.github_commands(plain)} <= {"group", "endgroup"}


@PLATFORMS
def test_bad_inputs_too(tool: Tool, tmp_path: Path, platform: Mapping[str, str]) -> None:
    run = tool.run(env_on(platform, "", tmp_path, TWILIO_BUILD_SID="wrong"))
    assert run.code == 2, run.stdout
    outputs = outputs_of(run)
    check_outputs(outputs, 2)
    assert outputs["build-sid"] == ""
    assert "fork" not in run.stdout


@pytest.mark.parametrize("outcome", ENDINGS)
def test_azure_logs_an_issue_where_github_gets_an_annotation(
    tool: Tool, tmp_path: Path, outcome: str
) -> None:
    reply, code = ENDINGS[outcome]
    with ScriptedServer(reply) as server:
        run = tool.run(env_on(AZURE, server.url, tmp_path))
    commands = runner_model.azure_commands(run.stdout)
    issues = [command for command in commands if command.name == "task.logissue"]
    assert [issue.properties["type"] for issue in issues] == ["error"] * (code != 0)
    assert {command.name for command in commands} <= {
        "task.setvariable",
        "task.setsecret",
        "task.logissue",
    }


def test_azure_logs_an_issue_for_what_github_warns_about(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("queued")) as server:
        run = tool.run(env_on(AZURE, server.url, tmp_path))
    issues = [
        command
        for command in runner_model.azure_commands(run.stdout)
        if command.name == "task.logissue"
    ]
    (warning,) = [issue for issue in issues if issue.properties["type"] == "warning"]
    assert "queued" in warning.data


def test_azure_is_told_the_secrets(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(env_on(AZURE, server.url, tmp_path))
    commands = runner_model.azure_commands(run.stdout)
    secrets = {command.data for command in commands if command.name == "task.setsecret"}
    assert TOKEN in secrets
    assert secrets & {form for form in credential_forms(run.env) if form != TOKEN}
    assert not secrets & {ACCOUNT_SID, SERVICE_SID, BUILD_SID}


@pytest.mark.parametrize("outcome", ENDINGS)
def test_teamcity_is_told_of_a_build_problem(tool: Tool, tmp_path: Path, outcome: str) -> None:
    reply, code = ENDINGS[outcome]
    with ScriptedServer(reply) as server:
        run = tool.run(env_on(TEAMCITY, server.url, tmp_path))
    messages = runner_model.teamcity_messages(run.stdout)
    problems = [message for message in messages if message.name == "buildProblem"]
    assert len(problems) == (code != 0)
    assert all(problem.properties["description"] for problem in problems)
    assert TOKEN not in run.stdout


@PLATFORMS
def test_cancelled(tool: Tool, tmp_path: Path, platform: Mapping[str, str]) -> None:
    with ScriptedServer(silence) as server:
        running = tool.start(env_on(platform, server.url, tmp_path))
        running.wait_until(lambda: len(server.requests) == 1)
        running.send_signal(15)
        run = running.finish()
    assert run.code == 143, run.stdout
    assert outputs_of(run)["outcome"] == "cancelled"
    assert "logissue type=error" not in run.stdout
    if platform is AZURE:
        assert "logissue type=warning" in run.stdout


@PLATFORMS
@pytest.mark.parametrize("status, code", [("completed", 5), ("failed", 1)])
def test_standard_output_is_a_channel_there(
    tool: Tool, tmp_path: Path, platform: Mapping[str, str], status: str, code: int
) -> None:
    with ScriptedServer(build(status)) as server:
        full = os.open("/dev/full", os.O_WRONLY)
        running = tool.start(env_on(platform, server.url, tmp_path), stdout=full)
        os.close(full)
        run = running.finish(check=False)
    assert (run.code, run.stderr) == (code, "")
    assert run.output_json["outcome"] == status


def test_elsewhere_it_is_not(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        full = os.open("/dev/full", os.O_WRONLY)
        running = tool.start(env_on({}, server.url, tmp_path), stdout=full)
        os.close(full)
        run = running.finish(check=False)
    assert (run.code, run.stderr) == (0, "")


HOSTILE = "a'b|c[d]e\nf\rg\x85h\u2028i\u2029j%k;l]m##vso[task.complete]##teamcity[x]%0An"


@PLATFORMS
def test_hostile_text_stays_a_value(
    tool: Tool, tmp_path: Path, platform: Mapping[str, str]
) -> None:
    script: list[Handler] = [
        twilio_error(400, 1, HOSTILE),
        build(HOSTILE, url=HOSTILE),
        Reply(503, b"", phrase="it's ##vso[x] |n ##teamcity[y]"),
    ]
    for handler in script:
        with ScriptedServer(handler) as server:
            run = tool.run(env_on(platform, server.url, tmp_path))
        assert run.code in {3, 4}, run.stdout
        outputs = outputs_of(run)
        check_outputs(outputs, run.code)
        assert tuple(sorted(outputs)) == tuple(sorted(OUTPUT_NAMES))
        assert outputs == run.result()
        names = {command.name for command in runner_model.azure_commands(run.stdout)}
        names |= {message.name for message in runner_model.teamcity_messages(run.stdout)}
        assert names <= {
            "task.setvariable",
            "task.setsecret",
            "task.logissue",
            "setParameter",
            "buildProblem",
            "message",
        }


def test_gitlab_folds_what_happened_meanwhile(tool: Tool, tmp_path: Path) -> None:
    """A section, opened once and closed once; the outputs go by the file."""
    with ScriptedServer(build(), build(HOSTILE), build("failed")) as server:
        run = tool.run(
            env_on({"GITLAB_CI": "true"}, server.url, tmp_path, TWILIO_BUILD_TIMEOUT="9s")
        )
    assert run.code == 1, run.stdout
    marks = [mark.group().split(":") for mark in GITLAB_SECTION.finditer(run.stdout)]
    assert [mark[0] for mark in marks] == ["\x1b[0Ksection_start", "\x1b[0Ksection_end"]
    assert len({mark[2].partition("[")[0].strip("\r\x1b") for mark in marks}) == 1
    assert run.stdout.count("\x1b[0K") == 4
    assert run.commands == []
    assert run.result()["outcome"] == "failed"
