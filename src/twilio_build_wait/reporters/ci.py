"""The log commands of each CI: one small class per CI behind one interface.

The classes make lines and write none. The text that they get is safe to show; they add the escaping
of their CI's own grammar.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from twilio_build_wait.model import variable
from twilio_build_wait.text import SafeText, clip

Level = Literal["error", "warning"]

# The longest annotation on GitHub is 4,096 characters (actions/runner, ExecutionContext.cs), and
# the longest build problem of TeamCity 4,000. Escaping can triple a text.
_ANNOTATION, _BUILD_PROBLEM, _CUT = 3900, 4000, 1300


class Plain:
    """Any CI without log commands, and a terminal. They have no name."""

    name = ""
    #: Whether standard output carries the outputs.
    has_outputs = False

    def masks(self, secrets: Iterable[str]) -> list[str]:  # noqa: ARG002 (the interface)
        """Return the lines that tell the CI to hide secrets in its log."""
        return []

    def annotation(self, level: Level, title: str, message: SafeText) -> str:
        """Return the line that announces an outcome or a warning."""
        return f"{level}: {title}: {message}"

    def debug(self, message: SafeText) -> str:  # noqa: ARG002 (the interface)
        """Return a line for debugging; empty if nobody asked for it."""
        return ""

    def outputs(self, values: Mapping[str, str]) -> list[str]:  # noqa: ARG002 (the interface)
        """Return the lines that set outputs."""
        return []


class _GitHub(Plain):
    """GitHub Actions, and what runs its workflows (act, Forgejo, Gitea).

    Source: actions/toolkit, packages/core/src/command.ts; actions/runner, ActionCommand.cs.
    """

    name = "GitHub Actions"

    def __init__(self, *, is_debug: bool) -> None:
        self._is_debug = is_debug

    def masks(self, secrets: Iterable[str]) -> list[str]:
        return [f"::add-mask::{_escape(secret)}" for secret in secrets]

    def annotation(self, level: Level, title: str, message: SafeText) -> str:
        data = _escape(message)
        if len(data) > _ANNOTATION:
            data = _escape(clip(message, _CUT))
        heading = _escape(title).replace(":", "%3A").replace(",", "%2C")
        return f"::{level} title={heading}::{data}"

    def debug(self, message: SafeText) -> str:
        return f"::debug::{_escape(message)}" if self._is_debug else ""


class _Azure(Plain):
    """Azure Pipelines.

    Source: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
    """

    name = "Azure Pipelines"
    has_outputs = True

    def masks(self, secrets: Iterable[str]) -> list[str]:
        return [f"##vso[task.setsecret]{_escape(secret, '%AZP25')}" for secret in secrets]

    def annotation(self, level: Level, title: str, message: SafeText) -> str:
        return f"##vso[task.logissue type={level}]{_escape(f'{title}: {message}', '%AZP25')}"

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

    name = "TeamCity"
    has_outputs = True

    def annotation(self, level: Level, title: str, message: SafeText) -> str:
        value = _teamcity_value(f"{title}: {message}")
        if len(value) > _BUILD_PROBLEM:
            value = _teamcity_value(f"{title}: {clip(message, _CUT)}")
        if level == "error":
            return f"##teamcity[buildProblem description='{value}']"
        return f"##teamcity[message text='{value}' status='WARNING']"

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


def choose(environ: Mapping[str, str]) -> Plain:
    """Choose the CI by the variable that it sets."""
    if environ.get("GITHUB_ACTIONS"):
        return _GitHub(is_debug=environ.get("RUNNER_DEBUG") == "1")
    if environ.get("TF_BUILD"):
        return _Azure()
    return _TeamCity() if environ.get("TEAMCITY_VERSION") else Plain()
