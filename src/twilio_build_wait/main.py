"""The whole story: environment, settings, wait, outcome, reporters, exit code."""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from twilio_build_wait.outcome import EXIT_OUTPUT_LOST, Ending, Finding, Outcome, Progress
from twilio_build_wait.reporters import Reporters
from twilio_build_wait.reporters.console import Console, standard_output
from twilio_build_wait.reporters.dialects import choose
from twilio_build_wait.settings import Settings, read
from twilio_build_wait.signals import Cancelled, Signals
from twilio_build_wait.text import Redactor

_BUG = "this is a bug in twilio-build-wait, and nothing is known about the build"
# How often a pause shows that the wait is alive, in seconds.
_TICK = 1.0


def run(caught: list[int]) -> int:
    """Run as a process, and return its exit code.

    Args:
        caught: the numbers of the signals that the handlers of the first statements have seen.
    """
    signals = Signals(caught)
    write = standard_output(hurried=lambda: signals.caught is not None)
    if sys.argv[1:] in (["--help"], ["-h"], ["--version"]):
        from twilio_build_wait import usage  # noqa: PLC0415 (a wait has no need of it)

        return usage.answer(sys.argv[1], write)
    is_live = os.isatty(1) and not (os.environ.get("CI") or os.environ.get("GITHUB_ACTIONS"))
    return main(os.environ, sys.argv[1:], signals, write, live=is_live)


def main(
    environ: Mapping[str, str],
    arguments: Sequence[str],
    signals: Signals,
    write: Callable[[bytes], None],
    *,
    live: bool,
) -> int:
    """Read the inputs, wait, report, and return the exit code.

    Args:
        environ: the environment.
        arguments: the command line, which must be empty.
        signals: what answers to SIGINT and SIGTERM.
        write: writes bytes to standard output.
        live: whether a person watches at a terminal.
    """
    settings = read(environ, arguments)
    redact = Redactor(settings.secrets)
    console = Console(write, choose(environ), redact, time.monotonic, live=live)
    reporters = Reporters(environ, settings, console, time.time)
    known = _known(settings, redact)
    console.progress = known
    ended: Outcome | None = None
    findings: tuple[Finding, ...] = ()
    lost: list[str] = []

    def last_will() -> int:
        return _left(signals.caught or 0, ended, lost, reporters)

    signals.last_will = last_will
    try:
        ended = _before_the_wait(settings, known, signals, console)
        reporters.open(ended)
        if ended is None:
            reporters.begin(known)
            ended = _wait(settings, known, signals, console)
        lost = reporters.save(ended)
        if ended.ending is Ending.FAILED and settings.diagnose:
            ended, findings = _diagnose(settings, ended, signals, console)
            reporters.amend(ended)
    except Exception as error:  # noqa: BLE001 (a bug of ours must not look like a failed build)
        ended = Outcome(Ending.ERROR, console.progress, _BUG)
        reporters.crash(error)
        lost = reporters.save(ended)
    reporters.announce(ended, findings, lost=lost)
    return _exit_code(ended, lost)


def _exit_code(ended: Outcome, lost: Sequence[str]) -> int:
    is_lost = ended.ending is Ending.COMPLETED and lost
    return EXIT_OUTPUT_LOST if is_lost else ended.ending.exit_code


def _left(number: int, ended: Outcome | None, lost: Sequence[str], reporters: Reporters) -> int:
    """Report what can be, when a signal is not answered in time; return the exit code.

    A verdict once read is final. Before there is one, the wait was cancelled.
    """
    if ended is None:
        progress = reporters.console.progress
        ended = Outcome(Ending.of_signal(number), progress, str(Cancelled(number)))
        lost = reporters.save(ended)
        reporters.announce(ended, lost=lost)
    return _exit_code(ended, lost)


def _known(settings: Settings, redact: Callable[[str], str]) -> Progress:
    """Say what is known before the first read; an address that holds a secret is not shown."""
    url = settings.status_url
    return Progress(settings.build_sid, settings.service_sid, url=url if redact(url) == url else "")


def _before_the_wait(
    settings: Settings, known: Progress, signals: Signals, console: Console
) -> Outcome | None:
    """Return how it ended before anything was requested, or None if it has not."""
    if signals.caught:
        return Outcome(Ending.of_signal(signals.caught), known, str(Cancelled(signals.caught)))
    if settings.problems:
        return Outcome(Ending.INVALID, known, console.show("; ".join(settings.problems)))
    return None


def _wait(settings: Settings, known: Progress, signals: Signals, console: Console) -> Outcome:
    # Imported once the inputs are known to be right: most of the start-up time is spent here.
    from twilio_build_wait.status import reader  # noqa: PLC0415 (see above)
    from twilio_build_wait.transport import Transport  # noqa: PLC0415 (see above)
    from twilio_build_wait.wait import Limits, Wait  # noqa: PLC0415 (see above)

    def pause(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > _TICK:
            signals.sleep(_TICK)
            console.tick()
        signals.sleep(max(0.0, left))

    transport = Transport(settings.user, settings.secret, signals)
    return Wait(
        reader(transport.get, settings, console.show),
        Limits(settings.timeout, settings.interval, settings.max_interval),
        known,
        console,
        clock=time.monotonic,
        sleep=pause,
        uniform=random.uniform,
        show=console.show,
    ).run()


def _diagnose(
    settings: Settings, ended: Outcome, signals: Signals, console: Console
) -> tuple[Outcome, tuple[Finding, ...]]:
    """Look for the reason of a failed build; whatever happens, the verdict stands."""
    from twilio_build_wait.diagnosis import diagnose  # noqa: PLC0415 (as in _wait)
    from twilio_build_wait.transport import Transport  # noqa: PLC0415 (as in _wait)

    console.line("looking for the reason in Twilio, for 10 s at most")
    transport = Transport(settings.user, settings.secret, signals)
    try:
        found = diagnose(
            transport.get,
            settings,
            ended.progress,
            clock=time.monotonic,
            now=time.time,
            show=console.show,
            redact=console.redact,
        )
    except Exception as error:  # noqa: BLE001 (a bug of ours, and no reason to change the verdict)
        console.line(f"the reason could not be looked up: {type(error).__name__}")
        return ended, ()
    return replace(ended, reason=console.show(found.reason)), found.findings
