"""Connections that break, stall or never come about.

`tests/unit/test_errors.py` has the table of exceptions; here the bytes and the sockets are real.
"""

import errno
import gzip
import itertools
import math
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import pytest

from tests.integration.conftest import Tool
from tests.support.clocks import VirtualClock
from tests.support.run import Run, run_inside
from tests.support.samples import build_status
from tests.support.server import Connection, Response, Server, Step
from twilio_build_wait.signals import ThreadShortageError

BUILDING, COMPLETED = build_status("building"), build_status("completed")
GOOD = COMPLETED.body
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def retried(run: Run) -> None:
    """Check that the second poll completed the wait, and that the log names the host."""
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    (line,) = [line for line in run.lines if "next poll in 500ms" in line]
    assert run.environ["TWILIO_BASE_URL"].partition("//")[2] in line


BROKEN: dict[str, Step] = {
    "reset": Connection.reset,
    "closed": b"",
    "closed in the head": COMPLETED.raw[:40],
    "reset in the body": [COMPLETED.raw[:-9], 0.1, Connection.reset],
    "body shorter than announced": OK + b"Content-Length: 9999\r\n\r\n" + GOOD,
    "no last chunk": CHUNKED + b"%x\r\n%b\r\n" % (len(GOOD), GOOD),
    "garbage": bytes(range(256)),
    "long status code": b"HTTP/1.1 " + b"2" * 1000 + b" OK\r\n\r\n" + GOOD,
    "long length": OK + b"Content-Length: " + b"9" * 1000 + b"\r\n\r\n" + GOOD,
    "negative chunk size": CHUNKED + b"-5\r\n" + GOOD,
    "gzip": Response(200, gzip.compress(GOOD), {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_broken_response_is_retried(tool: Tool, answer: Step) -> None:
    retried(tool.run(answer, COMPLETED))


def test_polls_share_one_connection(tool: Tool) -> None:
    tool.run(BUILDING, BUILDING, COMPLETED)
    assert len(tool.server.connections) == 1


STALE: dict[str, tuple[Sequence[Step], str]] = {
    "closed after the response": ([BUILDING.raw], "2"),
    "closed at the next request": ([BUILDING, b""], "3"),
    "reset at the next request": ([BUILDING, Connection.reset], "3"),
}


@pytest.mark.parametrize("answers, polls", STALE.values(), ids=STALE)
def test_stale_connection_is_replaced(tool: Tool, answers: Sequence[Step], polls: str) -> None:
    assert tool.run(*answers, COMPLETED).outputs["polls"] == polls
    assert len(tool.server.connections) == 2


def test_unrequested_response_is_never_taken_for_the_next_one(tool: Tool) -> None:
    tool.run([BUILDING.raw + COMPLETED.raw], build_status("failed"), code=1)


STALLED: dict[str, Step] = {
    "never answers": [math.inf],
    "half a body": [COMPLETED.raw[:-9], math.inf],
    "head drips": [OK, itertools.cycle([0.2, b"X"])],
    "body drips": [OK + b"Content-Length: 60000\r\n\r\n", itertools.cycle([0.2, b" "])],
    "chunks drip": [CHUNKED, itertools.cycle([0.2, b"1\r\n \r\n"])],
    "trailers drip": [CHUNKED + b"0\r\n", itertools.cycle([0.2, b"X: x\r\n"])],
    "interim responses only": itertools.cycle([0.2, b"HTTP/1.1 103 Early Hints\r\n\r\n"]),
}


@pytest.mark.parametrize("answer", STALLED.values(), ids=STALLED)
def test_poll_ends_after_10_s(tool: Tool, answer: Step) -> None:
    run = tool.run(answer, COMPLETED)
    retried(run)
    assert run.outputs["elapsed-seconds"] == "10.5"


ENDLESS = {
    "body": (OK + b"\r\n", b" " * 65536),
    "chunks": (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "headers": (OK, b"X-More: and more\r\n" * 100),
    "header": (OK + b"X: ", b"x" * 65536),
    "status line": (b"HTTP/1.1 200 ", b"x" * 65536),
}


@pytest.mark.parametrize("head, piece", ENDLESS.values(), ids=ENDLESS)
def test_endless_response_is_given_up_early(tool: Tool, head: bytes, piece: bytes) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield head
        while True:
            sent += len(piece)
            yield piece

    run = tool.run(endless(), COMPLETED)
    retried(run)
    assert run.outputs["elapsed-seconds"] == "0.5"
    assert sent < 32 << 20  # what fits into the buffers of the sockets


Fail = Callable[..., NoReturn]


def failing(error: Exception) -> Fail:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def fails_once(function: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """A function whose first call fails."""
    errors = [error]

    def call(*arguments: object, **options: object) -> object:
        if errors:
            raise errors.pop()
        return function(*arguments, **options)

    return call


NO_SUCH_HOST = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
LOOKUPS = {"no host": NO_SUCH_HOST, "no descriptor": OSError(errno.EMFILE, "Too many open files")}


@pytest.mark.parametrize("error", LOOKUPS.values(), ids=LOOKUPS)
def test_failed_lookup_is_retried(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", fails_once(socket.getaddrinfo, error))
    assert tool.run(COMPLETED).outputs["polls"] == "2"


def test_lack_of_threads_is_retried(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ThreadShortageError()
    monkeypatch.setattr(VirtualClock, "run", fails_once(VirtualClock.run, error))
    assert tool.run(COMPLETED).outputs["polls"] == "2"


def test_lookup_that_hangs_ends_with_the_poll(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> NoReturn:
        clock = tool.server.clock
        assert clock
        clock.spend(math.inf, clock.request)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    run = tool.run(code=3, TWILIO_BUILD_TIMEOUT="30s")
    assert run.seconds == pytest.approx(31.5)  # the third poll is in flight at the deadline


@pytest.mark.parametrize("limit, share", [("15m", 10 / 3), ("0", 5 / 3)], ids=["poll", "last poll"])
def test_address_that_never_answers_leaves_time_for_the_next(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, limit: str, share: float
) -> None:
    connect, timeouts = socket.socket.connect, []

    def connect_later(sock: socket.socket, address: tuple[str, int]) -> None:
        timeouts.append(sock.gettimeout())
        if address[0] == "127.0.0.2":
            raise TimeoutError
        connect(sock, address)

    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, tool.server.port))
        for host in ("127.0.0.2", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: both)
    monkeypatch.setattr(socket.socket, "connect", connect_later)
    run = tool.run(COMPLETED, TWILIO_BUILD_TIMEOUT=limit)
    assert run.outputs["polls"] == "1"
    assert timeouts == pytest.approx([share, share])


REFUSED = "socket.socket.connect", failing(ConnectionRefusedError())
UNREACHABLE: dict[str, tuple[str, Fail]] = {
    "connection refused": REFUSED,
    "no such host": ("socket.getaddrinfo", failing(NO_SUCH_HOST)),
}


@pytest.mark.parametrize("cause", UNREACHABLE)
def test_unreachable_for_60_s_is_rejected(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    monkeypatch.setattr(*UNREACHABLE[cause])
    run = tool.run(code=4)
    assert 60 <= run.seconds < 95
    assert cause in run.outputs["reason"]
    assert "Check " in run.outputs["reason"]


def test_plain_server_behind_https_is_rejected_after_60_s(environ: dict[str, str]) -> None:
    bad_request: Step = [b"HTTP/1.1 400 Bad Request\r\n\r\n", Connection.close]
    with Server(connecting=(bad_request,)) as server:
        root = server.url.replace("http:", "https:")
        run = run_inside(environ | {"TWILIO_BASE_URL": root}, server)
    assert run.code == 4, run.stdout
    assert 60 <= run.seconds < 95
    assert "does not speak TLS" in run.outputs["reason"]
    assert not run.requests


def test_refused_until_the_server_listens(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        addresses = [silent.getsockname(), ("127.0.0.1", tool.server.port)]
        found = ([(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] for address in addresses)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: next(found))
        run = tool.run(COMPLETED)
    retried(run)
    assert "connection refused" in run.stdout


def test_unreachable_after_an_answer_is_retried_until_the_deadline(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(connection: Connection) -> None:
        connection.answer(Response(503))
        monkeypatch.setattr(*REFUSED)
        connection.close()

    run = tool.run(vanish, code=3, TWILIO_BUILD_TIMEOUT="3m")
    assert "connection refused" in run.outputs["reason"]


def test_no_answer_until_the_deadline_advises_no_longer_timeout(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*REFUSED)
    run = tool.run(code=3, TWILIO_BUILD_TIMEOUT="30s")
    assert "Check region, edge, base-url" in run.outputs["reason"]
    assert "longer timeout" not in run.stdout
