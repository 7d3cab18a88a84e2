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
from http import HTTPStatus

import certifi
import requests
import urllib3
from requests.__version__ import __version__ as requests_version
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from twilio_build_wait import __version__
from twilio_build_wait.api import errors
from twilio_build_wait.api.errors import Route
from twilio_build_wait.model import PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import Signals

_PIECE = 64 * 1024

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


class _Trace:
    """How far a request has got, seen from outside its thread."""

    def __init__(self) -> None:
        self.connection: http.client.HTTPConnection | None = None
        self.response: http.client.HTTPResponse | None = None

    def status(self) -> int | None:
        """Return the status code once its line is read, although the head may still arrive."""
        # http.client sets `status` to a number when it has read the final status line.
        status = self.response.status if self.response else None
        return status if isinstance(status, int) else None

    def headers(self) -> Mapping[str, str]:
        """Return the headers; empty until all of them are read."""
        headers = self.response.headers if self.response else None
        return CaseInsensitiveDict(headers.items()) if headers else {}

    def cut(self) -> None:
        """Shut the connection down, which wakes the thread that reads from it."""
        with suppress(OSError, AttributeError):  # never connected, or closed already
            self.connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr] # see above


class _HTTPResponse(http.client.HTTPResponse):
    """Skips interim responses; http.client skips only 100, and none of a proxy's to CONNECT."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # not in typeshed
            is_interim = status in range(100, 200) and status != HTTPStatus.SWITCHING_PROTOCOLS
            if not is_interim:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _TracedMixin(http.client.HTTPConnection):
    """Tells the trace of its adapter what a connection of urllib3 does."""

    trace: _Trace

    def connect(self) -> None:
        self.trace.connection = self
        super().connect()

    # http.client calls this to make each response object. It never sets the `status` of a proxy's
    # response to CONNECT, so that one is not taken for Twilio's.
    def response_class(  # type: ignore[override] # http.client only ever calls it
        self, sock: socket.socket, *args: object, **options: object
    ) -> http.client.HTTPResponse:
        made = _HTTPResponse(sock, *args, **options)  # type: ignore[arg-type] # passed through
        self.trace.response = made
        return made


class _PlainConnection(_TracedMixin, urllib3.connection.HTTPConnection):
    pass


class _TLSConnection(_TracedMixin, urllib3.connection.HTTPSConnection):
    pass


class _Adapter(HTTPAdapter):
    """The transport adapter of one keep-alive connection that can be traced and cut."""

    def __init__(self, context: Callable[[str], ssl.SSLContext]) -> None:
        self.trace = _Trace()
        self._context = context
        self._bundle = ""
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,  # noqa: FBT001 (as in requests)
        proxies: dict[str, str] | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> urllib3.HTTPConnectionPool:
        """Return the connection pool; an address that it refuses cannot be used at all."""
        self._bundle = verify if isinstance(verify, str) else ""
        try:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        except errors.BundleError:
            raise
        except (*errors.TRANSPORT_ERRORS, TypeError) as error:
            # A proxy's address without a host is a TypeError in requests.
            raise errors.UnusableAddressError from error
        trace = self.trace

        def connect(*args: object, **options: object) -> _TracedMixin:
            kind = _TLSConnection if pool.scheme == "https" else _PlainConnection
            connection = kind(*args, **options)  # type: ignore[arg-type] # passed through
            connection.trace = trace
            return connection

        pool.ConnectionCls = connect  # type: ignore[assignment] # urllib3 only calls it
        return pool

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,  # noqa: FBT001 (as in requests)
        cert: str | tuple[str, str] | None = None,
    ) -> tuple[dict[str, object], dict[str, object]]:
        """Give the pool our own TLS context."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        is_tls = host["scheme"] == "https"
        return host, {"ssl_context": self._context(self._bundle)} if is_tls else {}

    def proxy_manager_for(self, proxy: str, **options: object) -> urllib3.ProxyManager:
        """Use the same TLS context for a proxy that is reached by https."""
        context = self._context(self._bundle)
        if not proxy.lower().startswith("socks"):
            options["proxy_ssl_context"] = context
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


class Transport:
    """Sends requests with one credential over one keep-alive connection."""

    def __init__(
        self, login: tuple[str, str], signals: Signals, environ: Mapping[str, str], show: Redactor
    ) -> None:
        """Take the user and secret of HTTP Basic, and what the errors are made with.

        Args:
            login: user and secret.
            signals: runs each request, and answers signals while it hangs.
            environ: the environment, where proxies and the CA bundle come from.
            show: makes foreign text safe.
        """
        self._login = login
        self._signals = signals
        self._environ = environ
        self._show = show
        self._session = requests.Session()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._adapter = _Adapter(self._context)

    def get(self, url: str, limit: float, max_bytes: int) -> Response | PollError:
        """GET `url` within `limit` seconds in total; the body has at most `max_bytes` bytes.

        Once a status line other than 200 has been read, the result is a `Response` with that
        status, whatever happens to the rest. A 200 whose body is not read whole is an error.

        Raises:
            Cancelled: a signal arrived.
        """
        adapter = self._adapter
        adapter.trace.response = None
        # requests reads the proxies and the bundle from the environment of the process.
        environment = self._session.merge_environment_settings(url, {}, None, None, None)
        # A proxy would see the credential of a plain-http request.
        proxies = environment["proxies"] if url.startswith("https:") else {}
        verify = environment["verify"]

        def exchange() -> Response:
            # An explicit `auth` keeps .netrc out. A prepared request that is sent through the
            # adapter follows no redirect and reads nothing of one.
            request = requests.Request("GET", url, headers=_HEADERS, auth=self._login).prepare()
            # Each of several addresses gets its share: one that never answers (a broken IPv6
            # route) must leave time for the next.
            timeout = (limit / 3, limit)
            response = adapter.send(
                request, stream=True, timeout=timeout, verify=verify, proxies=proxies
            )
            try:
                body = _body(response, max_bytes)
            except BaseException:
                response.close()  # otherwise a long wait collects file descriptors
                raise
            return Response(response.status_code, response.headers, body)

        route = Route.of(url, proxies, self._environ, self._show)
        try:
            return self._signals.run(exchange, limit)
        except TimeoutError:
            error = errors.timed_out(route, limit)
        except errors.TRANSPORT_ERRORS as raised:
            error = errors.explain(raised, route, self._show)
        # After an error use a fresh connection: what this one still holds answers nothing.
        trace, self._adapter = adapter.trace, _Adapter(self._context)
        trace.cut()
        status = trace.status()
        return error if status in {None, HTTPStatus.OK} else Response(status, trace.headers())

    def _context(self, bundle: str) -> ssl.SSLContext:
        """Return the TLS context for a CA bundle of the user's own, or without one for certifi's.

        Raises:
            BundleError: the bundle cannot be read.
        """
        if bundle not in self._contexts:
            # Not by a helper of ssl or urllib3: both write the keys to SSLKEYLOGFILE and fail if
            # they cannot.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if not bundle:
                # Python 3.13's default. A company's own CA may lack what it asks for.
                context.verify_flags |= ssl.VERIFY_X509_STRICT
            errors.load_bundle(context, bundle or certifi.where())
            self._contexts[bundle] = context
        return self._contexts[bundle]


def _body(response: requests.Response, max_bytes: int) -> bytes:
    """Read a whole body as it is on the wire, however it is framed, up to `max_bytes` bytes.

    `read1` returns what has arrived, whereas `iter_content` waits for a whole piece. It also
    limits the size line of a chunk, whereas urllib3's own reader does not.
    """
    body = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=False):
        body += piece
        if len(body) > max_bytes:
            raise errors.OversizedError(f"more than {max_bytes // 1024} KiB")
    return bytes(body)
