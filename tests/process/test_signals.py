"""SIGINT, SIGTERM and SIGALRM, as the kernel delivers them to the real process."""

import math
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.run import COMMAND, Process, Run, preload, scaled
from tests.support.samples import BUILD_SID, STATUS_PATH, build_status
from tests.support.server import Server, Step

pytestmark = pytest.mark.fault

LIMIT = 1.0  # seconds

# Every lookup hangs, as glibc's does while no name server answers.
NO_NAME_SERVER_ANSWERS = """
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
"""

# Runs `code` at the first import of `module`.
ON_IMPORT = """
import os, signal, sys, time
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            {code}
sys.meta_path.insert(0, Finder())
"""

# The output file is renamed into place; the `number`th time the disk hangs for some seconds.
SLOW_DISK = """
import os, pathlib, time
replace, calls = os.replace, []
def slow(*arguments):
    calls.append(1)
    if len(calls) == {number}:
        pathlib.Path("hanging").touch()
        time.sleep({seconds})
    replace(*arguments)
os.replace = slow
"""


def stop(process: Process, *numbers: int) -> float:
    """Send signals, 50 ms apart; return the time of the first."""
    sent = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        if number != numbers[-1]:
            time.sleep(0.05)  # of signals that are pending at once the lowest comes first
    return sent


def finish(process: Process, sent: float, *, check: bool = True) -> Run:
    """Wait for the end, which must come in time."""
    run = process.finish(check=check)
    assert process.started + run.seconds - sent < scaled(LIMIT), run.stdout
    assert run.stderr == ""
    return run


PLACES: dict[str, tuple[int, Step, str]] = {
    "SIGTERM in a sleep": (signal.SIGTERM, build_status(), "building"),
    "SIGINT in a sleep": (signal.SIGINT, build_status(), "building"),
    "SIGTERM in a request": (signal.SIGTERM, [math.inf], ""),
    "SIGINT in a request": (signal.SIGINT, [math.inf], ""),
}


@pytest.mark.parametrize("number, answer, status", PLACES.values(), ids=PLACES)
def test_signal_ends_the_run_within_1s(
    server: Server, environ: dict[str, str], number: int, answer: Step, status: str
) -> None:
    server.script(answer)
    with Process(environ | {"TWILIO_BUILD_INTERVAL": "1h"}, server) as process:
        process.wait_for(lambda: server.requests and status in process.log)
        run = finish(process, stop(process, number))
    assert run.code == 128 + number
    assert run.outputs["status"] == status
    assert run.outputs["polls"] == "1"


def test_signal_during_a_dns_lookup_ends_the_run_within_1s(
    environ: dict[str, str], tmp_path: Path
) -> None:
    environ = preload(environ, tmp_path, NO_NAME_SERVER_ANSWERS)
    with Process(environ) as process:
        process.wait_for(lambda: "waiting for build" in process.log)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 143


def test_signal_during_a_slow_import_writes_only_the_outcome(
    environ: dict[str, str], tmp_path: Path
) -> None:
    code = 'print("importing", flush=True); time.sleep(60)'
    source = ON_IMPORT.format(module="twilio_build_wait.main", code=code)
    with Process(preload(environ, tmp_path, source)) as process:
        process.wait_for(lambda: "importing" in process.log)
        run = finish(process, stop(process, signal.SIGTERM, signal.SIGINT), check=False)
    assert run.code == 143
    assert run.files["GITHUB_OUTPUT"] == "outcome=cancelled\n"


def test_signal_before_the_inputs_are_checked_takes_precedence_over_invalid(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """It arrives during the import, near its end: a slow machine needs more than the grace."""
    hook = ON_IMPORT.format(
        module="twilio_build_wait.reporters.report", code="os.kill(os.getpid(), signal.SIGINT)"
    )
    environ |= {"TWILIO_BUILD_TIMEOUT": "often"}
    with Process(preload(environ, tmp_path, f"import backoff, requests{hook}")) as process:
        run = process.finish()
    assert run.code == 130
    assert run.outputs["polls"] == "0"


def test_signal_ends_the_run_where_the_parent_blocks_it(
    server: Server, environ: dict[str, str]
) -> None:
    server.script([math.inf])
    source = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGALRM})
os.execv(sys.argv[1], sys.argv[1:])
"""
    command = (sys.executable, "-c", source, *COMMAND)
    with Process(environ, server, command=command) as process:
        process.wait_for(lambda: server.requests)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 143


def test_second_signal_changes_nothing(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    """The disk is slow when the outputs are saved, so that more signals arrive meanwhile."""
    server.script([math.inf])
    environ = preload(environ, tmp_path, SLOW_DISK.format(number=2, seconds=0.3))
    with Process(environ, server) as process:
        process.wait_for(lambda: server.requests)
        sent = stop(process, signal.SIGTERM)
        process.wait_for((tmp_path / "hanging").exists)
        stop(process, signal.SIGINT, signal.SIGALRM, signal.SIGTERM)
        run = finish(process, sent)
    assert run.code == 143
    assert [name for name, _ in run.pairs].count("outcome") == 1


# The write that hangs, and how the run ends.
HANGS = {
    "before the first poll": (1, (143, "cancelled")),
    "after the verdict": (2, (5, "completed")),
}


@pytest.mark.parametrize("number, ending", HANGS.values(), ids=HANGS)
def test_signal_ends_a_run_that_hangs_on_a_slow_disk(
    server: Server, environ: dict[str, str], tmp_path: Path, number: int, ending: tuple[int, str]
) -> None:
    server.script(build_status("completed"))
    environ = preload(environ, tmp_path, SLOW_DISK.format(number=number, seconds=60))
    with Process(environ, server) as process:
        process.wait_for((tmp_path / "hanging").exists)
        run = finish(process, stop(process, signal.SIGTERM), check=False)
    assert (run.code, run.outputs["outcome"]) == ending
    assert not list(tmp_path.glob(".*.tmp"))


def test_signal_during_the_diagnosis_keeps_the_verdict(
    server: Server, environ: dict[str, str]
) -> None:
    server.script([math.inf])
    server.script(build_status("failed"), path=STATUS_PATH)
    with Process(environ | {"TWILIO_BUILD_DIAGNOSE": "true"}, server) as process:
        process.wait_for(lambda: len(server.requests) >= 2)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 1


def test_alarms_from_outside_are_ignored(server: Server, environ: dict[str, str]) -> None:
    server.script([0.8, build_status("completed")])
    source = """
import os, signal, sys
signal.setitimer(signal.ITIMER_REAL, 0.6)
os.execv(sys.argv[1], sys.argv[1:])
"""
    command = (sys.executable, "-c", source, *COMMAND)
    with Process(environ, server, command=command) as process:
        process.wait_for(lambda: server.requests)
        stop(process, signal.SIGALRM, signal.SIGALRM)
        run = process.finish()
    assert run.code == 0


def test_outputs_known_before_the_first_poll_survive_a_kill(
    server: Server, environ: dict[str, str]
) -> None:
    server.script([math.inf])
    with Process(environ, server) as process:
        process.wait_for(lambda: server.requests)
        process.kill()
        run = process.finish(check=False)
    assert run.outputs["build-sid"] == run.output_file["build-sid"] == BUILD_SID
    assert "outcome" not in run.outputs
    assert run.output_file["outcome"] == ""


# --- SIGSTOP and SIGCONT --------------------------------------------------------------------------


def suspend(process: Process, seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def test_last_poll_is_made_after_the_process_was_suspended_past_the_deadline(
    server: Server, environ: dict[str, str]
) -> None:
    server.script(build_status(), [0.3, build_status("completed")])
    changes = {"TWILIO_BUILD_TIMEOUT": "500ms", "TWILIO_BUILD_INTERVAL": "1h"}
    with Process(environ | changes, server) as process:
        process.wait_for(lambda: "building" in process.log)
        suspend(process, 0.7)
        run = process.finish()
    assert run.code == 0
    assert run.outputs["polls"] == "2"


def test_response_that_arrived_while_the_process_was_suspended_counts(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    """The one poll may take 1.2 s here instead of 5 s."""
    server.script([0.1, build_status("completed")])
    source = f"""
import sys
sys.path.insert(0, {str(Path(COMMAND[1]).parent / "src")!r})
import twilio_build_wait.wait
twilio_build_wait.wait.LAST_POLL_LIMIT = 1.2
"""
    environ = preload(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, tmp_path, source)
    with Process(environ, server) as process:
        process.wait_for(lambda: server.requests)
        suspend(process, 1.4)
        run = process.finish()
    assert run.code == 0
