#!/usr/bin/env -S python3 -I
"""The entrypoint: blocks the signals, then runs the package's guard.

It imports guard.py by itself, without the package, which may be broken, missing, or slow to import.
Old versions of Python must be able to read this file: it says which one is needed.
"""

import signal

# The first statement. A blocked signal waits for the guard's thread, even if the parent process
# ignores it; PID 1 would lose a signal that is neither blocked nor handled.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})

import os
import select
import sys


def run_guard() -> None:
    """Run the guard that is beside this file in a checkout, else where it is installed."""
    path = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"), *sys.path]
    sys.path[:0] = [os.path.join(folder, "twilio_build_wait") for folder in path]
    guard = __import__("guard")
    sys.path = path
    guard.main()


def stop(problem: str, traceback: str = "") -> None:
    """End a run in which not even the guard could start: the outcome first, then the log."""
    try:
        path = os.environ.get("GITHUB_OUTPUT") or os.devnull
        # In a sticky folder Linux refuses to create what exists.
        with open(path, "rb+" if os.path.exists(path) else "wb+") as file:
            # A new line starts only behind an unfinished one: act refuses a blank line.
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            file.write((b"" if file.read() in (b"", b"\n") else b"\n") + b"outcome=error\n")
    finally:
        title = "Internal error in twilio-build-wait"
        prefix = f"::error title={title}::" if os.environ.get("GITHUB_ACTIONS") else f"{title}: "
        try:
            if select.select([], [1], [], 1.0)[1]:  # nobody may read the log
                os.write(1, f"{traceback}{prefix}{problem}. It sent no request\n".encode())
        finally:
            os._exit(70)


if sys.version_info < (3, 11):  # noqa: UP036 (an older one is told so)
    stop("It needs Python 3.11 or later, and this is " + sys.version.split()[0])
try:
    run_guard()
except BaseException as error:  # noqa: BLE001 (its message may hold a secret)
    traceback = f"Traceback (most recent call last):\n{type(error).__name__}\n"
    stop("The package twilio_build_wait is missing or broken: install it again", traceback)
