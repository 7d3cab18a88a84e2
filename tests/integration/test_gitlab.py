"""GitLab CI: a folded section in the log, and the outputs as a dotenv report."""

import re
import signal
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    ScriptedServer,
    Tool,
    base_env,
    build,
    off_github,
    silence,
    twilio_error,
)

REPORT_LIMIT = (
    5 * 1024
)  # bytes; docs.gitlab.com/ci/yaml/artifacts_reports, artifacts:reports:dotenv
START = re.compile(r"\x1b\[0Ksection_start:(\d{10}):twilio_build_wait\r\x1b\[0K(.*)\n")
END = re.compile(r"\x1b\[0Ksection_end:(\d{10}):twilio_build_wait\r\x1b\[0K\n")


def on_gitlab(root: str, tmp_path: Path, **more: str) -> dict[str, str]:
    gitlab = {"GITLAB_CI": "true", "TWILIO_BUILD_OUTPUT_FILE": "wait.env"}
    return off_github(base_env(root, tmp_path, **gitlab, **{"TWILIO_BUILD_TIMEOUT": "0", **more}))


def test_the_section_and_the_report(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(on_gitlab(server.url, tmp_path))
    assert run.code == 0
    assert "\nGitLab CI; outputs go to: output-file wait.env\n" in run.stdout
    start, end = START.search(run.stdout), END.search(run.stdout)
    assert start
    assert end
    assert start[2] == "Waiting for the Twilio build"
    assert re.fullmatch(r" +\d+\.\ds  completed\n", run.stdout[start.end() : end.start()])
    assert run.stdout[end.end() :].startswith("Twilio build completed after ")
    assert run.stdout.count("\x1b") == 4, "nothing but the section's own marks"
    path = f"/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
    outputs = run.result()
    assert run.output_text == (
        "TWILIO_BUILD_WAIT_OUTCOME=completed\n"
        "TWILIO_BUILD_WAIT_STATUS=completed\n"
        f"TWILIO_BUILD_WAIT_BUILD_SID={BUILD_SID}\n"
        f"TWILIO_BUILD_WAIT_SERVICE_SID={SERVICE_SID}\n"
        f"TWILIO_BUILD_WAIT_ACCOUNT_SID={ACCOUNT_SID}\n"
        f"TWILIO_BUILD_WAIT_URL=https://serverless.twilio.com{path}\n"
        f"TWILIO_BUILD_WAIT_ELAPSED_SECONDS={outputs['elapsed-seconds']}\n"
        f"TWILIO_BUILD_WAIT_POLLS={outputs['polls']}\n"
    )


HOSTILE = (
    "$(touch owned)",
    "`touch owned`",
    "a\nTWILIO_BUILD_SID=ZB" + "0" * 32,
    "x; touch owned",
    "\x1b[0Ksection_end:1:twilio_build_wait\r\x1b[0K",
    '"quoted"',
    "'",
    "é" * 3000,
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_hostile_gets_into_the_report(tool: Tool, tmp_path: Path, hostile: str) -> None:
    """Every field of the reply holds it: what is no plain word is left out, or never taken over."""
    fields = {"url": hostile, "service_sid": hostile, "account_sid": hostile}
    with ScriptedServer(build(hostile, **fields)) as server:
        run = tool.run(on_gitlab(server.url, tmp_path))
    assert run.code == 3
    report = runner_model.dotenv(run.output_text)
    assert len(run.output_text.encode()) <= REPORT_LIMIT
    assert report["TWILIO_BUILD_WAIT_STATUS"] == ""
    assert report["TWILIO_BUILD_WAIT_ACCOUNT_SID"] == ""
    assert report["TWILIO_BUILD_WAIT_SERVICE_SID"] == SERVICE_SID
    assert report["TWILIO_BUILD_WAIT_URL"].startswith(server.url)
    assert all(name.startswith("TWILIO_BUILD_WAIT_") for name in report)
    assert not (tool.cwd / "owned").exists()
    assert run.stdout.count("\x1b") == 4


@pytest.mark.parametrize("path", ["/~team", "/$(id)", "/a;b", "/it's"])
def test_a_gateway_s_address_that_a_shell_would_read_otherwise(
    tool: Tool, tmp_path: Path, path: str
) -> None:
    with ScriptedServer(build("completed", url=None)) as server:
        run = tool.run(on_gitlab(server.url + path, tmp_path))
    assert run.code == 0
    assert runner_model.dotenv(run.output_text)["TWILIO_BUILD_WAIT_URL"] == ""
    assert f"dotenv cannot carry '{server.url}{path}/v1/Services/" in run.stdout


def test_the_section_is_closed_before_the_ending(tool: Tool, tmp_path: Path) -> None:
    """So that the reason stands in the open, and the log after it is not folded away."""
    with ScriptedServer(twilio_error(401, 20003, "Authenticate")) as server:
        run = tool.run(on_gitlab(server.url, tmp_path))
    assert run.code == 4
    end = END.search(run.stdout)
    assert end
    after = run.stdout[end.end() :]
    assert after.startswith("error: Twilio build status cannot be read: HTTP 401 ")
    assert after.count("\n") == 1


def test_a_cancelled_wait_closes_it_too(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(silence) as server:
        running = tool.start(on_gitlab(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="60s"))
        running.wait_until(lambda: len(server.requests) == 1)
        running.send_signal(signal.SIGTERM)
        run = running.finish()
    assert run.code == 143
    assert START.search(run.stdout)
    assert END.search(run.stdout)
    assert run.result()["outcome"] == "cancelled"


def test_wrong_inputs_open_none(tool: Tool, tmp_path: Path) -> None:
    run = tool.run(on_gitlab("", tmp_path, TWILIO_BUILD_TIMEOUT="soon"))
    assert run.code == 2
    assert "\x1b" not in run.stdout
    assert run.result()["outcome"] == "invalid"
