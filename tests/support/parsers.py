"""What GitHub reads in what the tool wrote: models of its parsers.

Sources: `ActionCommand.cs` and `FileCommandManager.cs` of actions/runner at 258d6c8, and act's
`parse_env_file.go` (nektos/act at bd86152), which refuses blank lines.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Command(NamedTuple):
    """A log command `::name title=…::data`, unescaped."""

    name: str
    title: str
    data: str


def commands(log: str) -> Iterator[Command]:
    """Return every command in a log in order, whether GitHub knows its name or not.

    A bare carriage return ends a line, too.
    """
    for line in re.split(r"\r\n|\r|\n", log):
        if match := re.match(r"\s*::\s*([^\s:]+)\s*(?:title=)?([^:]*)::(.*)", line):
            yield Command(*map(unescape, match.groups()))


def unescape(text: str) -> str:
    return re.sub("%(0D|0A|3A|2C|25)", lambda code: chr(int(code[1], 16)), text)


def github_file(text: str) -> list[tuple[str, str]]:
    """Return the pairs in a `GITHUB_OUTPUT` file in order; the last value of a name wins.

    Raises ValueError where the runner or act would refuse the file.
    """
    pairs = []
    lines = text.removesuffix("\n").split("\n") if text else []
    while lines:
        line = lines.pop(0)
        name, separator, value = re.split("(=|<<|$)", line, maxsplit=1)
        if separator == "<<" and value:
            end = lines.index(value)
            lines, value = lines[end + 1 :], "\n".join(lines[:end])
        elif separator != "=" or not name:
            raise ValueError(f"neither NAME=value nor NAME<<delimiter: {line!r}")
        pairs.append((name, value))
    return pairs
