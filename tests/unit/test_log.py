"""What the log shows of a wait, and how it gets to standard output."""

import contextlib
import os
import threading
from collections.abc import Iterator
from unittest import mock

import pytest

from twilio_build_wait.model import BuildStatus, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.reporters import log as module
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log, standard_output
from twilio_build_wait.text import SafeText

ERASE = "\r\x1b[2K"


class Screen:
    """A log, what it has written, and its clock."""

    def __init__(self, *, is_live: bool = False, **environ: str) -> None:
        self.now = 100.0
        self.written = ""
        show = Redactor(["sw0rdfish"])
        self.log = Log(self.write, choose(environ), show, lambda: self.now, is_live=is_live)

    def write(self, data: bytes) -> None:
        self.written += data.decode()

    def succeed(self, status: str, found: str = "", elapsed: float = 1.23) -> None:
        progress = Progress(elapsed=elapsed, polls=2)
        self.log.poll_ended(progress, BuildStatus(status, found=SafeText(found)), 1)

    def take(self) -> str:
        written, self.written = self.written, ""
        return written


def test_sign_of_life_after_15_s_of_silence() -> None:
    screen = Screen()
    for seconds, line in ((14.9, ""), (0.1, "still waiting: no status yet, 1 poll\n"), (14.9, "")):
        screen.now += seconds
        screen.log.tick(Progress(polls=1), 1)
        assert screen.take().partition("s  ")[2] == line
    screen.succeed("building")
    screen.now += 15
    screen.log.tick(Progress(polls=2), 1234.56)
    assert screen.take().endswith("building\n 1234.6s  still waiting: building, 2 polls\n")


def test_terminal_has_one_live_line() -> None:
    screen = Screen(is_live=True)
    screen.succeed("x" * 31)
    screen.take()
    screen.log.tick(Progress(polls=1), 1)
    assert screen.take() == f"{ERASE}    1.0s  {'x' * 29}…, 1 poll"
    screen.log.line("end")
    screen.log.line("end")
    assert screen.take() == f"{ERASE}end\nend\n"
    screen.succeed("building")
    assert screen.take() == ""


# -- standard output -------------------------------------------------------------------------------


@contextlib.contextmanager
def pipe() -> Iterator[int]:
    """Make standard output a pipe, and yield its other end. Not a fixture: pytest undoes those."""
    saved = os.dup(1)
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    try:
        yield reader
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(reader)


def test_stalled_reader_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.12)
    is_hurried = mock.Mock(return_value=False)
    with pipe():
        write = standard_output(is_hurried)
        with pytest.raises(TimeoutError, match="nobody reads"):
            write(b"x" * 1_000_000)
        assert is_hurried.call_count >= 3
        is_hurried.reset_mock()
        with pytest.raises(TimeoutError):
            write(b"x")
    is_hurried.assert_called_once()


def test_slow_reader_gets_everything() -> None:
    received: list[bytes] = []

    def read(reader: int) -> None:
        while sum(map(len, received)) < 300_000:
            received.append(os.read(reader, 10_000))

    data = os.urandom(300_000)
    with pipe() as reader:
        thread = threading.Thread(target=read, args=[reader], daemon=True)
        thread.start()
        standard_output(lambda: False)(data)
        thread.join(20)
    assert b"".join(received) == data


def test_closed_output_is_an_error_and_its_descriptor_is_taken() -> None:
    with pipe() as reader:
        os.close(1)
        write = standard_output(lambda: False)
        assert os.fstat(1)
        assert os.read(reader, 1) == b""
        with pytest.raises(OSError, match="Bad file descriptor"):
            write(b"x")
