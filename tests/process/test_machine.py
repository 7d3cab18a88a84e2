"""A broken machine under the process: standard output, disks, named pipes, OpenSSL, the clock."""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.process.conftest import Program
from tests.support.run import COMMAND
from tests.support.samples import build_status
from tests.support.server import Response

BUILDING, COMPLETED = build_status(), build_status("completed")


@dataclass(frozen=True)
class Pipe:
    """A pipe that nobody reads unless the test does."""

    reader: int
    writer: int

    def fill(self) -> None:
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x")
        os.set_blocking(self.writer, True)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe(*os.pipe())
    yield pipe
    for descriptor in (pipe.reader, pipe.writer):
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(descriptor)


# --- standard output ------------------------------------------------------------------------------

CLOSED = {
    "standard output": ">&-",
    "every stream": "<&- >&- 2>&-",
    "standard output, full": ">/dev/full",
}


@pytest.mark.parametrize("redirection", CLOSED.values(), ids=CLOSED)
def test_verdict_is_saved_without_standard_output(program: Program, redirection: str) -> None:
    command = ("sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND)
    run = program.run(BUILDING, COMPLETED, command=command, check=False)
    assert run.outputs["outcome"] == "completed"
    assert run.output_file["outcome"] == "completed"
    assert len(run.requests) == 2


def test_verdict_is_saved_after_the_reader_has_gone(program: Program, pipe: Pipe) -> None:
    with program.start(BUILDING, COMPLETED, stdout=pipe.writer) as process:
        assert os.read(pipe.reader, 1)
        os.close(pipe.reader)
        run = process.finish(check=False)
    assert run.code == 0
    assert run.stderr == ""
    assert run.outputs["outcome"] == "completed"


FAST_CLOCK = """
import time
now, start = time.monotonic, time.monotonic()
time.monotonic = lambda: start + 20 * (now() - start)
"""


def test_run_that_nobody_reads_ends_45_s_after_the_deadline(program: Program, pipe: Pipe) -> None:
    """Its clock runs 20 times as fast."""
    pipe.fill()
    once = program | {"TWILIO_BUILD_TIMEOUT": "0"}
    with once.start(BUILDING, preload=FAST_CLOCK, stdout=pipe.writer) as process:
        run = process.finish(timeout=5.0, check=False)
    assert run.code == 3
    assert "hangs" in run.outputs["reason"]
    assert run.seconds > 43 / 20


def test_signal_ends_the_run_while_nobody_reads_the_log(program: Program, pipe: Pipe) -> None:
    with program.start([math.inf], stdout=pipe.writer) as process:
        process.wait_for(lambda: program.server.requests)
        pipe.fill()
        process.terminate()
        run = process.finish(timeout=1.0)
    assert run.code == 143
    assert run.stderr == ""


# --- files ----------------------------------------------------------------------------------------


def test_full_disk_leaves_the_files_of_the_runner_as_they_were(
    program: Program, pipe: Pipe
) -> None:
    """A file can grow to 100 bytes: every append stops halfway."""
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    before = "earlier=1\nunfinished"
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        Path(program.environ[name]).write_text(before)
        # Standard output is a file elsewhere; coverage would write one, too.
    for name in [name for name in program.environ if name.startswith("COVERAGE_")]:
        del program.environ[name]
    with program.start(BUILDING, COMPLETED, preload=source, stdout=pipe.writer) as process:
        run = process.finish(check=False)
    log = os.read(pipe.reader, 65536).decode()
    assert run.code == 5
    assert run.stderr == ""
    assert run.files == {"GITHUB_OUTPUT": before, "GITHUB_STEP_SUMMARY": before}
    assert log.count("::error") == 1
    assert log.count("::warning") == 1
    assert not list(program.folder.glob(".*.tmp"))


def test_named_pipes_that_nobody_reads_do_not_hang_the_run(program: Program) -> None:
    names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
    channels = {name: f"{program.environ[name]}.pipe" for name in names}
    for path in channels.values():
        os.mkfifo(path)
    run = (program | channels).run(BUILDING, COMPLETED, code=5)
    assert run.output_file["outcome"] == "completed"


def test_working_folder_that_is_removed_does_not_matter(program: Program) -> None:
    folder = program.folder / "folder"
    folder.mkdir()
    command = ("sh", "-c", 'cd folder; exec "$@"', "sh", *COMMAND)
    program.run([lambda _: folder.rmdir(), BUILDING], COMPLETED, command=command)


# --- standard error and resources -----------------------------------------------------------------

A_THREAD_FAILS = """
import threading
def work():
    raise OSError("in a thread")
start = threading.Thread.start
def start_two(self):
    threading.Thread.start = start
    threading.Thread(target=work).start()
    start(self)
threading.Thread.start = start_two
"""


def test_nothing_is_written_to_standard_error(program: Program) -> None:
    program.run(BUILDING, COMPLETED, preload=A_THREAD_FAILS, PYTHONWARNINGS="always")


def test_deeply_nested_json_does_not_exhaust_a_small_stack(program: Program) -> None:
    deep = b', "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    command = ("sh", "-c", f"ulimit -s 1024; exec {' '.join(COMMAND)}")
    program.run(Response(200, COMPLETED.body[:-1] + deep), command=command)


# A provider that does not load leaves OpenSSL without any cipher.
OPENSSL_CONF = """
openssl_conf = openssl
[openssl]
providers = providers
[providers]
missing = missing
[missing]
module = /none/missing.so
activate = 1
"""


def test_openssl_without_ciphers_is_a_local_error(program: Program) -> None:
    path = program.folder / "openssl.cnf"
    path.write_text(OPENSSL_CONF, "utf-8")
    root = program.server.url.replace("http:", "https:")
    changes = {"OPENSSL_CONF": str(path), "TWILIO_BASE_URL": root, "TWILIO_BUILD_TIMEOUT": "0"}
    reason = (program | changes).run(code=3).outputs["reason"]
    assert "TLS cannot be used on this machine" in reason
    assert "Check OPENSSL_CONF" in reason
