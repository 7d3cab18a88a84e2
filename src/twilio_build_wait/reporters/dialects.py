"""How each CI wants its log commands: one small class a CI behind one interface.

A dialect makes lines, and writes none. What it is given is safe to show already (`text.safe`);
what it adds is the escaping of its CI's own grammar.
"""

from collections.abc import Iterable, Mapping

from twilio_build_wait.outcome import Level, variable
from twilio_build_wait.text import escape_data, escape_property


class Plain:
    """Any CI without log commands, and a terminal."""

    name = ""

    def masks(self, secrets: Iterable[str]) -> list[str]:  # noqa: ARG002 (the interface)
        """Make the lines that tell the CI to hide `secrets` in its log."""
        return []

    def note(self, level: Level, title: str, message: str) -> str:
        """Make the line that announces an ending or a warning."""
        return f"{level.value}: {title}: {message}"

    def debug(self, message: str) -> str | None:  # noqa: ARG002 (the interface)
        """Make a line for whoever debugs this tool; None where there is no such thing."""
        return None

    def outputs(self, values: Mapping[str, str]) -> list[str]:  # noqa: ARG002 (the interface)
        """Make the lines that hand outputs on; none where standard output carries none."""
        return []

    def section(self, title: str, now: int) -> tuple[str, str]:  # noqa: ARG002 (the interface)
        """Make the lines that open and close a collapsible section; empty where there is none."""
        return "", ""


class GitHub(Plain):
    """GitHub Actions, and what runs its workflows (act, Forgejo, Gitea).

    Source: actions/toolkit, packages/core/src/command.ts; actions/runner, ActionCommand.cs.
    """

    name = "GitHub Actions"

    def __init__(self, *, debugging: bool) -> None:
        """Take whether the run is debugged (`RUNNER_DEBUG`)."""
        self._debugging = debugging

    def masks(self, secrets: Iterable[str]) -> list[str]:
        """Make `add-mask` commands."""
        return [f"::add-mask::{escape_data(secret)}" for secret in secrets]

    def note(self, level: Level, title: str, message: str) -> str:
        """Make an annotation; a quiet ending is a plain line."""
        if level is Level.QUIET:
            return super().note(level, title, message)
        return f"::{level.value} title={escape_property(title)}::{escape_data(message)}"

    def debug(self, message: str) -> str | None:
        """Make a `debug` command in a run that is debugged."""
        return f"::debug::{escape_data(message)}" if self._debugging else None


class Azure(Plain):
    """Azure Pipelines.

    Source: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
    """

    name = "Azure Pipelines"

    def masks(self, secrets: Iterable[str]) -> list[str]:
        """Make `task.setsecret` commands."""
        return [f"##vso[task.setsecret]{self._data(secret)}" for secret in secrets]

    def note(self, level: Level, title: str, message: str) -> str:
        """Make a log issue; a quiet ending is a plain line."""
        if level is Level.QUIET:
            return super().note(level, title, message)
        return f"##vso[task.logissue type={level.value}]{self._data(f'{title}: {message}')}"

    def outputs(self, values: Mapping[str, str]) -> list[str]:
        """Make two variables of each output: for this job's steps, and for other jobs."""
        # An isOutput variable is readable as $(step.NAME) alone, hence both.
        return [
            f"##vso[task.setvariable variable={variable(name)}{scope}]{self._data(value)}"
            for name, value in values.items()
            for scope in ("", ";isOutput=true")
        ]

    def section(self, title: str, now: int) -> tuple[str, str]:  # noqa: ARG002 (the interface)
        """Make a group."""
        return f"##[group]{title}", "##[endgroup]"

    @staticmethod
    def _data(value: str) -> str:
        escaped = value.replace("%", "%AZP25")
        return escaped.replace("\r", "%0D").replace("\n", "%0A")


class TeamCity(Plain):
    """TeamCity.

    Source: jetbrains.com/help/teamcity/service-messages.html, "Escaped values".
    """

    name = "TeamCity"

    def note(self, level: Level, title: str, message: str) -> str:
        """Make a build problem of an error, and a warning message of a warning."""
        value = self._value(f"{title}: {message}")
        if level is Level.ERROR:
            return f"##teamcity[buildProblem description='{value}']"
        if level is Level.WARNING:
            return f"##teamcity[message text='{value}' status='WARNING']"
        return super().note(level, title, message)

    def outputs(self, values: Mapping[str, str]) -> list[str]:
        """Make a build parameter of each output, which later steps see as their environment."""
        return [
            f"##teamcity[setParameter name='env.{variable(name)}' value='{self._value(value)}']"
            for name, value in values.items()
        ]

    @staticmethod
    def _value(value: str) -> str:
        return value.translate(_TEAMCITY)


class GitLab(Plain):
    """GitLab CI: values go by the output file, as a dotenv report.

    Source: docs.gitlab.com/ci/jobs/job_logs, "Custom collapsible sections".
    """

    name = "GitLab CI"

    def section(self, title: str, now: int) -> tuple[str, str]:
        """Make a section; `now` is in seconds since the epoch."""
        mark = "twilio_build_wait"
        return (
            f"\x1b[0Ksection_start:{now}:{mark}\r\x1b[0K{title}",
            f"\x1b[0Ksection_end:{now}:{mark}\r\x1b[0K",
        )


_TEAMCITY = str.maketrans(
    {
        "|": "||",
        "'": "|'",
        "\n": "|n",
        "\r": "|r",
        "[": "|[",
        "]": "|]",
        "\x85": "|x",
        "\u2028": "|l",
        "\u2029": "|p",
    }
)


def choose(environ: Mapping[str, str]) -> Plain:
    """Choose the dialect of the CI whose own variables an environment holds."""
    if environ.get("GITHUB_ACTIONS"):
        return GitHub(debugging=environ.get("RUNNER_DEBUG") == "1")
    if environ.get("TF_BUILD"):
        return Azure()
    if environ.get("TEAMCITY_VERSION"):
        return TeamCity()
    if environ.get("GITLAB_CI"):
        return GitLab()
    return Plain()
