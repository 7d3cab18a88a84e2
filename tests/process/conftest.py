"""The tool as a process of its own, against one scripted server."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.run import COMMAND, Process, Run
from tests.support.server import Server, Step


@dataclass(frozen=True)
class Program:
    """The program in a step of a CI, the server that it polls, and the folder in which it runs."""

    server: Server
    environ: dict[str, str]
    folder: Path

    def __or__(self, changes: dict[str, str]) -> "Program":
        """Change the environment, as `|` changes a dict."""
        return replace(self, environ=self.environ | changes)

    def start(
        self,
        *answers: Step,
        preload: str = "",
        command: Sequence[str] = COMMAND,
        stdout: int | None = None,
        **changes: str,
    ) -> Process:
        """Start it with changes of its environment, for a `with` block.

        It runs the source `preload` first, as its `sitecustomize`.
        """
        self.server.script(*answers)
        environ = self.environ | changes
        if preload:
            (self.folder / "sitecustomize.py").write_text(preload, "utf-8")
            environ["PYTHONPATH"] = str(self.folder)
        return Process(environ, self.server, command=command, stdout=stdout)

    def run(
        self,
        *answers: Step,
        code: int = 0,
        check: bool = True,
        preload: str = "",
        command: Sequence[str] = COMMAND,
        **changes: str,
    ) -> Run:
        """Run it to its end, and check its exit code."""
        changed = self | changes
        with changed.start(*answers, preload=preload, command=command) as process:
            run = process.finish(check=check)
        assert run.code == code, run.stdout
        assert run.stderr == ""
        return run


@pytest.fixture
def program(server: Server, environ: dict[str, str], tmp_path: Path) -> Program:
    return Program(server, environ, tmp_path)
