"""Two ways to run the tool, with the same result: in this process, and as a process of its own.

Both check the invariants of every run at its end, unless `check=False`.
"""

import contextlib
import io
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import IO
from unittest import mock

from tests.support import invariants, parsers
from tests.support.clocks import VirtualClock
from tests.support.samples import NOW
from tests.support.server import Server
from twilio_build_wait import inputs
from twilio_build_wait.main import Runtime, main

REPOSITORY = Path(__file__).resolve().parents[2]
_FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
COMMAND = (sys.executable, str(REPOSITORY / "entrypoint.py"))


with mock.patch.multiple(signal, signal=mock.DEFAULT, alarm=mock.DEFAULT):
    from entrypoint import append  # its signal handlers are not for this process


@dataclass
class Run:
    """A run that has ended, and everything that it left behind.

    `stamps` are the pieces of standard output with the seconds since the start; `files` the text of
    `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY` and `output-file` as far as they exist; `requests` those
    that the first server received.
    """

    code: int
    stamps: Sequence[tuple[float, bytes]]
    stderr: str
    seconds: float
    environ: Mapping[str, str]
    servers: InitVar[Sequence[Server]]
    folder: InitVar[Path]

    def __post_init__(self, servers: Sequence[Server], folder: Path) -> None:
        # Read at once: a later run may use the same server and files.
        self.requests = [*servers[0].requests] if servers else []
        output_file = inputs.OUTPUT_FILE.read(self.environ)
        paths = {name: self.environ.get(name, "") for name in _FILES} | {"output-file": output_file}
        places = {name: folder / path for name, path in paths.items()}
        self.files = {name: at.read_text("utf-8") for name, at in places.items() if at.is_file()}

    @property
    def stdout(self) -> str:
        return b"".join(piece for _, piece in self.stamps).decode()

    @property
    def lines(self) -> list[str]:
        return self.stdout.split("\n")[:-1]

    def commands(self, name: str) -> list[parsers.Command]:
        """The log commands of one name, such as `error`, `add-mask` or `task.setvariable`."""
        return [command for command in parsers.commands(self.stdout) if command.name == name]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every pair in `GITHUB_OUTPUT` in order: earlier steps' and early outputs included."""
        return parsers.github_file(self.files.get("GITHUB_OUTPUT", ""))

    @property
    def output_file(self) -> dict[str, object]:
        """The output file: JSON as it is; dotenv as text, with the outputs' own names."""
        text = self.files["output-file"]
        if text.startswith("{"):
            pairs: list[tuple[str, object]] = json.loads(text, object_pairs_hook=list)
            assert len(dict(pairs)) == len(pairs), text
            return dict(pairs)
        start = len("TWILIO_BUILD_WAIT_")
        variables = parsers.dotenv(text).items()
        return {name[start:].lower().replace("_", "-"): value for name, value in variables}

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs as text: from `GITHUB_OUTPUT`, or else from the output file."""
        if "GITHUB_OUTPUT" in self.files:
            return dict(self.pairs)
        return {name: str(value) for name, value in self.output_file.items()}

    @property
    def summary(self) -> str:
        return self.files.get("GITHUB_STEP_SUMMARY", "")


# --- in this process ------------------------------------------------------------------------------


def run_inside(  # noqa: PLR0913 (everything that the tool takes from its process)
    environ: Mapping[str, str],
    *servers: Server,
    arguments: Sequence[str] = (),
    signal_at: float = math.inf,
    number: int = signal.SIGTERM,
    uniform: Callable[[float, float], float] = lambda low, high: (low + high) / 2,
    wall: float = NOW.timestamp(),
    is_terminal: bool = False,
    write: Callable[[bytes], None] = lambda _: None,
    append: Callable[[str, str], None] = append,
    check: bool = True,
) -> Run:
    """Run `main` to its end in virtual time, with `environ` as the whole of `os.environ`.

    `servers` go by the same time. The signal `number` comes `signal_at` seconds after the start.
    `wall` is the wall clock at the start, in seconds since the epoch. `write` and `append` get what
    is written to standard output and to the runner's files, and may raise OSError.
    """
    clock = VirtualClock(signal_at, number)
    stamps: list[tuple[float, bytes]] = []

    def record(data: bytes) -> None:
        write(data)
        stamps.append((clock.elapsed, data))

    runtime = Runtime(
        write=record,
        append=append,
        signals=clock,
        clock=clock.now,
        now=lambda: wall + clock.elapsed,
        uniform=uniform,
        is_terminal=is_terminal,
    )
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        contextlib.redirect_stderr(io.StringIO()) as stderr,
    ):
        for server in servers:
            server.clock = clock
        code = main(os.environ, arguments, runtime)
        for server in servers:
            server.clock = None
    run = Run(code, stamps, stderr.getvalue(), clock.elapsed, environ, servers, Path.cwd())
    if check:
        invariants.check(run)
    return run


# --- as a process ---------------------------------------------------------------------------------


def scaled(seconds: float) -> float:
    """Return a time limit, longer on a machine that has more to run than it has cores."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass
class Process:
    """A run that is under way; `child` is its process."""

    child: subprocess.Popen[bytes]
    environ: Mapping[str, str]
    servers: Sequence[Server]
    folder: Path
    stderr: IO[bytes]
    started: float = field(default_factory=time.monotonic)
    stamps: list[tuple[float, bytes]] = field(default_factory=list)

    def _read(self) -> None:
        if self.child.stdout and (data := self.child.stdout.read()):
            self.stamps.append((time.monotonic() - self.started, data))

    @property
    def stdout(self) -> str:
        """Standard output so far."""
        self._read()
        return b"".join(piece for _, piece in self.stamps).decode(errors="replace")

    @property
    def has_ended(self) -> bool:
        self._read()  # a full pipe would keep it from ending
        return self.child.poll() is not None

    def wait_for(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Wait until a condition holds, such as a text in `stdout`, and go on reading the log."""
        deadline = time.monotonic() + scaled(timeout)
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout} s:\n{self.stdout}"
            time.sleep(0.002)

    def finish(self, timeout: float = 20.0, *, check: bool = True) -> Run:
        """Wait for the end of the run."""
        self.wait_for(lambda: self.has_ended, timeout)
        seconds = time.monotonic() - self.started
        self._read()
        self.stderr.seek(0)
        stderr, code = self.stderr.read().decode(), self.child.returncode
        run = Run(code, self.stamps, stderr, seconds, self.environ, self.servers, self.folder)
        if check:
            invariants.check(run)
        return run


@contextlib.contextmanager
def start_process(
    environ: Mapping[str, str],
    *servers: Server,
    arguments: Sequence[str] = (),
    command: Sequence[str] = COMMAND,
    stdout: int = subprocess.PIPE,
    cwd: Path | None = None,
    umask: int = -1,
) -> Iterator[Process]:
    """Start a process, and kill it at the end of the block.

    It gets a session of its own, so that a signal reaches nobody else. Its working directory is
    HOME unless `cwd` is given. `stdout` is a descriptor, or a pipe that `Process` reads.
    """
    folder = cwd or Path(environ["HOME"])
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            [*command, *arguments],
            bufsize=0,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            umask=umask,
        ) as child,
    ):
        if child.stdout:
            os.set_blocking(child.stdout.fileno(), False)
        try:
            yield Process(child, environ, servers, folder, stderr)
        finally:
            child.kill()


def run_process(
    environ: Mapping[str, str], *servers: Server, timeout: float = 20.0, check: bool = True
) -> Run:
    """Run a process to its end."""
    with start_process(environ, *servers) as process:
        return process.finish(timeout, check=check)


def preload(environ: Mapping[str, str], folder: Path, source: str) -> dict[str, str]:
    """Return an environment in which a process runs `source` first, as its `sitecustomize`."""
    (folder / "sitecustomize.py").write_text(source, "utf-8")
    return {**environ, "PYTHONPATH": str(folder)}
