"""What went wrong on the way to Twilio, told from the exceptions of `requests` and below.

What is not known to be lasting is passing: a wrong "failed" wakes someone, and the deadline ends
the wait anyway.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

import requests
import urllib3

from twilio_build_wait.results import Fault, Kind

# RemoteDisconnected first: it is a ConnectionResetError as well.
_CUT: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((http.client.RemoteDisconnected, ssl.SSLEOFError), "connection closed without a reply"),
    ((http.client.IncompleteRead,), "connection closed within the reply"),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), "connection reset"),
)

E = TypeVar("E", bound=BaseException)

# What `requests` and the layers below it raise for a bad peer, network or address.
TRANSPORT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


class UnusableAddressError(ValueError):
    """The proxy's address, or the API root's, cannot be used at all."""


class OversizedReplyError(ValueError):
    """The body is longer than any that Twilio sends."""


def from_error(error: BaseException, host: str, proxy: str, bundle: str) -> Fault:
    """Tell which fault an exception means.

    Args:
        error: one of `TRANSPORT_ERRORS`.
        host: the host that the status is read from.
        proxy: the proxy's host, empty without one.
        bundle: the CA bundle set in the environment, empty without one.
    """
    chain = tuple(_chain(error))
    peer = f"{host} through proxy {proxy}" if proxy else host
    return (
        _configured(chain, peer, host, proxy, bundle)
        or _unanswered(chain, peer)
        or _garbled(chain, peer)
    )


def timed_out(host: str, limit: float) -> Fault:
    """Make the fault of a read that did not end within `limit` seconds."""
    return Fault(f"no complete reply from {host} within {limit:.0f} s", unanswered=True)


def _configured(
    chain: tuple[BaseException, ...], peer: str, host: str, proxy: str, bundle: str
) -> Fault | None:
    """Tell the faults of the way there: certificates and proxies, most of them lasting."""
    for error in chain:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Fault(
                f"the certificate of {peer} does not verify: {error.verify_message}",
                Kind.LASTING,
                "If a company proxy re-signs traffic, set REQUESTS_CA_BUNDLE to its CA's file",
            )
        # What http.client raises for any reply to CONNECT but a 200.
        if proxy and (refused := re.match(r"Tunnel connection failed: (\d{3})", str(error))):
            return Fault(
                f"proxy {proxy} refused the connection to {host} with HTTP {refused[1]}",
                Kind.LASTING if refused[1].startswith("4") else Kind.PASSING,
                "Check HTTPS_PROXY, its user and password, or except the host with NO_PROXY",
            )
        # urllib3 reads a host's name again when it connects.
        if isinstance(error, (UnusableAddressError, urllib3.exceptions.LocationValueError)):
            return Fault(
                f"the address of {host}, or of the proxy on the way to it, cannot be used",
                Kind.LASTING,
                "Check HTTPS_PROXY: its scheme, its host and its port",
            )
    if bundle and (problem := _bundle_problem(bundle)):
        return Fault(
            f"the CA bundle {bundle} cannot be read: {problem}",
            Kind.LASTING,
            "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or take it away",
        )
    return None


def _unanswered(chain: tuple[BaseException, ...], peer: str) -> Fault | None:
    if failed := _first(chain, socket.gaierror):
        unknown = failed.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)}
        cause = "no such name" if unknown else f"the name look-up failed ({failed.strerror})"
        return Fault(f"{peer}: {cause}", unanswered=True, unreachable=unknown)
    if _first(chain, ConnectionRefusedError):
        return Fault(f"{peer}: connection refused", unanswered=True, unreachable=True)
    # urllib3's NewConnectionError is a ConnectTimeoutError too, whatever it was that failed.
    if _first(chain, TimeoutError) or _first(chain, urllib3.exceptions.ReadTimeoutError):
        return Fault(f"{peer}: timed out", unanswered=True)
    return None


def _garbled(chain: tuple[BaseException, ...], peer: str) -> Fault:
    if oversized := _first(chain, OversizedReplyError):
        return Fault(f"{peer}: reply too large ({oversized})")
    for kinds, cause in _CUT:
        if any(isinstance(error, kinds) for error in chain):
            return Fault(f"{peer}: {cause}")
    if tls := _first(chain, ssl.SSLError):
        return Fault(f"{peer}: TLS error ({tls.reason or tls.strerror})")
    if garbled := _first(chain, http.client.HTTPException):
        return Fault(f"{peer}: not an HTTP reply ({type(garbled).__name__})")
    for error in chain:
        if isinstance(error, OSError) and error.strerror:
            return Fault(f"{peer}: {error.strerror}", unanswered=True)
    return Fault(f"{peer}: garbled reply ({type(chain[0]).__name__})")


def _first(chain: tuple[BaseException, ...], kind: type[E]) -> E | None:
    return next((error for error in chain if isinstance(error, kind)), None)


def _bundle_problem(bundle: str) -> str:
    """Say why a CA bundle (a file, or a folder of certificates) cannot be read; else empty."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        with open(bundle, "rb"):
            context.load_verify_locations(cafile=bundle)
    except IsADirectoryError:
        return ""
    except ssl.SSLError as error:
        return f"no certificate in it ({error.reason})"
    except OSError as error:
        return error.strerror or "unreadable"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and every exception inside it, the outermost first.

    The layers hand causes on in three ways: as `__cause__` or `__context__`, as `reason`
    (urllib3's MaxRetryError), or among the arguments (ProtocolError, ConnectionError).
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            pending += [getattr(found, "reason", None), *found.args]
            pending += [found.__cause__, found.__context__]
