"""Real connections that break, stall or never come about."""

import itertools
import math
import socket
from typing import NoReturn

import pytest

from tests.integration.conftest import Tool, nothing_left_behind, retried
from tests.support.samples import build_status
from tests.support.server import Connection, Response, Step

COMPLETED = build_status("completed")
GOOD = COMPLETED.body
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

BROKEN: dict[str, Step] = {
    "reset": Connection.reset,
    "body shorter than announced": OK + b"Content-Length: 9999\r\n\r\n" + GOOD,
    "no last chunk": CHUNKED + b"%x\r\n%b\r\n" % (len(GOOD), GOOD),
    "garbage": bytes(range(256)),
    "long status code": b"HTTP/1.1 " + b"2" * 1000 + b" OK\r\n\r\n" + GOOD,
    "too large": Response(200, GOOD + b" " * 65536),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_broken_response_is_retried_and_leaves_nothing_behind(tool: Tool, answer: Step) -> None:
    with nothing_left_behind():
        run = tool.run(answer, COMPLETED)
    retried(run)


STALLED: dict[str, Step] = {
    "never answers": [math.inf],
    "head drips": [OK, itertools.cycle([0.2, b"X"])],
    "body drips": [OK + b"Content-Length: 60000\r\n\r\n", itertools.cycle([0.2, b" "])],
    "trailers drip": [CHUNKED + b"0\r\n", itertools.cycle([0.2, b"X: x\r\n"])],
}


@pytest.mark.parametrize("answer", STALLED.values(), ids=STALLED)
def test_poll_ends_after_10_s_and_leaves_nothing_behind(tool: Tool, answer: Step) -> None:
    with nothing_left_behind():
        run = tool.run(answer, COMPLETED)
    retried(run)
    assert run.outputs["elapsed-seconds"] == "10.5"


ENDLESS = {
    "body": (OK + b"\r\n", b" " * 65536),
    "chunk size": (CHUNKED, b"0" * 65536),
    "headers": (OK, b"X-More: and more\r\n" * 100),
    "status line": (b"HTTP/1.1 200 ", b"x" * 65536),
}


@pytest.mark.parametrize("head, piece", ENDLESS.values(), ids=ENDLESS)
def test_endless_response_is_given_up_early(tool: Tool, head: bytes, piece: bytes) -> None:
    run = tool.run([head, itertools.repeat(piece)], COMPLETED)
    retried(run)
    assert run.outputs["elapsed-seconds"] == "0.5"


def test_lookup_that_hangs_ends_with_the_poll(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> NoReturn:
        clock = tool.server.clock
        assert clock
        clock.spend(math.inf, clock.request)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    run = tool.run(code=3, TWILIO_BUILD_TIMEOUT="30s")
    assert run.seconds == pytest.approx(31.5)  # the third poll is in flight at the deadline


def test_address_that_never_answers_leaves_time_for_the_next(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, timeouts = socket.socket.connect, []

    def connect_later(sock: socket.socket, address: tuple[str, int]) -> None:
        timeouts.append(sock.gettimeout())
        if len(timeouts) == 1:
            raise TimeoutError
        connect(sock, address)

    found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", tool.server.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [found, found])
    monkeypatch.setattr(socket.socket, "connect", connect_later)
    run = tool.run(COMPLETED)
    assert run.outputs["polls"] == "1"
    assert timeouts == [5.0, 5.0]


def refuse(*_: object) -> NoReturn:
    raise ConnectionRefusedError


def test_unreachable_after_a_request_was_sent_is_retried_until_the_deadline(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(connection: Connection) -> None:
        monkeypatch.setattr(socket.socket, "connect", refuse)
        connection.answer([math.inf])

    run = tool.run([vanish], code=3, TWILIO_BUILD_TIMEOUT="3m")
    assert "connection refused" in run.outputs["reason"]
