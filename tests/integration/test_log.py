"""What a person and a CI see of the wait: the log, and the job summary."""

import errno
import itertools
import math
import re
from pathlib import Path
from typing import NoReturn

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    API_KEY,
    BUILD_SID,
    BUILDS_PATH,
    CREATED,
    SECRET,
    SERVICE_SID,
    build_status,
    page,
)
from tests.support.server import Response
from twilio_build_wait import __version__
from twilio_build_wait.reporters.ci import choose

BUILDING, COMPLETED = build_status("building"), build_status("completed")


def test_log_of_a_completed_build(tool: Tool) -> None:
    plan = (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
        f"at 127.0.0.1:{tool.server.port}, timeout 15m, with auth token"
    )
    end = ["    0.0s  completed", "Twilio build completed after 0s, 1 poll"]
    assert tool.elsewhere("GITLAB_CI").run(COMPLETED).lines == [plan, *end]


def test_azure_log_carries_the_outputs(tool: Tool) -> None:
    run = tool.elsewhere("TF_BUILD").run(COMPLETED)
    lines = [line for line in run.lines if "task.setvariable" in line]
    assert lines == choose({"TF_BUILD": "1"}).outputs(run.outputs)


def test_first_line_says_latest_and_api_key(tool: Tool) -> None:
    tool |= {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
    run = tool.run(COMPLETED, TWILIO_BUILD_SID="LATEST", TWILIO_BUILD_TIMEOUT="0", code=3)
    (line,) = [line for line in run.lines if line.startswith("twilio-build-wait ")]
    assert "waiting for the latest build of service" in line
    assert line.endswith(", timeout 0s, with API key")


def test_step_outputs_that_are_not_passed_on_are_a_warning(tool: Tool) -> None:
    (warning,) = tool.run(COMPLETED, GITHUB_OUTPUT="").commands("warning")
    assert warning.title == "No later step will see the outputs"
    assert warning.data.startswith("GITHUB_OUTPUT is not set: ")


def test_step_outputs_in_a_new_file_are_written_with_a_warning(tool: Tool) -> None:
    Path(tool.environ["GITHUB_OUTPUT"]).unlink()
    run = tool.run(COMPLETED)
    (warning,) = run.commands("warning")
    assert warning.data.startswith("GITHUB_OUTPUT names a file that does not exist: ")
    assert run.files["GITHUB_OUTPUT"]


# CI and status -> the exit code where standard output cannot be written to.
FULL = {("TF_BUILD", "completed"): 5, ("GITLAB_CI", "completed"): 0, ("TF_BUILD", "failed"): 1}


@pytest.mark.parametrize("ci, status", FULL)
def test_standard_output_is_a_channel_where_it_carries_outputs(
    tool: Tool, ci: str, status: str
) -> None:
    def refuse(_data: bytes) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    tool.server.script(build_status(status))
    run = run_inside(tool.elsewhere(ci).environ, tool.server, write=refuse)
    assert run.code == FULL[ci, status]
    assert run.output_file["outcome"] == status


def test_heartbeat_at_least_every_30_seconds(tool: Tool) -> None:
    tool |= {"TWILIO_BUILD_INTERVAL": "2m", "TWILIO_BUILD_TIMEOUT": "8m"}
    busy = Response(429, headers={"Retry-After": "90"})
    run = tool.run(BUILDING, BUILDING, [math.inf], busy, code=3)
    times = [float(start) for start in re.findall(r"(?m)^ *([0-9.]+)s  ", run.stdout)]
    assert times[-1] == 480.0
    assert max(after - before for before, after in itertools.pairwise(times)) <= 30
    assert "   15.0s  still waiting: building, 1 poll" in run.lines
    assert len(run.lines) < 8 * 60 / 10  # and not one a second


# The variable of a CI -> whether a terminal gets a live line.
LIVE = {"NO_CI": True, "CI": False, "GITHUB_ACTIONS": False}


@pytest.mark.parametrize("name", LIVE)
def test_live_line_on_a_terminal_but_not_in_a_ci(tool: Tool, name: str) -> None:
    tool.server.script(BUILDING, COMPLETED)
    environ = tool.elsewhere(name).environ | {"TWILIO_BUILD_INTERVAL": "2s"}
    run = run_inside(environ, tool.server, is_terminal=True, check=False)
    assert ("\r\x1b[2K    1.0s  building, 1 poll" in run.stdout) == LIVE[name]


def test_summary_follows_the_earlier_ones(tool: Tool) -> None:
    Path(tool.environ["GITHUB_STEP_SUMMARY"]).write_text("an unfinished line")
    run = tool.run(BUILDING, code=3, TWILIO_BUILD_TIMEOUT="1s")
    heading = "### ⏱️ Timed out waiting for the Twilio build"
    assert run.summary.startswith(f"an unfinished line\n{heading}\n")
    assert "| Reason | no verdict within 1s; the last status was '`building`' |" in run.summary


def test_summary_can_be_turned_off(tool: Tool) -> None:
    assert tool.run(COMPLETED, TWILIO_BUILD_SUMMARY="FALSE").summary == ""


def test_summary_that_cannot_be_written_is_a_warning(tool: Tool) -> None:
    run = tool.run(COMPLETED, GITHUB_STEP_SUMMARY=tool.environ["HOME"])
    (warning,) = run.commands("warning")
    assert warning.title == "No job summary"
    assert warning.data.startswith("GITHUB_STEP_SUMMARY could not be written (Is a directory)")


def test_outcome_of_latest_comes_with_a_caution(tool: Tool) -> None:
    entry = {"sid": BUILD_SID, "status": "failed", "date_created": CREATED}
    tool.server.script(page("builds", entry), path=BUILDS_PATH)
    run = tool.run(code=1, TWILIO_BUILD_SID="latest")
    build = f"{BUILD_SID}, created 2026-10-01 11:58:00 UTC, 2m ago"
    caution = "If the deployment began later, it created no build: see its own log"
    assert f"latest is {build}. {caution}" in run.lines
    assert f"| Build | latest: {build} |\n| Note | {caution} |\n" in run.summary
