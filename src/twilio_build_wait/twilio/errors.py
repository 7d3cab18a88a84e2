"""What an exception of `requests` and the layers below it means: cause, kind, reach and advice.

An error that is not known to be permanent is transient: a wrong "failed" wakes someone, and the
deadline ends the wait anyway.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from requests.exceptions import InvalidURL
from urllib3.exceptions import HTTPError, LocationValueError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import NOTHING, message
from twilio_build_wait.signals import ThreadShortageError
from twilio_build_wait.twilio.route import Proxy, Route
from twilio_build_wait.twilio.tls import SHORTAGES, LocalError, certificate_advice
from twilio_build_wait.twilio.trace import Trace


class BodyError(ValueError):
    """A body that cannot be read; the message says why, in our words."""


class OversizedError(BodyError):
    """The body is longer than any that Twilio sends; the message says how much is allowed."""


#: What `requests` (an OSError) and the layers below raise for a bad server, network or address.
TRANSPORT_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)

_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_NO_TLS = "the other side does not speak TLS"
# What OpenSSL says of bytes that are no TLS record (which of them depends on its version), and of a
# server that asks for a client certificate.
_TLS_REASONS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate, which cannot be sent",
}
# What has happened, by exception; the first row that fits one of a chain counts.
_CAUSES: dict[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any], str]] = {
    BodyError: str,
    socket.gaierror: lambda error: (
        "no such host"
        if error.errno in _UNKNOWN_NAME
        else f"name resolution failed ({error.strerror})"
    ),
    ConnectionRefusedError: lambda _: "connection refused",
    # Not ConnectTimeoutError: urllib3's NewConnectionError is one too, whatever failed.
    (TimeoutError, ReadTimeoutError): lambda _: "timed out",
    # RemoteDisconnected comes before ConnectionResetError, which it is as well.
    (http.client.RemoteDisconnected, ssl.SSLEOFError): lambda _: (
        "connection closed without a response"
    ),
    http.client.IncompleteRead: lambda _: "connection closed within the response",
    (ConnectionResetError, BrokenPipeError, ConnectionAbortedError): lambda _: "connection reset",
    ssl.SSLError: lambda error: _TLS_REASONS.get(
        error.reason, f"TLS error ({error.reason or error.strerror})"
    ),
    http.client.HTTPException: lambda error: f"not an HTTP response ({type(error).__name__})",
}
_TUNNEL_FAILED = re.compile(r"Tunnel connection failed: (\d{3})\b")


def explain(
    error: BaseException, route: Route, trace: Trace, ask_schemes: Callable[[Proxy], str]
) -> PollError:
    """Return what an exception, one of `TRANSPORT_ERRORS`, means.

    `ask_schemes` is called after a 407, and returns which schemes the proxy offers.
    """
    chain = tuple(_chain(error))
    for each in chain:
        if meaning := _local(each, route) or _certificate(each, route, trace):
            return meaning
        if route.proxy and (status := _tunnel_status(each)):
            return _refusal(status, route, route.proxy, ask_schemes)
    cause, reach = _cause(chain), _reach(chain, trace)
    advice = route.advice(reach)
    if route.proxy and cause == _NO_TLS and _is_proxy_hop(route.proxy, trace):
        advice = message(f"Write http:// in {route.proxy.variable} if the proxy speaks HTTP")
    return PollError(
        message("{}: {}", route.peer, cause),
        advice=advice,
        reach=reach,
        is_oversized=isinstance(error, OversizedError),
    )


def timed_out(limit: float, route: Route, trace: Trace) -> PollError:
    """Return the error of a request that has taken all of its `limit`, in seconds."""
    reach = _reach((), trace)
    more = ": the headers arrived, the body did not end" if trace.head else ""
    cause = message(f"no complete response from {{}} within {limit:.0f} s{more}", route.peer)
    return PollError(cause, advice=route.advice(reach), reach=reach)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and every exception inside it, the outermost first.

    The layers pass causes on in three ways: as `__cause__` or `__context__`, as `reason`
    (urllib3's MaxRetryError), or among the arguments (ProtocolError, ConnectionError).
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            pending += [getattr(each, "reason", None), *each.args]
            pending += [each.__cause__, each.__context__]


def _reach(chain: Sequence[BaseException], trace: Trace) -> Reach:
    """Return how far a request got before these exceptions."""
    if trace.head:
        return Reach.ANSWERED
    for error in chain:
        is_cut = isinstance(error, http.client.RemoteDisconnected)
        if isinstance(error, http.client.HTTPException) and not is_cut:
            return Reach.ANSWERED  # it was no HTTP
        # With TLS 1.3 a server refuses only after the client's side of the handshake: by an alert,
        # or by closing the connection before the request can be written.
        is_alert = isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")
        if is_alert or isinstance(error, ssl.SSLEOFError):
            return Reach.NOWHERE
    return Reach.SENT if b"GET" in trace.sent else Reach.NOWHERE


def _cause(chain: Sequence[BaseException]) -> str:
    for types, describe in _CAUSES.items():
        for error in chain:
            if isinstance(error, types):
                return describe(error)
    texts = (error.strerror for error in chain if isinstance(error, OSError))
    return next(filter(None, texts), f"invalid response ({type(chain[0]).__name__})")


def _local(error: BaseException, route: Route) -> PollError | None:
    """Explain what is wrong on this machine; a shortage may pass."""
    if isinstance(error, LocalError):
        return error.error
    if isinstance(error, ThreadShortageError):
        advice = (
            "Check the limit on processes (ulimit -u), and Docker: before 20.10.10 it lets no new "
            "image start threads"
        )
        cause = message("this machine could not start a thread")
        return LocalError(cause, advice, ErrorKind.TRANSIENT).error
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        cause = message("this machine is out of resources: {}", str(error.strerror))
        advice = "Check its limit on open files (ulimit -n) and its free memory"
        return LocalError(cause, advice, ErrorKind.TRANSIENT).error
    # urllib3 parses a host's name again when it connects.
    if isinstance(error, LocationValueError | InvalidURL | UnicodeError):
        variable = route.proxy.variable if route.proxy else "base-url"
        cause = message(f"the address in {variable} cannot be used: {{}}", route.peer)
        return LocalError(cause, f"Correct {variable}").error
    return None


def _is_proxy_hop(proxy: Proxy, trace: Trace) -> bool:
    """Return whether TLS with the proxy has failed, not TLS with the host."""
    return proxy.scheme == "https" and b"CONNECT" not in trace.sent


def _certificate(error: BaseException, route: Route, trace: Trace) -> PollError | None:
    """Explain why a certificate does not verify."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    is_proxy = route.proxy and _is_proxy_hop(route.proxy, trace)
    peer = message("proxy {}", route.proxy.address) if route.proxy and is_proxy else route.peer
    cause = message("the certificate of {} does not verify: {}", peer, error.verify_message)
    advice = certificate_advice(
        error.verify_code, peer, route.bundle, has_cert_file=route.has_cert_file
    )
    return PollError(cause, ErrorKind.PERMANENT, advice=advice)


def _tunnel_status(error: BaseException) -> int | None:
    """Return the status with which a proxy has answered CONNECT instead of 200, or None.

    http.client tells it only in the message of an OSError without a number.
    """
    match = _TUNNEL_FAILED.match(str(error)) if type(error) is OSError else None
    return int(match[1]) if match else None


def _refusal(
    status: int, route: Route, proxy: Proxy, ask_schemes: Callable[[Proxy], str]
) -> PollError:
    """Explain a proxy that does not open a tunnel."""
    is_refused = status in range(300, 500)
    verb = "refused" if is_refused else "did not connect to"
    cause = message(f"proxy {{}} {verb} {{}} with HTTP {status}", proxy.address, route.host)
    offered, login = NOTHING, ", its login"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and (schemes := ask_schemes(proxy)):
        offered = message("The proxy offers {}; only Basic is supported. ", schemes)
        login = login if "basic" in schemes.lower() else ""
    bypass = route.exemption or message(", or exempt {} with NO_PROXY", route.host)
    advice = message(f"{{}}Check {proxy.variable}{login}{{}}", offered, bypass)
    kind = ErrorKind.PERMANENT if is_refused else ErrorKind.TRANSIENT
    return PollError(cause, kind, advice=advice)
