"""The log: everything that a person or a runner reads on standard output."""

import os
import select
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from twilio_build_wait.durations import render
from twilio_build_wait.model import STATUSES, Level, PollError, PollResult, Progress, count
from twilio_build_wait.reporters.ci import CI
from twilio_build_wait.safe_text import Message, message

#: A heartbeat follows after so many seconds without a line; 30 are promised, and a poll takes 10.
QUIET_FOR = 15.0
_MAX_UNKNOWN = 3
_ERASE_LINE = "\r\x1b[2K"


@dataclass
class Log:
    """Writes safe lines; `write` raises OSError. With `is_live`, a terminal has one live line."""

    write: Callable[[bytes], None]
    ci: CI
    clock: Callable[[], float]
    is_live: bool
    _last_line: float = 0.0
    _status: str = "no status yet"
    # What the latest poll failed with, but for its request ID: that of each poll is another one.
    _cause: tuple[Message, Message] | None = None
    _unknown: set[str] = field(default_factory=set)

    def line(self, text: Message, elapsed: float | None = None, end: str = "\n") -> None:
        """Write a line for a person; `elapsed` is in seconds since the first poll."""
        stamp = "" if elapsed is None else f"{elapsed:7.1f}s  "
        self.command(f"{stamp}{text.text()}", end)

    def annotate(self, title: str, text: Message, level: Level = "warning") -> None:
        """Announce a warning or an outcome; the title is ours."""
        self.command(self.ci.annotation(level, title, text))

    def command(self, line: str, end: str = "\n") -> None:
        """Write a line as it is; one that cannot be written is dropped."""
        # The wait goes on without a log: its verdict may still reach somebody through a file.
        with suppress(OSError):
            self.send(line, end)

    def send(self, line: str, end: str = "\n") -> None:
        """Write a line as it is. Raises OSError."""
        self._last_line = self.clock()
        text = f"{_ERASE_LINE if self.is_live else ''}{line}{end}"
        self.write(text.encode("utf-8", "backslashreplace"))

    def poll_ended(self, progress: Progress, result: PollResult, delay: float | None) -> None:
        """Write a line for each error, with the delay until the next poll, and each new status."""
        text = result.text if isinstance(result, PollError) else message("status {}", result.status)
        debug = message(f"poll {progress.polls} at {progress.elapsed:.3f} s: {{}}", text)
        for line in self.ci.lines(self.ci.debug, [debug.text()]):
            self.command(line)
        if isinstance(result, PollError):
            following = "" if delay is None else f"; next poll in {render(delay)}"
            cause = (result.cause, result.said)
            if cause == self._cause and delay is not None:
                text = message("the same error")
            self.line(message(f"{{}}{following}", text), progress.elapsed)
            self._cause = cause
            return
        if result.latest:
            self.line(message("latest is {}", result.latest.description), progress.elapsed)
        if result.status != self._status and not self.is_live:
            self.line(message("{}", result.status), progress.elapsed)
        self._status, self._cause = result.status, None
        if result.status not in STATUSES | self._unknown and len(self._unknown) < _MAX_UNKNOWN:
            self._unknown.add(result.status)
            warning = (
                "Twilio reports the status '{}', which this version does not know. The wait goes "
                "on: only completed and failed end it"
            )
            self.annotate("Unknown build status", message(warning, result.status))

    def tick(self, progress: Progress, elapsed: float) -> None:
        """Give a heartbeat if one is due; to be called about once a second."""
        polls = count(progress.polls, "poll")
        if self.is_live:
            self.line(message(f"{{}}, {polls}", self._status), elapsed, end="")
        elif self.clock() - self._last_line >= QUIET_FOR:
            self.line(message(f"still waiting: {{}}, {polls}", self._status), elapsed)


def standard_output() -> Callable[[bytes], None]:
    """Return a function that writes to standard output, unbuffered, or raises OSError."""
    try:
        os.fstat(1)
    except OSError:
        # It is closed. No file or connection that is opened later must get its descriptor, and with
        # it the log. What is open for reading only cannot be written to.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)

    def write(data: bytes) -> None:
        while data:
            try:
                data = data[os.write(1, data) :]
            except BlockingIOError:  # the parent has made it non-blocking
                select.select([], [1], [])

    return write
