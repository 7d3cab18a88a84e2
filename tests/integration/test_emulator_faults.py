"""Every kind of fault, as it arrives at a bare socket."""

import base64
import contextlib
import gzip
import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from emulator import faults
from emulator.api import ACCOUNT_SID, AUTH_TOKEN
from emulator.server import Emulator, Options

BUILD = "ZB" + 32 * "1"
PATH = f"/v1/Services/demo/Builds/{BUILD}/Status"
BASIC = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\n\r\n".encode()
HEAD_END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(Options(default="completed:0")) as emulator:
        yield emulator


@pytest.fixture
def connection(emulator: Emulator) -> Iterator[socket.socket]:
    address = urlsplit(emulator.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        yield connection


def read_to_the_end(connection: socket.socket) -> tuple[bytes, str]:
    """What came, and whether the connection was then ``closed`` or ``reset``."""
    received = bytearray()
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        return bytes(received), "reset"
    return bytes(received), "closed"


def ask(emulator: Emulator, connection: socket.socket, fault: str | dict[str, object]) -> None:
    emulator.play(fault)
    connection.sendall(REQUEST)


def honest_body(emulator: Emulator) -> bytes:
    return fetch(emulator)[1]


def fetch(emulator: Emulator) -> tuple[http.client.HTTPResponse, bytes]:
    """One reply as a whole, read by the standard library's client."""
    address = urlsplit(emulator.url)
    client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    with contextlib.closing(client):
        client.request("GET", PATH, headers={"Authorization": BASIC})
        reply = client.getresponse()
        return reply, reply.read()


# --- replies that are whole -----------------------------------------------------------------------


def is_honest(reply: http.client.HTTPResponse, body: bytes, honest: bytes) -> bool:
    return reply.status == 200 and body == honest


def is_chunked(reply: http.client.HTTPResponse, body: bytes, honest: bytes) -> bool:
    return reply.getheader("Transfer-Encoding") == "chunked" and body == honest


def is_refusal(reply: http.client.HTTPResponse, body: bytes, _: bytes) -> bool:
    return reply.status == 503 and json.loads(body)["code"] == 20503


def is_changed(_: http.client.HTTPResponse, body: bytes, honest: bytes) -> bool:
    return bool(json.loads(body) == json.loads(honest) | {"status": "COMPLETED"})


def is_other_build(_: http.client.HTTPResponse, body: bytes, honest: bytes) -> bool:
    sid = json.loads(body)["sid"]
    other: bool = json.loads(body) == json.loads(honest) | {"sid": sid} and sid != BUILD
    return other and re.fullmatch(r"ZB[0-9a-f]{32}", sid) is not None


def is_html(reply: http.client.HTTPResponse, body: bytes, _: bytes) -> bool:
    return reply.getheader("Content-Type") == "text/html" and body.startswith(b"<html>")


def is_empty(reply: http.client.HTTPResponse, body: bytes, _: bytes) -> bool:
    return (reply.status, reply.getheader("Content-Length"), body) == (200, "0", b"")


def is_oversize(_: http.client.HTTPResponse, body: bytes, honest: bytes) -> bool:
    return len(body) > 64 * 1024 and body.strip() == honest


def is_bomb(reply: http.client.HTTPResponse, body: bytes, honest: bytes) -> bool:
    unpacked = gzip.decompress(body)
    assert len(unpacked) == 200 * 1024 * 1024 + len(honest)
    packed = reply.getheader("Content-Encoding") == "gzip" and len(body) < 512 * 1024
    return packed and unpacked[-len(honest) :] == honest


WHOLE: dict[str, tuple[str, Callable[[http.client.HTTPResponse, bytes, bytes], bool]]] = {
    "ok": ("ok", is_honest),
    "chunked": ("chunked", is_chunked),
    "reply": ("503 retry-after=2", is_refusal),
    "merge": ("status=COMPLETED", is_changed),
    "other-build": ("other-build", is_other_build),
    "html": ("html", is_html),
    "empty": ("empty", is_empty),
    "oversize": ("oversize", is_oversize),
    "gzip-bomb": ("gzip-bomb", is_bomb),
    "drip-head": ("drip-head=1ms", is_honest),
    "drip-body": ("drip-body=1ms", is_honest),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_reply(emulator: Emulator, kind: str) -> None:
    honest = honest_body(emulator)
    assert json.loads(honest)["status"] == "completed"
    spec, is_right = WHOLE[kind]
    emulator.play(spec)
    assert is_right(*fetch(emulator), honest)
    assert honest_body(emulator) == honest


# --- replies that are not -------------------------------------------------------------------------


def is_nothing(received: bytes, _: bytes) -> bool:
    return received == b""


def is_not_http(received: bytes, _: bytes) -> bool:
    return len(received) > 0 and not received.startswith(b"HTTP/")


def is_part_of_head(received: bytes, _: bytes) -> bool:
    return received.startswith(b"HTTP/1.1 200 OK\r\n") and HEAD_END not in received


def is_head(received: bytes, honest: bytes) -> bool:
    announced = f"Content-Length: {len(honest)}\r\n".encode()
    return received.endswith(HEAD_END) and announced in received


def is_half(received: bytes, honest: bytes) -> bool:
    head, _, body = received.partition(HEAD_END)
    return is_head(head + HEAD_END, honest) and body == honest[: len(honest) // 2]


def is_part_of_chunks(received: bytes, honest: bytes) -> bool:
    head, _, body = received.partition(HEAD_END)
    return (
        b"Transfer-Encoding: chunked" in head
        and body.startswith(b"10\r\n" + honest[:16] + b"\r\n")
        and not body.endswith(b"0\r\n\r\n")
    )


def is_as_scripted(received: bytes, _: bytes) -> bool:
    return received == "HTTP/1.1 2é0\r\n".encode()


def is_one_reply(received: bytes, honest: bytes) -> bool:
    return received.count(b"HTTP/1.1 200 OK") == 1 and received.endswith(honest)


RAW: dict[str, object] = {"raw": "HTTP/1.1 2é0\r\n"}
BROKEN: dict[str, tuple[str | dict[str, object], Callable[[bytes, bytes], bool], str]] = {
    "raw": (RAW, is_as_scripted, "closed"),
    "garbage": ("garbage", is_not_http, "closed"),
    "close": ("close", is_nothing, "closed"),
    "half-close": ("half-close", is_nothing, "closed"),
    "hang": ("hang=10ms", is_nothing, "closed"),
    "hang-body": ("hang-body=10ms", is_head, "closed"),
    "cut": ("cut", is_half, "closed"),
    "chunk-cut": ("chunk-cut", is_part_of_chunks, "closed"),
    "reset": ("reset", is_nothing, "reset"),
    "reset-head": ("reset-head", is_part_of_head, "reset"),
    "reset-body": ("reset-body", is_half, "reset"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_reply(emulator: Emulator, connection: socket.socket, kind: str) -> None:
    honest = honest_body(emulator)
    spec, is_right, ending = BROKEN[kind]
    ask(emulator, connection, spec)
    received, ended = read_to_the_end(connection)
    assert is_right(received, honest), received
    assert ended == ending
    assert honest_body(emulator) == honest


def test_a_stale_connection(emulator: Emulator, connection: socket.socket) -> None:
    honest = honest_body(emulator)
    ask(emulator, connection, "stale")
    received = b""
    while not received.endswith(honest):
        received += connection.recv(65536)
    connection.sendall(REQUEST)
    assert read_to_the_end(connection) == (b"", "reset")
    assert received.count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize(
    "kind, start", [("endless", b"Transfer-Encoding: chunked"), ("endless-head", b"X-Filler: x")]
)
def test_an_endless_reply(
    emulator: Emulator, connection: socket.socket, kind: str, start: bytes
) -> None:
    ask(emulator, connection, kind)
    received = b""
    while len(received) < 300_000:
        data = connection.recv(65536)
        assert data
        received += data
    assert start in received
    assert (HEAD_END in received) == (kind == "endless")
    assert emulator.requests()[-1]["ended"] is None
    connection.close()
    while emulator.requests()[-1]["ended"] is None:
        time.sleep(0.01)  # until the server has seen that its client is gone


@pytest.mark.parametrize("kind, expected", [("hang", b""), ("hang-body", b"HTTP/1.1 200 OK")])
def test_hanging_lasts_until_the_client_leaves(
    emulator: Emulator, connection: socket.socket, kind: str, expected: bytes
) -> None:
    ask(emulator, connection, kind)
    received = b""
    while expected and HEAD_END not in received:
        received += connection.recv(65536)
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    assert received.startswith(expected)
    assert emulator.requests()[-1]["ended"] is None
    connection.close()
    while emulator.requests()[-1]["ended"] is None:
        time.sleep(0.01)  # until the server has seen that its client is gone


@pytest.mark.parametrize("kind, at_once", [("drip-head", False), ("drip-body", True)])
def test_dripping_takes_its_time_for_every_byte(
    emulator: Emulator, connection: socket.socket, *, kind: str, at_once: bool
) -> None:
    ask(emulator, connection, f"{kind}=3ms")
    head, arrivals, body = b"", 0, b""
    start = time.monotonic()
    while HEAD_END not in head:
        head += connection.recv(65536)
        arrivals += 1
    assert (arrivals == 1) is at_once
    head, _, body = head.partition(HEAD_END)
    length = int(re.findall(rb"Content-Length: (\d+)", head)[0])
    while len(body) < length:
        body += connection.recv(65536)
    dripped = length if at_once else len(head) + len(HEAD_END) + length
    assert time.monotonic() - start >= dripped * 0.003


def test_every_kind_is_met_here() -> None:
    elsewhere = {"stale", "endless", "endless-head"}
    assert set(faults.KINDS) == set(WHOLE) | set(BROKEN) | elsewhere


def test_a_delay_comes_before_the_reply(emulator: Emulator) -> None:
    emulator.play("200 delay=150ms")
    start = time.monotonic()
    reply, _ = fetch(emulator)
    assert reply.status == 200
    assert time.monotonic() - start >= 0.15


@pytest.mark.parametrize(
    "spec, status, headers, content",
    [
        ("401", 401, {}, {"code": 20003, "status": 401}),
        ("403", 403, {}, {"code": 20403}),
        ("429", 429, {}, {"code": 20429, "moreInfo": "https://www.twilio.com/docs/errors/20429"}),
        ("429 shape=plain", 429, {}, {"more_info": "https://www.twilio.com/docs/errors/20429"}),
        ("500 message=down", 500, {}, {"code": 20500, "message": "down"}),
        ("503 retry-after=soon", 503, {"Retry-After": "soon"}, {"code": 20503}),
        ("404 shape=problem", 404, {"Content-Type": "application/problem+json"}, {"code": 20404}),
        ("502", 502, {"Content-Type": "text/html"}, None),
        ("502 code=20500", 502, {"Content-Type": "application/json"}, {"code": 20500}),
        ("302 location=http://127.0.0.1:9/", 302, {"Location": "http://127.0.0.1:9/"}, None),
        ({"status": 999, "json": [1]}, 999, {}, [1]),
        ({"status": 200, "headers": {"Date": "never"}, "body": "3"}, 200, {"Date": "never"}, 3),
    ],
)
def test_replies_of_any_status(
    emulator: Emulator,
    spec: str | dict[str, object],
    status: int,
    headers: dict[str, str],
    content: object,
) -> None:
    emulator.play(spec)
    reply, body = fetch(emulator)
    assert reply.status == status
    assert {name: reply.getheader(name) for name in headers} == headers
    if isinstance(content, dict):
        fields = json.loads(body)
        assert {name: fields[name] for name in content} == content
    elif content is not None:
        assert json.loads(body) == content


def test_a_scripted_reply_without_content(emulator: Emulator) -> None:
    emulator.play("204")
    reply, body = fetch(emulator)
    assert (reply.status, body, reply.getheader("Content-Length")) == (204, b"", None)
