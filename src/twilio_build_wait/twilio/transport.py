"""One GET, bounded in time and bytes, whatever the other side does. It follows no redirect.

A timeout of `requests` bounds one socket operation, not a request: a server that drips holds it
for ever, and nothing bounds a DNS lookup. So a request runs in a thread of its own, and when its
time is up, the connection is shut down under it.
"""

import http.client
import platform
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

import certifi
import requests
import urllib3
from requests.__version__ import __version__ as requests_version
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

from twilio_build_wait import __version__
from twilio_build_wait.model import PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import Signals
from twilio_build_wait.twilio import errors

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
class Response:
    """An HTTP response: status code, headers (names in any case) and body.

    The body of a status other than 200 is empty if it could not be read whole.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def date(self) -> datetime | None:
        """The server's clock by the `Date` header; None if it is missing or malformed."""
        return http_date(self.headers.get("Date"))


def http_date(value: str | None) -> datetime | None:
    """Parse a date of an HTTP header (RFC 9110, 5.6.7); None if it is not one."""
    try:
        date = parsedate_to_datetime(value or "")
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


class _HTTPResponse(http.client.HTTPResponse):
    """Skips interim responses; http.client skips only 100, and none of a proxy's to CONNECT."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # not in typeshed
            is_interim = status in range(100, 200) and status != HTTPStatus.SWITCHING_PROTOCOLS
            if not is_interim:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Adapter(HTTPAdapter):
    """The transport adapter of one keep-alive connection that can be watched and cut."""

    def __init__(self, context: Callable[[], ssl.SSLContext]) -> None:
        self._context = context
        self._connection: http.client.HTTPConnection | None = None
        #: The response that is being read, if any.
        self.response: http.client.HTTPResponse | None = None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def head(self) -> Response | None:
        """Return what has been read of the response, from outside its thread, without the body.

        It is None until the status line has been read; the headers are empty until all have been.
        """
        response = self.response
        # http.client sets `status` to a number when it has read the final status line.
        if response is None or not isinstance(response.status, int):
            return None
        headers = response.headers.items() if response.headers else ()
        return Response(response.status, CaseInsensitiveDict(headers))

    def cut(self) -> None:
        """Shut the connection down, which wakes the thread that reads from it."""
        with suppress(OSError, AttributeError):  # never connected, or closed already
            self._connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr] # see above

    def get_connection_with_tls_context(
        self, *args: object, **options: object
    ) -> urllib3.HTTPConnectionPool:
        """Return the connection pool; an address that it refuses cannot be used at all."""
        try:
            pool = super().get_connection_with_tls_context(*args, **options)  # type: ignore[arg-type] # passed through
        except errors.BundleError:
            raise
        except (*errors.TRANSPORT_ERRORS, TypeError) as error:
            # A proxy's address without a host is a TypeError in requests.
            raise errors.UnusableAddressError from error

        connection_class: Callable[..., Any] = type(pool).ConnectionCls

        def connect(*args: object, **options: object) -> http.client.HTTPConnection:
            connection: http.client.HTTPConnection = connection_class(*args, **options)
            connection.response_class = respond  # type: ignore[assignment] # only called
            self._connection = connection
            return connection

        # http.client calls this to make each response object. It never sets the `status` of a
        # proxy's response to CONNECT, so that one is not taken for Twilio's.
        def respond(*args: object, **options: object) -> http.client.HTTPResponse:
            self.response = _HTTPResponse(*args, **options)  # type: ignore[arg-type] # passed through
            return self.response

        pool.ConnectionCls = connect  # type: ignore[assignment] # urllib3 only calls it
        return pool

    def build_connection_pool_key_attributes(
        self, *args: object, **options: object
    ) -> tuple[dict[str, object], dict[str, object]]:
        """Give the pool our own TLS context."""
        host, _ = super().build_connection_pool_key_attributes(*args, **options)  # type: ignore[arg-type] # passed through
        return host, {"ssl_context": self._context()} if host["scheme"] == "https" else {}

    def proxy_manager_for(self, proxy: str, **options: object) -> urllib3.ProxyManager:
        """Use the same TLS context for a proxy that is reached by https."""
        options["proxy_ssl_context"] = self._context()
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options)
        return manager

    def cert_verify(self, *_args: object) -> None:
        """Leave everything to the TLS context."""

    def build_response(
        self,
        req: requests.PreparedRequest,  # noqa: ARG002 (the interface of requests)
        resp: urllib3.BaseHTTPResponse,
    ) -> requests.Response:
        """Build a response without cookies: http.cookiejar warns of odd dates, and none is used."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        return response


@dataclass
class Transport:
    """Sends requests with one credential over one keep-alive connection.

    `login` is user and secret of HTTP Basic. The CA bundle comes from `environ`, the proxies, which
    `requests` reads, from the environment of the process.
    """

    login: tuple[str, str] = field(repr=False)
    signals: Signals
    environ: Mapping[str, str] = field(repr=False)
    show: Redactor

    def __post_init__(self) -> None:
        self._adapter = _Adapter(lambda: self._context)

    def get(self, url: str, limit: float, max_bytes: int) -> Response | PollError:
        """GET `url` within `limit` seconds in total; the body has at most `max_bytes` bytes.

        Once a status line other than 200 has been read, the result is a `Response` with that
        status, whatever happens to the rest. A 200 whose body is not read whole is an error.

        Raises:
            Cancelled: a signal arrived.
        """
        adapter = self._adapter
        adapter.response = None
        # A proxy would see the credential of a plain-http request.
        proxies = get_environ_proxies(url) if url.startswith("https:") else {}

        def exchange() -> Response:
            # An explicit `auth` keeps .netrc out. A prepared request that is sent through the
            # adapter follows no redirect and reads nothing of one.
            request = requests.Request("GET", url, headers=_HEADERS, auth=self.login).prepare()
            # Each of several addresses gets its share: one that never answers (a broken IPv6
            # route) must leave time for the next.
            timeout = (limit / 3, limit)
            # Closed in any case: otherwise a long wait collects file descriptors.
            with adapter.send(request, stream=True, timeout=timeout, proxies=proxies) as response:
                return Response(
                    response.status_code, response.headers, _read_body(response, max_bytes)
                )

        route = errors.Route(url, proxies, self.environ, self.show)
        try:
            return self.signals.run(exchange, limit)
        except TimeoutError:
            cause = f"no complete response from {route.peer} within {limit:.0f} s"
            error = route.error(cause, errors.Reach.SILENCE)
        except errors.TRANSPORT_ERRORS as raised:
            error = errors.explain(raised, route)
        # After an error use a fresh connection: what this one still holds answers nothing.
        self._adapter = _Adapter(lambda: self._context)
        adapter.cut()
        head = adapter.head()
        return head if head and head.status != HTTPStatus.OK else error

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """The TLS context with the user's own CA bundle or certifi's; raises `BundleError`."""
        bundle = errors.own_bundle(self.environ)
        # Not by a helper of ssl or urllib3: both write the keys to SSLKEYLOGFILE and fail if they
        # cannot.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not bundle:
            # Python 3.13's default. A company's own CA may lack what it asks for.
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        errors.load_bundle(context, bundle or certifi.where())
        return context


def _read_body(response: requests.Response, max_bytes: int) -> bytes:
    """Read a whole body as it is on the wire, however it is framed, up to `max_bytes` bytes.

    `read1` returns what has arrived, whereas `iter_content` waits for a whole piece. It also
    limits the size line of a chunk, whereas urllib3's own reader does not.
    """
    body = bytearray()
    while piece := response.raw.read1(64 * 1024, decode_content=False):
        body += piece
        if len(body) > max_bytes:
            raise errors.OversizedError(f"more than {max_bytes // 1024} KiB")
    return bytes(body)
