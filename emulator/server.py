"""HTTP: parses requests, and sends responses or resets."""

import contextlib
import socket
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from emulator.messages import Request, Response, parse_form


class Server(ThreadingTCPServer):
    """A server on loopback that gives each request, in a thread of its own, to `answer`."""

    # Not http.server's class: it looks up the host's name, which can take seconds.
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int, answer: Callable[[Request], Response]) -> None:
        """Listen; raises OSError. A `port` of 0 is any free one."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client has closed the connection
            super().handle()

    def _answer(self) -> None:
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        form = parse_form(headers.get("content-type", ""), body)
        values = parse_qs(target.query, keep_blank_values=True) | form
        response = self.server.answer(Request(self.command, target.path, headers, values))
        if response.status == 0:
            self._reset()
        else:
            self._send(response)

    do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815 (the names of the base class)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        headers = response.headers | {
            "Twilio-Request-Id": f"RQ{uuid4().hex}",
            "Content-Length": str(len(response.body)),
            "Connection": "close",  # so that no thread waits for a next request
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    def _reset(self) -> None:
        """Close the connection with a TCP reset, which a linger time of zero causes."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()  # it would keep the socket open
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Print nothing: the emulator has a log of its own."""
