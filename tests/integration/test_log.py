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


ERASE = "\r\x1b[2K"


def test_live_line_on_a_terminal(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, Response(503), BUILDING, BUILDING, COMPLETED)
    environ = without_github(environ) | {"TWILIO_BUILD_INTERVAL": "4s"}
    run = run_inside(environ, server, is_terminal=True, check=False)
    shown = run.stdout.partition("\n")[2]
    assert shown.startswith(f"{ERASE}    1.0s  building, 1 poll{ERASE}    2.0s  building, 1 poll")
    lines = shown.removesuffix("\n").split("\n")
    error, last = (line.rpartition(ERASE)[2] for line in lines)  # what is not written over
    assert error[10:].startswith("HTTP 503")
    assert last.startswith("Twilio build completed after ")


def test_no_live_line_in_a_ci(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, COMPLETED)
    ci = {"CI": "true", "TWILIO_BUILD_INTERVAL": "20s"}
    run = run_inside(without_github(environ) | ci, server, is_terminal=True)
    assert ERASE not in run.stdout
    assert "   15.0s  still waiting: building, 1 poll" in run.lines


def test_summary_is_one_table_behind_the_earlier_ones(tool: Tool) -> None:
    Path(tool.environ["GITHUB_STEP_SUMMARY"]).write_text("an unfinished line")
    run = tool.run(BUILDING, code=3, TWILIO_BUILD_TIMEOUT="1s")
    heading = "### ⏱️ Timed out waiting for the Twilio build"
    start = f"an unfinished line\n{heading}\n\n| | |\n| --- | --- |\n"
    assert run.summary.startswith(start)
    assert "| Reason | no verdict within 1s; the last status was '`building`' |" in run.summary


def test_summary_can_be_turned_off(tool: Tool) -> None:
    assert tool.run(COMPLETED, TWILIO_BUILD_SUMMARY="FALSE").summary == ""


def test_summary_that_cannot_be_written_is_a_warning(tool: Tool) -> None:
    run = tool.run(COMPLETED, GITHUB_STEP_SUMMARY=tool.environ["HOME"])
    (warning,) = run.commands("warning")
    assert warning.title == "No job summary"
    problem = "GITHUB_STEP_SUMMARY could not be written (Is a directory); nothing else is affected"
    assert warning.data == problem


LATEST = page("builds", {"sid": BUILD_SID, "status": "building", "date_created": CREATED})
CAUTION = "If the deployment began later, it created no build: see its own log"
# The last status of the newest build -> the exit code.
ENDINGS = {"completed": 0, "failed": 1, "building": 3}


@pytest.mark.parametrize("status", ENDINGS)
def test_every_outcome_of_latest_comes_with_its_caution(tool: Tool, status: str) -> None:
    tool.server.script(build_status(status))
    tool.server.script(LATEST, path=BUILDS_PATH)
    tool |= {"TWILIO_BUILD_SID": "latest", "TWILIO_BUILD_TIMEOUT": "5s"}
    run = tool.run(code=ENDINGS[status])
    build = f"{BUILD_SID}, created 2026-10-01 11:58:00 UTC, 2m ago"
    assert f"latest is {build}. {CAUTION}" in run.lines
    assert f"| Build | latest: {build} |\n| Note | {CAUTION} |\n" in run.summary
