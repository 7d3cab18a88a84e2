"""SIGINT and SIGTERM, as the kernel delivers them to the real process."""

import fcntl
import math
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.process.conftest import Program
from tests.support.run import COMMAND, Process, Run, scaled
from tests.support.samples import BUILD_SID, STATUS_PATH, build_status
from tests.support.server import Step

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

# The output file is renamed into place; the `number`th time the disk hangs in a system call that
# does not return before the test closes the lock.
SLOW_DISK = """
import fcntl, os, pathlib
replace, calls = os.replace, []
def slow(*arguments):
    calls.append(1)
    if len(calls) == {number}:
        with open("lock") as lock:
            pathlib.Path("hanging").touch()
            fcntl.flock(lock, fcntl.LOCK_SH)
    replace(*arguments)
os.replace = slow
"""


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[IO[str]]:
    """What a slow disk waits for."""
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


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
    "SIGINT in a request": (signal.SIGINT, [math.inf], ""),
}


@pytest.mark.parametrize("number, answer, status", PLACES.values(), ids=PLACES)
def test_signal_ends_the_run_within_1s(
    program: Program, number: int, answer: Step, status: str
) -> None:
    with program.start(answer, TWILIO_BUILD_INTERVAL="1h") as process:
        process.wait_for(lambda: program.server.requests and status in process.log)
        run = finish(process, stop(process, number))
    assert run.code == 128 + number
    assert run.outputs["status"] == status
    assert run.outputs["polls"] == "1"


def test_signal_during_a_dns_lookup_ends_the_run_within_1s(program: Program) -> None:
    root = "http://localhost"
    with program.start(preload=NO_NAME_SERVER_ANSWERS, TWILIO_BASE_URL=root) as process:
        process.wait_for(lambda: "waiting for build" in process.log)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 143


def test_signal_during_a_slow_import_writes_only_the_outcome(program: Program) -> None:
    code = 'print("importing", flush=True); time.sleep(60)'
    source = ON_IMPORT.format(module="twilio_build_wait.main", code=code)
    with program.start(preload=source) as process:
        process.wait_for(lambda: "importing" in process.log)
        run = finish(process, stop(process, signal.SIGTERM, signal.SIGINT), check=False)
    assert run.code == 143
    assert run.files["GITHUB_OUTPUT"] == "outcome=cancelled\n"


# The check of the output file hangs.
SLOW_CHECK = """
import os, time
realpath = os.path.realpath
def slow(path, **options):
    if path == "slow/file":
        print("checking", flush=True)
        time.sleep(60)
    return realpath(path, **options)
os.path.realpath = slow
"""


def test_signal_while_the_inputs_are_checked_writes_the_outputs(program: Program) -> None:
    with program.start(preload=SLOW_CHECK, TWILIO_BUILD_OUTPUT_FILE="slow/file") as process:
        process.wait_for(lambda: "checking" in process.log)
        run = finish(process, stop(process, signal.SIGINT), check=False)
    assert run.code == 130
    assert run.outputs["outcome"] == "cancelled"
    assert run.outputs["polls"] == "0"


def test_signal_before_the_inputs_are_checked_takes_precedence_over_invalid(
    program: Program,
) -> None:
    """It arrives during the import, near its end: a slow machine needs more than the grace."""
    hook = ON_IMPORT.format(
        module="twilio_build_wait.reporters.report", code="os.kill(os.getpid(), signal.SIGINT)"
    )
    source = f"import backoff, requests{hook}"
    run = program.run(code=130, preload=source, TWILIO_BUILD_TIMEOUT="often")
    assert run.outputs["polls"] == "0"


PARENTS = {
    "blocks": "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})",
    "ignores": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
}


@pytest.mark.parametrize("code", PARENTS.values(), ids=PARENTS)
def test_signal_ends_the_run_whatever_its_parent_does_with_it(program: Program, code: str) -> None:
    source = f"import os, signal, sys\n{code}\nos.execv(sys.argv[1], sys.argv[1:])"
    command = (sys.executable, "-c", source, *COMMAND)
    with program.start([math.inf], command=command) as process:
        process.wait_for(lambda: program.server.requests)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 143


def test_second_signal_changes_nothing(program: Program, lock: IO[str]) -> None:
    """The disk is slow when the outputs are saved, so that more signals arrive meanwhile."""
    with program.start([math.inf], preload=SLOW_DISK.format(number=2)) as process:
        process.wait_for(lambda: program.server.requests)
        sent = stop(process, signal.SIGTERM)
        process.wait_for((program.folder / "hanging").exists)
        stop(process, signal.SIGINT, signal.SIGTERM)
        lock.close()
        run = finish(process, sent)
    assert run.code == 143
    assert [name for name, _ in run.pairs].count("outcome") == 1


# The write that hangs, counted from 1; the exit code; the outcome.
HANGS = {
    "before the first poll": (1, 143, "cancelled"),
    "after the verdict": (2, 5, "completed"),
}


@pytest.mark.usefixtures("lock")
@pytest.mark.parametrize("number, code, outcome", HANGS.values(), ids=HANGS)
def test_signal_ends_a_run_that_hangs_in_a_system_call(
    program: Program, number: int, code: int, outcome: str
) -> None:
    source = SLOW_DISK.format(number=number)
    with program.start(build_status("completed"), preload=source) as process:
        process.wait_for((program.folder / "hanging").exists)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == code
    assert run.outputs["outcome"] == outcome


# No stack is so large: while it is asked for, no thread can be started.
NO_THREAD = """
import resource, threading
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
threading.stack_size(2**31)
"""


def test_signal_ends_a_run_for_which_no_thread_can_be_started(program: Program) -> None:
    with program.start(preload=NO_THREAD) as process:
        process.wait_for(lambda: "next poll" in process.log)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 143


def test_signal_during_the_diagnosis_keeps_the_verdict(program: Program) -> None:
    program.server.script(build_status("failed"), path=STATUS_PATH)
    with program.start([math.inf], TWILIO_BUILD_DIAGNOSE="true") as process:
        process.wait_for(lambda: len(program.server.requests) >= 2)
        run = finish(process, stop(process, signal.SIGTERM))
    assert run.code == 1


def test_outputs_known_before_the_first_poll_survive_a_kill(program: Program) -> None:
    with program.start([math.inf]) as process:
        process.wait_for(lambda: program.server.requests)
        process.kill()
        run = process.finish(check=False)
    assert run.outputs["build-sid"] == BUILD_SID
    assert run.output_file["build-sid"] == BUILD_SID
    assert "outcome" not in run.outputs
    assert run.output_file["outcome"] == ""
