"""Where the outputs go, besides standard output: a runner's output file, and the user's own."""

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from twilio_build_wait.outcome import NUMBERS, Progress, outputs, variable
from twilio_build_wait.reporters import files
from twilio_build_wait.reporters.console import Console
from twilio_build_wait.text import piece

# What GitLab's parser of dotenv reports and a POSIX shell's `.` read the same, unquoted.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


class Channel(Protocol):
    """One way of handing outputs on; each call adds to, or replaces, what was saved before."""

    name: str

    def save(self, values: Mapping[str, str]) -> None:
        """Write outputs by name; raises OSError where they could not be written."""


class GitHubOutput:
    """Step outputs, by the file that `GITHUB_OUTPUT` names.

    Source of its grammar: actions/runner, FileCommandManager.cs; the random delimiter is what
    actions/toolkit does, so that no value can end itself and begin another output.
    """

    name = "GITHUB_OUTPUT"

    def __init__(self, path: str) -> None:
        """Take the file's path."""
        self._path = path

    def save(self, values: Mapping[str, str]) -> None:
        """Append the outputs; the last value of a name wins."""
        delimiter = f"ghadelimiter_{os.urandom(16).hex()}"
        files.append(
            self._path,
            "".join(
                f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in values.items()
            ),
        )


class OutputFile:
    """The user's output file: JSON if its name ends in `.json`, else dotenv."""

    def __init__(self, path: str, log: Callable[[str], None]) -> None:
        """Take the file's path, and where to say what could not be carried over."""
        self.name = f"output-file {piece(path)}"
        self._path = path
        self._log = log
        self._values = outputs(Progress())
        self._said: set[str] = set()

    def save(self, values: Mapping[str, str]) -> None:
        """Replace the file with all outputs, unknown ones empty."""
        self._values.update(values)
        render = self._json if self._path.endswith(".json") else self._dotenv
        files.replace(self._path, render())

    def _json(self) -> str:
        typed = {
            name: json.loads(value) if name in NUMBERS else value
            for name, value in self._values.items()
        }
        return json.dumps(typed, indent=2) + "\n"

    def _dotenv(self) -> str:
        lines = []
        for name, value in self._values.items():
            if name == "reason":
                continue  # free text: no quoting is read alike by GitLab and by a shell
            plain = value if _PLAIN_VALUE.fullmatch(value) else ""
            if plain != value and name not in self._said:
                self._said.add(name)
                self._log(
                    f"{name} is left empty in {self.name}: dotenv cannot carry '{piece(value)}'"
                )
            lines.append(f"{variable(name)}={plain}\n")
        return "".join(lines)


class StandardOutput:
    """Outputs as log commands, where the CI reads them from the log."""

    name = "standard output"

    def __init__(self, console: Console) -> None:
        """Take the console, whose dialect makes the commands."""
        self._console = console

    def save(self, values: Mapping[str, str]) -> None:
        """Print the commands."""
        for line in self._console.dialect.outputs(values):
            self._console.command(line)
            if self._console.failure:
                raise self._console.failure
