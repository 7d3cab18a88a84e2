"""The tool in this process, against one scripted server."""

import contextlib
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.clocks import VirtualClock
from tests.support.run import Run, run_inside
from tests.support.server import Server, Step


@dataclass(frozen=True)
class Tool:
    """The tool in a step of a CI, and the server that it polls."""

    server: Server
    environ: dict[str, str]

    def __or__(self, changes: Mapping[str, str]) -> "Tool":
        """Change the environment, as `|` changes a dict."""
        return replace(self, environ={**self.environ, **changes})

    def elsewhere(self, ci: str) -> "Tool":
        """Change to another CI, by the variable that it sets: GITHUB_OUTPUT is no longer there."""
        kept = {k: v for k, v in self.environ.items() if k != "CI" and not k.startswith("GITHUB_")}
        return replace(self, environ=kept | {ci: "1"})

    def run(
        self, *answers: Step, code: int = 0, signal_at: float = math.inf, **changes: str
    ) -> Run:
        """Run against these answers, or the script so far; check the exit code."""
        if answers:
            self.server.script(*answers)
        run = run_inside(self.environ | changes, self.server, clock=VirtualClock(signal_at))
        assert run.code == code, run.stdout
        return run


@pytest.fixture
def tool(server: Server, environ: dict[str, str]) -> Tool:
    return Tool(server, environ)


def rejected(run: Run) -> str:
    """Check that the first poll ended the wait; return the reason."""
    assert run.outputs["outcome"] == "rejected"
    assert run.outputs["polls"] == "1"
    return run.outputs["reason"]


def retried(run: Run) -> str:
    """Check that the second poll ended the wait; return the line of the first, with the host."""
    assert run.outputs["polls"] == "2"
    (line,) = [line for line in run.lines if "next poll in" in line]
    assert run.environ["TWILIO_BASE_URL"].partition("//")[2] in line
    return line


def sockets() -> set[str]:
    """The open sockets of this process."""
    paths = [path for path in Path("/proc/self/fd").iterdir() if path.is_socket()]
    return {str(path.readlink()) for path in paths}


@contextlib.contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Check that the block leaves neither a thread nor a socket behind; its servers are closed."""
    threads, before = set(threading.enumerate()), sockets()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
        assert not thread.is_alive()
    assert sockets() <= before
