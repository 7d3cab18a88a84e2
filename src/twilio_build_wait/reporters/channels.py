"""The output channels: the runner's output file, the user's own, and standard output."""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from twilio_build_wait import guard
from twilio_build_wait.model import Progress
from twilio_build_wait.outputs import NUMBERS, outputs, variable
from twilio_build_wait.reporters.log import Log
from twilio_build_wait.safe_text import Message, message

# GitLab's parser of dotenv reports and a POSIX shell's `.` read these the same without quotes.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


@dataclass
class Channel:
    """One way to pass outputs on; `save` writes some by name, and raises OSError."""

    name: Message
    save: Callable[[Mapping[str, str]], None]
    is_file: bool = True
    has_outcome: bool = False


def github_output(path: str, append: Callable[[str, str], None]) -> Channel:
    """Make the channel of step outputs (actions/runner, FileCommandManager.cs)."""

    def save(values: Mapping[str, str]) -> None:
        end = f"ghadelimiter_{os.urandom(16).hex()}"
        blocks = (f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())
        append(path, "".join(blocks))

    return Channel(message("GITHUB_OUTPUT"), save)


def output_file(path: str, log: Log) -> Channel:
    """Make the channel of the user's file: JSON if its name ends in `.json`, otherwise dotenv."""
    title = message("output-file {}", path)
    latest = outputs(Progress())

    def save(values: Mapping[str, str]) -> None:
        changed = values.items() - latest.items()
        latest.update(values)
        if path.endswith(".json"):
            numbers = {name: json.loads(latest[name]) for name in NUMBERS}
            replace_file(path, json.dumps(latest | numbers, indent=2) + "\n")
            return
        # Without the reason, which is free text: GitLab and a shell read no quotes alike.
        carried = {
            name: value if _PLAIN_VALUE.fullmatch(value) else ""
            for name, value in latest.items()
            if name != "reason"
        }
        replace_file(path, "".join(f"{variable(name)}={carried[name]}\n" for name in carried))
        for name, value in changed:
            if value != carried.get(name, value):
                problem = f"{name} is left empty in {{}}: dotenv cannot carry '{{}}'"
                log.line(message(problem, title, value))

    return Channel(title, save)


def standard_output(log: Log) -> Channel:
    """Make the channel of a CI that reads outputs from the log."""

    def save(values: Mapping[str, str]) -> None:
        for line in log.ci.outputs(values):
            log.send(line)

    return Channel(message("standard output"), save, is_file=False)


def replace_file(path: str, text: str) -> None:
    """Replace a file or a link, or overwrite it in place. Raises OSError, and leaves no text."""
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".twilio-build-wait.{os.urandom(8).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            # Any next step can use it, whatever the umask is. A network share may refuse both.
            with suppress(OSError):
                os.fchmod(file.fileno(), 0o644)
                if os.geteuid() == 0:
                    owner = os.stat(folder or os.curdir)
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(text.encode())
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        # It may be mounted into a container, its folder read-only, or the temporary name too long.
        _overwrite(path, text)


def _overwrite(path: str, text: str) -> None:
    os.close(guard.open_file(path, os.O_TRUNC | os.O_NOFOLLOW))
    try:
        guard.append(path, text)
    except OSError:
        with suppress(OSError):
            os.unlink(path)
        raise
