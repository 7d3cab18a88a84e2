"""The log: everything that a person or a runner reads on standard output."""

import os
import select
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from twilio_build_wait.durations import render
from twilio_build_wait.model import STATUSES, PollError, PollResult, Progress, count
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.reporters.ci import Level, Plain

#: A sign of life follows after so many seconds without a line. A poll may take 10 s and is not
#: interrupted for it, so no silence is longer than 30 s.
QUIET_FOR = 15.0

_MAX_UNKNOWN = 3
# A live line that wraps could not be written over.
_LIVE_STATUS = 30
_ERASE_LINE = "\r\x1b[2K"


@dataclass
class Log:
    """Writes safe lines, each at once, and shows how the wait goes on.

    `write` writes to standard output and raises OSError. `clock` is monotonic. With `is_live`, a
    person at a terminal sees one live line.
    """

    write: Callable[[bytes], None]
    ci: Plain
    show: Redactor
    clock: Callable[[], float]
    is_live: bool
    _has_live_line: bool = False
    _status: str | None = None
    _unknown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._last_line = self.clock()

    def line(self, message: str) -> None:
        """Write a line for a person."""
        self.command(self.show.line(message))

    def annotate(self, title: str, message: str, level: Level = "warning") -> None:
        """Announce a warning or an outcome."""
        self.command(self.ci.annotation(level, self.show.line(title), self.show.line(message)))

    def command(self, line: str) -> None:
        """Write a line as it is; one that cannot be written is dropped."""
        # The wait goes on without a log: its verdict may still reach somebody through a file.
        with suppress(OSError):
            self.send(line)

    def send(self, line: str) -> None:
        """Write a line as it is. Raises OSError."""
        self._last_line = self.clock()
        erase = _ERASE_LINE if self._has_live_line else ""
        self._has_live_line = False
        self._put(f"{erase}{line}\n")

    def poll_ended(self, progress: Progress, result: PollResult, delay: float | None) -> None:
        """Write a line for each error, with the delay until the next poll, and each new status."""
        stamp = _stamp(progress.elapsed)
        if isinstance(result, PollError):
            self._debug(progress, result.text)
            following = "" if delay is None else f"; next poll in {render(delay)}"
            self.line(f"{stamp}  {result.text}{following}")
            return
        status, shown = result.status, self.show.piece(result.status)
        self._debug(progress, f"status {shown}")
        if result.found:
            self.line(f"{stamp}  latest is {result.found}")
        if status != self._status and not self.is_live:
            self.line(f"{stamp}  {shown}")
        self._status = status
        is_known = status in STATUSES | self._unknown
        if not is_known and len(self._unknown) < _MAX_UNKNOWN:
            self._unknown.add(status)
            self.annotate(
                "Unknown build status",
                f"Twilio reports the status '{shown}', which this version does not know. The wait "
                "goes on: only completed and failed end it",
            )

    def tick(self, progress: Progress, elapsed: float) -> None:
        """Give a sign of life if one is due; to be called about once a second."""
        status = "no status yet" if self._status is None else self._status
        polls = count(progress.polls, "poll")
        if self.is_live:
            self._has_live_line = True
            shown = self.show.piece(status, _LIVE_STATUS)
            with suppress(OSError):
                self._put(f"{_ERASE_LINE}{_stamp(elapsed)}  {shown}, {polls}")
        elif self.clock() - self._last_line >= QUIET_FOR:
            shown = self.show.piece(status)
            self.line(f"{_stamp(elapsed)}  still waiting: {shown}, {polls}")

    def _debug(self, progress: Progress, result: str) -> None:
        message = f"poll {progress.polls} at {progress.elapsed:.3f} s: {result}"
        if line := self.ci.debug(self.show.line(message)):
            self.command(line)

    def _put(self, characters: str) -> None:
        self.write(characters.encode("utf-8", "backslashreplace"))


def _stamp(elapsed: float) -> str:
    return f"{elapsed:7.1f}s"


def standard_output() -> Callable[[bytes], None]:
    """Return a function that writes to standard output, unbuffered, or raises OSError.

    If standard output is closed, its descriptor is taken, so that no file or connection that is
    opened later gets it, and with it the log.
    """
    failure: OSError | None = None
    try:
        os.fstat(1)
    except OSError as closed:
        failure = closed
        while os.open(os.devnull, os.O_RDWR) < 1:
            pass

    def write(data: bytes) -> None:
        if failure:
            raise failure
        while data:
            try:
                data = data[os.write(1, data) :]
            except BlockingIOError:  # the parent has made it non-blocking
                select.select([], [1], [])

    return write
