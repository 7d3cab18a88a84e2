"""What the exceptions of requests and the layers below it mean."""

import errno
import http.client
import re
import socket
import ssl
from pathlib import Path
from unittest import mock

import pytest
import requests
import urllib3
from urllib3.exceptions import LocationParseError, MaxRetryError, ProtocolError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.signals import ThreadShortageError
from twilio_build_wait.twilio import errors
from twilio_build_wait.twilio.errors import BundleError, OversizedError, Route, UnusableAddressError

SHOW = Redactor(["sw0rdfish"])
HOST_URL = "https://twilio.test/v1"


def through(proxy: str, **environ: str) -> Route:
    return Route(HOST_URL, {"https": proxy}, {"https_proxy": proxy} | environ, SHOW)


DIRECT = Route(HOST_URL, {}, {}, SHOW)
PROXIED = through("http://proxy.test:3128")
SOCKS = through("socks5://proxy.test")
TLS_PROXY = through("https://proxy.test")
WILDCARD = through("http://proxy.test:3128", NO_PROXY="*.twilio.test")
BUNDLE = Route(HOST_URL, {}, {"REQUESTS_CA_BUNDLE": "/ca.pem"}, SHOW)
CERT_FILE = Route(HOST_URL, {}, {"SSL_CERT_FILE": "/ca.pem"}, SHOW)

POOL = urllib3.connectionpool.HTTPConnectionPool("twilio.test")


def wrapped(error: Exception) -> Exception:
    """Return what requests raises when urllib3 could not connect because of this error."""
    failed = urllib3.exceptions.NewConnectionError(mock.Mock(), "failed")
    failed.__cause__ = error
    return requests.ConnectionError(MaxRetryError(POOL, "/", failed))


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "bad"
    return error


def tls(reason: str, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, "odd")
    error.reason = reason
    return error


def tunnel(status: int) -> OSError:
    return OSError(f"Tunnel connection failed: {status} sw0rdfish")


def os_error(number: int) -> OSError:
    return OSError(number, errno.errorcode[number])


# End of the cause -> exception, and whether it is an answer or nothing was reached.
TRANSIENT: dict[str, tuple[Exception, str]] = {
    "no such host": (wrapped(socket.gaierror(socket.EAI_NONAME, "x")), "unreachable"),
    "resolution failed (x)": (wrapped(socket.gaierror(socket.EAI_AGAIN, "x")), "unreachable"),
    "connection refused": (wrapped(ConnectionRefusedError()), "unreachable"),
    "EHOSTUNREACH": (wrapped(os_error(errno.EHOSTUNREACH)), "unreachable"),
    "does not speak TLS": (tls("WRONG_VERSION_NUMBER"), "unreachable"),
    "start a thread": (ThreadShortageError(), "silent"),
    "timed out": (wrapped(TimeoutError()), "silent"),
    "test: timed out": (ReadTimeoutError(POOL, "/", ""), "silent"),
    "twilio.test: EACCES": (os_error(errno.EACCES), "silent"),
    "short of resources: EMFILE": (os_error(errno.EMFILE), "silent"),
    "short of resources: ENOMEM": (wrapped(os_error(errno.ENOMEM)), "silent"),
    "TLS error (INTERNAL_ERROR)": (tls("INTERNAL_ERROR"), "answer"),
    "TLS error (odd)": (tls(""), "answer"),
    "connection closed without a response": (
        ProtocolError("x", http.client.RemoteDisconnected("")),
        "answer",
    ),
    "closed without a response": (tls("UNEXPECTED_EOF", ssl.SSLEOFError), "answer"),
    "connection closed within the response": (
        ProtocolError("x", http.client.IncompleteRead(b"")),
        "answer",
    ),
    "reset": (ConnectionResetError(), "answer"),
    "connection reset": (BrokenPipeError(), "answer"),
    "too large (more than 64 KiB)": (OversizedError("more than 64 KiB"), "answer"),
    "HTTP response (BadStatusLine)": (http.client.BadStatusLine("SSH"), "answer"),
    "invalid response (ValueError)": (ValueError("sw0rdfish"), "answer"),
}

# Exception, route -> a pattern of cause and advice.
UNUSABLE = UnusableAddressError()
PERMANENT = {
    "expired": (wrapped(certificate(10)), DIRECT, "twilio.test does not verify: bad; .*clock"),
    "not valid yet": (certificate(9), BUNDLE, "clock"),
    "other host": (certificate(62), BUNDLE, "another host: check that twilio.test is"),
    "other address": (certificate(64), DIRECT, "another host"),
    "unknown issuer": (certificate(20), DIRECT, "company proxy"),
    "not in the bundle": (certificate(20), BUNDLE, "/ca.pem: add the CA"),
    "not in SSL_CERT_FILE": (certificate(20), CERT_FILE, "SSL_CERT_FILE is not read"),
    "other reason": (certificate(1), DIRECT, "or correct the certificate"),
    "no bundle": (BundleError("gone"), BUNDLE, "/ca.pem cannot be read: gone; .*REQUESTS_CA_BUND"),
    "refused": (wrapped(tunnel(407)), PROXIED, "refused twilio.test with HTTP 407; Check http"),
    "SOCKS": (UNUSABLE, SOCKS, "https_proxy.*SOCKS proxies are not supported; .*speaks HTTP"),
    "unusable proxy": (UNUSABLE, PROXIED, "https_proxy.*not the address of a proxy; Correct https"),
    "unusable host": (wrapped(LocationParseError("x")), DIRECT, "twilio.test cannot be.*base-url"),
}

# Exception, route -> words of the advice for a transient error.
ADVICE = {
    "direct": (ConnectionRefusedError(), DIRECT, "region, edge, base-url and the network"),
    "proxy": (ConnectionRefusedError(), PROXIED, "https_proxy, which names the proxy http://proxy"),
    "wildcard": (TimeoutError(), WILDCARD, "takes no wildcard: write .twilio.com"),
    "proxy without TLS": (tls("RECORD_LAYER_FAILURE"), TLS_PROXY, "Write http:// in https_proxy"),
    "plain proxy": (tls("HTTP_REQUEST"), PROXIED, "Check https_proxy"),
    "threads": (ThreadShortageError(), DIRECT, "ulimit -u"),
    "descriptors": (os_error(errno.ENFILE), DIRECT, "ulimit -n"),
    "tunnel fails for now": (tunnel(503), PROXIED, "login, or exempt twilio.test with NO_PROXY"),
    "tunnel without a proxy": (tunnel(407), DIRECT, "Check region"),
}


def explained(error: Exception, route: Route = DIRECT) -> PollError:
    found = errors.explain(error, route)
    assert "sw0rdfish" not in repr(found)
    return found


@pytest.mark.parametrize("words", TRANSIENT)
def test_transient_error(words: str) -> None:
    error, kind = TRANSIENT[words]
    found = explained(error)
    assert (found.kind, found.cause.endswith(words)) == (ErrorKind.TRANSIENT, True)
    expected = (kind == "answer", kind == "unreachable")
    assert (found.is_answer, found.is_unreachable) == expected


@pytest.mark.parametrize("error, route, pattern", PERMANENT.values(), ids=PERMANENT)
def test_permanent_error(error: Exception, route: Route, pattern: str) -> None:
    found = explained(error, route)
    assert found.kind is ErrorKind.PERMANENT
    assert re.search(pattern, f"{found.cause}; {found.advice}")
    is_silent = any(word in found.cause for word in ("be read", "be used", "SOCKS", "not the addr"))
    assert found.is_answer is not is_silent


@pytest.mark.parametrize("error, route, words", ADVICE.values(), ids=ADVICE)
def test_advice(error: Exception, route: Route, words: str) -> None:
    found = explained(error, route)
    assert found.kind is ErrorKind.TRANSIENT
    assert words in found.advice


def test_exceptions_that_contain_each_other_are_explained() -> None:
    inner, outer = ValueError(), KeyError()
    inner.__context__, outer.__context__ = outer, inner
    assert "invalid response" in explained(inner).cause


URL, PROXY = "https://twilio.test:8443/v1", "http://me:sw0rdfish@proxy.test:3128/"
USED = {"https": PROXY}
CAS = {"CURL_CA_BUNDLE": "/a", "REQUESTS_CA_BUNDLE": "/b"}
NO_WILDCARD = "; NO_PROXY is '*.b', but it takes no wildcard: write .twilio.com"
# Proxies that requests uses, environment -> fields of the route.
ROUTES: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {
    "direct": ({}, {"HTTPS_PROXY": PROXY}, {"proxy": "", "host": "twilio.test:8443"}),
    "proxy": (USED, {"ALL_PROXY": PROXY}, {"proxy": "http://proxy.test:3128"}),
    "ALL_PROXY": (USED, {"A": PROXY, "ALL_PROXY": PROXY}, {"variable": "ALL_PROXY"}),
    "two": (USED, {"ALL_PROXY": PROXY, "https_proxy": PROXY}, {"variable": "https_proxy"}),
    "both": (USED, {"HTTPS_PROXY": PROXY, "https_proxy": PROXY}, {"variable": "https_proxy"}),
    "no scheme": ({"https": "a:b@c.test"}, {}, {"proxy": "c.test", "variable": "HTTPS_PROXY"}),
    "NO_PROXY": ({}, {"no_proxy": "a", "NO_PROXY": "*.b"}, {"detour": NO_WILDCARD}),
    "no_proxy": ({}, {"no_proxy": "*.b"}, {"detour": NO_WILDCARD}),
    "bundles": ({}, CAS, {"bundle": "/b"}),
    "other bundle": ({}, {"CURL_CA_BUNDLE": "/a"}, {"bundle": "/a"}),
}


@pytest.mark.parametrize("proxies, environ, fields", ROUTES.values(), ids=ROUTES)
def test_route(proxies: dict[str, str], environ: dict[str, str], fields: dict[str, str]) -> None:
    route = Route(URL, proxies, environ, SHOW)
    assert {name: getattr(route, name) for name in fields} == fields
    assert "sw0rdfish" not in repr(vars(route))


def test_long_host_is_cut() -> None:
    assert Route(f"https://{'a' * 200}", {}, {}, SHOW).host == "a" * 119 + "…"


def test_bundle_may_be_a_folder_and_may_wait_for_a_descriptor(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    errors.load_bundle(context, str(tmp_path))
    shortage = os_error(errno.EMFILE)
    with mock.patch("builtins.open", side_effect=shortage), pytest.raises(OSError) as raised:  # noqa: PT011 (see below)
        errors.load_bundle(context, "any")
    assert raised.value is shortage
