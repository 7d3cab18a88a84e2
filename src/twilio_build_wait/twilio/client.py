"""The client: one GET, bounded in time and bytes, that returns a JSON object or an error.

A timeout of `requests` bounds one socket operation: a server that sends a byte at a time can hold a
request forever, and nothing bounds a DNS lookup. So each request runs in a thread of its own, and
when its time is up, its connection, which has no other request, is shut down.
"""

import platform
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any

import requests
import urllib3
from requests.__version__ import __version__ as requests_version
from requests.adapters import HTTPAdapter

from twilio_build_wait import __version__
from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.signals import Signals
from twilio_build_wait.twilio import errors, tls
from twilio_build_wait.twilio.responses import InvalidBodyError, Response, http_error, parse
from twilio_build_wait.twilio.route import Proxy, find_route
from twilio_build_wait.twilio.trace import Trace

#: The longest body of a status and of any other resource, in bytes.
STATUS_BYTES, MAX_BYTES = 64 * 1024, 4 * 1024 * 1024
#: How long it may take to connect to one of a host's addresses, handshakes included, in seconds.
CONNECT_LIMIT = 5.0
# For `read_until`, in seconds: an attempt may take half of the time, and at least this long.
_SHORTEST_LIMIT, _SHORTEST_PAUSE = 5.0, 1.0
_HEADERS = {
    "User-Agent": (
        f"twilio-build-wait/{__version__} "
        f"(Python/{platform.python_version()}; requests/{requests_version})"
    ),
    "Accept": "application/json",
    # A compressed body could be small on the wire and huge in memory.
    "Accept-Encoding": "identity",
    "Connection": "close",
}
#: A JSON object, or why it could not be read.
Resource = dict[str, Any] | PollError


class _Adapter(HTTPAdapter):
    """The transport adapter of one request, with our own TLS context for the host and a proxy."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        both = {"ssl_context": self._context, "proxy_ssl_context": self._context}
        return super().proxy_manager_for(proxy, **options, **both)

    def cert_verify(self, *_: Any) -> None:
        """Leave everything to the TLS context."""

    def build_response(self, _: Any, resp: urllib3.BaseHTTPResponse) -> Any:
        """Return urllib3's response: one of `requests` has cookies, which warn of odd dates."""
        return resp


@dataclass
class Client:
    """Reads Twilio's resources with one credential.

    `login` is user and secret of HTTP Basic. The CA bundle comes from `environ`; `requests` reads
    the proxies from the process's environment. `clock` is monotonic, `wall_clock` counts from 1970,
    both in seconds. Credentials are replaced in everything that is read.
    """

    login: tuple[str, str] = field(repr=False)
    signals: Signals
    environ: Mapping[str, str] = field(repr=False)
    redactor: Redactor
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    _date: datetime | None = None

    @property
    def now(self) -> datetime:
        """The server's clock by the latest response; if it has no date, the local clock."""
        return self._date or datetime.fromtimestamp(self.wall_clock(), UTC)

    def read(self, url: str, limit: float, max_bytes: int = MAX_BYTES) -> Resource:
        """Read a JSON object within `limit` seconds; too deep values are null. Raises Cancelled."""
        try:
            self._route = route = find_route(url, self.environ, self.redactor)
        except tls.LocalError as local:
            return local.error
        trace, end = Trace(), self.clock() + limit

        def exchange() -> Resource:
            trace.follow()
            got = self._send(url, limit)
            # Once the body is read, the connection is back in the adapter's pool: close that, too.
            with closing(got), closing(got.connection):
                trace.head = Response(got.status, got.headers)
                response = replace(trace.head, body=_read_body(got, max_bytes))
            return self._interpret(response, max_bytes)

        def ask_auth_schemes(proxy: Proxy) -> str:
            ask = partial(proxy.offered_schemes, route.host, self._context, CONNECT_LIMIT)
            try:
                return self.redactor.redact(self.signals.run(ask, end - self.clock()))
            except errors.TRANSPORT_ERRORS:
                return ""

        try:
            return self.signals.run(exchange, limit)
        except TimeoutError:
            error = errors.timed_out(limit, route, trace)
        except errors.TRANSPORT_ERRORS as raised:
            error = errors.explain(raised, route, trace, ask_auth_schemes)
        finally:
            trace.end()
            self._date = trace.head.date if trace.head else self._date
        if trace.head and trace.head.status != HTTPStatus.OK:
            return self._interpret(trace.head, max_bytes)
        return error

    def invalid(self, problem: str, *, is_oversized: bool = False) -> PollError:
        """Return the error of the latest response, a 200; `problem` is in our words."""
        cause = message(f"{{}}: invalid response ({problem})", self._route.peer)
        advice = self._route.advice(Reach.ANSWERED)
        return PollError(cause, advice=advice, is_oversized=is_oversized)

    def read_until(self, url: str, end: float) -> Resource:
        """Read a JSON object, and retry after transient errors until `end` on the clock."""
        while (left := end - self.clock()) > 0:
            result = self.read(url, min(left, max(_SHORTEST_LIMIT, left / 2)))
            if not isinstance(result, PollError) or result.kind is not ErrorKind.TRANSIENT:
                return result
            delay = max(_SHORTEST_PAUSE, result.retry_after or 0.0)
            if result.is_oversized or self.clock() + delay >= end:
                return result
            self.signals.sleep(delay)
        return PollError(message("no time was left to read it"))

    def _send(self, url: str, limit: float) -> Any:
        """Send a GET, and return the response without its body."""
        # An explicit `auth` keeps .netrc out. An adapter follows no redirects; a session does.
        request = requests.Request("GET", url, headers=_HEADERS, auth=self.login).prepare()
        context = self._context if url.startswith("https:") else None
        timeout = (min(CONNECT_LIMIT, limit), limit)
        return _Adapter(context).send(request, timeout=timeout, proxies=self._route.proxies)

    def _interpret(self, response: Response, max_bytes: int) -> Resource:
        """Return the resource, or the error, that a response means."""
        if response.status != HTTPStatus.OK:
            return http_error(response, self._route, self.redactor)
        if len(response.body) > max_bytes:
            return self.invalid(f"too large: over {max_bytes // 1024} KiB", is_oversized=True)
        try:
            return parse(response.body, self.redactor)
        except InvalidBodyError as problem:
            return self.invalid(str(problem))

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls.make_context(self.environ, self.redactor)


def read_page(read: Callable[[int], Resource], page_sizes: tuple[int, int]) -> tuple[Resource, int]:
    """Read a list, again with the smaller page if it is too large; also return the page size."""
    large, small = page_sizes
    result = read(large)
    if isinstance(result, PollError) and result.is_oversized:
        return read(small), small
    return result, large


def _read_body(response: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    # `read1` returns what has arrived; `stream` waits for a whole piece. It also limits the size
    # line of a chunk; urllib3's own reader does not.
    body = bytearray()
    while len(body) <= max_bytes and (piece := response.read1(64 * 1024, decode_content=False)):
        body += piece
    return bytes(body)
