"""What surrounds a run: signals are answered, and the process always ends with an exit code.

entrypoint.py imports this file by itself, before the package. So it uses only the standard library.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

#: The signals that end a run. To answer another one, add it here, in entrypoint.py and in `Ending`.
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})

# All in seconds: how long after its timeout a process ends, wherever it hangs (45 are promised);
# how long the main thread may take to answer a signal, and after that the final report (together
# one is promised); how often the thread looks at the time.
_LONGEST_HANG = 43.0
_GRACE, _REPORT_LIMIT = 0.7, 0.2
_TICK = 1.0

# Called with the signal, or None where the time is over.
_Report = Callable[[int | None], object]


class Watch:
    """Waits for a signal in a thread; a handler would not run while a system call hangs.

    `caught` is the first signal, and `wake` is called when it arrives. If the main thread has not
    ended the process soon after, or by `ends_at` (on the monotonic clock, in seconds; the timeout
    is added when it is known), `final_report` is called with the signal or None, then `exit_code`.
    """

    def __init__(self) -> None:
        self.is_running = False
        self.caught: int | None = None
        self.ends_at = time.monotonic() + _LONGEST_HANG
        #: Taken by the thread that ends the process.
        self.ending = threading.Lock()
        self.wake: Callable[[], object] = lambda: None
        # While the package is imported, a signal cancels, and an import that hangs is an error.
        self.final_report: _Report = lambda number: save_outcome("cancelled" if number else "error")
        self.exit_code: Callable[[int | None], int] = lambda number: 128 + number if number else 70

    def start(self) -> None:
        """Start the thread. Raises RuntimeError if none can be started; a later try may succeed."""
        # A new one each time: Python 3.13 does not start a thread again that it could not start.
        threading.Thread(target=self.run, daemon=True).start()
        self.is_running = True

    def take(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for a signal. It must be blocked in every thread."""
        if info := signal.sigtimedwait(SIGNALS, timeout):
            self.caught = info.si_signo

    def run(self) -> None:
        """Wait for a signal or the time to end, and end the process if nothing else does."""
        while self.caught is None and time.monotonic() < self.ends_at:
            self.take(_TICK)
        if self.caught is not None:
            self.wake()
            time.sleep(_GRACE)
        self.ending.acquire()
        report = threading.Thread(target=self.final_report, args=(self.caught,), daemon=True)
        with suppress(RuntimeError):  # no thread can be started
            report.start()
            report.join(_REPORT_LIMIT)
        os._exit(self.exit_code(self.caught))


def open_file(path: str, flags: int) -> int:
    """Open a file for writing, and create it only if it does not exist. Raises OSError."""
    flags |= os.O_WRONLY | os.O_CLOEXEC
    # In a sticky folder Linux refuses O_CREAT for somebody else's file (fs.protected_regular).
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o666)


def append(path: str, text: str) -> None:
    """Append whole lines to a file; a write that fails leaves it as it was. Raises OSError."""
    # O_NONBLOCK: opening a named pipe that nobody reads is an error instead of a hang.
    descriptor = open_file(path, os.O_APPEND | os.O_NONBLOCK)
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


def save_outcome(outcome: str) -> None:
    """Write only the outcome: nothing else is known outside the package. A failure is ignored."""
    with suppress(OSError):
        append(os.environ.get("GITHUB_OUTPUT") or os.devnull, f"outcome={outcome}\n")


def crash(error: BaseException) -> None:
    """Report that the package does not import: the outcome first, then the log."""
    from traceback import format_tb  # noqa: PLC0415 (needed only here)

    save_outcome("error")
    title = "Internal error in twilio-build-wait"
    prefix = f"::error title={title}::" if os.environ.get("GITHUB_ACTIONS") else f"{title}: "
    problem = "The package twilio_build_wait is broken: install it again. It sent no request"
    # Where it was raised and its type, but not its message: that may hold a secret.
    traceback = "".join([*format_tb(error.__traceback__), type(error).__name__])
    log = f"Traceback (most recent call last):\n{traceback}\n{prefix}{problem}\n"
    with suppress(OSError):
        os.write(1, log.encode(errors="backslashreplace"))


def main() -> None:
    """Run the package and exit. Anything that it raises exits 70: 1 would mean a failed build."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # Libraries warn on standard error, which a runner shows out of order.
    sys.stderr = None  # allowed: docs.python.org/3/library/sys.html
    code, watch = 70, Watch()
    try:
        with suppress(RuntimeError):  # no thread can be started now: `Signals` tries again
            watch.start()
        from twilio_build_wait.main import run  # noqa: PLC0415 (inside the guard)

        code = run(watch, append)
    except BaseException as error:  # noqa: BLE001 (see above)
        watch.final_report, watch.exit_code = lambda _: None, lambda _: code
        watch.ends_at = time.monotonic() + _TICK  # nobody may read the log
        crash(error)
    finally:
        watch.ending.acquire(timeout=_TICK)  # the final report may be under way
        # Not sys.exit: a thread that hangs or a closed standard output must not change the code.
        os._exit(code)
