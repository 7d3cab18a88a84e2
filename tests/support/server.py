"""One scripted HTTP server on the loopback: any bytes, at any pace, with any end.

A script is a list of answers, one for each request; the last one repeats. An answer is

- a `Response`, after which the connection stays open;
- `bytes`, sent as they are, after which the connection is closed, as it is at once by `b""`;
- a function of a `Connection`, such as `Connection.reset` or your own;
- an iterable of these, after which the connection stays open, and of pauses in seconds:
  `[2.0, build_status()]` is a slow response, `[math.inf]` none, `[b"HTTP", Connection.reset]` a cut
  one, and `itertools.cycle([0.2, b"x"])` drips for ever.
"""

import contextlib
import itertools
import math
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock


class Request(NamedTuple):
    """One request's head; the names of headers are in lower case, `time` is the clock's."""

    method: str
    target: str
    path: str
    headers: Mapping[str, str]
    time: float


@dataclass(frozen=True)
class Response:
    """An HTTP/1.1 response, and `raw` as it is sent; unless `headers` frame it, with its length."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        head = f"HTTP/1.1 {self.status} Phrase\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        if not {"content-length", "transfer-encoding"} & {name.lower() for name in self.headers}:
            head += f"Content-Length: {len(self.body)}\r\n"
        return f"{head}\r\n".encode("utf-8", "surrogateescape") + self.body


class Connection:
    """The server's end of one connection; its methods raise OSError once the client has gone."""

    def __init__(self, server: "Server", sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self._received = b""
        self._begin_request()

    def _begin_request(self) -> None:
        clock = self.server.clock
        self._awaited = (clock, clock.request) if clock else None
        self._has_sent = False

    def read_request(self) -> Request | None:
        while b"\r\n\r\n" not in self._received:
            if not (received := self.sock.recv(65536)):
                return None
            self._received += received
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        self._begin_request()
        now = self.server.clock.now() if self.server.clock else time.monotonic()
        return Request(method, target, target.partition("?")[0], headers, now)

    def answer(self, step: "Step") -> None:
        if isinstance(step, Response | bytes):
            self._has_sent = True
            self.sock.sendall(step if isinstance(step, bytes) else step.raw)
        elif isinstance(step, int | float):
            self.pause(step)
        elif callable(step):
            step(self)
        else:
            for each in step:
                self.answer(each)

    def pause(self, seconds: float) -> None:
        """Let time pass, virtual or real. Infinity is until the client has gone."""
        if self._has_sent and seconds == math.inf:
            self._wait_for_end(0.02)  # the client may need no more, and go on
        if not self._awaited:
            self._wait_for_end(seconds)
        elif not self._awaited[0].spend(seconds, self._awaited[1]):
            self._wait_for_end(math.inf)

    def _wait_for_end(self, limit: float) -> None:
        self.sock.settimeout(None if limit == math.inf else limit)
        with contextlib.suppress(TimeoutError):
            while self.sock.recv(65536):
                pass
            raise ConnectionAbortedError
        self.sock.settimeout(None)

    def close(self) -> None:
        """Close the connection; under TLS without a closing alert."""
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands as a server; after a CONNECT too, as the proxy and its target in one."""
        self.sock = context.wrap_socket(self.sock, server_side=True)


Step = Response | bytes | float | Callable[[Connection], None] | Iterable["Step"]


def _script(answers: Sequence[Step]) -> Iterator[Step]:
    return itertools.chain(answers, itertools.cycle(answers[-1:]))


class Server(contextlib.AbstractContextManager["Server"]):
    """Accepts connections on 127.0.0.1 from the start; `url` is its root.

    `answers` are the script for every path. With `tls` it speaks TLS, as `localhost`. It goes by
    the virtual time of `clock`, or the machine's. An error in one of its threads fails the test.
    """

    def __init__(self, *answers: Step, tls: ssl.SSLContext | None = None) -> None:
        self.clock: VirtualClock | None = None
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self._scripts = {"": _script(answers)}
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def script(self, *answers: Step, path: str = "") -> None:
        """Set the script for the paths that end in `path`; the longest such path counts."""
        self._scripts[path] = _script(answers)

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(5)  # after it, there are no new connections
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), thread

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection = Connection(self, self._listener.accept()[0])
                self.connections.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        with contextlib.closing(connection), contextlib.suppress(OSError):  # it has gone
            if self._tls:
                connection.start_tls(self._tls)
            while request := connection.read_request():
                self.requests.append(request)
                path = max(filter(request.path.endswith, self._scripts), key=len)
                answer = next(self._scripts[path])
                connection.answer(answer)
                if isinstance(answer, bytes):
                    break
