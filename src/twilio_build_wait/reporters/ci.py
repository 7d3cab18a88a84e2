"""The log commands of each CI: one small class per CI behind one interface.

The classes make lines and write none. The text that they get is safe to show; they add the escaping
of their CI's own grammar.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from twilio_build_wait.model import Level
from twilio_build_wait.outputs import variable
from twilio_build_wait.safe_text import Message, SafeText

# The longest annotation on GitHub is 4,096 characters (actions/runner, ExecutionContext.cs), and
# the longest build problem of TeamCity 4,000. Escaping can triple a text.
_LONGEST, _CERTAIN = 3900, 1300


class Plain:
    """Any CI without log commands, and a terminal."""

    #: The environment variable that the CI sets.
    variable: ClassVar[str] = ""
    #: Whether standard output carries the outputs.
    has_outputs = False

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take what the CI says of itself in the environment."""

    def masks(self, secrets: Iterable[str]) -> list[str]:  # noqa: ARG002 (the interface)
        """Return the lines that tell the CI to hide secrets in its log."""
        return []

    def annotation(self, level: Level, title: str, message: Message) -> str:
        """Return the line that announces an outcome or a warning."""
        return f"{f'{level}: ' if level else ''}{title}: {message.text()}"

    def debug(self, message: SafeText) -> list[str]:  # noqa: ARG002 (the interface)
        """Return a line for debugging, or none if nobody asked for it."""
        return []

    def outputs(self, values: Mapping[str, str]) -> list[str]:  # noqa: ARG002 (the interface)
        """Return the lines that set outputs."""
        return []


class _GitHub(Plain):
    """GitHub Actions, and what runs its workflows (act, Forgejo, Gitea).

    Source: actions/toolkit, packages/core/src/command.ts; actions/runner, ActionCommand.cs.
    """

    variable = "GITHUB_ACTIONS"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._is_debug = environ.get("RUNNER_DEBUG") == "1"

    def masks(self, secrets: Iterable[str]) -> list[str]:
        return [f"::add-mask::{_escape(secret)}" for secret in secrets]

    def annotation(self, level: Level, title: str, message: Message) -> str:
        if not level:
            return super().annotation(level, title, message)
        heading = _escape(title).replace(":", "%3A").replace(",", "%2C")
        return f"::{level} title={heading}::{_fitting(message, _escape)}"

    def debug(self, message: SafeText) -> list[str]:
        return [f"::debug::{_escape(message)}"] if self._is_debug else []


def _fitting(message: Message, escape: Callable[[str], str]) -> str:
    """Escape a message that may have to be shorter for it."""
    escaped = escape(message.fit(_LONGEST))
    return escaped if len(escaped) <= _LONGEST else escape(message.fit(_CERTAIN))


class _Azure(Plain):
    """Azure Pipelines.

    Source: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
    """

    variable = "TF_BUILD"
    has_outputs = True

    def masks(self, secrets: Iterable[str]) -> list[str]:
        return [f"##vso[task.setsecret]{_escape(secret, '%AZP25')}" for secret in secrets]

    def annotation(self, level: Level, title: str, message: Message) -> str:
        if level not in {"error", "warning"}:
            return super().annotation(level, title, message)
        text = _escape(f"{title}: {message.text()}", "%AZP25")
        return f"##vso[task.logissue type={level}]{text}"

    def outputs(self, values: Mapping[str, str]) -> list[str]:
        # An isOutput variable can be read only as $(step.NAME), hence both. The agent expands
        # $(name) in every value at the start of each step, hence the space (azure-pipelines-agent,
        # Variables.RecalculateExpanded).
        return [
            f"##vso[task.setvariable variable={variable(name)}{scope}]"
            + _escape(value.replace("$(", "$ ("), "%AZP25")
            for name, value in values.items()
            for scope in ("", ";isOutput=true")
        ]


def _escape(text: str, percent: str = "%25") -> str:
    return text.replace("%", percent).replace("\r", "%0D").replace("\n", "%0A")


class _TeamCity(Plain):
    """TeamCity.

    Source: jetbrains.com/help/teamcity/service-messages.html, "Escaped values".
    """

    variable = "TEAMCITY_VERSION"
    has_outputs = True

    def annotation(self, level: Level, title: str, message: Message) -> str:
        value = f"{title}: {_fitting(message, _teamcity_value)}"
        if level == "error":
            return f"##teamcity[buildProblem description='{value}']"
        if level == "warning":
            return f"##teamcity[message text='{value}' status='WARNING']"
        return super().annotation(level, title, message)

    def outputs(self, values: Mapping[str, str]) -> list[str]:
        # %name% in a value refers to a parameter, and %% is one percent sign.
        return [
            f"##teamcity[setParameter name='env.{variable(name)}' "
            f"value='{_teamcity_value(value.replace('%', '%%'))}']"
            for name, value in values.items()
        ]


def _teamcity_value(text: str) -> str:
    # Text here has no line breaks: they were replaced when it was made safe to show.
    return re.sub(r"[|'\[\]]", r"|\g<0>", text)


#: To support another CI, add its class.
_CIS = (_GitHub, _Azure, _TeamCity)


def choose(environ: Mapping[str, str]) -> Plain:
    """Choose the CI by the variable that it sets."""
    for ci in _CIS:
        if environ.get(ci.variable):
            return ci(environ)
    return Plain(environ)
