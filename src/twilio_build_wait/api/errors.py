"""What an exception of `requests` and the layers below it means: cause, kind and advice.

An error that is not known to be permanent is transient: a wrong "failed" wakes someone, and the
deadline ends the wait anyway.
"""

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import select_proxy

from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import ThreadShortageError
from twilio_build_wait.text import NO_TEXT, SafeText

E = TypeVar("E", bound=BaseException)

#: What `requests` and the layers below it raise for a bad server, network or address.
TRANSPORT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

# The longest host or path that is quoted, in characters.
_QUOTED = 120

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_NO_ROUTE = {
    *(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN),
    errno.EADDRNOTAVAIL,
}
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
# What OpenSSL says of bytes that are no TLS record; which of them depends on its version.
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
# RemoteDisconnected comes first: it is a ConnectionResetError as well.
_CUT: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((http.client.RemoteDisconnected, ssl.SSLEOFError), "connection closed without a response"),
    ((http.client.IncompleteRead,), "connection closed within the response"),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), "connection reset"),
)

# OpenSSL's numbers of verification errors (openssl/x509_vfy.h).
_NOT_YET_VALID, _EXPIRED, _WRONG_HOSTS = 9, 10, {62, 64}
_UNKNOWN_ISSUERS = {2, 18, 19, 20, 21}


class UnusableAddressError(ValueError):
    """The address of the proxy, or of the API root, cannot be used."""


class OversizedError(ValueError):
    """The body is longer than any that Twilio sends."""


class BundleError(OSError):
    """The CA bundle cannot be read; the message says why."""


def load_bundle(context: ssl.SSLContext, bundle: str) -> None:
    """Trust the CAs in a file, or in a folder of certificates.

    Raises:
        BundleError: it cannot be read, or holds no certificate.
        OSError: this machine is short of file descriptors or memory.
    """
    try:
        with open(bundle, "rb"):
            context.load_verify_locations(cafile=bundle)
    except IsADirectoryError:
        context.load_verify_locations(capath=bundle)
    except ssl.SSLError as error:
        raise BundleError(f"no certificate in it ({error.reason})") from None
    except OSError as error:
        if error.errno in _SHORTAGES:
            raise
        raise BundleError(error.strerror or "unreadable") from None


@dataclass(frozen=True)
class Route:
    """How a request gets to Twilio.

    `proxy` is the proxy's URL without its login, `variable` the environment variable that it came
    from; both are empty without a proxy. `no_proxy`, `bundle` and `cert_file` are the values of
    NO_PROXY, of REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) and of SSL_CERT_FILE.
    """

    host: SafeText
    proxy: SafeText = NO_TEXT
    variable: str = ""
    no_proxy: SafeText = NO_TEXT
    bundle: SafeText = NO_TEXT
    cert_file: SafeText = NO_TEXT

    @classmethod
    def of(
        cls, url: str, proxies: Mapping[str, str], environ: Mapping[str, str], show: Redactor
    ) -> "Route":
        """Describe the way to a URL with the proxies that `requests` has chosen for it."""

        def quoted(value: str) -> SafeText:
            return show.piece(value, _QUOTED)

        proxy = select_proxy(url, dict(proxies)) or ""
        names = sorted(environ, key=lambda name: (name.lower() != "https_proxy", name.isupper()))
        sources = [name for name in names if proxy and environ[name] == proxy]
        is_tls = url.startswith("https:")
        bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or ""
        scheme = proxy.partition("://")[0] + "://" if "://" in proxy else ""
        address = proxy.rpartition("@")[2].rpartition("//")[2].partition("/")[0]
        return cls(
            quoted(urlsplit(url).netloc),
            quoted(scheme + address),
            next((name for name in sources if name.lower().endswith("_proxy")), "HTTPS_PROXY"),
            quoted(environ.get("NO_PROXY") or environ.get("no_proxy") or ""),
            quoted(bundle if is_tls else ""),
            quoted(environ.get("SSL_CERT_FILE", "")),
        )

    @property
    def peer(self) -> str:
        """The host, and the proxy on the way there."""
        return f"{self.host} through proxy {self.proxy}" if self.proxy else self.host

    @property
    def advice(self) -> SafeText:
        """What to check if nothing answers."""
        if not self.proxy:
            return SafeText("Check region, edge, base-url and the network of this machine")
        return SafeText(f"Check {self.variable}, which names the proxy {self.proxy}{self._pattern}")

    @property
    def exemption(self) -> str:
        """How to reach the host without the proxy."""
        return self._pattern or f", or exempt {self.host} with NO_PROXY"

    @property
    def _pattern(self) -> str:
        if "*." not in self.no_proxy:
            return ""
        return f"; NO_PROXY is '{self.no_proxy}', but it takes no wildcard: write .twilio.com"


def timed_out(route: Route, limit: float) -> PollError:
    """Return the error of a request that did not end within `limit` seconds."""
    cause = SafeText(f"no complete response from {route.peer} within {limit:.0f} s")
    return PollError(cause, advice=route.advice, is_answer=False)


def explain(error: BaseException, route: Route, show: Redactor) -> PollError:
    """Return what an exception, one of `TRANSPORT_ERRORS`, means."""
    chain = tuple(_chain(error))
    return (
        _shortage(chain)
        or _certificate(chain, route, show)
        or _configuration(chain, route, show)
        or _no_answer(chain, route, show)
        or _bad_answer(chain, route, show)
    )


def _shortage(chain: tuple[BaseException, ...]) -> PollError | None:
    """Explain what this machine is short of; it may pass."""
    if shortage := _first(chain, ThreadShortageError):
        return PollError(
            SafeText("this machine could not start a thread"),
            advice=SafeText(
                "Check the limit on processes (ulimit -u), and Docker: before 20.10.10 it lets no "
                "new image start threads"
            ),
            is_answer=False,
            is_unreachable=not shortage.ever_started,
        )
    for error in chain:
        if isinstance(error, OSError) and error.errno in _SHORTAGES:
            return PollError(
                SafeText(f"this machine is short of resources: {error.strerror}"),
                advice=SafeText("Check its limit on open files (ulimit -n) and its free memory"),
                is_answer=False,
            )
    return None


def _certificate(
    chain: tuple[BaseException, ...], route: Route, show: Redactor
) -> PollError | None:
    """Explain why a certificate does not verify, or why the CA bundle cannot be read."""
    if unreadable := _first(chain, BundleError):
        return PollError(
            SafeText(f"the CA bundle {route.bundle} cannot be read: {unreadable}"),
            ErrorKind.PERMANENT,
            advice=SafeText("Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or unset it"),
            is_answer=False,
        )
    error = _first(chain, ssl.SSLCertVerificationError)
    if error is None:
        return None
    if error.verify_code in {_EXPIRED, _NOT_YET_VALID}:
        advice = "Renew the certificate, or correct the clock of this machine"
    elif error.verify_code in _WRONG_HOSTS:
        advice = f"It was issued for another host: check that {route.host} is the right one"
    elif route.bundle:
        advice = f"REQUESTS_CA_BUNDLE is {route.bundle}: add the CA that signed this certificate"
    elif route.cert_file:
        advice = "SSL_CERT_FILE is not read: set REQUESTS_CA_BUNDLE to the same path"
    elif error.verify_code in _UNKNOWN_ISSUERS:
        advice = (
            "If a company proxy signs the traffic anew, set REQUESTS_CA_BUNDLE to the file of its "
            "CA; for a GitHub action, a file in the workspace: /github/workspace/ca.pem"
        )
    else:
        advice = "Set REQUESTS_CA_BUNDLE to the file of your own CA, or correct the certificate"
    cause = show.line(f"the certificate of {route.peer} does not verify: {error.verify_message}")
    return PollError(cause, ErrorKind.PERMANENT, advice=SafeText(advice))


def _configuration(
    chain: tuple[BaseException, ...], route: Route, show: Redactor
) -> PollError | None:
    """Explain a proxy that refuses, or an address that cannot be used."""
    for error in chain:
        # What http.client raises for any final response to CONNECT but a 200.
        refusal = re.match(r"Tunnel connection failed: (\d{3})", str(error))
        if route.proxy and refusal:
            is_refused = refusal[1].startswith("4")
            return PollError(
                SafeText(f"proxy {route.proxy} refused {route.host} with HTTP {refusal[1]}"),
                ErrorKind.PERMANENT if is_refused else ErrorKind.TRANSIENT,
                advice=show.line(f"Check {route.variable}, its login{route.exemption}"),
            )
        # urllib3 parses a host's name again when it connects.
        if isinstance(error, (UnusableAddressError, urllib3.exceptions.LocationValueError)):
            return _unusable(route, show)
    return None


def _unusable(route: Route, show: Redactor) -> PollError:
    if route.proxy.lower().startswith("socks"):
        cause = f"{route.variable} is {route.proxy}, but SOCKS proxies are not supported"
        advice = f"Set HTTPS_PROXY to a proxy that speaks HTTP{route.exemption}"
    elif route.proxy:
        cause = f"{route.variable} is '{route.proxy}', which is not the address of a proxy"
        advice = f"Correct {route.variable}: scheme, host and port{route.exemption}"
    else:
        cause = f"the address of {route.host} cannot be used"
        advice = "Correct base-url"
    kind = ErrorKind.PERMANENT
    return PollError(show.line(cause), kind, advice=show.line(advice), is_answer=False)


def _no_answer(chain: tuple[BaseException, ...], route: Route, show: Redactor) -> PollError | None:
    """Explain an error that came before anything could answer, or instead of an answer."""

    def silent(cause: str, *, is_unreachable: bool, advice: SafeText = route.advice) -> PollError:
        return PollError(
            show.line(f"{route.peer}: {cause}"),
            advice=advice,
            is_answer=False,
            is_unreachable=is_unreachable,
        )

    if failed := _first(chain, socket.gaierror):
        is_unknown = failed.errno in _UNKNOWN_NAME
        cause = "no such host" if is_unknown else f"name resolution failed ({failed.strerror})"
        return silent(cause, is_unreachable=True)
    if _first(chain, ConnectionRefusedError):
        return silent("connection refused", is_unreachable=True)
    for error in chain:
        if isinstance(error, OSError) and error.errno in _NO_ROUTE:
            return silent(error.strerror or "unreachable", is_unreachable=True)
        if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
            advice = route.advice
            if route.proxy.lower().startswith("https:"):
                advice = show.line(f"Write http:// in {route.variable} if the proxy speaks HTTP")
            return silent("the other side does not speak TLS", is_unreachable=True, advice=advice)
    # urllib3's NewConnectionError is a ConnectTimeoutError too, whatever failed.
    if _first(chain, TimeoutError) or _first(chain, urllib3.exceptions.ReadTimeoutError):
        return silent("timed out", is_unreachable=False)
    return None


def _bad_answer(chain: tuple[BaseException, ...], route: Route, show: Redactor) -> PollError:
    """Explain an answer that is no HTTP response, or not a whole one."""
    cause = f"invalid response ({type(chain[0]).__name__})"
    is_answer = True
    if oversized := _first(chain, OversizedError):
        cause = f"response too large ({oversized})"
    elif cut := [cause for kinds, cause in _CUT if any(isinstance(e, kinds) for e in chain)]:
        cause = cut[0]
    elif tls := _first(chain, ssl.SSLError):
        cause = f"TLS error ({tls.reason or tls.strerror})"
    elif invalid := _first(chain, http.client.HTTPException):
        cause = f"not an HTTP response ({type(invalid).__name__})"
    elif failed := [e.strerror for e in chain if isinstance(e, OSError) and e.strerror]:
        cause, is_answer = failed[0], False
    return PollError(show.line(f"{route.peer}: {cause}"), advice=route.advice, is_answer=is_answer)


def _first(chain: tuple[BaseException, ...], kind: type[E]) -> E | None:
    return next((error for error in chain if isinstance(error, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and every exception inside it, the outermost first.

    The layers pass causes on in three ways: as `__cause__` or `__context__`, as `reason`
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
