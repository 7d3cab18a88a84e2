#!/usr/bin/env -S python3 -I
"""The container's entrypoint: signals first, then the package, inside a guard."""

import signal

caught: list[int] = []


def cancel(number: int, _frame: object) -> None:
    """Note a signal; what it finds hanging before the package takes over gets less than 1 s."""
    caught.append(number)
    if len(caught) == 1:
        signal.setitimer(signal.ITIMER_REAL, 0.7)


# As PID 1 a signal that comes before its handler is lost, hence no import above these lines.
signal.signal(signal.SIGALRM, lambda _number, _frame: leave(128 + caught[0], *CANCELLED))
signal.signal(signal.SIGINT, cancel)
signal.signal(signal.SIGTERM, cancel)

import os  # noqa: E402 (handlers first)
import sys  # noqa: E402 (handlers first)

#: Every output of a wait that was cancelled before anything was known.
CANCELLED: list[str] = [
    "outcome=cancelled",
    *("status=", "build-sid=", "service-sid=", "account-sid=", "url="),
    *("elapsed-seconds=0.0", "polls=0", "reason=cancelled before it began"),
]


def leave(code: int, *outputs: str) -> None:
    """Write step outputs and end with an exit code, and with nothing else: never returns."""
    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the end is decided
    try:
        if outputs and (path := os.environ.get("GITHUB_OUTPUT")):
            append = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
            os.write(os.open(path, append, 0o666), "\n".join(["", *outputs, ""]).encode())
    finally:
        # Not sys.exit: what still hangs in a thread, or a closed standard output, must not
        # change the exit code.
        os._exit(code)


def main() -> None:
    """Run the package; a bug of ours, a package that does not import included, exits 70."""
    code, outputs = 70, ["outcome=error"]
    try:
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))
        from twilio_build_wait.main import run  # noqa: PLC0415 (inside the guard)

        code, outputs = run(caught), []
    except BaseException as error:  # noqa: BLE001 (exit 1 would look like a failed build)
        complain(error)
    finally:
        leave(code, *outputs)


def complain(error: BaseException) -> None:
    """Say where it happened and what kind it is; its message could hold a secret."""
    from traceback import extract_tb  # noqa: PLC0415 (hardly ever needed)

    said = ["Traceback (most recent call last):"]
    said += [f"  {at.filename}:{at.lineno} in {at.name}" for at in extract_tb(error.__traceback__)]
    said += [type(error).__name__, "twilio-build-wait could not run; nothing was requested"]
    if os.environ.get("GITHUB_ACTIONS"):
        said += ["::error title=Internal error in twilio-build-wait::it could not run; see the log"]
    os.write(1, "\n".join([*said, ""]).encode(errors="backslashreplace"))


main()
