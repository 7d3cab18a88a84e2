"""What the exceptions of requests and the layers below it mean."""

import errno
import http.client
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import urllib3
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from twilio_build_wait.api.errors import (
    BundleError,
    OversizedError,
    Route,
    UnusableAddressError,
    explain,
    load_bundle,
    timed_out,
)
from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import ThreadShortageError
from twilio_build_wait.text import SafeText

SHOW = Redactor(["sw0rdfish"])
DIRECT = Route(SafeText("twilio.test"))
PROXIED = replace(DIRECT, proxy=SafeText("http://proxy.test:3128"), variable="https_proxy")
SOCKS = replace(PROXIED, proxy=SafeText("socks5://proxy.test"))
TLS_PROXY = replace(PROXIED, proxy=SafeText("https://proxy.test"))
WILDCARD = replace(PROXIED, no_proxy=SafeText("*.twilio.test"))
BUNDLE = replace(DIRECT, bundle=SafeText("/ca.pem"))

POOL = urllib3.connectionpool.HTTPConnectionPool("twilio.test")


def wrapped(error: Exception) -> Exception:
    """Return what requests raises when urllib3 could not connect because of this error."""
    failed = NewConnectionError(POOL, "failed")  # type: ignore[arg-type] # it is only kept
    failed.__cause__ = error
    return requests.ConnectionError(MaxRetryError(POOL, "/", failed))


def certificate(code: int, message: str = "bad") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def tls(reason: str, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, "odd")
    error.reason = reason
    return error


def os_error(number: int) -> OSError:
    return OSError(number, errno.errorcode[number])


# Exception -> words of the cause, whether it is an answer, whether nothing was reached.
TRANSIENT: dict[str, tuple[Exception, str, bool, bool]] = {
    "no such host": (wrapped(socket.gaierror(socket.EAI_NONAME, "x")), "no such host", False, True),
    "DNS fails": (
        wrapped(socket.gaierror(socket.EAI_AGAIN, "Try again")),
        "name resolution failed (Try again)",
        False,
        True,
    ),
    "refused": (wrapped(ConnectionRefusedError()), "connection refused", False, True),
    "no route": (wrapped(os_error(errno.EHOSTUNREACH)), "EHOSTUNREACH", False, True),
    "no network": (os_error(errno.ENETUNREACH), "ENETUNREACH", False, True),
    "no TLS": (tls("WRONG_VERSION_NUMBER"), "does not speak TLS", False, True),
    "TLS": (tls("INTERNAL_ERROR"), "TLS error (INTERNAL_ERROR)", True, False),
    "TLS without a reason": (tls(""), "TLS error (odd)", True, False),
    "connecting times out": (wrapped(TimeoutError()), "timed out", False, False),
    "reading times out": (
        urllib3.exceptions.ReadTimeoutError(POOL, "/", ""),
        "timed out",
        False,
        False,
    ),
    "closed": (
        ProtocolError("x", http.client.RemoteDisconnected("")),
        "closed without a response",
        True,
        False,
    ),
    "closed in TLS": (
        tls("UNEXPECTED_EOF", ssl.SSLEOFError),
        "closed without a response",
        True,
        False,
    ),
    "cut": (
        ProtocolError("x", http.client.IncompleteRead(b"")),
        "within the response",
        True,
        False,
    ),
    "reset": (ProtocolError("x", ConnectionResetError()), "connection reset", True, False),
    "broken pipe": (BrokenPipeError(), "connection reset", True, False),
    "aborted": (ConnectionAbortedError(), "connection reset", True, False),
    "too large": (OversizedError("more than 64 KiB"), "too large (more than 64 KiB)", True, False),
    "no HTTP": (http.client.BadStatusLine("SSH"), "HTTP response (BadStatusLine)", True, False),
    "other OSError": (os_error(errno.EACCES), "twilio.test: EACCES", False, False),
    "other": (ValueError("sw0rdfish"), "invalid response (ValueError)", True, False),
    "no descriptor": (os_error(errno.EMFILE), "short of resources: EMFILE", False, False),
    "no memory": (wrapped(os_error(errno.ENOMEM)), "short of resources", False, False),
    "no thread": (ThreadShortageError(ever_started=True), "start a thread", False, False),
    "never a thread": (ThreadShortageError(ever_started=False), "start a thread", False, True),
}

# Exception, route -> words of the cause, words of the advice.
PERMANENT: dict[str, tuple[Exception, Route, str, str]] = {
    "expired": (wrapped(certificate(10)), DIRECT, "does not verify: bad", "clock"),
    "not valid yet": (certificate(9), BUNDLE, "twilio.test", "clock"),
    "another host": (certificate(62), BUNDLE, "does not verify", "issued for another host"),
    "another address": (certificate(64), DIRECT, "does not verify", "twilio.test is the right"),
    "unknown issuer": (certificate(20), DIRECT, "does not verify", "company proxy"),
    "issuer not in the bundle": (certificate(20), BUNDLE, "verify", "/ca.pem: add the CA"),
    "SSL_CERT_FILE": (
        certificate(19),
        replace(DIRECT, cert_file=SafeText("/other.pem")),
        "does not verify",
        "SSL_CERT_FILE is not read: set REQUESTS_CA_BUNDLE",
    ),
    "other reason": (certificate(1), DIRECT, "verify", "or correct the certificate"),
    "no bundle": (BundleError("not there"), BUNDLE, "/ca.pem cannot be read: not there", "unset"),
    "proxy refuses": (
        wrapped(OSError("Tunnel connection failed: 407 sw0rdfish")),
        PROXIED,
        "proxy http://proxy.test:3128 refused twilio.test with HTTP 407",
        "Check https_proxy, its login, or exempt twilio.test with NO_PROXY",
    ),
    "wildcard in NO_PROXY": (
        OSError("Tunnel connection failed: 403 x"),
        WILDCARD,
        "HTTP 403",
        "takes no wildcard: write .twilio.com",
    ),
    "SOCKS": (UnusableAddressError(), SOCKS, "SOCKS proxies are not supported", "speaks HTTP"),
    "unusable proxy": (
        UnusableAddressError(),
        PROXIED,
        "not the address of a proxy",
        "https_proxy",
    ),
    "unusable host": (
        wrapped(urllib3.exceptions.LocationParseError("x")),
        DIRECT,
        "address of twilio.test cannot be used",
        "base-url",
    ),
}

# Exception, route -> words of the advice for a transient error.
ADVICE: dict[str, tuple[Exception, Route, str]] = {
    "direct": (ConnectionRefusedError(), DIRECT, "region, edge, base-url and the network"),
    "proxy": (ConnectionRefusedError(), PROXIED, "https_proxy, which names the proxy http://proxy"),
    "wildcard": (TimeoutError(), WILDCARD, "takes no wildcard"),
    "proxy without TLS": (tls("RECORD_LAYER_FAILURE"), TLS_PROXY, "Write http:// in https_proxy"),
    "plain proxy": (tls("HTTP_REQUEST"), PROXIED, "Check https_proxy"),
    "threads": (ThreadShortageError(ever_started=True), DIRECT, "ulimit -u"),
    "bad response": (ValueError(), DIRECT, "Check region"),
    "resources": (os_error(errno.ENFILE), DIRECT, "ulimit -n"),
    "tunnel fails for now": (OSError("Tunnel connection failed: 503 x"), PROXIED, "its login"),
}


def explained(error: Exception, route: Route = DIRECT) -> PollError:
    found = explain(error, route, SHOW)
    assert "sw0rdfish" not in repr(found)
    return found


@pytest.mark.parametrize("error, cause, answer, unreachable", TRANSIENT.values(), ids=TRANSIENT)
def test_transient_error(error: Exception, cause: str, answer: object, unreachable: object) -> None:
    found = explained(error)
    assert found.kind is ErrorKind.TRANSIENT
    assert cause in found.cause
    assert (found.is_answer, found.is_unreachable) == (answer, unreachable)


@pytest.mark.parametrize("error, route, cause, advice", PERMANENT.values(), ids=PERMANENT)
def test_permanent_error(error: Exception, route: Route, cause: str, advice: str) -> None:
    found = explained(error, route)
    assert found.kind is ErrorKind.PERMANENT
    assert cause in found.cause
    assert advice in found.advice
    is_silent = isinstance(error, BundleError | UnusableAddressError) or "address" in cause
    assert found.is_answer is not is_silent


@pytest.mark.parametrize("error, route, advice", ADVICE.values(), ids=ADVICE)
def test_advice(error: Exception, route: Route, advice: str) -> None:
    found = explained(error, route)
    assert found.kind is ErrorKind.TRANSIENT
    assert advice in found.advice


def test_errors_name_the_proxy_and_the_time() -> None:
    assert "twilio.test through proxy http://proxy.test" in explained(TimeoutError(), PROXIED).cause
    found = timed_out(PROXIED, 5.2)
    assert "through proxy http://proxy.test:3128 within 5 s" in found.cause
    assert (found.advice, found.is_answer) == (PROXIED.advice, False)


def test_exceptions_that_contain_each_other_are_explained() -> None:
    inner, outer = ValueError(), KeyError()
    inner.__context__, outer.__context__ = outer, inner
    assert "invalid response" in explained(inner).cause


URL = "https://twilio.test:8443/v1"
PROXY = "http://me:sw0rdfish@proxy.test:3128/"
# Proxies that requests found, environment -> fields of the route.
ROUTES: dict[str, tuple[str, dict[str, str], dict[str, str], dict[str, str]]] = {
    "direct": (URL, {}, {"HTTPS_PROXY": PROXY}, {"proxy": "", "host": "twilio.test:8443"}),
    "proxy": (
        URL,
        {"https": PROXY},
        {"https_proxy": PROXY, "ALL_PROXY": PROXY},
        {"proxy": "http://proxy.test:3128", "variable": "https_proxy"},
    ),
    "proxy from ALL_PROXY": (
        URL,
        {"https": PROXY},
        {"OTHER": PROXY, "ALL_PROXY": PROXY},
        {"variable": "ALL_PROXY"},
    ),
    "both spellings": (
        URL,
        {"https": PROXY},
        {"HTTPS_PROXY": PROXY, "https_proxy": PROXY},
        {"variable": "https_proxy"},
    ),
    "proxy without scheme": (
        URL,
        {"https": "me:sw0rdfish@proxy.test"},
        {},
        {"proxy": "proxy.test", "variable": "HTTPS_PROXY"},
    ),
    "NO_PROXY": (URL, {}, {"no_proxy": "a", "NO_PROXY": "*.b"}, {"no_proxy": "*.b"}),
    "no_proxy": (URL, {}, {"no_proxy": "a"}, {"no_proxy": "a"}),
    "bundle": (
        URL,
        {},
        {"CURL_CA_BUNDLE": "/a", "REQUESTS_CA_BUNDLE": "/b", "SSL_CERT_FILE": "/c"},
        {"bundle": "/b", "cert_file": "/c"},
    ),
    "other bundle": (URL, {}, {"CURL_CA_BUNDLE": "/a"}, {"bundle": "/a"}),
    "bundle for http": ("http://a.test", {}, {"REQUESTS_CA_BUNDLE": "/b"}, {"bundle": ""}),
    "long host": (f"https://{'a' * 200}", {}, {}, {"host": "a" * 119 + "…"}),
}


@pytest.mark.parametrize("url, proxies, environ, fields", ROUTES.values(), ids=ROUTES)
def test_route(
    url: str, proxies: dict[str, str], environ: dict[str, str], fields: dict[str, str]
) -> None:
    route = Route.of(url, proxies, environ, SHOW)
    assert {name: getattr(route, name) for name in fields} == fields
    assert "sw0rdfish" not in repr(route)


def test_bundle_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_bundle(context, str(tmp_path))  # a folder of certificates
    (tmp_path / "empty").touch()
    for name, why in {"missing": "No such file", "empty": "no certificate"}.items():
        with pytest.raises(BundleError, match=why):
            load_bundle(context, str(tmp_path / name))
    monkeypatch.setattr("builtins.open", lambda *_: (_ for _ in ()).throw(os_error(errno.EMFILE)))
    with pytest.raises(OSError, match="EMFILE") as shortage:
        load_bundle(context, "any")
    assert not isinstance(shortage.value, BundleError)
