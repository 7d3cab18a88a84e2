"""What a CI makes of what the tool wrote: models of the parsers at the other end.

GitHub: ``ActionCommand.cs``, ``ProcessInvoker.cs`` and ``FileCommandManager.cs`` of actions/runner
at 258d6c8. Azure: the same ``##vso[`` grammar, which the older ``##[`` of GitHub comes from.
TeamCity: its service messages. GitLab: dotenv reports, ``KEY=value`` lines and nothing else.

Where a parser only accepts names that it knows, the model accepts any name: text that merely looks
like a command is a finding here, whether today's runner happens to know that name or not.
"""

import re
from dataclasses import dataclass, field

GITHUB_LINE_BREAK = re.compile(r"\r\n|\r|\n")
DOTENV_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=([^\n]*)")
TEAMCITY_MESSAGE = re.compile(
    r"##teamcity\[(?P<name>[A-Za-z]\w*)(?P<properties>(?:\s+[\w.]+='(?:[^'|\[\]\r\n]|\|.)*')*)\s*\]"
)
TEAMCITY_PROPERTY = re.compile(r"([\w.]+)='((?:[^'|\[\]\r\n]|\|.)*)'")
TEAMCITY_ESCAPES = {"n": "\n", "r": "\r", "x": "\x85", "l": "\u2028", "p": "\u2029"}


@dataclass(frozen=True)
class Command:
    """One command as the CI understands it: its name, its properties and its text, unescaped."""

    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


class MalformedFileCommandError(ValueError):
    """The runner would fail the step over this file, whatever the exit code was."""


def github_lines(text: str) -> list[str]:
    """The log as the runner cuts it: a lone carriage return ends a line, too."""
    lines = GITHUB_LINE_BREAK.split(text)
    return lines[:-1] if lines and not lines[-1] else lines


def _github_data(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _github_property(text: str) -> str:
    for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, plain)
    return text


def _legacy(text: str, percent: str) -> str:
    for escaped, plain in (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]")):
        text = text.replace(escaped, plain)
    return text.replace(percent, "%")


def _properties(text: str, separator: str) -> list[tuple[str, str]]:
    pairs = [part.split("=", 1) for part in text.split(separator)]
    return [(pair[0].strip(), pair[1]) for pair in pairs if len(pair) == 2]


def _bracketed(line: str, opener: str, percent: str) -> Command | None:
    """``##[name k=v;k=v]data`` or ``##vso[…]…``, wherever in the line it stands."""
    start = line.find(opener)
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, properties = line[start + len(opener) : end].strip().partition(" ")
    found = {key: _legacy(value, percent) for key, value in _properties(properties, ";")}
    return Command(name, _legacy(line[end + 1 :], percent), found) if name else None


def github_command(line: str) -> Command | None:
    """The command in one line of the log, if the runner sees one there."""
    trimmed = line.lstrip()
    end = trimmed.find("::", 2)
    if trimmed.startswith("::") and end >= 0:
        name, _, properties = trimmed[2:end].strip().partition(" ")
        if name:
            found = {key: _github_property(value) for key, value in _properties(properties, ",")}
            return Command(name, _github_data(trimmed[end + 2 :]), found)
    return _bracketed(line, "##[", "%25")


def github_commands(text: str) -> list[Command]:
    """Every command the GitHub runner reads out of a log, in order."""
    return [command for line in github_lines(text) if (command := github_command(line))]


def github_file(text: str) -> list[tuple[str, str]]:
    """The pairs in a ``GITHUB_OUTPUT`` file, in order; the last value of a name wins.

    Raises MalformedFileCommandError where the runner would refuse the file.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    pairs: list[tuple[str, str]] = []
    rest = iter(lines)
    for line in rest:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc >= 0:
            name, _, delimiter = line.partition("<<")
            held: list[str] = []
            for inner in rest:
                if inner == delimiter:
                    break
                held.append(inner)
            else:
                message = f"no closing line for {line!r}"
                raise MalformedFileCommandError(message)
            if not delimiter:
                message = f"no delimiter in {line!r}"
                raise MalformedFileCommandError(message)
            value = "\n".join(held)
        else:
            message = f"neither NAME=value nor NAME<<delimiter: {line!r}"
            raise MalformedFileCommandError(message)
        if not name:
            message = f"no name in {line!r}"
            raise MalformedFileCommandError(message)
        pairs.append((name, value))
    return pairs


def azure_commands(text: str) -> list[Command]:
    """Every logging command that Azure's agent reads out of a log, in order."""
    found = (_bracketed(line, "##vso[", "%AZP25") for line in github_lines(text))
    return [command for command in found if command]


def teamcity_messages(text: str) -> list[Command]:
    """Every service message that TeamCity reads out of a log, in order.

    Raises ValueError for an opener that is no well-formed message: TeamCity reports those.
    """
    messages = []
    for line in github_lines(text):
        for start in (found.start() for found in re.finditer(re.escape("##teamcity["), line)):
            match = TEAMCITY_MESSAGE.match(line, start)
            if not match:
                message = f"a malformed service message: {line!r}"
                raise ValueError(message)
            properties = {
                key: re.sub(r"\|(.)", lambda m: TEAMCITY_ESCAPES.get(m[1], m[1]), value)
                for key, value in TEAMCITY_PROPERTY.findall(match["properties"])
            }
            messages.append(Command(match["name"], properties.get("text", ""), properties))
    return messages


def dotenv(text: str) -> dict[str, str]:
    """A dotenv report as GitLab takes it: a pair a line, quotes kept, nothing else allowed."""
    if text and not text.endswith("\n"):
        message = "the last line has no end"
        raise ValueError(message)
    pairs = {}
    for line in text.split("\n")[:-1]:
        match = DOTENV_LINE.fullmatch(line)
        if not match:
            message = f"not KEY=value: {line!r}"
            raise ValueError(message)
        pairs[match[1]] = match[2].strip()
    return pairs
