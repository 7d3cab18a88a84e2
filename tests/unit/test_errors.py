"""What the exceptions of requests and the layers below it mean."""

import errno
import http.client
import socket
import ssl
from dataclasses import replace
from unittest import mock

import pytest
import requests
import urllib3
from urllib3.exceptions import LocationParseError, MaxRetryError, ProtocolError, ReadTimeoutError

from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio import errors
from twilio_build_wait.twilio.responses import Response
from twilio_build_wait.twilio.route import Proxy, Route
from twilio_build_wait.twilio.tls import LocalError
from twilio_build_wait.twilio.trace import Trace

DIRECT = Route("twilio.test")
THROUGH_HTTP = Route("twilio.test", proxy=Proxy("https_proxy", "http", "proxy.test", 3128))
THROUGH_TLS = Route("twilio.test", proxy=Proxy("https_proxy", "https", "proxy.test", 3129))
POOL = urllib3.connectionpool.HTTPConnectionPool("twilio.test")


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


CLOSED = "connection closed without a response"
CUT = ProtocolError("x", http.client.RemoteDisconnected(""))
EOF = tls_error("", ssl.SSLEOFError)
ALERT = tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED")
CAUSES: dict[str, tuple[Exception, str]] = {
    "unknown host": (wrapped(socket.gaierror(socket.EAI_NONAME, "x")), "no such host"),
    "name server": (socket.gaierror(socket.EAI_AGAIN, "later"), "name resolution failed (later)"),
    "refused": (wrapped(ConnectionRefusedError()), "connection refused"),
    "unreachable": (wrapped(OSError(errno.EHOSTUNREACH, "No route")), "No route"),
    "connect timeout": (wrapped(TimeoutError()), "timed out"),
    "read timeout": (ReadTimeoutError(POOL, "/", ""), "timed out"),
    "no TLS": (tls_error("WRONG_VERSION_NUMBER"), "the other side does not speak TLS"),
    "client certificate": (ALERT, "it asks for a client certificate, which cannot be sent"),
    "TLS": (tls_error("INTERNAL_ERROR"), "TLS error (INTERNAL_ERROR)"),
    "TLS without a reason": (tls_error(""), "TLS error (odd)"),
    "closed": (CUT, CLOSED),
    "closed in TLS": (EOF, CLOSED),
    "cut": (http.client.IncompleteRead(b""), "connection closed within the response"),
    "broken pipe": (BrokenPipeError(), "connection reset"),
    "no HTTP": (http.client.BadStatusLine("SSH"), "not an HTTP response (BadStatusLine)"),
    "anything": (ValueError("sw0rdfish"), "invalid response (ValueError)"),
}


@pytest.mark.parametrize("error, cause", CAUSES.values(), ids=CAUSES)
def test_exception_is_transient_and_its_cause_named(error: Exception, cause: str) -> None:
    explanation = explained(error)
    assert explanation.kind is ErrorKind.TRANSIENT
    assert explanation.cause.text() == f"twilio.test: {cause}"


def test_exceptions_that_contain_each_other_are_explained() -> None:
    inner, outer = ValueError(), KeyError()
    inner.__context__, outer.__context__ = outer, inner
    assert "invalid response (ValueError)" in explained(inner).cause.text()


HEAD = Response(200)
# What was raised, what was sent and read, and how far that is.
REACHES: dict[str, tuple[Exception, Trace, Reach]] = {
    "nothing sent": (CUT, trace(), Reach.NOWHERE),
    "only to the proxy": (CUT, trace(b"CONNECT"), Reach.NOWHERE),
    "sent": (CUT, trace(b"GET"), Reach.SENT),
    "refused after the handshake": (ALERT, trace(b"GET"), Reach.NOWHERE),
    "closed after the handshake": (EOF, trace(b"GET"), Reach.NOWHERE),
    "closed in the body": (EOF, trace(b"GET", head=HEAD), Reach.ANSWERED),
    "two lengths": (urllib3.exceptions.InvalidHeader("5, 7"), trace(b"GET"), Reach.ANSWERED),
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
    assert explained(error, THROUGH_TLS).advice.text() == advice
    assert explained(error, THROUGH_HTTP).advice.text() != advice
    assert explained(ALERT, THROUGH_TLS).advice.text() != advice
    assert explained(error, THROUGH_TLS, trace(b"CONNECT")).advice.text() != advice


def test_timeout_says_what_arrived() -> None:
    error = errors.timed_out(9.6, DIRECT, trace(b"GET"))
    assert error.cause.text() == "no complete response from twilio.test within 10 s"
    assert error.reach is Reach.SENT
    assert error.advice == DIRECT.advice(Reach.SENT)
    unfinished = errors.timed_out(9.6, DIRECT, trace(head=HEAD))
    assert unfinished.cause.text().endswith(" s: the headers arrived, the body took longer")
    assert unfinished.reach is Reach.ANSWERED


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EMFILE])
def test_shortage_of_this_machine_is_transient(number: int) -> None:
    explanation = explained(wrapped(OSError(number, "Too many")))
    assert explanation.kind is ErrorKind.TRANSIENT
    assert explanation.reach is Reach.LOCAL
    assert explanation.cause.text() == "this machine is out of resources: Too many"
    assert explanation.advice.text().startswith("Check its limits on processes and open files")


def test_local_error_means_what_it_says() -> None:
    error = LocalError(message("gone"), "Put it back")
    assert explained(wrapped(error)) is error.error
    assert error.error.kind is ErrorKind.PERMANENT


# Where an address comes from -> the route by it.
ADDRESSES = {"base-url": DIRECT, "https_proxy": THROUGH_HTTP}


@pytest.mark.parametrize("variable", ADDRESSES)
def test_address_that_cannot_be_used_is_called_by_its_variable(variable: str) -> None:
    route = ADDRESSES[variable]
    explanation = explained(wrapped(LocationParseError("x")), route)
    assert explanation.kind is ErrorKind.PERMANENT
    cause = f"the address in {variable} cannot be used: {route.peer.text()}"
    assert explanation.cause.text() == cause
    assert explanation.advice.text() == f"Correct {variable}"


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "Hostname mismatch"
    return error


# OpenSSL's numbers -> the beginning of the advice.
ADVICE = {
    **dict.fromkeys([9, 10], "Renew the certificate, or correct the clock"),
    26: "It was not issued for a server",
    **dict.fromkeys([62, 64], "It was issued for another host: check that twilio.test"),
    **dict.fromkeys([66, 67, 68], "Its key or signature is too weak"),
    **dict.fromkeys([80, 94], "It breaks a strict rule"),
    **dict.fromkeys([79, 95], "Correct the certificate of twilio.test"),
    **dict.fromkeys([2, 18, 19, 20, 21], "add its CA"),
}


@pytest.mark.parametrize("code", ADVICE)
def test_advice_fits_the_error(code: int) -> None:
    odd = message("; NO_PROXY is odd")
    route = Route("twilio.test", issuer_advice=message("add its CA"), exemption=odd)
    advice = explained(certificate_error(code), route).advice.text()
    assert advice.startswith(ADVICE[code])
    assert advice.endswith("; NO_PROXY is odd")


# Route and what was sent -> whose certificate it is.
HOPS = {
    "host behind a proxy": (THROUGH_HTTP, trace(), THROUGH_HTTP.peer.text()),
    "host behind a TLS proxy": (THROUGH_TLS, trace(b"CONNECT"), THROUGH_TLS.peer.text()),
    "TLS proxy": (THROUGH_TLS, trace(), "proxy https://proxy.test:3129"),
}


@pytest.mark.parametrize("route, trace, peer", HOPS.values(), ids=HOPS)
def test_certificate_names_the_hop_whose_it_is(route: Route, trace: Trace, peer: str) -> None:
    explanation = explained(wrapped(certificate_error(62)), route, trace)
    assert explanation.kind is ErrorKind.PERMANENT
    cause = f"the certificate of {peer} does not verify: Hostname mismatch"
    assert explanation.cause.text() == cause
    assert f"another host: check that {peer} is the right one" in explanation.advice.text()


def refusal(status: int, schemes: str = "", route: Route = THROUGH_HTTP) -> PollError:
    error = OSError(f"Tunnel connection failed: {status} sw0rdfish")
    return explained(wrapped(error), route, schemes=schemes)


PERMANENT = (ErrorKind.PERMANENT, "refused")
TRANSIENT = (ErrorKind.TRANSIENT, "did not connect to")
STATUSES = {299: TRANSIENT, 300: PERMANENT, 499: PERMANENT, 500: TRANSIENT}


@pytest.mark.parametrize("status", STATUSES)
def test_only_3xx_and_4xx_of_a_proxy_are_permanent(status: int) -> None:
    explanation = refusal(status)
    kind, verb = STATUSES[status]
    assert explanation.kind is kind
    cause = f"proxy http://proxy.test:3128 {verb} twilio.test with HTTP {status}"
    assert explanation.cause.text() == cause


CHECK = "Check https_proxy, its login, or exempt twilio.test with NO_PROXY"
ONLY = "only Basic is supported"
# Status and offered schemes -> advice.
OFFERS = {
    (407, "NTLM"): f"The proxy offers NTLM; {ONLY}. {CHECK.replace(', its login', '')}",
    (407, "NTLM, Basic"): f"The proxy offers NTLM, Basic; {ONLY}. {CHECK}",
    (407, ""): CHECK,
    (403, "NTLM"): CHECK,
    (502, ""): CHECK.replace("login", "login, base-url"),
}


@pytest.mark.parametrize("status, schemes", OFFERS)
def test_advice_on_a_refusal_names_what_may_be_wrong(status: int, schemes: str) -> None:
    assert refusal(status, schemes).advice.text() == OFFERS[status, schemes]


def test_exemption_that_does_not_count_replaces_the_advice_to_exempt_the_host() -> None:
    route = replace(THROUGH_HTTP, exemption=message("; NO_PROXY is odd"))
    advice = "Check https_proxy, its login; NO_PROXY is odd"
    assert refusal(403, route=route).advice.text() == advice


def test_other_error_with_the_words_of_a_refusal_is_transient() -> None:
    error = http.client.BadStatusLine("Tunnel connection failed: 407")
    assert explained(error, THROUGH_HTTP).kind is ErrorKind.TRANSIENT
