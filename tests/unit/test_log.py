"""What the log shows of a wait, and how it gets to standard output."""

import contextlib
import errno
import os
import select
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from twilio_build_wait.model import BuildStatus, Latest, PollError, Progress
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log, standard_output
from twilio_build_wait.safe_text import message

ERASE = "\r\x1b[2K"
POLL = Progress(elapsed=2.5, polls=1)


class Screen:
    """What a log has written, on a clock that stands still unless a test moves it."""

    def __init__(self, ci: str = "NO_CI", *, is_live: bool = False) -> None:
        self.now = 1000.0
        self.pieces: list[str] = []
        environ = {ci: "true", "RUNNER_DEBUG": "1"}
        self.log = Log(self.write, choose(environ), lambda: self.now, is_live)

    def write(self, data: bytes) -> None:
        self.pieces.append(data.decode())


def http_error(status: int, said: str = "busy", request_id: str = "") -> PollError:
    return PollError(message(f"HTTP {status}"), said=said, request_id=request_id)


# What one poll returns after another -> the lines; each follows "    2.5s  ".
POLLS: dict[str, tuple[list[PollError | BuildStatus], list[str]]] = {
    "another cause": (
        [http_error(500), http_error(503)],
        ["HTTP 500: busy; next poll in 1s", "HTTP 503: busy; next poll in 1s"],
    ),
    "the same cause in other words": (
        [http_error(500), http_error(500, "down")],
        ["HTTP 500: busy; next poll in 1s", "HTTP 500: down; next poll in 1s"],
    ),
    "the same cause with another request ID": (
        [http_error(500, request_id="RQ1"), http_error(500, request_id="RQ2")],
        [
            "HTTP 500 (Twilio-Request-Id RQ1): busy; next poll in 1s",
            "the same error; next poll in 1s",
        ],
    ),
    "a status between": (
        [http_error(500), BuildStatus("building"), http_error(500)],
        ["HTTP 500: busy; next poll in 1s", "building", "HTTP 500: busy; next poll in 1s"],
    ),
    "the same status": ([BuildStatus("building"), BuildStatus("building")], ["building"]),
    "another status": ([BuildStatus("building"), BuildStatus("failed")], ["building", "failed"]),
    "latest": (
        [BuildStatus("building", latest=Latest("ZB1", "2026-10-01 12:00:00", "2m"))],
        ["latest is ZB1, created 2026-10-01 12:00:00 UTC, 2m ago", "building"],
    ),
}


@pytest.mark.parametrize("results, lines", POLLS.values(), ids=POLLS)
def test_line_for_each_error_and_each_new_status(
    results: list[PollError | BuildStatus], lines: list[str]
) -> None:
    screen = Screen()
    for result in results:
        screen.log.poll_ended(POLL, result, 1.0)
    assert screen.pieces == [f"    2.5s  {line}\n" for line in lines]


def test_last_error_is_written_in_full() -> None:
    screen = Screen()
    screen.log.poll_ended(POLL, http_error(404), 1.0)
    screen.log.poll_ended(POLL, http_error(404), None)
    assert screen.pieces[1] == "    2.5s  HTTP 404: busy\n"


def test_unknown_status_is_warned_about_once_and_at_most_three_are() -> None:
    screen = Screen("GITHUB_ACTIONS")
    for status in ("a", "b", "a", "c", "d", "completed"):
        screen.log.poll_ended(POLL, BuildStatus(status), 1.0)
    warnings = [piece for piece in screen.pieces if piece.startswith("::warning")]
    assert warnings == [
        f"::warning title=Unknown build status::Twilio reports the status '{status}', which this "
        "version does not know. The wait goes on: only completed and failed end it\n"
        for status in ("a", "b", "c")
    ]


DEBUG: dict[str, BuildStatus | PollError] = {
    "status building": BuildStatus("building"),
    "HTTP 500: busy": http_error(500),
}


@pytest.mark.parametrize("text", DEBUG)
def test_debug_line_tells_what_a_poll_returned(text: str) -> None:
    screen = Screen("GITHUB_ACTIONS")
    screen.log.poll_ended(Progress(elapsed=1.23456, polls=7), DEBUG[text], 1.0)
    assert screen.pieces[0] == f"::debug::poll 7 at 1.235 s: {text}\n"


def test_heartbeat_follows_15_s_after_the_last_line() -> None:
    screen = Screen()
    screen.now += 5.0
    screen.log.line(message("a line"))
    screen.now += 14.9
    screen.log.tick(POLL, 19.9)
    screen.now += 0.1
    screen.log.tick(POLL, 20.0)
    assert screen.pieces == ["a line\n", "   20.0s  still waiting: no status yet, 1 poll\n"]


def test_live_line_is_short_and_written_over() -> None:
    screen = Screen(is_live=True)
    screen.log.poll_ended(POLL, BuildStatus("x" * 31), 1.0)
    screen.pieces.clear()  # of the warning
    screen.log.tick(POLL, 60.0)
    screen.log.line(message("end"))
    assert screen.pieces == [f"{ERASE}   60.0s  {'x' * 29}…, 1 poll", f"{ERASE}end\n"]


def test_log_that_cannot_be_written_is_dropped() -> None:
    def refuse(_data: bytes) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    log = Log(refuse, choose({}), float, is_live=True)
    log.line(message("a line"))
    log.tick(POLL, 60.0)


def test_text_that_is_not_unicode_is_written() -> None:
    screen = Screen()
    screen.log.command("\udcff€")
    assert screen.pieces == ["\\udcff€\n"]


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


def test_output_that_does_not_block_is_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(300_000)  # more than a pipe holds
    received = bytearray()
    is_full, wait = threading.Event(), select.select

    def wait_for_the_reader(*files: Any) -> object:  # noqa: ANN401 (the interface)
        is_full.set()
        return wait(*files)

    def read(reader: int) -> None:
        is_full.wait(10)
        while len(received) < len(data):
            received.extend(os.read(reader, 65536))

    with pipe() as reader:
        os.set_blocking(1, False)
        monkeypatch.setattr(select, "select", wait_for_the_reader)
        thread = threading.Thread(target=read, args=[reader])
        thread.start()
        standard_output()(data)
        thread.join(10)
    assert received == data


def test_closed_output_is_an_error_and_its_descriptor_is_taken() -> None:
    with pipe() as reader:
        os.close(1)
        write = standard_output()
        os.fstat(1)  # raises if it is closed
        assert os.read(reader, 1) == b""
        with pytest.raises(OSError, match="Bad file descriptor"):
            write(b"x")
