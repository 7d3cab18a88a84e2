"""The network, replaced at its lowest point: where urllib3 asks the system for a connection."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import urllib3.util.connection


@dataclass(frozen=True)
class Peer:
    """Who is at the other end: all that it says, and whether it hangs up then or falls silent.

    The connection to one that is `gone` is no longer there to be shut down.
    """

    says: bytes
    hangs_up: bool = True
    resets: bool = False
    gone: bool = False


class Gone(socket.socket):
    """A socket whose other end has taken the connection down."""

    def shutdown(self, how: int) -> None:  # noqa: ARG002 (as in the library)
        raise OSError(107, "Transport endpoint is not connected")


class Wire:
    """Connects to scripted peers, which have said all that they will say before they are asked.

    Each connection is one end of a socket pair; nothing leaves the process. An exception in the
    script is what connecting fails with.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of `urllib3.util.connection.create_connection`."""
        self.script: list[Peer | Exception] = []
        self.addresses: list[tuple[str, int]] = []
        self.timeouts: list[object] = []
        self.connected = threading.Event()
        self._theirs: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        monkeypatch.setattr(urllib3.util.connection, "create_connection", self._connect)

    def answer(self, *script: Peer | Exception | bytes) -> None:
        """Set the peers of the connections to come; bytes are a peer that hangs up after them."""
        self.script = [Peer(said) if isinstance(said, bytes) else said for said in script]

    def _connect(
        self,
        address: tuple[str, int],
        timeout: float | None = None,
        source_address: object = None,  # noqa: ARG002 (as in urllib3)
        socket_options: object = None,  # noqa: ARG002 (as in urllib3; they are for TCP)
    ) -> socket.socket:
        self.addresses.append(address)
        self.timeouts.append(timeout)
        peer = self.script.pop(0)
        if isinstance(peer, Exception):
            raise peer
        ours, theirs = socket.socketpair()
        ours.settimeout(timeout)
        theirs.sendall(peer.says)
        if peer.resets:
            # Closed with something unread in it, a Unix socket resets the other end.
            ours.send(b"x")
            theirs.close()
        elif peer.hangs_up:
            theirs.shutdown(socket.SHUT_WR)
        self._theirs.append(theirs)
        self.connected.set()
        return Gone(fileno=ours.detach()) if peer.gone else ours

    def heard(self, connection: int = -1) -> bytes:
        """Return all that was said to a peer, which must have been hung up on."""
        theirs = self._theirs[connection]
        theirs.settimeout(5)
        heard = b""
        while said := theirs.recv(65536):
            heard += said
        return heard

    def heard_so_far(self, connection: int = -1) -> bytes:
        """Return what was said to a peer up to now."""
        theirs = self._theirs[connection]
        theirs.settimeout(5)
        return theirs.recv(65536)

    def answer_when_asked(self, says: bytes) -> None:
        """Have the peer say more on the connection that is open, once it is asked again."""

        def say() -> None:
            if self.heard_so_far():
                self._theirs[-1].sendall(says)

        self._thread = threading.Thread(target=say)
        self._thread.start()

    def close(self) -> None:
        if self._thread:
            self._thread.join()
        for theirs in self._theirs:
            theirs.close()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Replace the network for a test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    made = Wire(monkeypatch)
    yield made
    made.close()


def reply(
    body: bytes = b"", status: int = 200, phrase: str = "OK", length: int | None = None, **more: str
) -> bytes:
    """Write an HTTP/1.1 reply; underscores in the names of `more` headers stand for hyphens."""
    head = [f"HTTP/1.1 {status} {phrase}"]
    head.append(f"Content-Length: {len(body) if length is None else length}")
    head += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body
