"""One run: environment, settings, wait, outcome, reporters, exit code."""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from twilio_build_wait import redaction
from twilio_build_wait.inputs import LATEST
from twilio_build_wait.model import Changes, Ending, Finding, Outcome, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log, standard_output
from twilio_build_wait.reporters.report import Reporters
from twilio_build_wait.settings import read
from twilio_build_wait.signals import Cancelled, ProcessSignals, Signals, Watch
from twilio_build_wait.text import SafeText
from twilio_build_wait.wait import Limits, Wait, poll_until_the_end

# The process ends by the timeout and so many seconds, wherever it hangs; 45 are promised.
_LONGEST_HANG = 43.0
# How often a pause gives a sign of life, in seconds.
_TICK = 1.0


@dataclass(frozen=True)
class Runtime:
    """Everything that a run takes from its process.

    `write` writes to standard output and `append` to a file, both raise OSError. `clock` is
    monotonic and `now` the wall clock, both in seconds. `uniform` is `random.uniform`.
    """

    write: Callable[[bytes], None]
    append: Callable[[str, str], None]
    signals: Signals
    clock: Callable[[], float]
    now: Callable[[], float]
    uniform: Callable[[float, float], float]
    is_terminal: bool


def run(watch: Watch, append: Callable[[str, str], None]) -> int:
    """Run in this process and return its exit code; see `guard` for the arguments."""
    signals = ProcessSignals(watch)
    write = standard_output()
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"], ["--version"]):
        from twilio_build_wait import usage  # noqa: PLC0415 (a wait does not need it)

        return usage.answer(arguments[0], write)
    runtime = Runtime(
        write, append, signals, time.monotonic, time.time, random.uniform, os.isatty(1)
    )
    return main(os.environ, arguments, runtime)


def main(environ: Mapping[str, str], arguments: Sequence[str], runtime: Runtime) -> int:
    """Read the inputs, wait, report, and return the exit code.

    `requests` reads proxies and the CA bundle from the process's own environment. `arguments` are
    the command line without the program; there must be none.
    """
    this = Run(environ, arguments, runtime)
    runtime.signals.before_exit(this.final_report, this.exit_code)
    try:
        this.wait_and_report()
    except Exception as error:  # noqa: BLE001 (a bug must not look like a failed build)
        with suppress(Exception):  # one more bug; the outcome is saved first
            this.crash(error)
    return this.exit_code()


class Run:
    """One run of the tool; see `main` for the arguments."""

    def __init__(
        self, environ: Mapping[str, str], arguments: Sequence[str], runtime: Runtime
    ) -> None:
        self._environ = environ
        self._runtime = runtime
        self._settings = settings = read(environ, arguments)
        self._show = show = Redactor(redaction.secrets(environ))
        is_live = runtime.is_terminal and not (environ.get("CI") or environ.get("GITHUB_ACTIONS"))
        log = Log(runtime.write, choose(environ), show, runtime.clock, is_live=is_live)
        self._reporters = Reporters(environ, settings, log, runtime.append)
        build_sid = "" if settings.build_sid == LATEST else settings.build_sid
        url = settings.status_url(build_sid)
        is_shown = show.piece(url) == url  # it may hold a credential
        self._wait = Wait(
            Limits(settings.timeout, settings.interval, settings.max_interval),
            Progress(build_sid, settings.service_sid, url=url if is_shown else ""),
            clock=runtime.clock,
            uniform=runtime.uniform,
            show=show.piece,
        )

    def wait_and_report(self) -> None:
        """Wait, save the outputs, look for what explains the verdict, and announce it."""
        wait, reporters, settings = self._wait, self._reporters, self._settings
        if number := self._runtime.signals.caught:
            wait.cancel(number)
        elif settings.problems:
            wait.end(Ending.INVALID, self._show.piece("; ".join(settings.problems)))
        self._runtime.signals.end_after(settings.timeout + _LONGEST_HANG)
        reporters.open(wait.outcome)
        outcome = wait.outcome or self._poll()
        reporters.save(outcome)
        findings: tuple[Finding, ...] = ()
        changes = None
        if outcome.ending is Ending.FAILED and settings.diagnose:
            outcome, findings = self._diagnose(outcome)
        elif outcome.ending is Ending.COMPLETED and settings.environment_sid:
            changes = self._compare(outcome.progress)
        reporters.announce(outcome, findings, changes)

    def final_report(self, number: int | None) -> None:
        """Report what is possible where the main thread hangs: a signal, or None for the time."""
        self._reporters.discard()
        if self._wait.outcome is None:
            self._report(self._end(number))

    def crash(self, error: Exception) -> None:
        """Report a bug of ours, the outcome first; a verdict that has been read stands."""
        reason = SafeText("a bug in twilio-build-wait; there is no verdict")
        outcome = self._wait.end(Ending.ERROR, reason)
        if self._reporters.lost:
            self._reporters.save(outcome)
        self._reporters.crash(error)
        self._reporters.announce(outcome)

    def exit_code(self, number: int | None = None) -> int:
        """Return the exit code as things stand, for a signal that has arrived or without one."""
        ending = (self._wait.outcome or self._end(number)).ending
        if ending is Ending.COMPLETED and self._reporters.lost:
            ending = Ending.OUTPUT_LOST
        return ending.exit_code

    def _end(self, number: int | None) -> Outcome:
        if number is not None:
            return self._wait.cancel(number)
        reason = "no verdict, because this machine hangs: a disk, or a log that nobody reads"
        return self._wait.end(Ending.TIMED_OUT, SafeText(reason))

    def _report(self, outcome: Outcome) -> None:
        self._reporters.save(outcome)
        self._reporters.announce(outcome)

    def _poll(self) -> Outcome:
        """Poll until there is an outcome."""
        self._reporters.save_early(self._wait.progress)
        # Imported when the inputs are known to be valid: `requests` takes most of the start-up
        # time, and until then a signal leaves all outputs behind.
        from twilio_build_wait.twilio.polls import Poller  # noqa: PLC0415 (see above)
        from twilio_build_wait.twilio.transport import Transport  # noqa: PLC0415 (see above)

        runtime, settings = self._runtime, self._settings
        transport = Transport(settings.login, runtime.signals, self._environ, self._show)
        self._get = transport.get
        self._poller = Poller(transport.get, settings, runtime.now, self._show)
        report = self._reporters.poll_ended
        return poll_until_the_end(self._wait, self._poller.poll, report, self._pause)

    def _pause(self, seconds: float) -> None:
        """Sleep, and give signs of life."""
        clock, sleep = self._runtime.clock, self._runtime.signals.sleep
        until = clock() + seconds
        sleep(0.0)  # raises if a signal has arrived
        while (left := until - clock()) > 0:
            sleep(min(left, _TICK))
            self._reporters.log.tick(self._wait.progress, self._wait.elapsed)

    def _diagnose(self, outcome: Outcome) -> tuple[Outcome, tuple[Finding, ...]]:
        """Look for the reason of a failed build and save it; the verdict stands."""
        from twilio_build_wait.twilio.diagnosis import LIMIT, Search  # noqa: PLC0415 (as in _poll)

        self._reporters.log.line(f"looking for the reason in Twilio, for {LIMIT:.0f} s at most")
        search = Search(
            self._get,
            self._settings,
            outcome.progress,
            clock=self._runtime.clock,
            now=self._poller.server_date or datetime.fromtimestamp(self._runtime.now(), UTC),
            show=self._show,
        )
        diagnosis = search.run()
        self._reporters.amend("reason", diagnosis.reason)
        return replace(outcome, reason=diagnosis.reason), diagnosis.findings

    def _compare(self, progress: Progress) -> Changes:
        """Compare the build with what is live and save the result; the verdict stands."""
        from twilio_build_wait.twilio.changes import read_changes  # noqa: PLC0415 (as in _poll)

        sid = self._settings.environment_sid
        self._reporters.log.line(f"comparing the build with environment {sid}")
        try:
            changes = read_changes(
                self._get, self._settings, progress, self._runtime.clock, self._show
            )
        except Cancelled:
            changes = Changes(notes=(SafeText("the comparison was stopped: a signal arrived"),))
        if changes.verdict:
            self._reporters.amend("changes", changes.verdict)
        return changes
