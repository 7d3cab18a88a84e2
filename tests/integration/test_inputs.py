"""Inputs: where they are read from, what is said of wrong ones, and the rules for several.

`tests/unit/test_inputs.py` and `test_settings.py` have the formats and the problems.
"""

import re
from pathlib import Path

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    BUILD_SID,
    SERVICE_SID,
    STATUS_PATH,
    build_status,
)
from tests.support.server import Response, Server
from twilio_build_wait.inputs import INPUTS

COMPLETED = build_status("completed")

#: Values that are wrong in their format, those of secrets included.
WRONG = {
    "account-sid": "AC12",
    "auth-token": "t\u00f6ken",
    "api-key": "SK12",
    "api-secret": "s\u00e4cret",
    "build-sid": f"{BUILD_SID}\u200b",  # not visible
    "timeout": "soon",
    "base-url": "ftp://example.com",
    "diagnose": "on",
}


def test_first_variable_that_is_not_blank_wins(tool: Tool) -> None:
    tool |= {"INPUT_BUILD-SID": " \r\n\t", "INPUT_BUILD_SID": f" {BUILD_SID}\n"}
    tool |= {"PLUGIN_BUILD_SID": "newest", "TWILIO_BUILD_SID": "newest", "PLUGIN_TIMEOUT": "42s"}
    tool |= {"PLUGIN_BUILD-SID": "newest", "TWILIO_BUILD_TIMEOUT": "soon"}
    run = tool.run(COMPLETED)
    assert "timeout 42s" in run.stdout
    assert [request.path for request in run.requests] == [STATUS_PATH]


def test_all_problems_are_reported_at_once(tool: Tool) -> None:
    tool |= {known.variable: WRONG[known.name] for known in INPUTS if known.name in WRONG}
    run = tool.run(code=2)
    assert not run.requests
    lines = [line.strip() for line in run.lines if line.startswith("  ")]
    assert [line.partition(": expected ")[0] for line in lines] == [
        *("account-sid", "auth-token", "api-key", "api-secret", "base-url"),
        *("build-sid", "timeout", "diagnose"),
    ]
    visible = {name: value.replace("\u200b", "\\u200b") for name, value in WRONG.items()}
    shown = [name for name, value in visible.items() if f"got '{value}'" in run.stdout]
    assert shown == ["build-sid", "timeout", "diagnose"]
    assert run.commands("error")[0].data.startswith("account-sid: expected ")
    assert run.outputs["build-sid"] == run.outputs["url"] == ""
    assert run.outputs["service-sid"] == SERVICE_SID
    assert run.outputs["outcome"] == "invalid"
    assert run.outputs["polls"] == "0"


def test_missing_inputs_are_all_named(server: Server, environ: dict[str, str]) -> None:
    own = {known.variable for known in INPUTS}
    run = run_inside({name: environ[name] for name in environ.keys() - own}, server)
    assert run.code == 2
    assert "No inputs are set. `twilio-build-wait --help` lists all of them." in run.lines
    required = [line.strip() for line in run.lines if re.match("  .*: required", line)]
    names = ["auth-token", "account-sid", "build-sid", "service-sid"]
    assert sorted(line.partition(":")[0] for line in required) == sorted(names)


def test_arguments_are_not_repeated(server: Server, environ: dict[str, str]) -> None:
    run = run_inside(environ, server, arguments=["--build-sid", BUILD_SID])
    assert run.code == 2
    assert not run.requests
    assert "arguments: got 2, expected none" in run.stdout
    assert "docker run --entrypoint" in run.stdout
    assert BUILD_SID not in run.stdout


def test_credential_in_another_input_is_invalid(tool: Tool) -> None:
    value = "hunter22-proxy"
    proxy = f"http://user:{value}@127.0.0.1:9"
    run = tool.run(code=2, HTTPS_PROXY=proxy, TWILIO_SERVICE_SID=value)
    assert not run.requests
    assert "service-sid: it contains a credential, so it is not shown" in run.outputs["reason"]
    shown = [line for line in run.lines if not line.startswith("::add-mask::")]
    assert [text for text in (*shown, *run.files.values()) if value in text] == []


@pytest.mark.parametrize("kind", ["hard link", "link to its folder"])
def test_output_file_must_not_be_a_runners_file(
    server: Server, environ: dict[str, str], tmp_path: Path, kind: str
) -> None:
    target, alias = tmp_path / "runner", tmp_path / "alias"
    target.write_text("EARLIER=1\n")
    if kind == "hard link":
        alias.hardlink_to(target)
    else:
        alias.symlink_to(tmp_path)
        alias /= "runner"
    changes = {"GITHUB_ENV": str(target), "TWILIO_BUILD_OUTPUT_FILE": str(alias)}
    run = run_inside(environ | changes, server, check=False)  # the output file is not one of ours
    assert run.code == 2
    assert "which is the file that GITHUB_ENV names" in run.stdout
    assert target.read_text() == "EARLIER=1\n"
    assert run.outputs["outcome"] == "invalid"


def test_region_makes_the_host(tool: Tool) -> None:
    del tool.environ["TWILIO_BASE_URL"]
    proxy = Response(403)  # it shows where the tool wants to go
    run = tool.run(proxy, code=4, HTTPS_PROXY=tool.server.url, TWILIO_REGION="ie1")
    host = "serverless.dublin.ie1.twilio.com"
    assert run.requests[0].target == f"{host}:443"
    assert f" at {host}, timeout" in run.stdout
    assert run.outputs["url"] == f"https://{host}{STATUS_PATH}"
