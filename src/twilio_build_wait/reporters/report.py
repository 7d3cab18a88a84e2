"""The reporters of a run behind one object: the log, the output channels, the job summary."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from twilio_build_wait import __version__, credentials
from twilio_build_wait.durations import render
from twilio_build_wait.inputs import BUILD_SID, OUTPUT_FILE, SERVICE_SID, SUMMARY, TIMEOUT
from twilio_build_wait.model import Ending, Finding, Outcome, Progress, count
from twilio_build_wait.outputs import outputs
from twilio_build_wait.reporters import channels, summary
from twilio_build_wait.reporters.channels import Channel
from twilio_build_wait.reporters.log import Log
from twilio_build_wait.safe_text import Message, join, message
from twilio_build_wait.settings import Settings


class Reporters:
    """Saves the outputs and announces the outcome, once, in whichever thread comes first."""

    def __init__(
        self, environ: Mapping[str, str], log: Log, append: Callable[[str, str], None]
    ) -> None:
        self.log = log
        self._environ = environ
        self._settings = Settings()
        self._append = append
        self._channels: list[Channel] = []
        if path := environ.get("GITHUB_OUTPUT"):
            self._channels.append(channels.github_output(path, append))
        if log.ci.output:
            self._channels.append(channels.standard_output(log))
        self._last_written: Channel | None = None
        self._save_once, self._announce_once = threading.Lock(), threading.Lock()

    def open(self, settings: Settings) -> None:
        """Tell the CI what to hide; write the first line, and what is wrong with the inputs."""
        self._settings = settings
        if path := settings[OUTPUT_FILE]:
            self._channels.append(channels.output_file(path, self.log))
        for line in self.log.ci.lines(self.log.ci.mask, credentials.masks(self._environ)):
            self.log.command(line)
        self.log.line(_first_line(settings))
        for warning in settings.warnings:
            self.log.annotate("Check the inputs", warning)
        path = self._environ.get("GITHUB_OUTPUT", "")
        if self._environ.get("GITHUB_ACTIONS") == "true" and not os.path.exists(path):
            unset = "is not set: pass it on to the container, with the file it names"
            missing = "names a file that does not exist: check that its folder is mounted"
            title = "No later step will see the outputs"
            self.log.annotate(title, message(f"GITHUB_OUTPUT {missing if path else unset}"))
        for problem in settings.problems:
            self.log.line(message("  {}", problem))

    def save_early(self, progress: Progress) -> None:
        """Save what is known before there is an outcome, so that it survives a kill."""
        values = {name: value for name, value in outputs(progress).items() if value}
        for channel in self._channels:
            if channel.is_file:
                self._write(channel, values)

    def save(self, outcome: Outcome) -> None:
        """Save every output, once."""
        if self._save_once.acquire(blocking=False):
            values = outputs(outcome.progress, outcome)
            # Write last what may hang: standard output, and where the main thread is writing.
            self._channels = sorted(
                self._channels, key=lambda each: (not each.is_file, each is self._last_written)
            )
            for channel in self._channels:
                channel.has_outcome = self._write(channel, values)

    def amend(self, name: str, value: str) -> None:
        """Save one output again; only warn if that fails."""
        for channel in self._channels:
            if not self._write(channel, {name: value}):
                problem = f"{{}} does not have the final {name}; the log has it"
                self.log.annotate("An output is out of date", message(problem, channel.name))

    def final(self, outcome: Outcome) -> Outcome:
        """Return the outcome, or OUTPUT_LOST if the build completed and a channel lacks that."""
        lost = join(", ", *(each.name for each in self._channels if not each.has_outcome))
        if outcome.ending.exit_code or not lost:
            return outcome
        text, ending = "could not be written, so later steps would not see it", Ending.OUTPUT_LOST
        reason = message(f"the Twilio build completed, but {{}} {text}", lost)
        return Outcome(ending, outcome.progress, reason, message(ending.advice))

    def announce(self, outcome: Outcome, findings: Sequence[Finding] = ()) -> None:
        """Write what was found, the outcome and the job summary, once."""
        if not self._announce_once.acquire(blocking=False):
            return
        for finding in findings:
            if finding.warning:
                self.log.annotate(finding.warning, finding.text)
            else:
                line = f"  {finding.label}: {{}} {finding.page}".rstrip()
                self.log.line(message(line, finding.text))
        outcome = self.final(outcome)
        progress, ending = outcome.progress, outcome.ending
        if latest := progress.latest:
            self.log.line(message("latest is {}. {}", latest.description, latest.caution))
        if ending.level:
            text = join(". ", outcome.reason, outcome.advice)
            self.log.annotate(ending.title, text, ending.level)
        else:
            waited, polls = render(progress.elapsed), count(progress.polls, "poll")
            done = message(f"{ending.title} after {waited}, {polls}")
            self.log.line(join(". ", done, outcome.advice))
        self._append_summary(summary.render(outcome, findings))

    def _append_summary(self, text: str) -> None:
        path = self._environ.get("GITHUB_STEP_SUMMARY")
        if path and self._settings[SUMMARY]:
            try:
                self._append(path, text)
            except OSError as error:
                problem = "GITHUB_STEP_SUMMARY could not be written ({}); nothing else is affected"
                self.log.annotate("No job summary", message(problem, str(error.strerror)))

    def _write(self, channel: Channel, values: Mapping[str, str]) -> bool:
        """Write outputs to a channel; return whether they could be written."""
        self._last_written = channel
        try:
            channel.save(values)
        except Exception as error:  # noqa: BLE001 (the others are still written)
            problem = getattr(error, "strerror", None) or type(error).__name__
            self.log.line(message("{} could not be written: {}", channel.name, problem))
            return False
        return True


def _first_line(settings: Settings) -> Message:
    name = f"twilio-build-wait {__version__}"
    if settings.problems:
        return message(name)
    build = "the latest build" if settings.is_latest else f"build {settings[BUILD_SID]}"
    credential = "API key" if settings.login[0].startswith("SK") else "auth token"
    return message(
        f"{name}: waiting for {build} of service {{}} at {{}}, "
        f"timeout {render(settings[TIMEOUT])}, with {credential}",
        settings[SERVICE_SID],
        urlsplit(settings.root).netloc,
    )
