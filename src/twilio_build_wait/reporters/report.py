"""The reporters of a run behind one object: the log, the output channels, the job summary."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from traceback import format_exception

from twilio_build_wait import __version__, redaction
from twilio_build_wait.durations import render
from twilio_build_wait.inputs import INPUTS, LATEST
from twilio_build_wait.model import (
    BuildStatus,
    Changes,
    Ending,
    Finding,
    Outcome,
    PollResult,
    Progress,
    count,
    outputs,
    plural,
)
from twilio_build_wait.reporters import channels, summary
from twilio_build_wait.reporters.channels import Channel
from twilio_build_wait.reporters.log import Log
from twilio_build_wait.reporters.summary import SHOWN
from twilio_build_wait.settings import Settings

# The longest path that the warning about removals quotes, in characters.
_QUOTED = 100


class Reporters:
    """Reports the wait, saves the outputs early and at the end, and announces the outcome.

    `append` appends lines to a file; it raises OSError.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        settings: Settings,
        log: Log,
        append: Callable[[str, str], None],
    ) -> None:
        self.log = log
        self._environ = environ
        self._settings = settings
        self._append = append
        self._channels: list[Channel] = []
        if path := environ.get("GITHUB_OUTPUT"):
            self._channels.append(channels.github_output(path, append))
        if settings.output_file:
            self._channels.append(channels.output_file(settings.output_file, log))
        if log.ci.has_outputs:
            self._channels.append(channels.standard_output(log))
        #: The channels that the outcome has not been written to.
        self.lost = [channel.name for channel in self._channels]

    def open(self, outcome: Outcome | None) -> None:
        """Write the masks, the first line, and what is wrong with the inputs.

        `outcome` is None unless the run has ended before the first poll.
        """
        log, settings = self.log, self._settings
        for line in log.ci.masks(redaction.masks(self._environ)):
            log.command(line)
        is_latest = settings.build_sid == LATEST
        build = "the latest build" if is_latest else f"build {settings.build_sid}"
        credential = "API key" if settings.login[0].startswith("SK") else "auth token"
        plan = (
            f": waiting for {build} of service {settings.service_sid} at {settings.host}, "
            f"timeout {render(settings.timeout)}, with {credential}"
        )
        log.line(f"twilio-build-wait {__version__}{'' if outcome else plan}")
        if log.ci.name:
            names = ", ".join(channel.name for channel in self._channels) or "no channel"
            log.line(f"{log.ci.name}: outputs go to {names}")
        for warning in settings.warnings:
            log.annotate("Check the inputs", warning)
        path = self._environ.get("GITHUB_OUTPUT")
        is_read = path and os.path.lexists(path)
        if self._environ.get("GITHUB_ACTIONS") == "true" and not is_read:
            problem = (
                "names a file that does not exist: check that its folder is mounted"
                if path
                else "is not set: pass it on to the container, with the file it names"
            )
            title = "No later step will see the outputs"
            log.annotate(title, f"GITHUB_OUTPUT {problem}")
        if outcome and outcome.ending is Ending.INVALID:
            if not any(known.values(self._environ) for known in INPUTS):
                log.line("No inputs are set. `twilio-build-wait --help` lists all of them.")
            for problem in settings.problems:
                log.line(f"  {problem}")

    def poll_ended(self, progress: Progress, result: PollResult, delay: float | None) -> None:
        """Report a poll; `delay` is in seconds until the next one, None after the last."""
        self.log.poll_ended(progress, result, delay)
        if isinstance(result, BuildStatus) and result.found:
            self.save_early(progress)

    def save_early(self, progress: Progress) -> None:
        """Save what is known before there is an outcome, so that it survives a kill."""
        known = {name: value for name, value in outputs(progress).items() if value}
        for channel in self._channels:
            if channel.is_file:
                self._save(channel, known)

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
                    "An output is out of date",
                    f"{channel.name} does not have the final {name}; the log has it",
                )

    def discard(self) -> None:
        """Remove what interrupted writes have left."""
        for channel in self._channels:
            channel.discard()

    def announce(
        self, outcome: Outcome, findings: Sequence[Finding] = (), changes: Changes | None = None
    ) -> None:
        """Write what was found, the job summary and the outcome."""
        if outcome.ending is Ending.COMPLETED and self.lost:
            reason = self.log.show.piece(
                f"the Twilio build completed, but {', '.join(self.lost)} could not be written, so "
                "later steps would not see it"
            )
            ending = Ending.OUTPUT_LOST
            outcome = replace(outcome, ending=ending, reason=reason, advice=ending.advice)
        for found in findings:
            self.log.line(f"  {found.label}: {found.text} {found.page}".rstrip())
        if changes:
            self._show_changes(changes)
        self._append_summary(summary.render(outcome, findings, changes))
        ending, progress = outcome.ending, outcome.progress
        message = outcome.reason if findings else f"{outcome.reason}. {outcome.advice}"
        if ending is Ending.INVALID and not self.log.ci.name:
            problems = count(len(self._settings.problems), "problem")
            message = f"{problems}. {outcome.advice}"  # the log has them just above
        if ending is Ending.COMPLETED:
            waited, polls = render(progress.elapsed), count(progress.polls, "poll")
            self.log.line(f"{ending.title} after {waited}, {polls}")
        else:
            is_cancelled = ending.outcome == "cancelled"
            self.log.annotate(ending.title, message, "warning" if is_cancelled else "error")

    def crash(self, error: BaseException) -> None:
        """Write a traceback without credentials, and without anything that a runner would obey."""
        for block in format_exception(error):
            for line in block.splitlines():
                self.log.line(line)

    def _show_changes(self, changes: Changes) -> None:
        """Write a line for each change, removals first, and warn of removals."""
        for line in (*changes.notes, *_change_lines(changes)):
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
            "Deploying this build removes functions or assets",
            f"{counts} would be removed from the environment: {names}{more}. Check that the "
            "build was made from a complete checkout",
        )

    def _append_summary(self, text: str) -> None:
        path = self._environ.get("GITHUB_STEP_SUMMARY")
        if not (path and self._settings.summary):
            return
        try:
            self._append(path, text)
        except OSError as error:
            self.log.annotate(
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
