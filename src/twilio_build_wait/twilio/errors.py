"""What an exception of `requests` means. If it is not known to be permanent, it is transient."""

import re
from collections.abc import Callable, Sequence
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from socket import EAI_NONAME, gaierror
from ssl import SSLCertVerificationError, SSLEOFError, SSLError
from typing import Any

from requests.exceptions import InvalidURL
from urllib3.exceptions import HTTPError, InvalidHeader, LocationValueError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import NOTHING, message
from twilio_build_wait.twilio.route import Proxy, Route
from twilio_build_wait.twilio.tls import SHORTAGES, LocalError
from twilio_build_wait.twilio.trace import Trace

#: What `requests` (an OSError) and the layers below raise for a bad server, network or address.
TRANSPORT_ERRORS = (HTTPError, HTTPException, OSError, ValueError, MemoryError)
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
    gaierror: lambda error: (
        "no such host"
        if error.errno == EAI_NONAME
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
# OpenSSL's numbers of verification errors (openssl/x509_vfy.h), and what to do; {} is the peer.
_CERTIFICATES = {
    # Not yet valid, expired.
    **dict.fromkeys([9, 10], "Renew the certificate, or correct the clock of this machine"),
    26: "It was not issued for a server: it has to be issued anew",
    # Another name, another address.
    **dict.fromkeys([62, 64], "It was issued for another host: check that {} is the right one"),
    # The server's key, a CA's key, a CA's digest.
    **dict.fromkeys(
        [66, 67, 68],
        "Its key or signature is too weak: it has to be issued anew, with a longer key and SHA-256",
    ),
    # What only the strict flag finds, which is not set with a bundle.
    **dict.fromkeys(
        range(80, 95),
        "It breaks a strict rule. If it is your company's, set REQUESTS_CA_BUNDLE to the file of "
        "its CA: then such rules are not checked",
    ),
}
_OTHER_CERTIFICATE = "Correct the certificate of {}, or have it issued anew"
_UNKNOWN_ISSUERS = {2, 18, 19, 20, 21}
_SHORTAGE_ADVICE = (
    "Check its limits on processes and open files (ulimit -u and -n), its free memory, and Docker: "
    "before 20.10.10 it lets no new image start threads"
)
_TUNNEL_FAILED = re.compile(r"Tunnel connection failed: (\d{3})\b")


def explain(
    error: BaseException, route: Route, trace: Trace, ask_auth_schemes: Callable[[Proxy], str]
) -> PollError:
    """Return what one of `TRANSPORT_ERRORS` means; `ask_auth_schemes` is for a 407 of a proxy."""
    chain = _chain(error)
    for each in chain:
        if meaning := _certain(each, route, trace):
            return meaning
        # http.client tells a proxy's answer to CONNECT only in the message of a bare OSError.
        refusal = _TUNNEL_FAILED.match(str(each)) if type(each) is OSError else None
        if refusal and route.proxy:
            schemes = ask_auth_schemes(route.proxy) if refusal[1] == "407" else ""
            return _refusal(int(refusal[1]), schemes, route, route.proxy)
    cause, reach = _cause(chain), _reach(chain, trace)
    advice = route.advice(reach)
    if cause == _NO_TLS and (proxy := _tls_proxy(route, trace)):
        advice = message(f"Write http:// in {proxy.variable} if the proxy speaks HTTP")
    return PollError(message("{}: {}", route.peer, cause), advice=advice, reach=reach)


def timed_out(limit: float, route: Route, trace: Trace) -> PollError:
    """Return the error of a request that has taken all of its `limit`, in seconds."""
    reach = _reach((), trace)
    more = ": the headers arrived, the body took longer" if trace.head else ""
    cause = message(f"no complete response from {{}} within {limit:.0f} s{more}", route.peer)
    return PollError(cause, advice=route.advice(reach), reach=reach)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and every exception inside it, the outermost first."""
    chain = [error]
    for each in chain:  # it grows meanwhile
        # `reason` is of urllib3's MaxRetryError; ProtocolError and ConnectionError have arguments.
        inner = (getattr(each, "reason", None), *each.args, each.__cause__, each.__context__)
        chain += [one for one in inner if isinstance(one, BaseException) and one not in chain]
    return chain


def _reach(chain: Sequence[BaseException], trace: Trace) -> Reach:
    """Return how far a request got before these exceptions."""
    http_errors = [error for error in chain if isinstance(error, HTTPException | InvalidHeader)]
    if trace.head or any(not isinstance(error, RemoteDisconnected) for error in http_errors):
        return Reach.ANSWERED
    # With TLS 1.3 a server refuses only after the client's side of the handshake: by an alert, or
    # by closing the connection before the request can be written.
    tls_errors = [error for error in chain if isinstance(error, SSLError)]
    is_refused = any(
        isinstance(error, SSLEOFError) or "ALERT" in (error.reason or "") for error in tls_errors
    )
    return Reach.SENT if b"GET" in trace.sent and not is_refused else Reach.NOWHERE


def _cause(chain: Sequence[BaseException]) -> str:
    for types, cause in _CAUSES.items():
        for error in chain:
            if isinstance(error, types):
                return cause if isinstance(cause, str) else cause(error)
    texts = (error.strerror for error in chain if isinstance(error, OSError))
    return next(filter(None, texts), f"invalid response ({type(chain[0]).__name__})")


def _certain(error: BaseException, route: Route, trace: Trace) -> PollError | None:
    """Explain what is wrong on this machine, where a shortage may pass, or with a certificate."""
    if isinstance(error, LocalError):
        return error.error
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in SHORTAGES:
        shortage = getattr(error, "strerror", "memory")
        cause = message("this machine is out of resources: {}", shortage)
        return LocalError(cause, _SHORTAGE_ADVICE, ErrorKind.TRANSIENT).error
    # urllib3 parses a host's name again when it connects.
    if isinstance(error, LocationValueError | InvalidURL | UnicodeError):
        variable = route.proxy.variable if route.proxy else "base-url"
        cause = message(f"the address in {variable} cannot be used: {{}}", route.peer)
        return LocalError(cause, f"Correct {variable}").error
    if isinstance(error, SSLCertVerificationError):
        proxy = _tls_proxy(route, trace)
        peer = message("proxy {}", proxy.address) if proxy else route.peer
        cause = message("the certificate of {} does not verify: {}", peer, error.verify_message)
        template = _CERTIFICATES.get(error.verify_code, _OTHER_CERTIFICATE)
        is_unknown = error.verify_code in _UNKNOWN_ISSUERS
        to_do = route.issuer_advice if is_unknown else message(template, peer)
        return PollError(cause, ErrorKind.PERMANENT, advice=message("{}{}", to_do, route.exemption))
    return None


def _tls_proxy(route: Route, trace: Trace) -> Proxy | None:
    """Return the proxy if TLS with it has failed, not TLS with the host."""
    is_at_proxy = route.proxy and route.proxy.scheme == "https" and b"CONNECT" not in trace.sent
    return route.proxy if is_at_proxy else None


def _refusal(status: int, schemes: str, route: Route, proxy: Proxy) -> PollError:
    """Explain a proxy that does not open a tunnel; `schemes` are those that it offers."""
    kind, verb, too = ErrorKind.TRANSIENT, "did not connect to", ", base-url"
    if status in range(300, 500):
        kind, verb, too = ErrorKind.PERMANENT, "refused", ""
    cause = message(f"proxy {{}} {verb} {{}} with HTTP {status}", proxy.address, route.host)
    offered, login = NOTHING, ", its login"
    if schemes:
        offered = message("The proxy offers {}; only Basic is supported. ", schemes)
        login = login if "basic" in schemes.lower() else ""
    bypass = route.exemption or message(", or exempt {} with NO_PROXY", route.host)
    advice = message(f"{{}}Check {proxy.variable}{login}{too}{{}}", offered, bypass)
    return PollError(cause, kind, advice=advice)
