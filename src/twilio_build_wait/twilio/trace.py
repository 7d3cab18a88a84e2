"""What a request has done so far, seen through Python's audit events.

They are the public way to learn which sockets a request uses and what it has sent, whatever it
hangs in: https://docs.python.org/3/library/audit_events.html
"""

import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twilio_build_wait.twilio.responses import Response


class Trace:
    """One request.

    `sent` has the methods that were sent: CONNECT to a proxy, then GET. `head` is the response
    without its body, None until all of its headers have been read.
    """

    def __init__(self) -> None:
        self.sent: set[bytes] = set()
        self.head: Response | None = None
        self._sockets: list[socket.socket] = []
        self._is_over = False

    def follow(self) -> None:
        """Take the calling thread as the one that sends the request."""
        _of_thread.trace = self

    def end(self) -> None:
        """End the request, wherever its thread hangs: it sends nothing from now on."""
        self._is_over = True
        for sock in self._sockets:
            with sock, suppress(OSError):  # not connected yet
                sock.shutdown(socket.SHUT_RDWR)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event. Raises TimeoutError if the request is over."""
        if event == "socket.connect":
            # Another descriptor of the same connection: TLS takes the first one over.
            self._sockets.append(arguments[0].dup())
        elif event == "http.client.send":
            self.sent.add(arguments[1].split(b" ")[0])
        else:
            return
        if self._is_over:
            self.end()
            raise TimeoutError("the time of this request is over")


class _OfThread(threading.local):
    """The request that a thread sends."""

    trace: Trace | None = None


_of_thread = _OfThread()
# Called for every event in the process: it does nothing in other threads.
sys.addaudithook(
    lambda event, arguments: _of_thread.trace.note(event, arguments) if _of_thread.trace else None
)
