"""Connections that break, stall or never come about."""

import errno
import gzip
import itertools
import math
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import pytest

from tests.support.clocks import VirtualClock
from tests.support.run import Run, run_inside
from tests.support.samples import build_status
from tests.support.server import Connection, Response, Server, Step
from twilio_build_wait.signals import ThreadShortageError

pytestmark = pytest.mark.fault

BUILDING, COMPLETED = build_status("building"), build_status("completed")
GOOD = COMPLETED.body
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZIPPED = gzip.compress(GOOD)


def retried(run: Run) -> None:
    """Check that the second poll completed the wait, and that the log names the host."""
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    (line,) = [line for line in run.lines if "next poll in 500ms" in line]
    assert run.environ["TWILIO_BASE_URL"].partition("//")[2] in line


# --- connections that break -----------------------------------------------------------------------

BROKEN: dict[str, Step] = {
    "reset": Connection.reset,
    "closed": b"",
    "reset in the head": [COMPLETED.raw[:40], 0.1, Connection.reset],
    "closed in the head": COMPLETED.raw[:40],
    "reset in the body": [COMPLETED.raw[:-9], 0.1, Connection.reset],
    "body shorter than announced": OK + b"Content-Length: 9999\r\n\r\n" + GOOD,
    "no last chunk": CHUNKED + b"%x\r\n%b\r\n" % (len(GOOD), GOOD),
    "garbage": bytes(range(256)),
    "JSON without HTTP": GOOD,
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "no status code": b"HTTP/1.1 OK\r\n\r\n" + GOOD,
    "status code with letters": b"HTTP/1.1 2OO OK\r\n\r\n" + GOOD,
    "long status code": b"HTTP/1.1 " + b"2" * 1000 + b" OK\r\n\r\n" + GOOD,
    "long length": OK + b"Content-Length: " + b"9" * 1000 + b"\r\n\r\n" + GOOD,
    "chunk size with letters": CHUNKED + b"zz\r\n" + GOOD,
    "negative chunk size": CHUNKED + b"-5\r\n" + GOOD,
    "long chunk size": CHUNKED + b"f" * 1000 + b"\r\n" + GOOD,
    "gzip that was not asked for": Response(200, ZIPPED, {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_broken_response_is_retried(server: Server, environ: dict[str, str], answer: Step) -> None:
    server.script(answer, COMPLETED)
    retried(run_inside(environ, server))


@pytest.mark.parametrize("end", [Connection.reset, Connection.close], ids=["reset", "closed"])
def test_connection_broken_at_once_is_retried(
    environ: dict[str, str], end: Callable[[Connection], None]
) -> None:
    with Server(COMPLETED, connecting=(end, ())) as server:
        retried(run_inside(environ | {"TWILIO_BASE_URL": server.url}, server))


def test_polls_share_one_connection(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, BUILDING, COMPLETED)
    assert run_inside(environ, server).code == 0
    assert len(server.connections) == 1


STALE: dict[str, tuple[Sequence[Step], int]] = {
    "closed after the response": ([BUILDING.raw], 2),
    "closed at the next request": ([BUILDING, b""], 3),
    "reset at the next request": ([BUILDING, Connection.reset], 3),
}


@pytest.mark.parametrize("answers, polls", STALE.values(), ids=STALE)
def test_stale_connection_is_replaced(
    server: Server, environ: dict[str, str], answers: Sequence[Step], polls: int
) -> None:
    server.script(*answers, COMPLETED)
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == str(polls)
    assert len(server.connections) == 2


def test_unrequested_response_is_never_taken_for_the_next_one(
    server: Server, environ: dict[str, str]
) -> None:
    server.script([BUILDING.raw + COMPLETED.raw], build_status("failed"))
    assert run_inside(environ, server).code == 1


# --- responses that do not end --------------------------------------------------------------------

STALLED: dict[str, Step] = {
    "never answers": [math.inf],
    "half a head": [COMPLETED.raw[:40], math.inf],
    "half a body": [COMPLETED.raw[:-9], math.inf],
    "head drips": [OK, itertools.cycle([0.2, b"X"])],
    "body drips": [OK + b"Content-Length: 60000\r\n\r\n", itertools.cycle([0.2, b" "])],
    "chunks drip": [CHUNKED, itertools.cycle([0.2, b"1\r\n \r\n"])],
    "trailers drip": [CHUNKED + b"0\r\n", itertools.cycle([0.2, b"X: x\r\n"])],
    "interim responses only": itertools.cycle([0.2, b"HTTP/1.1 103 Early Hints\r\n\r\n"]),
}


@pytest.mark.parametrize("answer", STALLED.values(), ids=STALLED)
def test_poll_ends_after_10_s(server: Server, environ: dict[str, str], answer: Step) -> None:
    server.script(answer, COMPLETED)
    run = run_inside(environ, server)
    retried(run)
    assert run.outputs["elapsed-seconds"] == "10.5"


ENDLESS = {
    "body": (OK + b"\r\n", b" " * 65536),
    "announced body": (OK + b"Content-Length: 1099511627776\r\n\r\n", b" " * 65536),
    "chunks": (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "chunk size": (CHUNKED, b"0" * 65536),
    "headers": (OK, b"X-More: and more\r\n" * 100),
    "header": (OK + b"X: ", b"x" * 65536),
    "status line": (b"HTTP/1.1 200 ", b"x" * 65536),
}


@pytest.mark.parametrize("head, piece", ENDLESS.values(), ids=ENDLESS)
def test_endless_response_is_given_up_early(
    server: Server, environ: dict[str, str], head: bytes, piece: bytes
) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield head
        while True:
            sent += len(piece)
            yield piece

    server.script(endless(), COMPLETED)
    run = run_inside(environ, server)
    retried(run)
    assert run.outputs["elapsed-seconds"] == "0.5"
    assert sent < 32 << 20  # what fits into the buffers of the sockets


# --- names and addresses --------------------------------------------------------------------------

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


LOOKUPS = {
    "no such host": socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    "try again": socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    "no file descriptor": OSError(errno.EMFILE, "Too many open files"),
}


@pytest.mark.parametrize("error", LOOKUPS.values(), ids=LOOKUPS)
def test_failed_lookup_is_retried(
    server: Server, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    server.script(COMPLETED)
    monkeypatch.setattr(socket, "getaddrinfo", fails_once(socket.getaddrinfo, error))
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


def test_lookup_that_hangs_ends_with_the_poll(
    server: Server, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object) -> NoReturn:
        assert server.clock
        server.clock.spend(math.inf, server.clock.request)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "30s"}, server)
    assert run.code == 3, run.stdout
    assert run.seconds == pytest.approx(31.5)  # the third poll is in flight at the deadline


@pytest.mark.parametrize("limit, share", [("15m", 10 / 3), ("0", 5 / 3)], ids=["poll", "last poll"])
def test_address_that_never_answers_leaves_time_for_the_next(
    server: Server,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    share: float,
) -> None:
    connect, timeouts = socket.socket.connect, []

    def connect_later(sock: socket.socket, address: tuple[str, int]) -> None:
        timeouts.append(sock.gettimeout())
        if address[0] == "127.0.0.2":
            raise TimeoutError
        connect(sock, address)

    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, server.port))
        for host in ("127.0.0.2", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: both)
    monkeypatch.setattr(socket.socket, "connect", connect_later)
    server.script(COMPLETED)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": limit}, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "1"
    assert timeouts == pytest.approx([share, share])


# --- nothing that could answer --------------------------------------------------------------------

UNREACHABLE: dict[str, tuple[str, Fail]] = {
    "no such host": ("socket.getaddrinfo", failing(LOOKUPS["no such host"])),
    "name resolution failed": ("socket.getaddrinfo", failing(LOOKUPS["try again"])),
    "connection refused": ("socket.socket.connect", failing(ConnectionRefusedError())),
    "No route to host": (
        "socket.socket.connect",
        failing(OSError(errno.EHOSTUNREACH, "No route to host")),
    ),
    "Network is unreachable": (
        "socket.socket.connect",
        failing(OSError(errno.ENETUNREACH, "Network is unreachable")),
    ),
    "could not start a thread": (
        "tests.support.clocks.VirtualClock.run",
        failing(ThreadShortageError(ever_started=False)),
    ),
}


@pytest.mark.parametrize("cause", UNREACHABLE)
def test_unreachable_for_60_s_is_rejected(
    server: Server, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    monkeypatch.setattr(*UNREACHABLE[cause])
    run = run_inside(environ, server)
    assert run.code == 4, run.stdout
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


def test_refused_until_the_server_listens(environ: dict[str, str]) -> None:
    with Server(COMPLETED, is_listening=False) as server:

        def listen_after_the_first_error(data: bytes) -> None:
            if b"connection refused" in data:
                server.listen()

        root = {"TWILIO_BASE_URL": server.url}
        retried(run_inside(environ | root, server, write=listen_after_the_first_error))


def test_unreachable_after_an_answer_is_retried_until_the_deadline(
    server: Server, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(connection: Connection) -> None:
        connection.answer(Response(503))
        monkeypatch.setattr(socket.socket, "connect", failing(ConnectionRefusedError()))
        connection.close()

    server.script(vanish)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "3m"}, server)
    assert run.code == 3, run.stdout
    assert "connection refused" in run.outputs["reason"]


def test_no_answer_until_the_deadline_advises_no_longer_timeout(
    server: Server, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*UNREACHABLE["connection refused"])
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "30s"}, server)
    assert run.code == 3, run.stdout
    assert "Check region, edge, base-url" in run.outputs["reason"]
    assert "longer timeout" not in run.stdout


def test_lack_of_threads_is_retried(
    server: Server, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ThreadShortageError(ever_started=True)
    monkeypatch.setattr(VirtualClock, "run", fails_once(VirtualClock.run, error))
    server.script(COMPLETED)
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
