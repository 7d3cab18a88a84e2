"""A broken machine under the process: standard output, disks, named pipes, the clock."""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.run import COMMAND, Process, preload
from tests.support.samples import build_status
from tests.support.server import Response, Server


@pytest.fixture
def completed(server: Server) -> Server:
    """A server that reports a completed build at the second poll."""
    server.script(build_status(), build_status("completed"))
    return server


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
    reader, writer = os.pipe()
    yield Pipe(reader, writer)
    os.close(writer)
    os.close(reader)


# --- standard output ------------------------------------------------------------------------------

CLOSED = {
    "standard output": ">&-",
    "every stream": "<&- >&- 2>&-",
    "standard output, full": ">/dev/full",
}


@pytest.mark.parametrize("redirection", CLOSED.values(), ids=CLOSED)
def test_verdict_is_saved_without_standard_output(
    completed: Server, environ: dict[str, str], redirection: str
) -> None:
    command = ("sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND)
    with Process(environ, completed, command=command) as process:
        run = process.finish(check=False)
    assert run.code == 0
    assert run.stderr == ""
    assert run.outputs["outcome"] == "completed"
    assert run.output_file["outcome"] == "completed"
    assert len(completed.requests) == 2


def test_verdict_is_saved_after_the_reader_has_gone(
    completed: Server, environ: dict[str, str]
) -> None:
    reader, writer = os.pipe()
    with Process(environ, completed, stdout=writer) as process:
        os.close(writer)
        assert os.read(reader, 1)
        os.close(reader)
        run = process.finish(check=False)
    assert run.code == 0
    assert run.stderr == ""
    assert run.outputs["outcome"] == "completed"


def test_run_that_nobody_reads_ends_45_s_after_the_deadline(
    completed: Server, environ: dict[str, str], tmp_path: Path, pipe: Pipe
) -> None:
    """Its clock runs 20 times as fast."""
    pipe.fill()
    source = """
import time
now, start = time.monotonic, time.monotonic()
time.monotonic = lambda: start + 20 * (now() - start)
"""
    environ = preload(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, tmp_path, source)
    with Process(environ, completed, stdout=pipe.writer) as process:
        run = process.finish(timeout=5.0, check=False)
    assert run.code == 3
    assert "hangs" in run.outputs["reason"]
    assert run.seconds > 43 / 20


def test_signal_ends_the_run_while_nobody_reads_the_log(
    server: Server, environ: dict[str, str], pipe: Pipe
) -> None:
    server.script([math.inf])
    with Process(environ, server, stdout=pipe.writer) as process:
        process.wait_for(lambda: server.requests)
        pipe.fill()
        process.terminate()
        run = process.finish(timeout=1.0)
    assert run.code == 143
    assert run.stderr == ""


# --- files ----------------------------------------------------------------------------------------


def test_full_disk_leaves_the_files_of_the_runner_as_they_were(
    completed: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    """A file can grow to 100 bytes: every append stops halfway."""
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    before = "earlier=1\nunfinished"
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        Path(environ[name]).write_text(before)
    # Standard output is a file here; coverage would write one, too.
    environ = {k: v for k, v in environ.items() if not k.startswith("COVERAGE_")}
    reader, writer = os.pipe()
    with Process(preload(environ, tmp_path, source), completed, stdout=writer) as process:
        os.close(writer)
        run = process.finish(check=False)
    log = os.read(reader, 65536).decode()
    os.close(reader)
    assert run.code == 5
    assert run.stderr == ""
    assert run.files == {"GITHUB_OUTPUT": before, "GITHUB_STEP_SUMMARY": before}
    assert log.count("::error") == 1
    assert log.count("::warning") == 1
    assert not list(tmp_path.glob(".*.tmp"))


def test_named_pipes_that_nobody_reads_do_not_hang_the_run(
    completed: Server, environ: dict[str, str]
) -> None:
    channels = {name: f"{environ[name]}.pipe" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in channels.values():
        os.mkfifo(path)
    with Process(environ | channels, completed) as process:
        run = process.finish()
    assert run.code == 5
    assert run.output_file["outcome"] == "completed"


def test_working_folder_that_is_removed_does_not_matter(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    server.script([lambda _: folder.rmdir(), build_status()], build_status("completed"))
    command = ("sh", "-c", 'cd folder; exec "$@"', "sh", *COMMAND)
    with Process(environ, server, command=command) as process:
        run = process.finish()
    assert run.code == 0


# --- standard error -------------------------------------------------------------------------------

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


def test_nothing_is_written_to_standard_error(
    completed: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    environ = preload(environ | {"PYTHONWARNINGS": "always"}, tmp_path, A_THREAD_FAILS)
    with Process(environ, completed) as process:
        run = process.finish()
    assert run.code == 0
    assert run.stderr == ""


def test_deeply_nested_json_does_not_exhaust_a_small_stack(
    server: Server, environ: dict[str, str]
) -> None:
    deep = b', "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    server.script(Response(200, build_status("completed").body[:-1] + deep))
    command = ("sh", "-c", f"ulimit -s 1024; exec {' '.join(COMMAND)}")
    with Process(environ, server, command=command) as process:
        run = process.finish()
    assert run.code == 0


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


def test_openssl_without_ciphers_is_a_local_error(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "openssl.cnf"
    path.write_text(OPENSSL_CONF, "utf-8")
    root = server.url.replace("http:", "https:")
    changes = {"OPENSSL_CONF": str(path), "TWILIO_BASE_URL": root, "TWILIO_BUILD_TIMEOUT": "0"}
    with Process(environ | changes, server) as process:
        run = process.finish()
    assert run.code == 3
    assert "TLS cannot be used on this machine" in run.outputs["reason"]
    assert "Check OPENSSL_CONF" in run.outputs["reason"]
