"""What the log shows of a wait, and how it gets to standard output."""

import contextlib
import os
import threading
from collections.abc import Iterator
from unittest import mock

import pytest

from twilio_build_wait.model import BuildStatus, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log, standard_output
from twilio_build_wait.text import SafeText

ERASE = "\r\x1b[2K"


def test_live_line_is_short_and_replaced() -> None:
    write = mock.Mock()
    log = Log(write, choose({}), Redactor([]), float, is_live=True)
    log.poll_ended(Progress(polls=1), BuildStatus("x" * 31, found=SafeText("a build")), 1)
    log.tick(Progress(polls=1), 1)
    log.line("end")
    log.line("end")
    written = [call.args[0].decode() for call in write.call_args_list]
    assert written[0] == "    0.0s  latest is a build\n"
    assert written[-3] == f"{ERASE}    1.0s  {'x' * 29}…, 1 poll"
    assert written[-2:] == [f"{ERASE}end\n", "end\n"]


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


def test_output_that_does_not_block_is_written_whole() -> None:
    data = os.urandom(300_000)  # more than a pipe holds
    received = bytearray()

    def read(reader: int) -> None:
        while len(received) < len(data):
            received.extend(os.read(reader, 65536))

    with pipe() as reader:
        os.set_blocking(1, False)
        thread = threading.Thread(target=read, args=[reader])
        thread.start()
        standard_output()(data)
        thread.join(10)
    assert received == data


def test_closed_output_is_an_error_and_its_descriptor_is_taken() -> None:
    with pipe() as reader:
        os.close(1)
        write = standard_output()
        assert os.fstat(1)
        assert os.read(reader, 1) == b""
        with pytest.raises(OSError, match="Bad file descriptor"):
            write(b"x")
