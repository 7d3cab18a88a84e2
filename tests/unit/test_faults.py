"""Which fault an exception means, for exceptions as `requests` raises them, or builds them."""

import http.client
import socket
import ssl
from pathlib import Path

import certifi
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from tests.unit.wire import Peer, Wire, reply, wire
from twilio_build_wait.faults import (
    TRANSPORT_ERRORS,
    OversizedReplyError,
    UnusableAddressError,
    from_error,
    timed_out,
)
from twilio_build_wait.results import Fault, Kind

__all__ = ["wire"]

HOST = "gateway.test"
PROXY_ADVICE = "Check HTTPS_PROXY, its user and password, or except the host with NO_PROXY"
ADDRESS_ADVICE = "Check HTTPS_PROXY: its scheme, its host and its port"


def raised(url: str = f"http://{HOST}/", timeout: float = 5, **proxies: str) -> BaseException:
    """GET through `requests`, read the body, and return what it raised."""
    adapter = HTTPAdapter(max_retries=0)
    request = requests.Request("GET", url).prepare()
    with pytest.raises(TRANSPORT_ERRORS) as caught:
        adapter.send(request, stream=True, timeout=timeout, proxies=proxies).raw.read()
    adapter.close()
    return caught.value


def fault(error: BaseException, proxy: str = "", bundle: str = "") -> Fault:
    return from_error(error, HOST, proxy, bundle)


# -- as requests raises them -----------------------------------------------------------------------


def silent(cause: str) -> Fault:
    return Fault(f"{HOST}: {cause}", unanswered=True)


def unreachable(cause: str) -> Fault:
    return Fault(f"{HOST}: {cause}", unanswered=True, unreachable=True)


@pytest.mark.parametrize(
    "failure, expected",
    [
        (ConnectionRefusedError(111, "Connection refused"), unreachable("connection refused")),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            unreachable("no such name"),
        ),
        (socket.gaierror(socket.EAI_NODATA, "No address"), unreachable("no such name")),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            silent("the name look-up failed (Temporary failure in name resolution)"),
        ),
        (TimeoutError("timed out"), silent("timed out")),
        (TimeoutError(110, "Connection timed out"), silent("timed out")),
        (OSError(101, "Network is unreachable"), silent("Network is unreachable")),
        (OSError(113, "No route to host"), silent("No route to host")),
        (ConnectionResetError(104, "Connection reset by peer"), Fault(f"{HOST}: connection reset")),
        (
            urllib3.exceptions.LocationParseError("a..test"),
            Fault(
                f"the address of {HOST}, or of the proxy on the way to it, cannot be used",
                Kind.LASTING,
                ADDRESS_ADVICE,
            ),
        ),
    ],
)
def test_a_connection_that_is_not_made(wire: Wire, failure: OSError, expected: Fault) -> None:
    wire.answer(failure)
    assert fault(raised()) == expected


@pytest.mark.parametrize(
    "peer, cause",
    [
        (Peer(b""), "connection closed without a reply"),
        (Peer(b"", resets=True), "connection reset"),
        (Peer(reply(b"{", length=9)), "connection closed within the reply"),
        (
            Peer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"),
            "connection closed within the reply",
        ),
        (
            Peer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"),
            "connection closed within the reply",  # as http.client has it,
        ),
        (Peer(b"hello\r\n\r\n"), "not an HTTP reply (BadStatusLine)"),
        (Peer(b"HTTP/1.1 abc OK\r\n\r\n"), "not an HTTP reply (BadStatusLine)"),
        (Peer(b"HTTP/7.1 200 OK\r\n\r\n"), "not an HTTP reply (UnknownProtocol)"),
        (Peer(b"HTTP/1.1 200 " + 70_000 * b"x"), "not an HTTP reply (LineTooLong)"),
        (Peer(b"HTTP/1.1 200 OK\r\n" + 200 * b"A: b\r\n"), "not an HTTP reply (HTTPException)"),
        (
            Peer(b"Tunnel connection failed: 407\r\n\r\n"),
            "not an HTTP reply (BadStatusLine)",
        ),
    ],
)
def test_a_reply_that_is_none(wire: Wire, peer: Peer, cause: str) -> None:
    wire.answer(peer)
    assert fault(raised()) == Fault(f"{HOST}: {cause}")


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 200 OK\r\n", reply(b"{", length=9)])
def test_a_reply_that_does_not_come(wire: Wire, says: bytes) -> None:
    wire.answer(Peer(says, hangs_up=False))
    assert fault(raised(timeout=0.01)) == Fault(f"{HOST}: timed out", unanswered=True)


@pytest.mark.parametrize(
    "status, kind",
    [(400, Kind.LASTING), (403, Kind.LASTING), (407, Kind.LASTING), (502, Kind.PASSING)],
)
def test_a_proxy_s_refusal(wire: Wire, status: int, kind: Kind) -> None:
    wire.answer(f"HTTP/1.1 {status} No\r\n\r\n".encode())
    error = raised(f"https://{HOST}/", https="http://jo:password@proxy.test:3128")
    assert fault(error, "proxy.test:3128") == Fault(
        f"proxy proxy.test:3128 refused the connection to {HOST} with HTTP {status}",
        kind,
        PROXY_ADVICE,
    )


def test_a_proxy_that_is_not_there(wire: Wire) -> None:
    wire.answer(ConnectionRefusedError(111, "Connection refused"))
    error = raised(f"https://{HOST}/", https="http://jo:password@proxy.test:3128")
    assert fault(error, "proxy.test:3128") == Fault(
        f"{HOST} through proxy proxy.test:3128: connection refused",
        unanswered=True,
        unreachable=True,
    )


def test_an_address_that_does_not_parse() -> None:
    assert fault(requests.exceptions.InvalidURL("a secret")) == Fault(
        f"{HOST}: garbled reply (InvalidURL)"
    )


# -- as requests builds them -----------------------------------------------------------------------


def wrapped(error: Exception) -> requests.ConnectionError:
    """Wrap an exception in the layers that urllib3 and requests put around it."""
    pool = urllib3.HTTPConnectionPool(HOST)
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/", error))


def unverified() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize("proxy", ["", "proxy.test:3128"])
def test_a_certificate_that_does_not_verify(proxy: str) -> None:
    error = wrapped(urllib3.exceptions.SSLError(unverified()))
    peer = f"{HOST} through proxy {proxy}" if proxy else HOST
    assert fault(error, proxy) == Fault(
        f"the certificate of {peer} does not verify: certificate has expired",
        Kind.LASTING,
        "If a company proxy re-signs traffic, set REQUESTS_CA_BUNDLE to its CA's file",
    )


def ssl_error(kind: type[ssl.SSLError], reason: str | None) -> ssl.SSLError:
    error = kind(1, "[SSL] what OpenSSL says")
    error.reason = reason  # type: ignore[assignment]  # as it is for some of OpenSSL's errors
    return error


@pytest.mark.parametrize(
    "error, cause",
    [
        (ssl_error(ssl.SSLError, "WRONG_VERSION_NUMBER"), "TLS error (WRONG_VERSION_NUMBER)"),
        (ssl_error(ssl.SSLError, None), "TLS error ([SSL] what OpenSSL says)"),
        (ssl_error(ssl.SSLEOFError, "EOF"), "connection closed without a reply"),
        (ConnectionAbortedError(103, "aborted"), "connection reset"),
        (BrokenPipeError(32, "Broken pipe"), "connection reset"),
        (OversizedReplyError("more than 64 KiB"), "reply too large (more than 64 KiB)"),
        (http.client.IncompleteRead(b"x", 9), "connection closed within the reply"),
        (http.client.RemoteDisconnected("closed"), "connection closed without a reply"),
        (OSError("no number"), "garbled reply (ConnectionError)"),
        (ValueError("who knows"), "garbled reply (ConnectionError)"),
    ],
)
def test_what_breaks_on_the_way(error: Exception, cause: str) -> None:
    assert fault(wrapped(error)) == Fault(f"{HOST}: {cause}")


def test_the_same_without_layers() -> None:
    assert fault(OversizedReplyError("x")) == Fault(f"{HOST}: reply too large (x)")
    assert fault(ValueError("who knows")) == Fault(f"{HOST}: garbled reply (ValueError)")
    refused = fault(ConnectionRefusedError())
    assert refused == Fault(f"{HOST}: connection refused", unanswered=True, unreachable=True)


@pytest.mark.parametrize("where", ["cause", "context", "reason", "args"])
def test_an_exception_is_found_wherever_the_layers_put_it(where: str) -> None:
    inner = ConnectionResetError(104, "reset")
    outer: Exception = ValueError("outer")
    if where == "cause":
        outer.__cause__ = inner
    elif where == "context":
        outer.__context__ = inner
    elif where == "reason":
        outer = urllib3.exceptions.MaxRetryError(urllib3.HTTPConnectionPool(HOST), "/", inner)
    else:
        outer = urllib3.exceptions.ProtocolError("aborted", inner)
    assert fault(RuntimeError("outermost", outer)) == Fault(f"{HOST}: connection reset")


def test_an_exception_is_found_beside_another() -> None:
    error = ValueError(KeyError("one"), TimeoutError("another"))
    error.__context__ = ConnectionRefusedError(111, "refused")
    assert fault(error).cause == f"{HOST}: connection refused"
    error.__context__ = None
    assert fault(error).cause == f"{HOST}: timed out"


def test_exceptions_that_hold_each_other() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert fault(one) == Fault(f"{HOST}: garbled reply (ValueError)")


def test_what_is_said_never_holds_what_the_exceptions_say() -> None:
    secret = "https://jo:password@proxy.test/"
    for error in (ValueError(secret), OSError(secret), requests.ConnectionError(secret)):
        assert "password" not in repr(fault(wrapped(error)))


@pytest.mark.parametrize("error", [UnusableAddressError(), wrapped(UnusableAddressError())])
def test_an_address_that_cannot_be_used(error: Exception) -> None:
    assert fault(error, "proxy.test") == Fault(
        f"the address of {HOST}, or of the proxy on the way to it, cannot be used",
        Kind.LASTING,
        ADDRESS_ADVICE,
    )


def test_a_proxy_s_words_are_nothing_without_a_proxy() -> None:
    error = wrapped(OSError("Tunnel connection failed: 407 Login"))
    assert fault(error) == Fault(f"{HOST}: garbled reply (ConnectionError)")
    assert fault(error, "proxy.test").kind is Kind.LASTING
    within = wrapped(OSError("x Tunnel connection failed: 407 Login"))
    assert fault(within, "proxy.test").kind is Kind.PASSING


# -- CA bundles ------------------------------------------------------------------------------------

BUNDLE_ADVICE = "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or take it away"


def bundle_fault(bundle: Path, problem: str) -> Fault:
    return Fault(f"the CA bundle {bundle} cannot be read: {problem}", Kind.LASTING, BUNDLE_ADVICE)


def test_a_bundle_that_is_not_there(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    expected = bundle_fault(bundle, "No such file or directory")
    assert fault(OSError("invalid path"), bundle=str(bundle)) == expected


def test_a_bundle_without_a_certificate(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate\n")
    expected = bundle_fault(bundle, "no certificate in it (NO_CERTIFICATE_OR_CRL_FOUND)")
    assert fault(ValueError(), bundle=str(bundle)) == expected


def test_a_bundle_that_is_all_right_is_not_the_problem(tmp_path: Path) -> None:
    expected = Fault(f"{HOST}: garbled reply (ValueError)")
    assert fault(ValueError(), bundle=certifi.where()) == expected
    assert fault(ValueError(), bundle=str(tmp_path)) == expected


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit, shown", [(10, "10"), (5, "5"), (7.6, "8"), (0.1, "0")])
def test_a_read_that_takes_too_long(limit: float, shown: str) -> None:
    assert timed_out(HOST, limit) == Fault(
        f"no complete reply from {HOST} within {shown} s", unanswered=True
    )
