"""What a person sees of the wait: the log, the live line on a terminal, and the job summary."""

import itertools
import math
from pathlib import Path

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    BUILD_SID,
    BUILDS_PATH,
    CREATED,
    build_status,
    page,
    without_github,
)
from tests.support.server import Response, Server

BUILDING, COMPLETED = build_status("building"), build_status("completed")


def test_heartbeat_at_least_every_30_seconds(tool: Tool) -> None:
    tool |= {"TWILIO_BUILD_INTERVAL": "2m", "TWILIO_BUILD_TIMEOUT": "8m"}
    busy = Response(429, headers={"Retry-After": "90"})
    run = tool.run(BUILDING, BUILDING, [math.inf], busy, code=3)
    times = [seconds for seconds, _ in run.stamps]
    assert max(after - before for before, after in itertools.pairwise(times)) <= 30
    assert "   15.0s  still waiting: building, 1 poll" in run.lines
    assert len(run.lines) < 8 * 60 / 10  # and not one a second


# The variable of a CI -> whether a terminal gets a live line.
LIVE = {"NO_CI": True, "CI": False, "GITHUB_ACTIONS": False}


@pytest.mark.parametrize("name", LIVE)
def test_live_line_on_a_terminal_but_not_in_a_ci(
    server: Server, environ: dict[str, str], name: str
) -> None:
    server.script(BUILDING, COMPLETED)
    environ = without_github(environ) | {name: "true", "TWILIO_BUILD_INTERVAL": "2s"}
    run = run_inside(environ, server, is_terminal=True, check=False)
    assert ("\r\x1b[2K    1.0s  building, 1 poll" in run.stdout) == LIVE[name]


def test_summary_follows_the_earlier_ones(tool: Tool) -> None:
    Path(tool.environ["GITHUB_STEP_SUMMARY"]).write_text("an unfinished line")
    run = tool.run(BUILDING, code=3, TWILIO_BUILD_TIMEOUT="1s")
    heading = "### ⏱️ Timed out waiting for the Twilio build"
    assert run.summary.startswith(f"an unfinished line\n{heading}\n\n| | |\n| --- | --- |\n")
    assert "| Reason | no verdict within 1s; the last status was '`building`' |" in run.summary


def test_summary_can_be_turned_off(tool: Tool) -> None:
    assert tool.run(COMPLETED, TWILIO_BUILD_SUMMARY="FALSE").summary == ""


def test_summary_that_cannot_be_written_is_a_warning(tool: Tool) -> None:
    run = tool.run(COMPLETED, GITHUB_STEP_SUMMARY=tool.environ["HOME"])
    (warning,) = run.commands("warning")
    assert warning.title == "No job summary"
    problem = "GITHUB_STEP_SUMMARY could not be written (Is a directory); nothing else is affected"
    assert warning.data == problem


def test_outcome_of_latest_comes_with_a_caution(tool: Tool) -> None:
    entry = {"sid": BUILD_SID, "status": "failed", "date_created": CREATED}
    tool.server.script(page("builds", entry), path=BUILDS_PATH)
    run = tool.run(code=1, TWILIO_BUILD_SID="latest")
    build = f"{BUILD_SID}, created 2026-10-01 11:58:00 UTC, 2m ago"
    caution = "If the deployment began later, it created no build: see its own log"
    assert f"latest is {build}. {caution}" in run.lines
    assert f"| Build | latest: {build} |\n| Note | {caution} |\n" in run.summary
