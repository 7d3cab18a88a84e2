"""One GET, bounded in time, in bytes and in redirects, whatever the peer does.

A timeout of `requests` bounds one socket operation, not a request: a peer that drips holds it for
ever, and nothing at all bounds a name look-up. So a request runs in a thread of its own, and when
its time is up the connection is shut down under it.
"""

import http.client
import platform
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
import urllib3
from requests.__version__ import __version__ as requests_version
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy

from twilio_build_wait import __version__, faults
from twilio_build_wait.results import Fault
from twilio_build_wait.signals import Signals

#: The longest body of a status that is read, in bytes.
BODY_LIMIT = 64 * 1024

_PIECE = 64 * 1024

_OK = 200

_HEADERS = {
    "User-Agent": (
        f"twilio-build-wait/{__version__} "
        f"(Python/{platform.python_version()}; requests/{requests_version})"
    ),
    "Accept": "application/json",
    # A compressed body could be small on the wire and huge in memory.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True)
class Reply:
    """An HTTP reply: its status code, headers (names in any case) and body.

    `flaw` says why the body is not there whole; `body` is empty then.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    flaw: Fault | None = None


class _Trace:
    """Where a request has got to, seen from outside its thread."""

    def __init__(self) -> None:
        self.connection: http.client.HTTPConnection | None = None
        self.response: http.client.HTTPResponse | None = None

    def status(self) -> int | None:
        """Return the status code once its line is read, though the head may still be dripping."""
        # http.client sets `status` when it has read the final status line, to a string before.
        status = self.response.status if self.response else None
        return status if isinstance(status, int) else None

    def headers(self) -> Mapping[str, str]:
        """Return the headers, empty while the head is not read whole."""
        # http.client sets `headers` when it has read them all, to None before.
        headers = self.response.headers if self.response else None
        return CaseInsensitiveDict(headers.items()) if headers else {}

    def cut(self) -> None:
        """Shut the connection down, which wakes the thread that reads from it."""
        with suppress(OSError, AttributeError):  # never connected, or closed already
            self.connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


class _Traced(http.client.HTTPConnection):
    """Mixed into urllib3's connections: tells the trace what it is doing."""

    trace: _Trace

    def connect(self) -> None:
        self.trace.connection = self
        super().connect()

    # http.client calls this to make the object for each response, a proxy's reply to CONNECT
    # included (whose `status` is never set, so that it is never taken for Twilio's).
    def response_class(  # type: ignore[override]
        self, sock: socket.socket, *args: object, **options: object
    ) -> http.client.HTTPResponse:
        made = http.client.HTTPResponse(sock, *args, **options)  # type: ignore[arg-type]
        self.trace.response = made
        return made


class _Adapter(HTTPAdapter):
    """The transport adapter of one keep-alive connection that can be traced and cut."""

    def __init__(self) -> None:
        self.trace = _Trace()
        trace = {"trace": self.trace}
        self._plain = type("Plain", (_Traced, urllib3.connection.HTTPConnection), trace)
        self._tls = type("Tls", (_Traced, urllib3.connection.HTTPSConnection), trace)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,  # noqa: FBT001 (as in requests)
        proxies: dict[str, str] | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> urllib3.HTTPConnectionPool:
        """Choose the connection pool; whatever fails here is an address that cannot be used."""
        try:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        except (*faults.TRANSPORT_ERRORS, TypeError) as error:
            # A proxy's address without a host is a TypeError in requests.
            raise faults.UnusableAddressError from error
        pool.ConnectionCls = self._tls if pool.scheme == "https" else self._plain
        return pool


class Transport:
    """Sends requests as one credential, over one kept-alive connection."""

    def __init__(self, user: str, secret: str, signals: Signals) -> None:
        """Take the Basic credential, and what answers to signals while a request hangs."""
        self._login = (user, secret)
        self._signals = signals
        self._session = requests.Session()
        self._adapter = _Adapter()

    def get(self, url: str, limit: float, most: int = BODY_LIMIT) -> Reply | Fault:
        """GET `url` within `limit` seconds in all; its body must not be over `most` bytes.

        Once a status line other than 200 is read, the result is a `Reply` with that status,
        whatever happens to the rest; a 200 whose body is not read whole is a `Fault`.

        Raises:
            Cancelled: a signal came.
        """
        adapter, host = self._adapter, urlsplit(url).netloc
        adapter.trace.response = None
        environment = self._session.merge_environment_settings(url, {}, None, None, None)
        # A plain-http request would hand its credential to the proxy in clear.
        proxies = environment["proxies"] if url.startswith("https:") else {}
        verify = environment["verify"]

        def exchange() -> Reply:
            # An explicit `auth` keeps .netrc out; a prepared request sent through the adapter
            # follows no redirect, and reads nothing of one either.
            request = requests.Request("GET", url, headers=_HEADERS, auth=self._login).prepare()
            # Each of several addresses gets its share: one that never answers (a broken IPv6
            # route) must leave time for the next.
            timeout = (limit / 3, limit)
            response = adapter.send(
                request, stream=True, timeout=timeout, verify=verify, proxies=proxies
            )
            return Reply(response.status_code, response.headers, _body(response, most))

        try:
            return self._signals.run(exchange, limit)
        except TimeoutError:
            fault = faults.timed_out(host, limit)
        except faults.TRANSPORT_ERRORS as error:
            proxy = _without_login(select_proxy(url, proxies) or "")
            bundle = verify if isinstance(verify, str) and url.startswith("https:") else ""
            fault = faults.from_error(error, host, proxy, bundle)
        # After any fault, a fresh connection: what this one still holds is nobody's reply.
        trace, self._adapter = adapter.trace, _Adapter()
        trace.cut()
        status = trace.status()
        return fault if status in {None, _OK} else Reply(status, trace.headers(), flaw=fault)


def _without_login(proxy: str) -> str:
    """Return a proxy's host and port; its address may be malformed, and hold a password."""
    return proxy.rpartition("@")[2].rpartition("//")[2].partition("/")[0]


def _body(response: requests.Response, most: int) -> bytes:
    """Read a whole body as it is on the wire, however it is framed, up to `most` bytes.

    `read1` returns what has come, where `iter_content` waits for a whole piece; and it reads the
    sizes of chunks with a limit, where urllib3's own reader has none.
    """
    body = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=False):
        body += piece
        if len(body) > most:
            raise faults.OversizedReplyError(f"more than {most // 1024} KiB")
    return bytes(body)
