"""The console script, and `python -m twilio_build_wait`: what the entrypoint does, installed."""

import signal

caught: list[int] = []


def script() -> None:
    """Run the tool, from signal handlers to exit code, inside a guard; never returns."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: caught.append(received))
    # As PID 1 a signal that comes before its handler is lost, hence no import before this line.
    import os  # noqa: PLC0415 (handlers first)

    code = 70
    try:
        from twilio_build_wait.main import run  # noqa: PLC0415 (inside the guard)

        code = run(caught)
    except BaseException as error:  # noqa: BLE001 (exit 1 would look like a failed build)
        # Its message could hold a secret.
        os.write(1, f"twilio-build-wait could not run: {type(error).__name__}\n".encode())
    finally:
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the end is decided
        os._exit(code)


if __name__ == "__main__":
    script()
