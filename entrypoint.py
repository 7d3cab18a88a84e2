#!/usr/bin/env -S python3 -I
"""The container's entrypoint: signals first, then the package, inside a guard."""

import signal

caught: list[int] = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda received, _frame: caught.append(received))

# As PID 1 a signal that comes before its handler is lost, hence no import above this line.
import os  # noqa: E402
import sys  # noqa: E402

BUG = 70  # a package that does not import is one, too
code = BUG
try:
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))
    from twilio_build_wait.main import run

    code = run(caught)
except BaseException as error:  # noqa: BLE001 (exit 1 would look like a failed build)
    from traceback import extract_tb

    # Where it happened and what kind it is, and never its message: that could hold a secret.
    said = ["Traceback (most recent call last):"]
    said += [f"  {at.filename}:{at.lineno} in {at.name}" for at in extract_tb(error.__traceback__)]
    said += [type(error).__name__, "twilio-build-wait could not run; nothing was requested"]
    if os.environ.get("GITHUB_ACTIONS"):
        said += ["::error title=Internal error in twilio-build-wait::it could not run; see the log"]
    os.write(1, "\n".join([*said, ""]).encode(errors="backslashreplace"))
finally:
    try:
        if code == BUG and os.environ.get("GITHUB_OUTPUT"):
            with open(os.environ["GITHUB_OUTPUT"], "a") as file:
                file.write("\noutcome=error\n")
    finally:
        # Not sys.exit: what still hangs in a thread, or a closed standard output, must not
        # change the exit code.
        os._exit(code)
