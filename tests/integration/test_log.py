"""What a person sees of the wait: the log, the live line on a terminal, and the job summary."""

import errno
import itertools
import math
import re
from pathlib import Path

import pytest

from tests.support.run import Run, run_inside
from tests.support.samples import (
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    build_status,
    without_github,
)
from tests.support.server import Connection, Response, Server, Step
from twilio_build_wait import __version__

BUILDING, COMPLETED = build_status("building"), build_status("completed")


def wait_lines(run: Run) -> list[str]:
    """Return the lines with a time, without it."""
    return [line[10:] for line in run.lines if re.match(r" +\d+\.\ds  ", line)]


# --- the first line -------------------------------------------------------------------------------


def test_first_line_comes_before_the_first_poll(server: Server, environ: dict[str, str]) -> None:
    written: list[bytes] = []

    def look(connection: Connection) -> None:
        assert b"timeout 1m30s" in b"".join(written)
        connection.answer(COMPLETED)

    server.script(look)
    key = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET, "TWILIO_BUILD_TIMEOUT": "90"}
    run = run_inside(without_github(environ) | key, server, write=written.append)
    assert run.lines[0] == (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
        f"at 127.0.0.1:{server.port}, timeout 1m30s, with API key"
    )


# --- the wait -------------------------------------------------------------------------------------


def test_line_for_each_change_and_each_error(server: Server, environ: dict[str, str]) -> None:
    answers: list[Step] = [BUILDING, BUILDING, Response(503), Connection.reset, BUILDING, COMPLETED]
    server.script(*answers)
    run = run_inside(environ, server)
    host = f"127.0.0.1:{server.port}"
    assert wait_lines(run) == [
        "building",
        f"HTTP 503 from {host}; next poll in 500ms",
        f"{host}: connection reset; next poll in 1s",
        "completed",
    ]
    assert run.lines[-1] == "Twilio build completed after 4.6s, 6 polls"


def test_sign_of_life_at_least_every_30_seconds(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, BUILDING, [math.inf], Response(429, headers={"Retry-After": "90"}))
    slow = {"TWILIO_BUILD_INTERVAL": "2m", "TWILIO_BUILD_TIMEOUT": "8m"}
    run = run_inside(environ | slow, server)
    times = [seconds for seconds, _ in run.stamps]
    assert max(after - before for before, after in itertools.pairwise(times)) <= 30
    assert "still waiting: building, 1 poll" in wait_lines(run)
    assert len(run.lines) < 8 * 60 / 10  # and not one a second


def test_debug_line_for_each_poll(server: Server, environ: dict[str, str]) -> None:
    for debug, count in (("0", 0), ("1", 3)):
        server.script(BUILDING, Response(503), COMPLETED)
        run = run_inside(environ | {"RUNNER_DEBUG": debug}, server)
        assert len(run.commands("debug")) == count
        assert ("::debug::poll 1 at 0.000 s: status building" in run.lines) == (count > 0)


# --- a terminal -----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("name", ["CI", "GITHUB_ACTIONS"])
def test_no_live_line_in_a_ci(server: Server, environ: dict[str, str], name: str) -> None:
    server.script(BUILDING, BUILDING, COMPLETED)
    ci = {name: "true", "TWILIO_BUILD_INTERVAL": "20s"}
    run = run_inside(without_github(environ) | ci, server, is_terminal=True)
    assert ERASE not in run.stdout
    assert wait_lines(run)[:2] == ["building", "still waiting: building, 1 poll"]


def test_broken_standard_output_changes_nothing(server: Server, environ: dict[str, str]) -> None:
    def refuse(_data: bytes) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    server.script(BUILDING, Response(503), COMPLETED)
    run = run_inside(environ, server, write=refuse, is_terminal=True)
    assert run.code == 0
    assert run.outputs["outcome"] == run.output_file["outcome"] == "completed"
    assert "Twilio build completed" in run.summary


# --- the job summary ------------------------------------------------------------------------------


def test_summary_is_one_table_behind_the_earlier_ones(
    server: Server, environ: dict[str, str]
) -> None:
    Path(environ["GITHUB_STEP_SUMMARY"]).write_text("an unfinished line")
    server.script(BUILDING)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
    heading = "### ⏱️ Timed out waiting for the Twilio build"
    start = f"an unfinished line\n{heading}\n\n| | |\n| --- | --- |\n"
    rows = run.summary.removeprefix(start).rstrip("\n").split("\n")
    assert [row.split(" | ")[0] for row in rows] == [
        *("| Outcome", "| Build", "| Service", "| Last status", "| Waited"),
        *("| Reason", "| What to do"),
    ]
    assert rows[-2] == "| Reason | no verdict within 0s; the last status was 'building' |"


@pytest.mark.parametrize("value", ["false", "FALSE"])
def test_summary_can_be_turned_off(server: Server, environ: dict[str, str], value: str) -> None:
    server.script(build_status("failed"))
    assert run_inside(environ | {"TWILIO_BUILD_SUMMARY": value}, server).summary == ""
