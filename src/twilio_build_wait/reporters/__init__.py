"""Every way in which the outcome is reported, behind one object.

One small module a kind: `console` (the log), `dialects` (each CI's log commands), `channels` (the
outputs), `summary` (the job summary), `files` (how all of them write).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from traceback import format_exception

from twilio_build_wait import __version__
from twilio_build_wait.durations import render
from twilio_build_wait.outcome import Ending, Finding, Level, Outcome, Progress, count, outputs
from twilio_build_wait.reporters import summary
from twilio_build_wait.reporters.channels import (
    Channel,
    GitHubOutput,
    OutputFile,
    StandardOutput,
)
from twilio_build_wait.reporters.console import Console
from twilio_build_wait.settings import Settings


class Reporters:
    """Opens the log, saves the outputs early and late, and announces how it ended."""

    def __init__(
        self,
        environ: Mapping[str, str],
        settings: Settings,
        console: Console,
        now: Callable[[], float],
    ) -> None:
        """Choose the channels from an environment.

        Args:
            environ: tells which CI this is, and where its files are.
            settings: tells of the output file, the summary and what to mask.
            console: the log.
            now: `time.time`, for the CIs whose log sections carry a time.
        """
        self.console = console
        self._settings = settings
        self._now = now
        self._section_end = ""
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "") if settings.summary else ""
        self._channels: list[Channel] = []
        if path := environ.get("GITHUB_OUTPUT"):
            self._channels.append(GitHubOutput(path))
        if settings.output_file:
            self._channels.append(OutputFile(settings.output_file, console.line))
        if console.dialect.outputs({"outcome": ""}):
            self._channels.append(StandardOutput(console))

    def open(self, ended: Outcome | None) -> None:
        """Write the masks, then the first line, then what is to be said of the inputs.

        `ended` is the outcome where there is one before anything was requested.
        """
        console, settings = self.console, self._settings
        for line in console.dialect.masks(settings.masks):
            console.command(line)
        first = f"twilio-build-wait {__version__}"
        if ended is None:
            first += (
                f": waiting for build {settings.build_sid} of service {settings.service_sid} "
                f"at {settings.host}, time-out {render(settings.timeout)}, "
                f"with {settings.credential}"
            )
        console.line(first)
        if console.dialect.name:
            channels = ", ".join(channel.name for channel in self._channels) or "none"
            console.line(f"{console.dialect.name}; outputs go to: {channels}")
        for warning in settings.warnings:
            console.warn("Check the inputs", warning)
        if ended and ended.ending is Ending.INVALID:
            for problem in settings.problems:
                console.line(f"  {problem}")

    def begin(self, progress: Progress) -> None:
        """Save what is known before the first read, so that it survives a kill."""
        for channel in self._channels:
            if not isinstance(channel, StandardOutput):
                self._save(channel, {k: v for k, v in outputs(progress).items() if v})
        start, self._section_end = self.console.dialect.section(
            "Waiting for the Twilio build", int(self._now())
        )
        if start:
            self.console.command(start)

    def save(self, outcome: Outcome) -> list[str]:
        """Save every output; return the names of the channels that could not be written."""
        if self._section_end:
            self.console.command(self._section_end)
            self._section_end = ""
        values = outputs(outcome.progress, outcome)
        return [channel.name for channel in self._channels if not self._save(channel, values)]

    def amend(self, outcome: Outcome) -> None:
        """Save the reason again: the diagnosis has found a better one."""
        for channel in self._channels:
            self._save(channel, {"reason": outcome.reason})

    def announce(
        self, outcome: Outcome, findings: Sequence[Finding] = (), *, lost: Sequence[str] = ()
    ) -> None:
        """Write what was found about a failed build, the job summary and the ending."""
        findings = [replace(found, text=self.console.show(found.text)) for found in findings]
        for found in findings:
            self.console.line(f"  {found.label}: {found.text} {found.page}".rstrip())
        if self._summary:
            try:
                summary.append(self._summary, outcome, findings)
            except OSError as error:
                self.console.warn(
                    "No job summary",
                    f"GITHUB_STEP_SUMMARY could not be written ({_problem(error)}); "
                    "nothing else is affected",
                )
        ending = outcome.ending
        if ending is Ending.COMPLETED:
            waited = render(outcome.progress.elapsed)
            self.console.line(
                f"{ending.title} after {waited}, {count(outcome.progress.polls, 'read')}"
            )
            if lost:
                self.console.note(
                    Level.ERROR,
                    "Outputs lost",
                    f"the Twilio build completed, but later steps would not learn of it: "
                    f"{', '.join(lost)} could not be written (the log says why); "
                    "mend that and run the step again",
                )
        elif findings:
            self.console.note(ending.level, ending.title, outcome.reason)
        else:
            then = f"{ending.next_step.text} {ending.next_step.page}".rstrip()
            self.console.note(ending.level, ending.title, f"{outcome.reason}. {then}")

    def crash(self, error: BaseException) -> None:
        """Show a traceback, without credentials and without anything that a runner would obey."""
        for block in format_exception(error):
            for line in block.splitlines():
                self.console.line(line)

    def _save(self, channel: Channel, values: Mapping[str, str]) -> bool:
        try:
            channel.save(values)
        except OSError as error:
            self.console.line(f"{channel.name} could not be written: {_problem(error)}")
            return False
        return True


def _problem(error: OSError) -> str:
    return error.strerror or type(error).__name__
