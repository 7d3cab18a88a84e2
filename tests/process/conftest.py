"""The tool as a process of its own, against one scripted server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.run import Process, Run
from tests.support.server import Server, Step


@dataclass(frozen=True)
class Program:
    """The program in a step of a CI, the server that it polls, and the folder in which it runs."""

    server: Server
    environ: dict[str, str]
    folder: Path

    def start(self, *answers: Step, **options: Any) -> Process:  # noqa: ANN401 (see Process)
        """Start it with options of `Process`, for a `with` block."""
        self.server.script(*answers)
        return Process(self.environ, self.server.requests, **options)

    def run(self, *answers: Step, code: int = 0, check: bool = True, **options: Any) -> Run:  # noqa: ANN401
        """Run it to its end with options of `Process`, and check its exit code."""
        with self.start(*answers, **options) as process:
            run = process.finish(check=check)
        assert run.code == code, run.stdout
        assert run.stderr == ""
        return run


@pytest.fixture
def program(server: Server, environ: dict[str, str], tmp_path: Path) -> Program:
    return Program(server, environ, tmp_path)
