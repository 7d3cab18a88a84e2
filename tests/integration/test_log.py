"""What a person sees of the wait: the log, the live line on a terminal, and the job summary."""

import itertools
import math
import re
from pathlib import Path

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    build_status,
    without_github,
)
from tests.support.server import Connection, Response, Server

BUILDING, COMPLETED = build_status("building"), build_status("completed")


def wait_lines(run: Run) -> list[str]:
    """Return the lines with a time, without it."""
    return [line[10:] for line in run.lines if re.match(r" +\d+\.\ds  ", line)]


def test_line_for_each_change_and_each_error(tool: Tool) -> None:
    run = tool.run(BUILDING, BUILDING, Response(503), Connection.reset, BUILDING, COMPLETED)
    host = f"127.0.0.1:{tool.server.port}"
    assert wait_lines(run) == [
        "building",
        f"HTTP 503 from {host}; next poll in 500ms",
        f"{host}: connection reset; next poll in 1s",
        "completed",
    ]
    assert run.lines[-1] == "Twilio build completed after 4.6s, 6 polls"


def test_sign_of_life_at_least_every_30_seconds(tool: Tool) -> None:
    tool |= {"TWILIO_BUILD_INTERVAL": "2m", "TWILIO_BUILD_TIMEOUT": "8m"}
    busy = Response(429, headers={"Retry-After": "90"})
    run = tool.run(BUILDING, BUILDING, [math.inf], busy, code=3)
    times = [seconds for seconds, _ in run.stamps]
    assert max(after - before for before, after in itertools.pairwise(times)) <= 30
    assert "still waiting: building, 1 poll" in wait_lines(run)
    assert len(run.lines) < 8 * 60 / 10  # and not one a second


def test_debug_line_for_each_poll(tool: Tool) -> None:
    run = tool.run(BUILDING, Response(503), COMPLETED, RUNNER_DEBUG="1")
    assert len(run.commands("debug")) == 3
    assert "::debug::poll 1 at 0.000 s: status building" in run.lines


ERASE = "\r\x1b[2K"


def test_live_line_on_a_terminal(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, Response(503), BUILDING, BUILDING, COMPLETED)
    environ = without_github(environ) | {"TWILIO_BUILD_INTERVAL": "4s"}
    run = run_inside(environ, server, is_terminal=True, check=False)
    shown = run.stdout.partition("\n")[2]
    assert shown.startswith(f"{ERASE}    1.0s  building, 1 poll{ERASE}    2.0s  building, 1 poll")
    *lines, last = shown.split("\n")
    assert last == ""
    visible = [line.rpartition(ERASE)[2] for line in lines]  # a line takes the live line's place
    assert [line[10:].partition(" from")[0] for line in visible[:-1]] == ["HTTP 503"]
    assert visible[-1].startswith("Twilio build completed after ")


def test_no_live_line_in_a_ci(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, BUILDING, COMPLETED)
    ci = {"CI": "true", "TWILIO_BUILD_INTERVAL": "20s"}
    run = run_inside(without_github(environ) | ci, server, is_terminal=True)
    assert ERASE not in run.stdout
    assert wait_lines(run)[:2] == ["building", "still waiting: building, 1 poll"]


def test_summary_is_one_table_behind_the_earlier_ones(tool: Tool) -> None:
    Path(tool.environ["GITHUB_STEP_SUMMARY"]).write_text("an unfinished line")
    run = tool.run(BUILDING, code=3, TWILIO_BUILD_TIMEOUT="0")
    heading = "### ⏱️ Timed out waiting for the Twilio build"
    start = f"an unfinished line\n{heading}\n\n| | |\n| --- | --- |\n"
    assert run.summary.startswith(start)
    assert "| Reason | no verdict within 0s; the last status was 'building' |" in run.summary


def test_summary_can_be_turned_off(tool: Tool) -> None:
    assert tool.run(COMPLETED, TWILIO_BUILD_SUMMARY="FALSE").summary == ""
