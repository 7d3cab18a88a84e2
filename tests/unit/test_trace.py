"""What is noted of a request, and how it ends."""

import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from tests.support.server import Server
from twilio_build_wait.twilio.trace import Trace


def test_methods_that_are_sent_are_noted() -> None:
    trace = Trace()
    trace.note("http.client.send", (None, b"CONNECT twilio.test:443 HTTP/1.1\r\n"))
    trace.note("http.client.send", (None, b"GET / HTTP/1.1\r\n"))
    assert trace.sent == {b"CONNECT", b"GET"}
    assert trace.head is None


def test_connection_that_tls_has_taken_over_is_shut_down() -> None:
    trace = Trace()
    near, far = socket.socketpair()
    trace.note("socket.connect", (near, None))
    with socket.socket(fileno=near.detach()), far:
        trace.end()
        far.settimeout(1)
        assert far.recv(1) == b""


def test_connection_after_the_end_is_refused_and_shut_down() -> None:
    trace = Trace()
    trace.end()
    near, far = socket.socketpair()
    with near, far:
        far.settimeout(10)
        with pytest.raises(TimeoutError, match=r"^the time of this request is over"):
            trace.note("socket.connect", (near, None))
        assert far.recv(1) == b""


def test_other_events_after_the_end_are_not_refused() -> None:
    trace = Trace()
    trace.end()
    trace.note("open", ("/file", "r", 0))


def test_request_that_is_over_before_it_is_connected_sends_nothing(server: Server) -> None:
    trace = Trace()
    trace.end()

    def request() -> None:
        trace.follow()
        HTTPConnection("127.0.0.1", server.port).request("GET", "/")

    with ThreadPoolExecutor(1) as threads:
        assert isinstance(threads.submit(request).exception(10), TimeoutError)
    assert not server.connections
