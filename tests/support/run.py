"""Two ways to run the tool, with one kind of result: in this process, and as one of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support import invariants, parsers
from tests.support.clocks import VirtualClock
from tests.support.samples import NOW
from tests.support.server import Request, Server
from twilio_build_wait import inputs
from twilio_build_wait.guard import Watch, append
from twilio_build_wait.main import Runtime, main

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, str(REPOSITORY / "entrypoint.py"))


@dataclass
class Run:
    """A run that has ended, and everything that it left behind.

    `files` are the texts of `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY` and `output-file` as far as they
    exist; `requests` those that the first server has received so far.
    """

    code: int
    stdout: str
    stderr: str
    seconds: float
    environ: Mapping[str, str]
    requests: Sequence[Request]
    check: InitVar[bool]

    def __post_init__(self, check: bool) -> None:
        paths = {"output-file": inputs.OUTPUT_FILE.read(self.environ)}
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            paths[name] = self.environ.get(name, "")
        home = Path(self.environ.get("HOME", ""))
        places = {name: home / path for name, path in paths.items()}
        self.files = {name: at.read_text("utf-8") for name, at in places.items() if at.is_file()}
        if check:
            invariants.check(self)

    @property
    def lines(self) -> list[str]:
        return self.stdout.split("\n")[:-1]

    def commands(self, name: str) -> list[parsers.Command]:
        """GitHub's commands of one name, such as `error` or `add-mask`."""
        return [command for command in parsers.commands(self.stdout) if command.name == name]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every pair in `GITHUB_OUTPUT` in order: earlier steps' and early outputs included."""
        return parsers.github_file(self.files.get("GITHUB_OUTPUT", ""))

    @property
    def output_file(self) -> dict[str, object]:
        """What the output file has, if it is JSON."""
        return dict(json.loads(self.files["output-file"]))

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs as text: from `GITHUB_OUTPUT`, or else from the output file."""
        return dict(self.pairs) or {name: str(value) for name, value in self.output_file.items()}

    @property
    def summary(self) -> str:
        return self.files.get("GITHUB_STEP_SUMMARY", "")


def run_inside(
    environ: Mapping[str, str],
    *servers: Server,
    arguments: Sequence[str] = (),
    clock: VirtualClock | None = None,
    check: bool = True,
    **changes: Any,  # noqa: ANN401 (each field has a type of its own)
) -> Run:
    """Run `main` to its end, with `environ` as the whole of `os.environ`.

    It and the servers go by `clock`. `changes` are fields of `Runtime`; without them, the wall
    clock starts at NOW, and `uniform` returns the middle.
    """
    clock = clock or VirtualClock()
    log: list[bytes] = []
    usual = Runtime(
        write=log.append,
        append=append,
        watch=Watch(),
        signals=clock,
        clock=clock.now,
        wall_clock=lambda: NOW.timestamp() + clock.elapsed,
        uniform=lambda low, high: (low + high) / 2,
        is_terminal=False,
    )
    stderr = io.StringIO()
    with mock.patch.dict(os.environ, environ, clear=True), contextlib.redirect_stderr(stderr):
        for server in servers:
            server.clock = clock
        code = main(os.environ, arguments, replace(usual, **changes))
    stdout = b"".join(log).decode()
    requests = [*servers[0].requests] if servers else []
    return Run(code, stdout, stderr.getvalue(), clock.elapsed, environ, requests, check)


def scaled(seconds: float) -> float:
    """Return a time limit, longer on a machine that has more to run than it has cores."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Process(subprocess.Popen[bytes]):
    """A run that is under way, for a `with` block, which kills it at its end.

    It runs in HOME, with the shortest interval unless `environ` has one, and in a session of its
    own, so that a signal reaches nobody else. `stdout` is a descriptor if the test reads the log.
    The source `preload` runs first, as its `sitecustomize`.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        requests: Sequence[Request] = (),
        command: Sequence[str] = COMMAND,
        stdout: int | None = None,
        preload: str = "",
    ) -> None:
        self.environ, self.requests, self.folder = environ, requests, Path(environ["HOME"])
        if preload:
            (self.folder / "sitecustomize.py").write_text(preload, "utf-8")
            environ = {**environ, "PYTHONPATH": environ["HOME"]}
        self.started = time.monotonic()
        with (self.folder / "log").open("wb") as log, (self.folder / "err").open("wb") as errors:
            super().__init__(
                command,
                cwd=self.folder,
                env={"TWILIO_BUILD_INTERVAL": "100ms", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=errors,
                start_new_session=True,
            )

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()

    @property
    def log(self) -> str:
        """Standard output so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def wait_for(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Wait until a condition holds, such as a text in the log."""
        deadline = time.monotonic() + scaled(timeout)
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout} s:\n{self.log}"
            time.sleep(0.002)

    def finish(self, timeout: float = 20.0, *, check: bool = True) -> Run:
        """Wait for the end of the run."""
        self.wait_for(lambda: self.poll() is not None, timeout)
        seconds = time.monotonic() - self.started
        stdout, stderr = ((self.folder / name).read_bytes().decode() for name in ("log", "err"))
        requests = [*self.requests]
        return Run(self.returncode, stdout, stderr, seconds, self.environ, requests, check)
