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
from tests.support.samples import BUILD_SID, build_status
from tests.support.server import Step

SLOW_IMPORT = """
import sys, time
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "twilio_build_wait.main":
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Finder())
"""

# Every lookup hangs, as glibc's does while no name server answers.
SLOW_LOOKUP = """
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
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

# No stack is so large: while it is asked for, no thread can be started. Every delay is 0.5 s.
NO_THREAD = """
import random, resource, threading
random.uniform = lambda low, high: (low + high) / 2
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
threading.stack_size(2**31)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[IO[str]]:
    """What a slow disk waits for."""
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def stop(process: Process, number: int, *, check: bool = True) -> Run:
    """Send a signal, and wait for the end, which must come in time."""
    sent = time.monotonic()
    process.send_signal(number)
    run = process.finish(check=check)
    assert process.started + run.seconds - sent < scaled(1.0), run.stdout
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
    program.environ["TWILIO_BUILD_INTERVAL"] = "1h"
    with program.start(answer) as process:
        process.wait_for(lambda: program.server.requests and status in process.log)
        run = stop(process, number)
    assert run.code == 128 + number
    assert run.outputs["status"] == status
    assert run.outputs["polls"] == "1"


def test_signal_during_a_slow_import_writes_only_the_outcome(program: Program) -> None:
    with program.start(preload=SLOW_IMPORT) as process:
        process.wait_for(lambda: "importing" in process.log)
        run = stop(process, signal.SIGTERM, check=False)
    assert run.code == 143
    assert run.files["GITHUB_OUTPUT"] == "outcome=cancelled\n"


def test_signal_ends_the_run_whatever_its_parent_does_with_it(program: Program) -> None:
    """The parent process both blocks and ignores the signal."""
    source = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""
    with program.start([math.inf], command=(sys.executable, "-c", source, *COMMAND)) as process:
        process.wait_for(lambda: program.server.requests)
        assert stop(process, signal.SIGTERM).code == 143


def test_second_signal_changes_nothing(program: Program, lock: IO[str]) -> None:
    """The disk is slow when the outputs are saved, so that more signals arrive meanwhile."""
    with program.start([math.inf], preload=SLOW_DISK.format(number=2)) as process:
        process.wait_for(lambda: program.server.requests)
        process.send_signal(signal.SIGTERM)
        process.wait_for((program.folder / "hanging").exists)
        process.send_signal(signal.SIGINT)
        lock.close()
        run = stop(process, signal.SIGTERM)
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
    preload = SLOW_DISK.format(number=number)
    with program.start(build_status("completed"), preload=preload) as process:
        process.wait_for((program.folder / "hanging").exists)
        run = stop(process, signal.SIGTERM)
    assert run.code == code
    assert run.outputs["outcome"] == outcome


def test_signal_ends_a_run_that_hangs_in_a_lookup(program: Program) -> None:
    program.environ["TWILIO_BASE_URL"] = "http://localhost"
    with program.start(preload=SLOW_LOOKUP) as process:
        process.wait_for(lambda: "waiting for build" in process.log)
        assert stop(process, signal.SIGTERM).code == 143


def test_signal_ends_a_run_for_which_no_thread_can_be_started(program: Program) -> None:
    with program.start(preload=NO_THREAD) as process:
        process.wait_for(lambda: "next poll" in process.log)
        assert stop(process, signal.SIGTERM).code == 143


def test_outputs_known_before_the_first_poll_survive_a_kill(program: Program) -> None:
    with program.start([math.inf]) as process:
        process.wait_for(lambda: program.server.requests)
        process.kill()
        run = process.finish(check=False)
    assert run.outputs["build-sid"] == BUILD_SID
    assert run.output_file["build-sid"] == BUILD_SID
    assert "outcome" not in run.outputs
