"""One run: environment, settings, wait, outcome, reporters, exit code."""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from traceback import format_exception

from twilio_build_wait.credentials import Redactor, secrets
from twilio_build_wait.guard import Watch
from twilio_build_wait.inputs import DIAGNOSE, ENVIRONMENT_SID, TIMEOUT
from twilio_build_wait.model import BuildStatus, Ending, Finding, Outcome, PollResult, Progress
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log, standard_output
from twilio_build_wait.reporters.report import Reporters
from twilio_build_wait.safe_text import NOTHING, join, message
from twilio_build_wait.schedule import Uniform
from twilio_build_wait.settings import Settings, read
from twilio_build_wait.signals import Clock, ProcessSignals, Signals
from twilio_build_wait.wait import Wait, poll_until_the_end

# How often a pause gives a heartbeat, in seconds.
_TICK = 1.0


@dataclass(frozen=True)
class Runtime:
    """Everything that a run takes from its process; `write` and `append` raise OSError."""

    write: Callable[[bytes], None]
    append: Callable[[str, str], None]
    watch: Watch
    signals: Signals
    clock: Clock
    wall_clock: Clock
    uniform: Uniform
    is_terminal: bool


def run(watch: Watch, append: Callable[[str, str], None]) -> int:
    """Run in this process and return its exit code; see `guard` for the arguments."""
    signals, write = ProcessSignals(watch), standard_output()
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"], ["--version"]):
        from twilio_build_wait import usage  # noqa: PLC0415 (a wait does not need it)

        return usage.answer(arguments[0], write)
    runtime = Runtime(
        write, append, watch, signals, time.monotonic, time.time, random.uniform, os.isatty(1)
    )
    return main(os.environ, arguments, runtime)


def main(environ: Mapping[str, str], arguments: Sequence[str], runtime: Runtime) -> int:
    """Wait and report by an environment; return the exit code. There must be no `arguments`."""
    this = Run(environ, runtime)
    runtime.watch.final_report, runtime.watch.exit_code = this.final_report, this.exit_code
    try:
        this.prepare(arguments)
        this.wait_and_report()
    except BaseException as error:  # noqa: BLE001 (a bug must not look like a failed build)
        with suppress(Exception):  # one more bug; the outcome is saved first
            this.crash(error)
    return this.exit_code()


class Run:
    """One run of the tool; see `main`."""

    def __init__(self, environ: Mapping[str, str], runtime: Runtime) -> None:
        self._environ = environ
        self._runtime = runtime
        self._settings = Settings()
        self._wait = Wait(self._settings, runtime.clock, runtime.uniform)
        is_live = runtime.is_terminal and not (environ.get("CI") or environ.get("GITHUB_ACTIONS"))
        log = Log(runtime.write, choose(environ), runtime.clock, is_live)
        self._reporters = Reporters(environ, log, runtime.append)

    def prepare(self, arguments: Sequence[str]) -> None:
        """Read the inputs; if one is invalid, or a signal has arrived, the wait is over."""
        self._settings = settings = read(self._environ, arguments)
        self._runtime.watch.ends_at += settings[TIMEOUT]
        self._wait = wait = Wait(settings, self._runtime.clock, self._runtime.uniform)
        if number := self._runtime.signals.caught:
            wait.cancel(number)
        elif settings.problems:
            wait.end(Ending.INVALID, join("; ", *settings.problems))
        self._reporters.open(settings)

    def wait_and_report(self) -> None:
        """Wait, save the outputs, look for what explains the verdict, and announce it."""
        outcome = self._wait.outcome or self._poll()
        findings: tuple[Finding, ...] = ()
        self._reporters.save(outcome)
        if outcome.ending is Ending.FAILED and self._settings[DIAGNOSE]:
            outcome, findings = self._diagnose(outcome)
        elif not outcome.ending.exit_code and self._settings[ENVIRONMENT_SID]:
            findings = self._compare(outcome)
        self._reporters.announce(outcome, findings)

    def final_report(self, number: int | None) -> None:
        """Report what is possible where the main thread hangs: a signal, or None for the time."""
        outcome = self._end(number)
        self._reporters.save(outcome)
        self._reporters.announce(outcome)

    def crash(self, error: BaseException) -> None:
        """Report a bug of ours, the outcome first; one that came before it stands."""
        reason, advice = message("a bug in twilio-build-wait"), None
        package = error.name if isinstance(error, ModuleNotFoundError) else None
        if package and not package.startswith("twilio_build_wait"):
            reason = message("the Python package {} is not installed", package)
            advice = message("Install what is missing: python3 -m pip install requests backoff")
        outcome = self._wait.end(Ending.ERROR, reason, advice)
        self._reporters.save(outcome)
        blocks = format_exception(error)
        if outcome.ending is not Ending.ERROR:
            # Not a whole traceback: nothing is wrong with the outcome.
            note = "A bug in twilio-build-wait cut the rest short; the outcome stands\n"
            blocks = [note, *blocks[-2:]]
        try:
            for line in Redactor(secrets(self._environ)).redact("".join(blocks)).splitlines():
                self._reporters.log.line(message("{}", line))
        finally:
            self._reporters.announce(outcome)

    def exit_code(self, number: int | None = None) -> int:
        """Return the exit code as things stand, for a signal that has arrived or without one."""
        return self._reporters.final(self._end(number)).ending.exit_code

    def _end(self, number: int | None) -> Outcome:
        """Return the outcome; if there is none yet, the wait ends here."""
        if number is not None:
            return self._wait.cancel(number)
        reason = "no verdict, because this machine hangs: a disk, or a log that nobody reads"
        return self._wait.end(Ending.TIMED_OUT, message(reason))

    def _poll(self) -> Outcome:
        self._reporters.save_early(self._wait.progress)
        # Imported when the inputs are known to be valid: `requests` takes most of the start-up
        # time, and until then a signal leaves all outputs behind.
        from twilio_build_wait.twilio.client import Client  # noqa: PLC0415 (see above)
        from twilio_build_wait.twilio.status import Poller  # noqa: PLC0415 (see above)

        self._client = Client(
            self._settings.login,
            self._runtime.signals,
            self._environ,
            Redactor(secrets(self._environ)),
            self._runtime.clock,
            self._runtime.wall_clock,
        )
        poll = Poller(self._client, self._settings).poll
        return poll_until_the_end(self._wait, poll, self._poll_ended, self._pause)

    def _poll_ended(self, progress: Progress, result: PollResult, delay: float | None) -> None:
        # The outputs come before the log, which may be a pipe that nobody reads.
        if self._wait.outcome:
            self._reporters.save(self._wait.outcome)
        elif isinstance(result, BuildStatus) and result.latest:
            self._reporters.save_early(progress)
        self._reporters.log.poll_ended(progress, result, delay)

    def _pause(self, seconds: float) -> None:
        clock, sleep = self._runtime.clock, self._runtime.signals.sleep
        until = clock() + seconds
        sleep(0.0)  # raises if a signal has arrived
        while (left := until - clock()) > 0:
            sleep(min(left, _TICK))
            self._reporters.log.tick(self._wait.progress, self._wait.elapsed)

    def _diagnose(self, outcome: Outcome) -> tuple[Outcome, tuple[Finding, ...]]:
        """Look for the reason of a failed build, and save it."""
        from twilio_build_wait.twilio import diagnosis  # noqa: PLC0415 (as in _poll)

        plan = f"looking for the reason in Twilio, for {diagnosis.LIMIT:.0f} s at most"
        self._reporters.log.line(message(plan))
        search = diagnosis.Diagnosis(self._client, self._settings, outcome.progress)
        reason, findings = search.run()
        if latest := outcome.progress.latest:
            reason = latest.qualify(reason)
        self._reporters.amend("reason", reason.fit())
        return replace(outcome, reason=reason, advice=NOTHING), findings

    def _compare(self, outcome: Outcome) -> tuple[Finding, ...]:
        """Compare a build with what is live, and save what would change."""
        from twilio_build_wait.twilio.changes import read_changes  # noqa: PLC0415 (as in _poll)

        plan = f"comparing the build with environment {self._settings[ENVIRONMENT_SID]}"
        self._reporters.log.line(message(plan))
        changes, findings = read_changes(self._client, self._settings, outcome.progress)
        if changes:
            self._reporters.amend("changes", changes)
        return findings
