"""What a request does, by audit events (docs.python.org/3/library/audit_events.html)."""

import socket
import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twilio_build_wait.twilio.responses import Response


class Trace:
    """One request."""

    def __init__(self) -> None:
        #: The methods that were sent: CONNECT to a proxy, then GET.
        self.sent: set[bytes] = set()
        #: The response without its body; None until all of its headers have been read.
        self.head: Response | None = None
        self._connections: list[socket.socket] = []
        self._is_over = False

    def follow(self) -> None:
        """Take the calling thread as the one that sends the request."""
        _of_thread.set(self)

    def end(self) -> None:
        """End the request, wherever its thread hangs: it sends nothing from now on."""
        self._is_over = True
        for connection in self._connections:
            with connection, suppress(OSError):  # not connected yet
                connection.shutdown(socket.SHUT_RDWR)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event. Raises TimeoutError if the request is over."""
        if event == "socket.connect":
            # Another descriptor of the same connection: TLS takes the first one over.
            self._connections.append(arguments[0].dup())
        elif event == "http.client.send":
            self.sent.add(arguments[1].split(b" ")[0])
        else:
            return
        if self._is_over:
            self.end()
            raise TimeoutError("the time of this request is over")


# The request that a thread sends. The hook is called for every event in the process.
_of_thread: ContextVar[Trace | None] = ContextVar("trace", default=None)
sys.addaudithook(
    lambda event, arguments: trace.note(event, arguments) if (trace := _of_thread.get()) else None
)
