"""Drone and Woodpecker: inputs as a plugin's settings, the outputs by the shared folder's file.

Both set ``PLUGIN_`` and the setting's name in upper case (drone-runner-docker, compiler/step.go;
woodpecker-ci, pipeline/frontend/yaml/compiler/settings/params.go, which makes an underscore of a
hyphen, too).
"""

import re
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    OTHER_BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    ScriptedServer,
    Tool,
    base_env,
    build,
    credential_forms,
    off_github,
    secret_forms,
)
from twilio_build_wait import __version__
from twilio_build_wait.inputs import INPUTS

SETTINGS = {
    "api_key": API_KEY,
    "api_secret": SECRET,
    "service_sid": SERVICE_SID,
    "build_sid": BUILD_SID,
    "timeout": "5s",
    "interval": "100ms",
    "max_interval": "200ms",
    "output_file": "wait.env",
    "summary": "false",
    "diagnose": "false",
}


def as_plugin(tmp_path: Path, root: str, **changes: str | None) -> dict[str, str]:
    """The environment of a plugin's step: nothing by a plain name."""
    plain = {known.variable: None for known in INPUTS}
    env = off_github(base_env("", tmp_path, **plain))
    settings = {**SETTINGS, "base_url": root, **changes}
    named = {f"PLUGIN_{name.upper()}": value for name, value in settings.items()}
    return env | {"CI": "true", "DRONE": "true"} | {k: v for k, v in named.items() if v is not None}


def test_the_log_and_the_file(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build(), build("completed")) as server:
        run = tool.run(as_plugin(tmp_path, server.url))
    assert run.code == 0
    first, building, completed, ending = run.lines
    assert first == (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID}"
        f" at 127.0.0.1:{server.port}, time-out 5s, with API key"
    )
    assert re.fullmatch(r" +\d\.\ds  building", building)
    assert re.fullmatch(r" +\d\.\ds  completed", completed)
    assert re.fullmatch(r"Twilio build completed after [\d.]+m?s, 2 reads", ending)
    assert [request.credentials for request in server.requests] == [(API_KEY, SECRET)] * 2
    written = runner_model.dotenv((tool.cwd / "wait.env").read_text())
    assert written["TWILIO_BUILD_WAIT_OUTCOME"] == "completed"
    assert written["TWILIO_BUILD_WAIT_POLLS"] == "2"


def test_every_input_is_read_by_that_name(tool: Tool, tmp_path: Path) -> None:
    """Each wrong in its own way: all of them are named, and no secret with them."""
    wrong = {known.name.replace("-", "_"): "\u00a7 wrong" for known in INPUTS}
    wrong["output_file"] = "wait.env"
    run = tool.run(as_plugin(tmp_path, "", **wrong))
    assert run.code == 2
    for known in INPUTS:
        assert known.name == "output-file" or f"  {known.name}: expected " in run.stdout, known.name


def test_a_setting_goes_before_a_variable_and_behind_with(tool: Tool, tmp_path: Path) -> None:
    env = as_plugin(tmp_path, "", timeout="0")
    with ScriptedServer(build("completed")) as server:
        env |= {"PLUGIN_BASE_URL": server.url, "TWILIO_BUILD_SID": OTHER_BUILD_SID}
        run = tool.run(env)
        assert run.code == 0, run.stdout
        assert BUILD_SID in server.requests[-1].target
        run = tool.run(env | {"INPUT_BUILD_SID": OTHER_BUILD_SID})
        assert run.code == 3, "the reply is about the other build"
        assert OTHER_BUILD_SID in server.requests[-1].target


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_setting_is_none(tool: Tool, tmp_path: Path, empty: str) -> None:
    """A secret that the pipeline may not have is an empty setting."""
    with ScriptedServer(build("completed")) as server:
        env = as_plugin(tmp_path, server.url, api_key=empty, api_secret=empty)
        run = tool.run(env)
        assert run.code == 2
        assert "auth-token: required" in run.stdout
        run = tool.run(env | {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": TOKEN})
    assert run.code == 0, run.stdout


def test_a_secret_in_a_wrong_place_is_not_shown(tool: Tool, tmp_path: Path) -> None:
    run = tool.run(as_plugin(tmp_path, "", build_sid=SECRET, timeout=SECRET, base_url=SECRET))
    assert run.code == 2
    for form in secret_forms(SECRET) | credential_forms(run.env):
        assert form not in run.stdout
    assert SECRET not in (tool.cwd / "wait.env").read_text()
