"""What a CI reads in what the tool wrote: models of the parsers at the other end.

GitHub: `ActionCommand.cs`, `ProcessInvoker.cs` and `FileCommandManager.cs` of actions/runner at
258d6c8, and for blank lines act's `parse_env_file.go` (nektos/act at bd86152). Azure Pipelines: its
logging commands. GitLab: dotenv reports. Where a parser accepts only the names that it knows, the
model accepts any name.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A command's pattern, what separates its properties, and how it escapes `%`.
GRAMMARS = (
    (r"^\s*::\s*([^\s:]+)\s*(.*?)::(.*)", ",", "%25"),  # GitHub, after white space only
    (r"##\[\s*([^\s\]]+)\s*(.*?)\](.*)", ";", "%25"),  # GitHub, anywhere in a line
    (r"##(?i:vso)\[\s*([^\s\]]+)\s*(.*?)\](.*)", ";", "%AZP25"),  # Azure Pipelines, anywhere
)
DATA = {"%0D": "\r", "%0A": "\n"}
PROPERTY = {**DATA, "%3A": ":", "%2C": ",", "%3B": ";", "%5D": "]"}


@dataclass(frozen=True)
class Command:
    """One log command as the CI understands it, unescaped."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> Iterator[Command]:
    """Return every command of a log in order. A bare carriage return ends a line, too."""
    for line, grammar in itertools.product(re.split(r"\r\n|\r|\n", log), GRAMMARS):
        pattern, separator, percent = grammar
        if found := re.search(pattern, line):
            name, properties, data = found.groups()
            pairs = (part.partition("=") for part in properties.split(separator))
            last = {percent: "%"}
            values = {key.strip(): _unescaped(value, PROPERTY | last) for key, _, value in pairs}
            yield Command(name, values, _unescaped(data, DATA | last))


def _unescaped(text: str, escapes: dict[str, str]) -> str:
    for escaped, plain in escapes.items():
        text = text.replace(escaped, plain)
    return text


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


def dotenv(text: str) -> dict[str, str]:
    """Return a dotenv report as GitLab takes it: a pair a line, quotes kept, nothing else.

    Raises ValueError for anything else.
    """
    if not re.fullmatch(r"(?:[A-Za-z_][A-Za-z0-9_]*=[^\r\n]*\n)*", text):
        raise ValueError(f"not all KEY=value: {text!r}")
    pairs = (line.partition("=") for line in text.split("\n")[:-1])
    return {key: value.strip() for key, _, value in pairs}
