"""A server on a raw socket that does to each request exactly what a script says.

An HTTP server library repairs what it sends; here every byte, every pause and every way of ending
a connection is the test's own. `Wire(*acts)` listens on the loopback and runs one act a request, in
order, the last one for ever. An act is made by the functions below, from a good reply to an endless
one; `on_connect=True` acts run as soon as a connection is there, before TLS and before a request.

    with Wire(reset_before_reply(), status("completed")) as wire:
        ...  # a client of wire.root
    assert len(wire.requests) == 2
"""

import contextlib
import gzip
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.integration.harness import ACCOUNT_SID, BUILD_SID, SERVICE_SID

_TICK_S = 0.05  # how often a blocked act looks whether the server is being stopped
_HEAD_LIMIT = 1 << 20


@dataclass(frozen=True)
class Request:
    """A request as it came in: its first line, its headers by lower-case name, and when."""

    line: str
    headers: Mapping[str, str]
    connection: int  # which connection it came on, from 0
    at: float  # time.monotonic() in seconds
    raw: bytes

    @property
    def method(self) -> str:
        return self.line.partition(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@dataclass(frozen=True)
class Act:
    """What the server does with one request, or with one connection before any request."""

    run: "Callable[[Peer], None]"
    on_connect: bool = False


@dataclass
class Peer:
    """The client's end of one accepted connection, in the hands of an act."""

    sock: socket.socket
    wire: "Wire"
    number: int
    request: Request | None = None
    open: bool = True
    _buffer: bytearray = field(default_factory=bytearray)

    def send(self, data: bytes) -> bool:
        """Send all of `data`; False when the client has gone or the server is being stopped."""
        view = memoryview(data)
        while view and not self.wire.stopping:
            try:
                sent = self.sock.send(view)
            except (TimeoutError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                continue
            except OSError:
                self.open = False
                return False
            self.wire.bytes_sent += sent
            view = view[sent:]
        return not view

    def drip(self, data: bytes, every: float) -> None:
        """Send `data` one byte at a time, `every` seconds apart, until the client has gone."""
        for index in range(len(data)):
            if not self.send(data[index : index + 1]) or self.wire.pause(every):
                return

    def flood(self, piece: bytes) -> None:
        """Send `piece` over and over until the client has gone."""
        while self.send(piece):
            pass

    def hang(self) -> None:
        """Say nothing until the client has gone."""
        while not self.wire.stopping:
            try:
                if not self.sock.recv(4096):
                    break
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError:
                break
        self.open = False

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Through the descriptor, so that TLS does not say goodbye first.
        socket.close(self.sock.detach())
        self.open = False

    def close(self) -> None:
        """End the connection in order, without TLS's goodbye."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.open = False

    def half_close(self) -> None:
        """Say that nothing more will be sent, and keep on listening."""
        self.sock.shutdown(socket.SHUT_WR)

    def read_request(self) -> Request | None:
        """The next request's head, or None when the client has gone or the server stops."""
        while b"\r\n\r\n" not in self._buffer and len(self._buffer) < _HEAD_LIMIT:
            if self.wire.stopping:
                return None
            try:
                data = self.sock.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError:
                return None
            if not data:
                return None
            self._buffer += data
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Request(lines[0], headers, self.number, time.monotonic(), head)


class Wire:
    """A scripted server on 127.0.0.1, or on `host`; with `tls`, behind TLS.

    `listening=False` holds the port and refuses every connection until `listen` is called.
    """

    def __init__(
        self,
        *acts: Act,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        listening: bool = True,
    ) -> None:
        self.acts: Sequence[Act] = acts
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.bytes_sent = 0
        self._next = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, 0))
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        if listening:
            self.listen()

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def root(self) -> str:
        """The API root to hand to the tool; behind TLS under the name `localhost`."""
        if self.tls is not None:
            return f"https://localhost:{self.port}"
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def listen(self) -> None:
        """Begin to accept connections."""
        self._listener.listen(64)
        self._start(self._accept)

    def pause(self, seconds: float) -> bool:
        """Wait; True when the server is being stopped meanwhile."""
        return self._stop.wait(seconds)

    def close(self) -> None:
        """Stop listening, let every act come to its end, and join its thread."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping:
            readable, _, _ = select.select([self._listener], [], [], _TICK_S)
            if readable:
                sock, _ = self._listener.accept()
                sock.settimeout(_TICK_S)
                number, self.connections = self.connections, self.connections + 1
                self._start(self._serve, Peer(sock, self, number))

    def _serve(self, peer: Peer) -> None:
        # A client that leaves is what half of the acts are about, never the server's failure.
        with contextlib.suppress(OSError):
            while self._goes_on(peer) and self._act(on_connect=True) is not None:
                self._take().run(peer)
            if self.tls is not None and self._goes_on(peer):
                peer.sock.settimeout(10)
                peer.sock = self.tls.wrap_socket(peer.sock, server_side=True)
                peer.sock.settimeout(_TICK_S)
            while self._goes_on(peer):
                peer.request = peer.read_request()
                if peer.request is None:
                    break
                with self._lock:
                    self.requests.append(peer.request)
                self._take().run(peer)
        with contextlib.suppress(OSError):
            peer.sock.close()

    def _goes_on(self, peer: Peer) -> bool:
        return peer.open and not self.stopping

    def _act(self, *, on_connect: bool) -> Act | None:
        act = self.acts[min(self._next, len(self.acts) - 1)]
        return act if act.on_connect == on_connect else None

    def _take(self) -> Act:
        with self._lock:
            act = self.acts[min(self._next, len(self.acts) - 1)]
            self._next += 1
            return act


# --- good replies, and replies that are only odd --------------------------------------------------


def build_json(status: object = "building", **fields: object) -> bytes:
    """A Status resource as Twilio sends it; a field given as `...` is left out."""
    resource: dict[str, object] = {
        "sid": BUILD_SID,
        "account_sid": ACCOUNT_SID,
        "service_sid": SERVICE_SID,
        "status": status,
        "url": f"https://serverless.twilio.com/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status",
    } | fields
    return json.dumps({k: v for k, v in resource.items() if v is not ...}).encode()


def head(
    code: int = 200,
    reason: str = "Reason",
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """A reply's head, its empty line included."""
    lines = [f"HTTP/1.1 {code} {reason}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


JSON = {"Content-Type": "application/json"}


def reply(
    code: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    reason: str = "Reason",
) -> Act:
    """One whole reply with its length announced; the connection stays open."""
    message = head(code, reason, JSON | dict(headers or {}), len(body)) + body
    return Act(lambda peer: void(peer.send(message)))


def status(word: object, headers: Mapping[str, str] | None = None, **fields: object) -> Act:
    """A 200 with the Status resource of the build asked for."""
    return reply(200, build_json(word, **fields), headers, "OK")


def raw(message: bytes, *, then_close: bool = True) -> Act:
    """Any bytes at all, after which the connection is closed, or held open in silence."""

    def run(peer: Peer) -> None:
        peer.send(message)
        peer.close() if then_close else peer.hang()

    return Act(run)


def without_length(body: bytes) -> Act:
    """A 200 whose body ends where the server ends its half of the connection."""

    def run(peer: Peer) -> None:
        peer.send(head(200, "OK", JSON) + body)
        peer.half_close()
        peer.hang()

    return Act(run)


def chunked(body: bytes, size: int = 7) -> Act:
    """A whole 200 in chunks of `size` bytes, with an extension and a trailer."""

    def run(peer: Peer) -> None:
        peer.send(head(200, "OK", JSON | {"Transfer-Encoding": "chunked"}))
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            peer.send(f"{len(piece):x};note=x\r\n".encode() + piece + b"\r\n")
        peer.send(b"0\r\nTrailer: x\r\n\r\n")

    return Act(run)


def after(seconds: float, act: Act) -> Act:
    """The same act, later."""

    def run(peer: Peer) -> None:
        if not peer.wire.pause(seconds):
            act.run(peer)

    return Act(run, act.on_connect)


def and_one_unasked(first: bytes, pause: float, second: bytes) -> Act:
    """A 200 with the body `first`, and on its heels another that nobody has asked for."""

    def run(peer: Peer) -> None:
        one = head(200, "OK", JSON, len(first)) + first
        another = head(200, "OK", JSON, len(second)) + second
        if not pause:
            one, another = one + another, b""
        peer.send(one)
        peer.wire.pause(pause)
        peer.send(another)

    return Act(run)


def then_close(act: Act) -> Act:
    """The same act, after which the connection is closed without a word of warning."""

    def run(peer: Peer) -> None:
        act.run(peer)
        peer.close()

    return Act(run)


# --- the wire breaks ------------------------------------------------------------------------------

_GOOD = build_json("completed")
_GOOD_HEAD = head(200, "OK", JSON, len(_GOOD))


def reset_on_connect() -> Act:
    """A reset as soon as the connection stands."""
    return Act(Peer.reset, on_connect=True)


def close_on_connect() -> Act:
    """The connection is closed as soon as it stands."""
    return Act(Peer.close, on_connect=True)


def hang_on_connect() -> Act:
    """The connection stands and nobody reads from it or writes to it."""
    return Act(lambda peer: void(peer.wire.pause(3600)), on_connect=True)


def reset_in_handshake() -> Act:
    """A reset once the client has begun its TLS handshake."""

    def run(peer: Peer) -> None:
        peer.sock.settimeout(10)
        peer.sock.recv(1)
        peer.reset()

    return Act(run, on_connect=True)


def talk_plain_http() -> Act:
    """Plain HTTP in answer to a TLS handshake."""

    def run(peer: Peer) -> None:
        peer.sock.settimeout(10)
        peer.sock.recv(65536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.close()

    return Act(run, on_connect=True)


def garbled_handshake() -> Act:
    """The beginnings of TLS records, and nothing in them, in answer to a TLS handshake."""

    def run(peer: Peer) -> None:
        peer.send(b"\x15\x03\x01" * 50)
        peer.close()

    return Act(run, on_connect=True)


def reset_after(sent: bytes) -> Act:
    """A reset after these bytes of a reply; the pause lets the client read them first."""

    def run(peer: Peer) -> None:
        peer.send(sent)
        peer.wire.pause(0.1)
        peer.reset()

    return Act(run)


def reset_before_reply() -> Act:
    """A reset in answer to the request."""
    return Act(Peer.reset)


def reset_in_head() -> Act:
    """A reset after the status line and half of a header."""
    return reset_after(b"HTTP/1.1 200 OK\r\nContent-Ty")


def reset_after_head() -> Act:
    """A reset after a whole head that announces a body."""
    return reset_after(_GOOD_HEAD)


def reset_in_body() -> Act:
    """A reset in the middle of the body."""
    return reset_after(_GOOD_HEAD + _GOOD[: len(_GOOD) // 2])


def close_silently() -> Act:
    """The connection is closed in answer to the request."""
    return Act(Peer.close)


def close_in_head() -> Act:
    """The connection is closed within the head."""
    return raw(b"HTTP/1.1 200 OK\r\nContent-Ty")


def short_body() -> Act:
    """Fewer bytes than announced; what is there is whole JSON, so only the length tells."""
    return raw(head(200, "OK", JSON, len(_GOOD) + 100) + _GOOD)


def chunks_cut() -> Act:
    """A chunked body without its last chunk; what is there is whole JSON."""
    chunk = f"{len(_GOOD):x}\r\n".encode() + _GOOD + b"\r\n"
    return raw(head(200, "OK", JSON | {"Transfer-Encoding": "chunked"}) + chunk)


def half_closed() -> Act:
    """Half a head, and no more will come, though the server still listens."""

    def run(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
        peer.half_close()
        peer.hang()

    return Act(run)


def garbage() -> Act:
    """Bytes that are no HTTP, every value of a byte among them."""
    return raw(bytes(range(256)) * 8 + b"\r\n\r\n")


# --- the wire does not end ------------------------------------------------------------------------


def nothing_ever() -> Act:
    """The request is read, and never answered."""
    return Act(Peer.hang)


def nothing_after(sent: bytes) -> Act:
    """These bytes of a reply, then never another."""
    return raw(sent, then_close=False)


def drip_head(every: float = 0.2) -> Act:
    """A good reply, one byte every so often, so that no single byte is ever late."""
    padding = b"".join(b"X-Padding-%d: %s\r\n" % (i, b"x" * 80) for i in range(90))
    return Act(lambda peer: peer.drip(b"HTTP/1.1 200 OK\r\n" + padding + b"\r\n", every))


def drip_body(code: int = 200, every: float = 0.2) -> Act:
    """A good head, then the body one byte every so often."""

    def run(peer: Peer) -> None:
        body = b" " * 60_000 + _GOOD
        peer.send(head(code, "OK", JSON, len(body)))
        peer.drip(body, every)

    return Act(run)


def drip_chunks(every: float = 0.2) -> Act:
    """A good head, then white space in chunks of one byte every so often."""

    def run(peer: Peer) -> None:
        peer.send(head(200, "OK", JSON | {"Transfer-Encoding": "chunked"}))
        while peer.send(b"1\r\n \r\n") and not peer.wire.pause(every):
            pass

    return Act(run)


def drip_interim(every: float = 0.1) -> Act:
    """One interim reply every so often, and never the real one."""

    def run(peer: Peer) -> None:
        while peer.send(b"HTTP/1.1 100 Continue\r\n\r\n") and not peer.wire.pause(every):
            pass

    return Act(run)


def endless(start: bytes, piece: bytes) -> Act:
    """`start`, then `piece` over and over as fast as it is read."""

    def run(peer: Peer) -> None:
        peer.send(start)
        peer.flood(piece)

    return Act(run)


def endless_body(code: int = 200) -> Act:
    """A body without announced length that never ends."""
    return endless(head(code, "OK", JSON), b" " * 65536)


def endless_chunk_size() -> Act:
    """A chunk's size line that never ends."""
    return endless(head(200, "OK", JSON | {"Transfer-Encoding": "chunked"}), b"0" * 65536)


def endless_headers() -> Act:
    """Header after header, and no end of the head."""
    return endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 100)


def endless_header_line() -> Act:
    """One header that never ends."""
    return endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"x" * 65536)


def endless_status_line() -> Act:
    """A status line that never ends."""
    return endless(b"HTTP/1.1 200 ", b"x" * 65536)


def endless_interim(code: int = 100) -> Act:
    """Interim replies, and never the real one."""
    return endless(b"", f"HTTP/1.1 {code} Interim\r\n\r\n".encode() * 100)


def gzip_bomb(size: int = 50 << 20) -> Act:
    """A good reply of `size` bytes once unpacked, and under 64 KiB on the wire."""
    packed = gzip.compress(b" " * size + _GOOD, 9)
    if len(packed) >= 64 << 10:
        raise ValueError(f"{len(packed)} bytes are cut off before they are unpacked")
    return reply(200, packed, {"Content-Encoding": "gzip"})


# --- a proxy --------------------------------------------------------------------------------------


def tunnel(target: tuple[str, int]) -> Act:
    """Accept a CONNECT to anywhere, and carry it to `target` instead."""

    def run(peer: Peer) -> None:
        with socket.create_connection(target, 5) as onward:
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {peer.sock: onward, onward: peer.sock}
            peer.sock.settimeout(5)
            while not peer.wire.stopping:
                for source in select.select(list(ends), [], [], _TICK_S)[0]:
                    data = source.recv(65536)
                    if not data:
                        return peer.close()
                    ends[source].sendall(data)
        return None

    return Act(run)


def void(_: object) -> None:
    """Drop a value, so that a call can stand in a lambda that returns nothing."""
