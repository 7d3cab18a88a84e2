#!/usr/bin/env -S python3 -I
"""The entrypoint: signal handlers first, then the package inside a guard.

The package's `__main__.py` is a symbolic link to this file, so the console script runs the same
guard. Nothing above `main` imports the package, which may be broken or missing.
"""

import signal

caught: list[int] = []


def note_signal(number: int, _frame: object) -> None:
    """Remember a signal; if nothing has answered it after 0.7 s, SIGALRM ends the process."""
    caught.append(number)
    if len(caught) == 1:
        signal.setitimer(signal.ITIMER_REAL, 0.7)


def give_up(_number: int, _frame: object) -> None:
    """End the process: the import of the package hangs. A SIGALRM from outside is ignored."""
    if caught and not signal.getitimer(signal.ITIMER_REAL)[0]:
        leave(128 + caught[0], "cancelled")


# The kernel drops a signal for PID 1 that has no handler yet, so no import comes before these.
signal.alarm(0)  # an alarm that the parent process has set
signal.signal(signal.SIGALRM, give_up)
signal.signal(signal.SIGINT, note_signal)
signal.signal(signal.SIGTERM, note_signal)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM, signal.SIGINT, signal.SIGTERM})

import os  # noqa: E402 (handlers first)
import sys  # noqa: E402 (handlers first)


def append(path: str, text: str) -> None:
    """Append whole lines to a file; a write that fails leaves it as it was. Raises OSError."""
    # O_NONBLOCK: opening a named pipe that nobody reads is an error instead of a hang.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o666)
    size = os.fstat(descriptor).st_size
    # act refuses a blank line, so a new line starts only behind an unfinished one.
    try:
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            start = "" if file.read(1) in {b"", b"\n"} else "\n"
    except OSError:  # it is empty, or cannot be read
        start = ""
    data = (start + text).encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        if os.path.isfile(path):
            os.ftruncate(descriptor, size)
        raise
    finally:
        os.close(descriptor)


def leave(code: int, outcome: str = "") -> None:
    """Write the outcome as a step output if one is given, and end the process."""
    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the exit code is final
    try:
        if outcome and (path := os.environ.get("GITHUB_OUTPUT")):
            append(path, f"outcome={outcome}\n")
    finally:
        # Not sys.exit: a thread that hangs or a closed standard output must not change the code.
        os._exit(code)


def main() -> None:
    """Run the package and exit. Anything that it raises exits 70: 1 would mean a failed build."""
    code, outcome = 70, "error"
    try:
        # Libraries warn on standard error, which a runner shows out of order.
        sys.stderr = None  # allowed: docs.python.org/3/library/sys.html
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))
        from twilio_build_wait.main import run  # noqa: PLC0415 (inside the guard)

        code, outcome = run(caught, append), ""
    except BaseException as error:  # noqa: BLE001 (see above)
        from traceback import extract_tb  # noqa: PLC0415 (needed only here)

        # Where it was raised and its type, but not its message: that may hold a secret.
        lines = ["Traceback (most recent call last):"]
        places = extract_tb(error.__traceback__)
        lines += [f"  {at.filename}:{at.lineno} in {at.name}" for at in places]
        lines += [type(error).__name__, "twilio-build-wait could not start; it sent no request"]
        if os.environ.get("GITHUB_ACTIONS"):
            title = "Internal error in twilio-build-wait"
            lines += [f"::error title={title}::It could not start: see log"]
        os.write(1, "\n".join([*lines, ""]).encode(errors="backslashreplace"))
    finally:
        leave(code, outcome)


if __name__ == "__main__":
    main()
