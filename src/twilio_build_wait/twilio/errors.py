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
from enum import Enum
from urllib.parse import urlsplit

from requests.utils import select_proxy
from urllib3.exceptions import HTTPError, LocationValueError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import ThreadShortageError

#: What `requests` (an OSError) and the layers below raise for a bad server, network or address.
TRANSPORT_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)

# The longest host or path that is quoted, in characters.
_QUOTED = 120

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
_NO_ROUTE |= {errno.EADDRNOTAVAIL}
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
# What OpenSSL says of bytes that are no TLS record; which of them depends on its version.
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
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


class Reach(Enum):
    """How far a request got: to nothing that could answer, to silence, or to an answer."""

    NOTHING = "nothing"
    SILENCE = "silence"
    ANSWER = "answer"


class Route:
    """How a request gets to Twilio, with every text safe to show.

    `proxy` is the proxy's URL without its login, empty if there is none, `variable` the environment
    variable that names it, `bundle` the user's own CA bundle. `advice` is what to check if nothing
    answers, `detour` how to do without the proxy.
    """

    def __init__(
        self, url: str, proxies: dict[str, str], environ: Mapping[str, str], show: Redactor
    ) -> None:
        self._show = show
        self.host = show.piece(urlsplit(url).netloc, _QUOTED)
        self.bundle = show.piece(own_bundle(environ), _QUOTED)
        self.has_cert_file = bool(environ.get("SSL_CERT_FILE"))
        proxy = select_proxy(url, proxies) or ""
        scheme = proxy.partition("://")[0] + "://" if "://" in proxy else ""
        address = proxy.rpartition("@")[2].rpartition("//")[2].partition("/")[0]
        self.proxy = show.piece(scheme + address, _QUOTED)
        names = [n for n in environ if n.lower().endswith("_proxy") and environ[n] == proxy]
        names.sort(key=lambda name: (name.lower() != "https_proxy", name.isupper()))
        self.variable = names[0] if names else "HTTPS_PROXY"
        no_proxy = show.piece(environ.get("NO_PROXY") or environ.get("no_proxy") or "", _QUOTED)
        wildcard = ""
        if "*." in no_proxy:
            wildcard = f"; NO_PROXY is '{no_proxy}', but it takes no wildcard: write .twilio.com"
        self.detour = wildcard or f", or exempt {self.host} with NO_PROXY"
        if proxy:
            self.peer = f"{self.host} through proxy {self.proxy}"
            self.advice = f"Check {self.variable}, which names the proxy {self.proxy}{wildcard}"
        else:
            self.peer = self.host
            self.advice = "Check region, edge, base-url and the network of this machine"

    def error(
        self, cause: str, reach: Reach, advice: str = "", kind: ErrorKind = ErrorKind.TRANSIENT
    ) -> PollError:
        """Return an error of this route; without an advice of its own, it has the route's."""
        return PollError(
            self._show.line(cause),
            kind,
            advice=self._show.line(advice or self.advice),
            is_answer=reach is Reach.ANSWER,
            is_unreachable=reach is Reach.NOTHING,
        )


def own_bundle(environ: Mapping[str, str]) -> str:
    """Return the path of the user's own CA bundle, found as `requests` does; else empty."""
    return environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or ""


def explain(error: BaseException, route: Route) -> PollError:
    """Return what an exception, one of `TRANSPORT_ERRORS`, means."""
    chain = tuple(_chain(error))
    for rule in (_shortage, _certificate, _configuration, _no_answer, _bad_answer):
        for found in chain:
            if meaning := rule(found, route):
                return meaning
    cause = f"{route.peer}: invalid response ({type(error).__name__})"
    return route.error(cause, Reach.ANSWER)


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


def _shortage(error: BaseException, route: Route) -> PollError | None:
    """Explain what this machine is short of; it may pass."""
    match error:
        case ThreadShortageError():
            return route.error(
                "this machine could not start a thread",
                Reach.SILENCE,
                "Check the limit on processes (ulimit -u), and Docker: before 20.10.10 it lets no "
                "new image start threads",
            )
        case OSError(errno=number) if number in _SHORTAGES:
            return route.error(
                f"this machine is short of resources: {error.strerror}",
                Reach.SILENCE,
                "Check its limit on open files (ulimit -n) and its free memory",
            )
    return None


def _certificate(error: BaseException, route: Route) -> PollError | None:
    """Explain why a certificate does not verify."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    if error.verify_code in {_EXPIRED, _NOT_YET_VALID}:
        advice = "Renew the certificate, or correct the clock of this machine"
    elif error.verify_code in _WRONG_HOSTS:
        advice = f"It was issued for another host: check that {route.host} is the right one"
    elif route.bundle:
        advice = f"REQUESTS_CA_BUNDLE is {route.bundle}: add the CA that signed this certificate"
    elif route.has_cert_file:
        advice = "SSL_CERT_FILE is not read: set REQUESTS_CA_BUNDLE to the same path"
    elif error.verify_code in _UNKNOWN_ISSUERS:
        advice = (
            "If a company proxy signs the traffic anew, set REQUESTS_CA_BUNDLE to the file of its "
            "CA; for a GitHub action, a file in the workspace: /github/workspace/ca.pem"
        )
    else:
        advice = "Set REQUESTS_CA_BUNDLE to the file of your own CA, or correct the certificate"
    cause = f"the certificate of {route.peer} does not verify: {error.verify_message}"
    return route.error(cause, Reach.ANSWER, advice, ErrorKind.PERMANENT)


def _configuration(error: BaseException, route: Route) -> PollError | None:
    """Explain a proxy that refuses, or a CA bundle or an address that cannot be used."""
    # What http.client raises for any final response to CONNECT but a 200.
    refusal = re.match(r"Tunnel connection failed: (\d{3})", str(error))
    if refusal and route.proxy:
        return route.error(
            f"proxy {route.proxy} refused {route.host} with HTTP {refusal[1]}",
            Reach.ANSWER,
            f"Check {route.variable}, its login{route.detour}",
            ErrorKind.PERMANENT if refusal[1].startswith("4") else ErrorKind.TRANSIENT,
        )
    if isinstance(error, BundleError):
        cause = f"the CA bundle {route.bundle} cannot be read: {error}"
        advice = "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or unset it"
    # urllib3 parses a host's name again when it connects.
    elif not isinstance(error, UnusableAddressError | LocationValueError):
        return None
    elif route.proxy.lower().startswith("socks"):
        cause = f"{route.variable} is {route.proxy}, but SOCKS proxies are not supported"
        advice = f"Set HTTPS_PROXY to a proxy that speaks HTTP{route.detour}"
    elif route.proxy:
        cause = f"{route.variable} is '{route.proxy}', which is not the address of a proxy"
        advice = f"Correct {route.variable}: scheme, host and port{route.detour}"
    else:
        cause = f"the address of {route.host} cannot be used"
        advice = "Correct base-url"
    return route.error(cause, Reach.SILENCE, advice, ErrorKind.PERMANENT)


def _no_answer(error: BaseException, route: Route) -> PollError | None:
    """Explain an error that came before anything could answer, or instead of an answer."""
    reach, advice = Reach.NOTHING, ""
    match error:
        case socket.gaierror():
            is_unknown = error.errno in _UNKNOWN_NAME
            cause = "no such host" if is_unknown else f"name resolution failed ({error.strerror})"
        case ConnectionRefusedError():
            cause = "connection refused"
        case OSError(errno=number, strerror=str(cause)) if number in _NO_ROUTE:
            pass
        case ssl.SSLError(reason=reason) if reason in _NO_TLS:
            cause = "the other side does not speak TLS"
            if route.proxy.lower().startswith("https:"):
                advice = f"Write http:// in {route.variable} if the proxy speaks HTTP"
        # Not ConnectTimeoutError: urllib3's NewConnectionError is one too, whatever failed.
        case TimeoutError() | ReadTimeoutError():
            cause, reach = "timed out", Reach.SILENCE
        case _:
            return None
    return route.error(f"{route.peer}: {cause}", reach, advice)


def _bad_answer(error: BaseException, route: Route) -> PollError | None:
    """Explain an answer that is no HTTP response, or not a whole one."""
    reach = Reach.ANSWER
    match error:
        case OversizedError():
            cause = f"response too large ({error})"
        # RemoteDisconnected comes first: it is a ConnectionResetError as well.
        case http.client.RemoteDisconnected() | ssl.SSLEOFError():
            cause = "connection closed without a response"
        case http.client.IncompleteRead():
            cause = "connection closed within the response"
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            cause = "connection reset"
        case ssl.SSLError():
            cause = f"TLS error ({error.reason or error.strerror})"
        case http.client.HTTPException():
            cause = f"not an HTTP response ({type(error).__name__})"
        case OSError(strerror=str(cause)) if cause:
            reach = Reach.SILENCE
        case _:
            return None
    return route.error(f"{route.peer}: {cause}", reach)
