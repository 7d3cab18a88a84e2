"""The log commands of each CI: a table of templates, filled in with text that is safe to show."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from twilio_build_wait.model import Level
from twilio_build_wait.outputs import variable
from twilio_build_wait.safe_text import Message


@dataclass(frozen=True)
class CI:
    """The log commands of a CI; without them, those of any other CI and of a terminal.

    `environment_variable` is what the CI sets, `escapes` is for `str.translate`. Each command is a
    template, empty where there is none. `annotations` are by level, with at most `longest`
    characters of text. `reference` begins a reference in an output, and is replaced.
    """

    environment_variable: str = ""
    escapes: Mapping[int, str] = field(default_factory=dict)
    longest: int = sys.maxsize
    mask: str = ""
    debug: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    output: Sequence[str] = ()
    reference: tuple[str, str] = ("", "")

    def lines(self, command: str, texts: Iterable[str]) -> list[str]:
        """Return a line for each text, or none if there is no such command."""
        return [command.format(text.translate(self.escapes)) for text in texts if command]

    def annotation(self, level: Level, title: str, message: Message) -> str:
        """Return the line that announces an outcome or a warning; nothing in a title is escaped."""
        command = self.annotations.get(level)
        if not command:
            return f"{level}: {title}: {message.text()}"
        text = message.fit(self.longest).translate(self.escapes)
        if len(text) > self.longest:  # escaping at most triples it
            text = message.fit(self.longest // 3).translate(self.escapes)
        return command.format(level=level, title=title, text=text)

    def outputs(self, values: Mapping[str, str]) -> list[str]:
        """Return the lines that set outputs."""
        return [
            command.format(variable(name), value.replace(*self.reference).translate(self.escapes))
            for name, value in values.items()
            for command in self.output
        ]


#: To support another CI, add it, and what its commands begin with in safe_text.py and in
#: tests/support/invariants.py.
_CIS = (
    # GitHub Actions, and what runs its workflows (act, Forgejo, Gitea). Sources: actions/toolkit,
    # packages/core/src/command.ts; actions/runner, ActionCommand.cs and, for the longest annotation
    # of 4,096 characters, ExecutionContext.cs.
    CI(
        environment_variable="GITHUB_ACTIONS",
        escapes=str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"}),
        longest=3900,
        mask="::add-mask::{}",
        debug="::debug::{}",
        annotations=dict.fromkeys(get_args(Level), "::{level} title={title}::{text}"),
    ),
    # Azure Pipelines. Source: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
    CI(
        environment_variable="TF_BUILD",
        escapes=str.maketrans({"%": "%AZP25", "\r": "%0D", "\n": "%0A"}),
        mask="##vso[task.setsecret]{}",
        annotations=dict.fromkeys(
            ("error", "warning"), "##vso[task.logissue type={level}]{title}: {text}"
        ),
        # An isOutput variable can be read only as $(step.NAME), hence both.
        output=(
            "##vso[task.setvariable variable={}]{}",
            "##vso[task.setvariable variable={};isOutput=true]{}",
        ),
        # The agent expands $(name) in every value at the start of each step (azure-pipelines-agent,
        # Variables.RecalculateExpanded).
        reference=("$(", "$ ("),
    ),
    # TeamCity. Source: jetbrains.com/help/teamcity/service-messages.html, "Escaped values". The
    # longest build problem has 4,000 characters. Line breaks need no escape: safe text has none.
    CI(
        environment_variable="TEAMCITY_VERSION",
        escapes=str.maketrans({"|": "||", "'": "|'", "[": "|[", "]": "|]"}),
        longest=3900,
        annotations={
            "error": "##teamcity[buildProblem description='{title}: {text}']",
            "warning": "##teamcity[message text='{title}: {text}' status='WARNING']",
        },
        output=("##teamcity[setParameter name='env.{}' value='{}']",),
        # %name% refers to a parameter, and %% is one percent sign.
        reference=("%", "%%"),
    ),
)


def choose(environ: Mapping[str, str]) -> CI:
    """Choose the CI by the variable that it sets."""
    chosen = next((ci for ci in _CIS if environ.get(ci.environment_variable)), CI())
    return chosen if environ.get("RUNNER_DEBUG") == "1" else replace(chosen, debug="")
