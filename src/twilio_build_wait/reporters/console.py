"""The log: everything that a person or a runner reads on standard output."""

import errno
import os
import select
import time
from collections.abc import Callable
from contextlib import suppress

from twilio_build_wait import text
from twilio_build_wait.durations import render
from twilio_build_wait.outcome import Level, Progress, count
from twilio_build_wait.reporters.dialects import Plain
from twilio_build_wait.results import BUILDING, COMPLETED, FAILED, Fault, Reading

#: After so many seconds without a line there is a sign of life. A read may take 10 s and is not
#: interrupted for it, so that no silence is longer than 30 s.
QUIET_FOR = 15.0

#: How long a reader of the log that has stalled is waited for, in seconds.
PATIENCE = 10.0

_GLANCE = 0.05
_MOST_WARNINGS = 3
_LIVE_STATUS = 30
_ERASE_LINE = "\r\x1b[2K"


class Console:
    """Writes lines that are safe to show, each at once, and tells of the wait."""

    def __init__(
        self,
        write: Callable[[bytes], None],
        dialect: Plain,
        redact: Callable[[str], str],
        clock: Callable[[], float],
        *,
        live: bool,
    ) -> None:
        """Take where to write to (raises OSError), how, and what time it is.

        Args:
            write: writes all of its bytes to standard output.
            dialect: makes the CI's log commands.
            redact: takes credentials out of a text.
            clock: a monotonic clock, in seconds.
            live: whether to show one line that is written over, for a person at a terminal.
        """
        self.dialect = dialect
        #: Why the latest line could not be written, None if it could.
        self.failure: OSError | None = None
        self._write = write
        self._redact = redact
        self._clock = clock
        self._live = live
        self._is_live_line_up = False
        self._last_line = clock()
        self._status: str | None = None
        self._warned: set[str] = set()
        self._began = clock()
        #: What is known of the wait so far.
        self.progress = Progress()

    def redact(self, foreign: str) -> str:
        """Take credentials out of foreign text, and leave the rest as it is."""
        return self._redact(foreign)

    def show(self, foreign: str) -> str:
        """Make foreign text one safe line of at most 500 characters, without credentials."""
        return text.clip(self._safe(foreign))

    def line(self, message: str) -> None:
        """Write a line for a person."""
        self.command(self._safe(message))

    def note(self, level: Level, title: str, message: str) -> None:
        """Announce an ending, or warn."""
        self.command(self.dialect.note(level, self._safe(title), self._safe(message)))

    def warn(self, title: str, message: str) -> None:
        """Write a warning."""
        self.note(Level.WARNING, title, message)

    def command(self, line: str) -> None:
        """Write a line as it is: one that a dialect has made."""
        self._last_line = self._clock()
        if self._is_live_line_up:
            self._is_live_line_up = False
            line = _ERASE_LINE + line
        self._put(line + "\n")

    # -- the wait, as it goes on ---------------------------------------------------------------

    def polling(self, progress: Progress) -> None:
        """Keep what is known when a read begins."""
        self.progress = progress
        self._began = self._clock() - progress.elapsed

    def reading(self, progress: Progress, reading: Reading) -> None:
        """Tell of a good read: a line when the status changes."""
        self.polling(progress)
        self._debug(progress, f"status {reading.status}")
        if reading.status != self._status:
            self._status = reading.status
            if not self._live:
                self.line(f"{_stamp(progress.elapsed)}  {self.show(reading.status)}")
        known = reading.status in {BUILDING, COMPLETED, FAILED}
        if not known and reading.status not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(reading.status)
            self.warn(
                "Unknown build status",
                f"Twilio reports the status '{self.show(reading.status)}', which this version does "
                "not know; waiting goes on, for only completed and failed end it",
            )
        self.tick()

    def fault(self, progress: Progress, fault: Fault, pause: float | None) -> None:
        """Tell of a fault: a line for each, with what follows from it."""
        self.polling(progress)
        self._debug(progress, fault.cause)
        then = "" if pause is None else f"; reading again in {render(pause)}"
        self.line(f"{_stamp(progress.elapsed)}  {fault.cause}{then}")

    def tick(self) -> None:
        """Show that the wait is alive; to be called about once a second."""
        elapsed = self._clock() - self._began
        status = self.show(self._status) if self._status is not None else "no status yet"
        reads = count(self.progress.polls, "read")
        if self._live:
            self._is_live_line_up = True
            status = text.clip(status, _LIVE_STATUS)  # a line that wraps cannot be written over
            self._put(f"{_ERASE_LINE}{_stamp(elapsed)}  {status}, {reads}")
        elif self._clock() - self._last_line >= QUIET_FOR:
            self.line(f"{_stamp(elapsed)}  still waiting: {status}, {reads}")

    def _debug(self, progress: Progress, result: str) -> None:
        message = f"read {progress.polls} at {progress.elapsed:.3f} s: {self.show(result)}"
        if line := self.dialect.debug(message):
            self.command(line)

    def _safe(self, message: str) -> str:
        # Redacted before and after it is made flat: a credential may hold what a line break
        # becomes; and before openers are broken, which it may hold as well.
        return text.safe(self._redact(text.flat(self._redact(message))))

    def _put(self, characters: str) -> None:
        try:
            self._write(characters.encode("utf-8", "backslashreplace"))
            self.failure = None
        except OSError as failure:
            # The wait goes on without a log: its verdict may still reach someone by a file.
            self.failure = failure


def _stamp(elapsed: float) -> str:
    return f"{elapsed:7.1f}s"


def standard_output(hurried: Callable[[], bool]) -> Callable[[bytes], None]:
    """Return a function that writes to standard output, unbuffered, or raises OSError.

    Where standard output is closed, its descriptor is taken, so that no file or connection opened
    later gets it, and with it the log. A reader that stalls is waited for, but not for ever, and
    not at all once `hurried` says so: a log that nobody reads must not hold up the verdict.
    """
    try:
        os.fstat(1)
    except OSError as closed:
        failure = closed
        while os.open(os.devnull, os.O_RDWR) < 1:
            pass

        def refuse(_data: bytes) -> None:
            raise failure

        return refuse

    patience = PATIENCE

    def write(data: bytes) -> None:
        nonlocal patience
        while data:
            until = time.monotonic() + patience
            # What is no longer than PIPE_BUF does not block once the pipe is writable (pipe(7)).
            while not select.select([], [1], [], min(patience, _GLANCE))[1]:
                if hurried() or time.monotonic() >= until:
                    patience = 0.0
                    raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")
            with suppress(BlockingIOError):
                data = data[os.write(1, data[: select.PIPE_BUF]) :]
            patience = PATIENCE

    return write
