"""The output channels: the runner's output file, the user's own, and standard output."""

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from twilio_build_wait.model import NUMBERS, Progress, outputs, variable
from twilio_build_wait.reporters.files import ReplacedFile
from twilio_build_wait.reporters.log import Log

# GitLab's parser of dotenv reports and a POSIX shell's `.` read these the same without quotes.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


class Channel(ABC):
    """One way to pass outputs on. `name` is for the log."""

    name: str
    #: Whether it is written before the first poll, too.
    is_file = True

    @abstractmethod
    def save(self, values: Mapping[str, str]) -> None:
        """Write outputs by name; the last value wins. Raises OSError."""

    def discard(self) -> None:  # noqa: B027 (most channels have nothing to do)
        """Remove what an interrupted `save` has left."""


class GitHubOutput(Channel):
    """Step outputs, through the file that `GITHUB_OUTPUT` names.

    Source of the grammar: actions/runner, FileCommandManager.cs. The random delimiter is what
    actions/toolkit uses, so that no value can end itself and begin another output.
    """

    name = "GITHUB_OUTPUT"

    def __init__(self, path: str, append: Callable[[str, str], None]) -> None:
        """Take the file's path, and what appends to it."""
        self._path = path
        self._append = append

    def save(self, values: Mapping[str, str]) -> None:
        """Append the outputs."""
        end = f"ghadelimiter_{os.urandom(16).hex()}"
        blocks = (f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())
        self._append(self._path, "".join(blocks))


class OutputFile(Channel):
    """The user's output file: JSON if its name ends in `.json`, otherwise dotenv."""

    def __init__(self, path: str, log: Log) -> None:
        """Take the file's path, and the log for what dotenv cannot carry."""
        self.name = f"output-file {log.show.piece(path)}"
        self._file = ReplacedFile(path)
        self._is_json = path.endswith(".json")
        self._log = log
        self._values = outputs(Progress())
        self._reported: set[str] = set()

    def save(self, values: Mapping[str, str]) -> None:
        """Replace the file with all outputs, unknown ones empty."""
        self._values.update(values)
        self._file.write(self._json() if self._is_json else self._dotenv())

    def discard(self) -> None:
        """Remove the temporary file."""
        self._file.discard()

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
                continue  # free text: GitLab and a shell read no quotes alike
            plain = value if _PLAIN_VALUE.fullmatch(value) else ""
            if plain != value and name not in self._reported:
                self._reported.add(name)
                self._log.line(
                    f"{name} is left empty in {self.name}: dotenv cannot carry "
                    f"'{self._log.show.piece(value)}'"
                )
            lines.append(f"{variable(name)}={plain}\n")
        return "".join(lines)


class StandardOutput(Channel):
    """Outputs as log commands, for a CI that reads them from the log."""

    name = "standard output"
    is_file = False

    def __init__(self, log: Log) -> None:
        """Take the log, whose CI makes the commands."""
        self._log = log

    def save(self, values: Mapping[str, str]) -> None:
        """Print the commands."""
        for line in self._log.ci.outputs(values):
            self._log.send(line)
