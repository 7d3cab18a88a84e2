"""HTTP/1.1 on the wire: reading requests and writing replies, and nothing of what they mean.

Replies are made of bytes here, not by a web framework, because half of the emulator's work is
to send replies that no framework would let through.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import struct
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024

_CONTENT_LENGTH = "content-length"
_FIRST_FINAL_STATUS = 200


class BadRequestError(Exception):
    """What came was not a request this server reads; the text says why."""


@dataclass(frozen=True)
class Request:
    """One request: header names in lower case, the path still percent-encoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True)
class Reply:
    """One reply; `status` is any number up to 999, whether HTTP knows it or not."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def adding(self, headers: dict[str, str]) -> Reply:
        """Return the reply with these headers too; its own win, whatever their case."""
        own = {name.lower() for name in self.headers}
        missing = {name: value for name, value in headers.items() if name.lower() not in own}
        return replace(self, headers={**missing, **self.headers})

    def head(self, *, length: int | None = None) -> bytes:
        """Return the head with its closing empty line; `length` is announced if given."""
        with contextlib.suppress(ValueError):
            phrase = http.HTTPStatus(self.status).phrase
            return self._head(phrase, length)
        return self._head("Unknown", length)

    def encode(self) -> bytes:
        """Return the whole reply as an honest server would send it."""
        if self.status < _FIRST_FINAL_STATUS or self.status in {204, 304}:
            return self.head()  # RFC 9110, 8.6: such a reply has no content, so no length
        return self.head(length=len(self.body)) + self.body

    def _head(self, phrase: str, length: int | None) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        names = {name.lower() for name in self.headers}
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if length is not None and _CONTENT_LENGTH not in names:
            lines.append(f"Content-Length: {length}")
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("utf-8", "surrogateescape")


class Link:
    """One client's connection, with the few rough things a faulty server does to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take over both ends of the streams of one connection."""
        self._reader = reader
        self._writer = writer
        self.open = True
        self.stale = False  # the next request on it is answered with a reset

    async def read(self) -> Request | None:
        """Return the next request, or None once the client has closed.

        Raises BadRequestError for what is not HTTP, and ConnectionError if the client resets.
        """
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            return await self._request(head)
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError:
            raise BadRequestError(f"the request's head is longer than {MAX_HEAD} bytes") from None

    async def send(self, data: bytes) -> None:
        """Write `data` and wait until the client has room for more."""
        self._writer.write(data)
        await self._writer.drain()

    async def send_slowly(self, data: bytes, pause: float) -> None:
        """Write `data` byte by byte with `pause` seconds before each."""
        for byte in data:
            await asyncio.sleep(pause)
            await self.send(bytes([byte]))

    async def until_client_leaves(self) -> None:
        """Wait, saying nothing, until the client closes its side."""
        while await self._reader.read(MAX_HEAD):
            pass

    def half_close(self) -> None:
        """Close the writing side only, where the transport can (TLS cannot)."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def reset(self) -> None:
        """End the connection with a TCP reset, after what was already sent."""
        self.open = False
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):  # the client may have been faster
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection once what was sent is out."""
        self.open = False
        self._writer.close()

    async def closed(self) -> None:
        """Wait until a connection that was closed or reset is gone."""
        await self._writer.wait_closed()

    def abort(self) -> None:
        """Drop the connection at once, if it is not gone already."""
        self._writer.transport.abort()

    async def _request(self, head: bytes) -> Request:
        request_line, *header_lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        try:
            method, target, version = request_line.split(" ")
            parts = urlsplit(target)
        except ValueError:
            raise BadRequestError("the first line is not 'METHOD TARGET HTTP/1.1'") from None
        if not version.startswith("HTTP/1."):
            raise BadRequestError("only HTTP/1.0 and HTTP/1.1 are spoken here")
        headers = {}
        for line in header_lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadRequestError("a header line has no colon")
            headers[name.strip().lower()] = value.strip()
        connection = headers.get("connection", "").lower()
        return Request(
            method=method,
            path=parts.path,
            query=parts.query,
            headers=headers,
            body=await self._body(headers),
            keep_alive=connection != "close" and version != "HTTP/1.0",
        )

    async def _body(self, headers: dict[str, str]) -> bytes:
        length = headers.get(_CONTENT_LENGTH, "0")
        if "transfer-encoding" in headers:
            raise BadRequestError(
                "send the body with a Content-Length: chunked bodies are not read here"
            )
        if not (length.isascii() and length.isdigit()) or int(length[:9]) > MAX_BODY:
            raise BadRequestError(f"Content-Length is not a number up to {MAX_BODY}")
        return await self._reader.readexactly(int(length))
