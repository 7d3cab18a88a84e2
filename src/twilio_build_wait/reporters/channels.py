"""The output channels: the runner's output file, the user's own, and standard output."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twilio_build_wait.model import NUMBERS, Progress, outputs, variable
from twilio_build_wait.reporters.files import ReplacedFile
from twilio_build_wait.reporters.log import Log

# GitLab's parser of dotenv reports and a POSIX shell's `.` read these the same without quotes.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


@dataclass(frozen=True)
class Channel:
    """One way to pass outputs on.

    `name` is for the log. `save` writes outputs by name, the last value wins; it raises OSError.
    `discard` removes what an interrupted `save` has left. Only files are written before the end.
    """

    name: str
    save: Callable[[Mapping[str, str]], None]
    discard: Callable[[], None] = lambda: None
    is_file: bool = True


def github_output(path: str, append: Callable[[str, str], None]) -> Channel:
    """Make the channel of step outputs, through the file that `GITHUB_OUTPUT` names.

    Source of the grammar: actions/runner, FileCommandManager.cs. The random delimiter is what
    actions/toolkit uses, so that no value can end itself and begin another output.
    """

    def save(values: Mapping[str, str]) -> None:
        end = f"ghadelimiter_{os.urandom(16).hex()}"
        blocks = (f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())
        append(path, "".join(blocks))

    return Channel("GITHUB_OUTPUT", save)


def output_file(path: str, log: Log) -> Channel:
    """Make the channel of the user's file: JSON if its name ends in `.json`, otherwise dotenv.

    Each write replaces the file with all outputs, unknown ones empty. The log says what dotenv
    cannot carry.
    """
    name = f"output-file {log.show.piece(path)}"
    file = ReplacedFile(path)
    known = outputs(Progress())
    reported: set[str] = set()

    def save(values: Mapping[str, str]) -> None:
        known.update(values)
        file.write(as_json() if path.endswith(".json") else as_dotenv())

    def as_json() -> str:
        numbers = {output: json.loads(known[output]) for output in NUMBERS}
        return json.dumps(known | numbers, indent=2) + "\n"

    def as_dotenv() -> str:
        lines = []
        for output, value in known.items():
            if output == "reason":
                continue  # free text: GitLab and a shell read no quotes alike
            plain = value if _PLAIN_VALUE.fullmatch(value) else ""
            if plain != value and output not in reported:
                reported.add(output)
                shown = log.show.piece(value)
                log.line(f"{output} is left empty in {name}: dotenv cannot carry '{shown}'")
            lines.append(f"{variable(output)}={plain}\n")
        return "".join(lines)

    return Channel(name, save, file.discard)


def standard_output(log: Log) -> Channel:
    """Make the channel of a CI that reads outputs from the log."""

    def save(values: Mapping[str, str]) -> None:
        for line in log.ci.outputs(values):
            log.send(line)

    return Channel("standard output", save, is_file=False)
