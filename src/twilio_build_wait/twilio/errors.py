"""What an exception of `requests` and the layers below it means: cause, kind, reach and advice.

An error that is not known to be permanent is transient: a wrong "failed" wakes someone, and the
deadline ends the wait anyway.
"""

import re
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from ssl import SSLCertVerificationError, SSLEOFError, SSLError
from typing import Any

from requests.exceptions import InvalidURL
from urllib3.exceptions import HTTPError, LocationValueError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import NOTHING, message
from twilio_build_wait.signals import ThreadShortageError
from twilio_build_wait.twilio.route import Proxy, Route
from twilio_build_wait.twilio.tls import SHORTAGES, LocalError, certificate_advice
from twilio_build_wait.twilio.trace import Trace


class OversizedError(ValueError):
    """A body is longer than any that Twilio sends; the message says how much is allowed."""


#: What `requests` (an OSError) and the layers below raise for a bad server, network or address.
TRANSPORT_ERRORS = (HTTPError, HTTPException, OSError, ValueError)

# Not every platform has the second one.
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
_CAUSES: dict[type[BaseException] | tuple[type[BaseException], ...], str | Callable[[Any], str]] = {
    OversizedError: str,
    socket.gaierror: lambda error: (
        "no such host"
        if error.errno in _UNKNOWN_NAME
        else f"name resolution failed ({error.strerror})"
    ),
    ConnectionRefusedError: "connection refused",
    # Not ConnectTimeoutError: urllib3's NewConnectionError is one too, whatever failed.
    (TimeoutError, ReadTimeoutError): "timed out",
    # RemoteDisconnected comes before ConnectionError, which it is as well.
    (RemoteDisconnected, SSLEOFError): "connection closed without a response",
    IncompleteRead: "connection closed within the response",
    ConnectionError: "connection reset",
    SSLError: lambda error: _TLS_REASONS.get(
        error.reason, f"TLS error ({error.reason or error.strerror})"
    ),
    HTTPException: lambda error: f"not an HTTP response ({type(error).__name__})",
}
_TUNNEL_FAILED = re.compile(r"Tunnel connection failed: (\d{3})\b")


def explain(
    error: BaseException, route: Route, trace: Trace, ask_schemes: Callable[[Proxy], str]
) -> PollError:
    """Return what an exception, one of `TRANSPORT_ERRORS`, means.

    `ask_schemes` is called after a 407, and returns which schemes the proxy offers.
    """
    chain = _chain(error)
    for each in chain:
        if meaning := _local(each, route) or _certificate(each, route, trace):
            return meaning
        # http.client tells a proxy's answer to CONNECT only in the message of a bare OSError.
        refusal = _TUNNEL_FAILED.match(str(each)) if type(each) is OSError else None
        if refusal and route.proxy:
            return _refusal(int(refusal[1]), route, route.proxy, ask_schemes)
    cause, reach = _cause(chain), _reach(chain, trace)
    advice = route.advice(reach)
    if cause == _NO_TLS and (proxy := _tls_proxy(route, trace)):
        advice = message(f"Write http:// in {proxy.variable} if the proxy speaks HTTP")
    text, is_oversized = message("{}: {}", route.peer, cause), isinstance(error, OversizedError)
    return PollError(text, advice=advice, reach=reach, is_oversized=is_oversized)


def timed_out(limit: float, route: Route, trace: Trace) -> PollError:
    """Return the error of a request that has taken all of its `limit`, in seconds."""
    reach = _reach((), trace)
    more = ": the headers arrived, the body did not end" if trace.head else ""
    cause = message(f"no complete response from {{}} within {limit:.0f} s{more}", route.peer)
    return PollError(cause, advice=route.advice(reach), reach=reach)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and every exception inside it, the outermost first.

    The layers pass causes on in three ways: as `__cause__` or `__context__`, as `reason`
    (urllib3's MaxRetryError), or among the arguments (ProtocolError, ConnectionError).
    """
    chain = [error]
    for each in chain:  # it grows meanwhile
        inner = (getattr(each, "reason", None), *each.args, each.__cause__, each.__context__)
        chain += [one for one in inner if isinstance(one, BaseException) and one not in chain]
    return chain


def _reach(chain: Sequence[BaseException], trace: Trace) -> Reach:
    """Return how far a request got before these exceptions."""
    is_no_http = any(
        isinstance(error, HTTPException) and not isinstance(error, ConnectionError)
        for error in chain
    )
    if trace.head or is_no_http:
        return Reach.ANSWERED
    # With TLS 1.3 a server refuses only after the client's side of the handshake: by an alert, or
    # by closing the connection before the request can be written.
    is_refused = any(
        isinstance(error, SSLEOFError)
        or (isinstance(error, SSLError) and "ALERT" in (error.reason or ""))
        for error in chain
    )
    return Reach.SENT if b"GET" in trace.sent and not is_refused else Reach.NOWHERE


def _cause(chain: Sequence[BaseException]) -> str:
    for types, cause in _CAUSES.items():
        for error in chain:
            if isinstance(error, types):
                return cause if isinstance(cause, str) else cause(error)
    texts = (error.strerror for error in chain if isinstance(error, OSError))
    return next(filter(None, texts), f"invalid response ({type(chain[0]).__name__})")


def _local(error: BaseException, route: Route) -> PollError | None:
    """Explain what is wrong on this machine; a shortage may pass."""
    if isinstance(error, LocalError):
        return error.error
    if isinstance(error, ThreadShortageError):
        cause = message("this machine could not start a thread")
        advice = (
            "Check the limit on processes (ulimit -u), and Docker: before 20.10.10 it lets no new "
            "image start threads"
        )
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


def _certificate(error: BaseException, route: Route, trace: Trace) -> PollError | None:
    """Explain why a certificate does not verify."""
    if not isinstance(error, SSLCertVerificationError):
        return None
    proxy = _tls_proxy(route, trace)
    peer = message("proxy {}", proxy.address) if proxy else route.peer
    cause = message("the certificate of {} does not verify: {}", peer, error.verify_message)
    advice = certificate_advice(error.verify_code, peer, route.issuer_advice)
    return PollError(cause, ErrorKind.PERMANENT, advice=advice)


def _tls_proxy(route: Route, trace: Trace) -> Proxy | None:
    """Return the proxy if TLS with it has failed, not TLS with the host."""
    is_at_proxy = route.proxy and route.proxy.scheme == "https" and b"CONNECT" not in trace.sent
    return route.proxy if is_at_proxy else None


def _refusal(
    status: int, route: Route, proxy: Proxy, ask_schemes: Callable[[Proxy], str]
) -> PollError:
    """Explain a proxy that does not open a tunnel."""
    kind, verb = ErrorKind.TRANSIENT, "did not connect to"
    if status in range(300, 500):
        kind, verb = ErrorKind.PERMANENT, "refused"
    cause = message(f"proxy {{}} {verb} {{}} with HTTP {status}", proxy.address, route.host)
    offered, login = NOTHING, ", its login"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and (schemes := ask_schemes(proxy)):
        offered = message("The proxy offers {}; only Basic is supported. ", schemes)
        login = login if "basic" in schemes.lower() else ""
    bypass = route.exemption or message(", or exempt {} with NO_PROXY", route.host)
    advice = message(f"{{}}Check {proxy.variable}{login}{{}}", offered, bypass)
    return PollError(cause, kind, advice=advice)
