"""What the log shows of a wait, and how it gets to standard output."""

import contextlib
import os
import select
from collections.abc import Iterator

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
    return PollError(message(f"HTTP {status}"), said=message(said), request_id=request_id)


BUSY, LIMITED, DOWN = http_error(500), http_error(429), http_error(500, "down")
BUILDING, FAILED = BuildStatus("building"), BuildStatus("failed")
NEXT = "; next poll in 1s"
# What one poll returns after another -> the lines; each follows "    2.5s  ".
POLLS: dict[str, tuple[list[PollError | BuildStatus], list[str]]] = {
    "another cause": ([BUSY, LIMITED], [f"HTTP 500: busy{NEXT}", f"HTTP 429: busy{NEXT}"]),
    "other words": ([BUSY, DOWN], [f"HTTP 500: busy{NEXT}", f"HTTP 500: down{NEXT}"]),
    "the same cause with another request ID": (
        [http_error(500, request_id="RQ1"), http_error(500, request_id="RQ2")],
        [f"HTTP 500 (Twilio-Request-Id RQ1): busy{NEXT}", f"the same error{NEXT}"],
    ),
    "a status between": (
        [BUSY, BUILDING, BUSY],
        [f"HTTP 500: busy{NEXT}", "building", f"HTTP 500: busy{NEXT}"],
    ),
    "the same status and another": ([BUILDING, BUILDING, FAILED], ["building", "failed"]),
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
    screen.log.poll_ended(POLL, BUSY, 1.0)
    screen.log.poll_ended(POLL, BUSY, None)
    assert screen.pieces[1] == "    2.5s  HTTP 500: busy\n"


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


def test_debug_line_tells_what_a_poll_returned() -> None:
    screen = Screen("GITHUB_ACTIONS")
    for result in (BUILDING, BUSY):
        screen.log.poll_ended(Progress(elapsed=1.23456, polls=7), result, 1.0)
    assert [piece for piece in screen.pieces if piece.startswith("::debug")] == [
        "::debug::poll 7 at 1.235 s: status building\n",
        "::debug::poll 7 at 1.235 s: HTTP 500: busy\n",
    ]


def test_heartbeat_follows_15_s_after_the_last_line() -> None:
    screen = Screen()
    screen.now += 5.0
    screen.log.line(message("a line"))
    screen.now += 14.9
    screen.log.tick(POLL, 19.9)
    screen.now += 0.1
    screen.log.tick(POLL, 20.0)
    assert screen.pieces == ["a line\n", "   20.0s  still waiting: no status yet, 1 poll\n"]


def test_live_line_is_written_over() -> None:
    screen = Screen(is_live=True)
    screen.log.poll_ended(POLL, BUILDING, 1.0)
    screen.log.tick(POLL, 60.0)
    screen.log.line(message("end"))
    assert screen.pieces == [f"{ERASE}   60.0s  building, 1 poll", f"{ERASE}end\n"]


def test_text_that_is_not_unicode_is_written() -> None:
    screen = Screen()
    screen.log.command("\udcff€")
    assert screen.pieces == ["\\udcff€\n"]


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
    real_select = select.select

    def read_and_select(to_read: list[int], to_write: list[int], to_watch: list[int]) -> None:
        received.extend(os.read(reader, len(data)))
        assert real_select(to_read, to_write, to_watch, 0) == ([], [1], [])

    with pipe() as reader:
        os.set_blocking(1, False)
        monkeypatch.setattr("select.select", read_and_select)
        standard_output()(data)
        received.extend(os.read(reader, len(data)))
    assert received == data


def test_closed_output_is_an_error_and_its_descriptor_is_taken() -> None:
    with pipe() as reader:
        os.close(1)
        write = standard_output()
        os.fstat(1)  # raises if it is closed
        assert os.read(reader, 1) == b""
        with pytest.raises(OSError, match="Bad file descriptor"):
            write(b"x")
