"""What the exceptions of requests and the layers below it mean."""

import errno
import http.client
import socket
import ssl
from unittest import mock

import pytest
import requests
import urllib3
from urllib3.exceptions import LocationParseError, MaxRetryError, ProtocolError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.signals import ThreadShortageError
from twilio_build_wait.twilio import errors
from twilio_build_wait.twilio.errors import BodyError, OversizedError
from twilio_build_wait.twilio.responses import Response
from twilio_build_wait.twilio.route import Proxy, Route
from twilio_build_wait.twilio.tls import LocalError
from twilio_build_wait.twilio.trace import Trace

DIRECT = Route("twilio.test")
HTTP_PROXY = Proxy("https_proxy", "http", "proxy.test", 3128)
TLS_PROXY = Proxy("https_proxy", "https", "proxy.test", 3129)
POOL = urllib3.connectionpool.HTTPConnectionPool("twilio.test")


def through(proxy: Proxy, exemption: str = "") -> Route:
    return Route("twilio.test", proxy=proxy, exemption=message(exemption))


def trace(*sent: bytes, head: Response | None = None) -> Trace:
    """A request that has sent these methods."""
    trace = Trace()
    trace.sent.update(sent)
    trace.head = head
    return trace


def explained(
    error: Exception, route: Route = DIRECT, trace: Trace | None = None, schemes: str = ""
) -> PollError:
    return errors.explain(error, route, trace or Trace(), lambda _: schemes)


def wrapped(error: Exception) -> Exception:
    """What requests raises when urllib3 could not connect because of this error."""
    failed = urllib3.exceptions.NewConnectionError(mock.Mock(), "failed")
    failed.__cause__ = error
    return requests.ConnectionError(MaxRetryError(POOL, "/", failed))


def tls_error(reason: str, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, "odd")
    error.reason = reason
    return error


def os_error(number: int) -> OSError:
    return OSError(number, errno.errorcode[number])


# --- causes ---------------------------------------------------------------------------------------

CAUSES: dict[str, tuple[Exception, str]] = {
    "unknown host": (wrapped(socket.gaierror(socket.EAI_NONAME, "x")), "no such host"),
    "host without an address": (socket.gaierror(socket.EAI_NODATA, "x"), "no such host"),
    "name server": (
        wrapped(socket.gaierror(socket.EAI_AGAIN, "try again")),
        "name resolution failed (try again)",
    ),
    "refused": (wrapped(ConnectionRefusedError()), "connection refused"),
    "unreachable": (wrapped(os_error(errno.EHOSTUNREACH)), "EHOSTUNREACH"),
    "connect timeout": (wrapped(TimeoutError()), "timed out"),
    "read timeout": (ReadTimeoutError(POOL, "/", ""), "timed out"),
    "no TLS": (tls_error("WRONG_VERSION_NUMBER"), "the other side does not speak TLS"),
    "client certificate": (
        tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
        "it asks for a client certificate, which cannot be sent",
    ),
    "TLS": (tls_error("INTERNAL_ERROR"), "TLS error (INTERNAL_ERROR)"),
    "TLS without a reason": (tls_error(""), "TLS error (odd)"),
    "closed": (
        ProtocolError("x", http.client.RemoteDisconnected("")),
        "connection closed without a response",
    ),
    "closed in TLS": (
        tls_error("UNEXPECTED_EOF", ssl.SSLEOFError),
        "connection closed without a response",
    ),
    "cut": (
        ProtocolError("x", http.client.IncompleteRead(b"")),
        "connection closed within the response",
    ),
    "reset": (ConnectionResetError(), "connection reset"),
    "broken pipe": (BrokenPipeError(), "connection reset"),
    "aborted": (ConnectionAbortedError(), "connection reset"),
    "no HTTP": (http.client.BadStatusLine("SSH"), "not an HTTP response (BadStatusLine)"),
    "too large": (OversizedError("response too large"), "response too large"),
    "unreadable": (BodyError("an encoding"), "an encoding"),
    "anything": (ValueError("sw0rdfish"), "invalid response (ValueError)"),
}


@pytest.mark.parametrize("error, cause", CAUSES.values(), ids=CAUSES)
def test_exception_is_transient_and_its_cause_named(error: Exception, cause: str) -> None:
    explanation = explained(error)
    assert explanation.kind is ErrorKind.TRANSIENT
    assert explanation.cause.text() == f"twilio.test: {cause}"


def test_only_an_oversized_body_is_called_oversized() -> None:
    assert explained(OversizedError("large")).is_oversized
    assert not explained(BodyError("odd")).is_oversized


def test_exceptions_that_contain_each_other_are_explained() -> None:
    inner, outer = ValueError(), KeyError()
    inner.__context__, outer.__context__ = outer, inner
    assert "invalid response (ValueError)" in explained(inner).cause.text()


# --- reach and advice -----------------------------------------------------------------------------


CUT = ProtocolError("x", http.client.RemoteDisconnected(""))
ALERT = tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED")
EOF = tls_error("", ssl.SSLEOFError)
HEAD = Response(200)
# What was raised, what was sent and read, and how far that is.
REACHES: dict[str, tuple[Exception, Trace, Reach]] = {
    "nothing sent": (wrapped(ConnectionRefusedError()), trace(), Reach.NOWHERE),
    "only to the proxy": (CUT, trace(b"CONNECT"), Reach.NOWHERE),
    "sent": (CUT, trace(b"GET"), Reach.SENT),
    "refused after the handshake": (ALERT, trace(b"GET"), Reach.NOWHERE),
    "closed after the handshake": (EOF, trace(b"GET"), Reach.NOWHERE),
    "closed in the body": (EOF, trace(b"GET", head=HEAD), Reach.ANSWERED),
    "alert in the body": (ALERT, trace(b"GET", head=HEAD), Reach.ANSWERED),
    "reset in the body": (ConnectionResetError(), trace(head=HEAD), Reach.ANSWERED),
    "other protocol": (http.client.BadStatusLine("SSH"), trace(), Reach.ANSWERED),
}


@pytest.mark.parametrize("error, trace, reach", REACHES.values(), ids=REACHES)
def test_reach_follows_from_what_was_sent_and_what_arrived(
    error: Exception, trace: Trace, reach: Reach
) -> None:
    explanation = explained(error, trace=trace)
    assert explanation.reach is reach
    assert explanation.advice == DIRECT.advice(reach)


def test_proxy_that_speaks_no_tls_may_have_a_wrong_scheme() -> None:
    error = tls_error("WRONG_VERSION_NUMBER")
    advice = "Write http:// in https_proxy if the proxy speaks HTTP"
    assert advice in explained(error, through(TLS_PROXY)).advice.text()
    assert advice not in explained(error, through(HTTP_PROXY)).advice.text()
    behind_it = explained(error, through(TLS_PROXY), trace(b"CONNECT"))
    assert advice not in behind_it.advice.text()


TIMEOUTS = {
    "nothing sent": (trace(), Reach.NOWHERE, ""),
    "sent": (trace(b"GET"), Reach.SENT, ""),
    "headers": (trace(head=HEAD), Reach.ANSWERED, ": the headers arrived, the body did not end"),
}


@pytest.mark.parametrize("trace, reach, more", TIMEOUTS.values(), ids=TIMEOUTS)
def test_timeout_says_what_arrived(trace: Trace, reach: Reach, more: str) -> None:
    error = errors.timed_out(9.6, through(HTTP_PROXY), trace)
    peer = "twilio.test through proxy http://proxy.test:3128"
    assert error.cause.text() == f"no complete response from {peer} within 10 s{more}"
    assert error.reach is reach
    assert error.advice == through(HTTP_PROXY).advice(reach)


# --- this machine ---------------------------------------------------------------------------------

# Exception -> kind, cause and advice.
LOCAL = {
    "threads": (
        ThreadShortageError(),
        ErrorKind.TRANSIENT,
        "this machine could not start a thread",
        (
            "Check the limit on processes (ulimit -u), and Docker: before 20.10.10 it lets no new "
            "image start threads"
        ),
    ),
    "descriptors": (
        wrapped(os_error(errno.EMFILE)),
        ErrorKind.TRANSIENT,
        "this machine is out of resources: EMFILE",
        "Check its limit on open files (ulimit -n) and its free memory",
    ),
    "address": (
        wrapped(LocationParseError("x")),
        ErrorKind.PERMANENT,
        "the address in base-url cannot be used: twilio.test",
        "Correct base-url",
    ),
    "bundle": (
        wrapped(LocalError(message("gone"), "Put it back")),
        ErrorKind.PERMANENT,
        "gone",
        "Put it back",
    ),
}


@pytest.mark.parametrize("error, kind, cause, advice", LOCAL.values(), ids=LOCAL)
def test_error_of_this_machine(error: Exception, kind: ErrorKind, cause: str, advice: str) -> None:
    explanation = explained(error)
    assert explanation.kind is kind
    assert explanation.reach is Reach.LOCAL
    assert explanation.cause.text() == cause
    assert explanation.advice.text() == advice


def test_address_of_a_proxy_that_cannot_be_used_is_called_by_its_variable() -> None:
    explanation = explained(LocationParseError("x"), through(HTTP_PROXY))
    assert explanation.cause.text().startswith("the address in https_proxy cannot be used: twil")
    assert explanation.advice.text() == "Correct https_proxy"


# --- certificates ---------------------------------------------------------------------------------

# Route and what was sent -> whose certificate it is.
HOPS = {
    "host": (DIRECT, trace(), "twilio.test"),
    "host behind a proxy": (
        through(HTTP_PROXY),
        trace(),
        "twilio.test through proxy http://proxy.test:3128",
    ),
    "host behind a TLS proxy": (
        through(TLS_PROXY),
        trace(b"CONNECT"),
        "twilio.test through proxy https://proxy.test:3129",
    ),
    "TLS proxy": (through(TLS_PROXY), trace(), "proxy https://proxy.test:3129"),
}


@pytest.mark.parametrize("route, trace, peer", HOPS.values(), ids=HOPS)
def test_certificate_names_the_hop_whose_it_is(route: Route, trace: Trace, peer: str) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 62, "Hostname mismatch"
    explanation = explained(wrapped(error), route, trace)
    assert explanation.kind is ErrorKind.PERMANENT
    cause = f"the certificate of {peer} does not verify: Hostname mismatch"
    assert explanation.cause.text() == cause
    assert f"another host: check that {peer} is the right one" in explanation.advice.text()


# --- proxies that do not open a tunnel ------------------------------------------------------------


def refusal(status: int, schemes: str = "", exemption: str = "") -> PollError:
    error = OSError(f"Tunnel connection failed: {status} sw0rdfish")
    explanation = explained(wrapped(error), through(HTTP_PROXY, exemption), schemes=schemes)
    assert "sw0rdfish" not in repr(explanation)
    return explanation


# Status -> kind and verb.
STATUSES = {
    **dict.fromkeys([300, 302, 403, 407, 429, 499], (ErrorKind.PERMANENT, "refused")),
    **dict.fromkeys([100, 204, 299, 500, 503, 600], (ErrorKind.TRANSIENT, "did not connect to")),
}


@pytest.mark.parametrize("status", STATUSES)
def test_only_3xx_and_4xx_of_a_proxy_are_permanent(status: int) -> None:
    explanation = refusal(status)
    kind, verb = STATUSES[status]
    assert explanation.kind is kind
    assert explanation.reach is Reach.ANSWERED
    cause = f"proxy http://proxy.test:3128 {verb} twilio.test with HTTP {status}"
    assert explanation.cause.text() == cause
    advice = "Check https_proxy, its login, or exempt twilio.test with NO_PROXY"
    assert explanation.advice.text() == advice


# Offered schemes -> the beginning of the advice.
OFFERS = {
    "Negotiate, NTLM": (
        "The proxy offers Negotiate, NTLM; only Basic is supported. Check https_proxy, or"
    ),
    "NTLM, Basic": (
        "The proxy offers NTLM, Basic; only Basic is supported. Check https_proxy, its login, or"
    ),
}


@pytest.mark.parametrize("schemes", OFFERS)
def test_407_names_the_schemes_that_the_proxy_offers(schemes: str) -> None:
    assert refusal(407, schemes).advice.text().startswith(OFFERS[schemes])


def test_only_a_407_asks_for_the_schemes() -> None:
    assert "offers" not in refusal(403, "Basic").advice.text()


def test_exemption_that_does_not_count_replaces_the_advice_to_exempt_the_host() -> None:
    advice = refusal(403, exemption="; NO_PROXY is odd").advice.text()
    assert advice == "Check https_proxy, its login; NO_PROXY is odd"


NO_REFUSALS = {
    "a line that is no HTTP": (
        http.client.BadStatusLine("Tunnel connection failed: 407"),
        through(HTTP_PROXY),
    ),
    "no proxy": (OSError("Tunnel connection failed: 407"), DIRECT),
}


@pytest.mark.parametrize("error, route", NO_REFUSALS.values(), ids=NO_REFUSALS)
def test_other_words_of_a_refusal_are_none(error: Exception, route: Route) -> None:
    assert explained(error, route).kind is ErrorKind.TRANSIENT
