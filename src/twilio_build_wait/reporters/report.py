"""The reporters of a run behind one object: the log, the output channels, the job summary."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from traceback import format_exception

from twilio_build_wait import __version__, redaction
from twilio_build_wait.durations import render
from twilio_build_wait.inputs import LATEST
from twilio_build_wait.model import (
    BuildStatus,
    Changes,
    Ending,
    Finding,
    Level,
    Outcome,
    PollError,
    Progress,
    count,
    outputs,
    plural,
)
from twilio_build_wait.reporters import summary
from twilio_build_wait.reporters.channels import Channel, GitHubOutput, OutputFile, StandardOutput
from twilio_build_wait.reporters.log import Log
from twilio_build_wait.reporters.summary import SHOWN
from twilio_build_wait.settings import Settings

# The longest path that the warning about removals quotes, in characters.
_QUOTED = 100


class Reporters:
    """Observes the wait, saves the outputs early and at the end, and announces the outcome."""

    def __init__(
        self,
        environ: Mapping[str, str],
        settings: Settings,
        log: Log,
        append: Callable[[str, str], None],
    ) -> None:
        """Choose the channels.

        Args:
            environ: tells which CI this is and where its files are.
            settings: tells of the output file and the summary.
            log: the log.
            append: appends lines to a file; raises OSError.
        """
        self.log = log
        self._environ = environ
        self._settings = settings
        self._append = append
        self._channels: list[Channel] = []
        if path := environ.get("GITHUB_OUTPUT"):
            self._channels.append(GitHubOutput(path, append))
        if settings.output_file:
            self._channels.append(OutputFile(settings.output_file, log))
        if log.ci.has_outputs:
            self._channels.append(StandardOutput(log))
        #: The channels that the outcome has not been written to.
        self.lost = [channel.name for channel in self._channels]

    # -- before and during the wait ----------------------------------------------------------------

    def open(self, outcome: Outcome | None) -> None:
        """Write the masks, the first line, and what is wrong with the inputs.

        `outcome` is None unless the run has ended before the first poll.
        """
        for line in self.log.ci.masks(redaction.masks(self._environ)):
            self.log.command(line)
        first = f"twilio-build-wait {__version__}"
        self.log.line(first if outcome else f"{first}: {self._plan()}")
        if self.log.ci.name:
            channels = ", ".join(channel.name for channel in self._channels) or "no channel"
            self.log.line(f"{self.log.ci.name}: outputs go to {channels}")
        for warning in self._settings.warnings:
            self.log.annotate(Level.WARNING, "Check the inputs", warning)
        if problem := self._unread_outputs():
            self.log.annotate(Level.WARNING, "No later step will see the outputs", problem)
        if outcome and outcome.ending is Ending.INVALID:
            if not self._settings.has_inputs:
                self.log.line("No inputs are set. `twilio-build-wait --help` lists all of them.")
            for problem in self._settings.problems:
                self.log.line(f"  {problem}")

    def _plan(self) -> str:
        settings = self._settings
        is_latest = settings.build_sid == LATEST
        build = "the latest build" if is_latest else f"build {settings.build_sid}"
        return (
            f"waiting for {build} of service {settings.service_sid} at {settings.host}, "
            f"timeout {render(settings.timeout)}, with {settings.credential}"
        )

    def _unread_outputs(self) -> str:
        """Return why nobody will read the step outputs; empty if somebody will."""
        path = self._environ.get("GITHUB_OUTPUT")
        if self._environ.get("GITHUB_ACTIONS") != "true" or (path and os.path.lexists(path)):
            return ""
        return (
            "GITHUB_OUTPUT names a file that does not exist: check that its folder is mounted"
            if path
            else "GITHUB_OUTPUT is not set: pass it on to the container, with the file it names"
        )

    def save_early(self, progress: Progress) -> None:
        """Save what is known before there is an outcome, so that it survives a kill."""
        known = {name: value for name, value in outputs(progress).items() if value}
        for channel in self._channels:
            if channel.is_file:
                self._save(channel, known)

    def poll_started(self, progress: Progress) -> None:
        """Called when a poll starts."""
        self.log.poll_started(progress)

    def poll_succeeded(self, progress: Progress, status: BuildStatus) -> None:
        """Called after a successful poll."""
        self.log.poll_succeeded(progress, status)
        if status.found:
            self.save_early(progress)

    def poll_failed(self, progress: Progress, error: PollError, delay: float | None) -> None:
        """Called after a failed poll."""
        self.log.poll_failed(progress, error, delay)

    # -- at the end --------------------------------------------------------------------------------

    def save(self, outcome: Outcome) -> None:
        """Save every output."""
        values = outputs(outcome.progress, outcome)
        for channel in self._channels:
            if self._save(channel, values):
                self.lost.remove(channel.name)

    def amend(self, name: str, value: str) -> None:
        """Save one output again; one that is lost now is only a warning."""
        for channel in self._channels:
            if not self._save(channel, {name: value}):
                self.log.annotate(
                    Level.WARNING,
                    "An output is out of date",
                    f"{channel.name} does not have the final {name}; the log has it",
                )

    def discard(self) -> None:
        """Remove what interrupted writes have left."""
        for channel in self._channels:
            channel.discard()

    def announce(
        self,
        outcome: Outcome,
        findings: Sequence[Finding] = (),
        changes: Changes | None = None,
    ) -> None:
        """Write what was found, the job summary and the outcome."""
        if outcome.ending is Ending.COMPLETED and self.lost:
            outcome = self._with_lost_outputs(outcome)
        for found in findings:
            self.log.line(f"  {found.label}: {found.text} {found.page}".rstrip())
        if changes:
            self._show_changes(changes)
        self._append_summary(summary.render(outcome, findings, changes))
        ending, progress = outcome.ending, outcome.progress
        if ending is Ending.COMPLETED:
            waited, polls = render(progress.elapsed), count(progress.polls, "poll")
            self.log.line(f"{ending.title} after {waited}, {polls}")
        elif ending is Ending.INVALID and not self.log.ci.has_annotations:
            problems = count(len(self._settings.problems), "problem")
            self.log.annotate(ending.level, ending.title, f"{problems}. {outcome.advice}")
        elif findings:
            self.log.annotate(ending.level, ending.title, outcome.reason)
        else:
            self.log.annotate(ending.level, ending.title, f"{outcome.reason}. {outcome.advice}")

    def crash(self, error: BaseException) -> None:
        """Write a traceback without credentials, and without anything that a runner would obey."""
        for block in format_exception(error):
            for line in block.splitlines():
                self.log.line(line)

    def _with_lost_outputs(self, outcome: Outcome) -> Outcome:
        ending = Ending.OUTPUT_LOST
        reason = self.log.show.piece(
            f"the Twilio build completed, but {', '.join(self.lost)} could not be written, so "
            "later steps would not see it"
        )
        return replace(outcome, ending=ending, reason=reason, advice=ending.advice)

    def _show_changes(self, changes: Changes) -> None:
        """Write a line for each change, removals first, and warn of removals."""
        for note in changes.notes:
            self.log.line(f"  {note}")
        for line in _change_lines(changes):
            self.log.line(f"  {line}")
        if changes.verdict == "none":
            self.log.line("  deploying this build would change nothing")
        if changes.verdict != "removals":
            return
        losses = [d for d in changes.differences if d.removed and d.sort in {"function", "asset"}]
        counts = " and ".join(count(len(loss.removed), loss.sort) for loss in losses)
        paths = [path for loss in losses for path in loss.removed]
        names = ", ".join(self.log.show.piece(path, _QUOTED) for path in paths[:SHOWN])
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        self.log.annotate(
            Level.WARNING,
            "Deploying this build removes functions or assets",
            f"{counts} would be removed from the environment: {names}{more}. Check that the "
            "build was made from a complete checkout",
        )

    def _append_summary(self, text: str) -> None:
        path = self._environ.get("GITHUB_STEP_SUMMARY", "") if self._settings.summary else ""
        if not path:
            return
        try:
            self._append(path, text)
        except OSError as error:
            self.log.annotate(
                Level.WARNING,
                "No job summary",
                f"GITHUB_STEP_SUMMARY could not be written ({_problem(error)}); nothing else is "
                "affected",
            )

    def _save(self, channel: Channel, values: Mapping[str, str]) -> bool:
        try:
            channel.save(values)
        except OSError as error:
            self.log.line(f"{channel.name} could not be written: {_problem(error)}")
            return False
        return True


def _change_lines(changes: Changes) -> Iterator[str]:
    kinds = {"removed": "removed", "added": "added", "other_version": "another version of"}
    for attribute, verb in kinds.items():
        for difference in changes.differences:
            names = getattr(difference, attribute)
            for name in names[:SHOWN]:
                yield f"{verb} {difference.sort} {name}"
            if len(names) > SHOWN:
                yield f"{verb} {len(names) - SHOWN} more {plural(difference.sort)}"


def _problem(error: OSError) -> str:
    return error.strerror or type(error).__name__
