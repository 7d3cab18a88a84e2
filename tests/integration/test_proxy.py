"""Proxies: one server is the proxy and, behind its tunnel, the target."""

import base64
import math
import select
import socket
import ssl
import urllib.parse
from collections.abc import Callable

import pytest

from tests.conftest import Authority
from tests.integration.conftest import Tool, nothing_left_behind, rejected
from tests.support.samples import STATUS_PATH, build_status
from tests.support.server import Connection, Response, Server, Step

HOST = "gateway.test"  # only the proxy could reach it
PASSWORD = "pr0xy-Passw0rd@with/odd:chars%"
LOGIN = f"me:{urllib.parse.quote(PASSWORD, safe='')}"
BUILDING, COMPLETED = build_status("building"), build_status("completed")
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
Tunnel = Callable[[Connection], None]


@pytest.fixture
def tunnel(authority: Authority) -> Tunnel:
    """The answer to CONNECT, with the target's certificate behind it."""
    context = authority.context(HOST)

    def answer(connection: Connection) -> None:
        connection.answer(ESTABLISHED)
        connection.start_tls(context)

    return answer


@pytest.fixture
def behind(tool: Tool, authority: Authority) -> Tool:
    """The tool behind a proxy that asks for a login."""
    return tool | {
        "TWILIO_BASE_URL": f"https://{HOST}",
        "HTTPS_PROXY": f"http://{LOGIN}@127.0.0.1:{tool.server.port}",
        "REQUESTS_CA_BUNDLE": str(authority.bundle),
    }


def test_https_goes_through_the_proxy(behind: Tool, tunnel: Tunnel) -> None:
    requests = behind.run(tunnel, BUILDING, tunnel, COMPLETED).requests
    targets = [f"{HOST}:443", STATUS_PATH]
    assert [request.target for request in requests] == targets * 2
    login = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    for connect in requests[::2]:
        assert connect.method == "CONNECT"
        assert connect.headers["proxy-authorization"] == f"Basic {login}"
        assert "authorization" not in connect.headers
    for poll in requests[1::2]:
        assert "proxy-authorization" not in poll.headers


def test_no_proxy_exempts_the_host(behind: Tool, authority: Authority) -> None:
    with Server(COMPLETED, tls=authority.context("localhost")) as target:
        behind.run(TWILIO_BASE_URL=target.url, NO_PROXY="example.org,localhost")
    assert not behind.server.connections


def test_proxy_that_refuses_is_rejected(behind: Tool) -> None:
    refusal = Response(407, headers={"Proxy-Authenticate": "NTLM, pr0xyPassw0rd"})
    address = f"http://me:pr0xyPassw0rd@127.0.0.1:{behind.server.port}"
    run = behind.run(refusal, code=4, HTTPS_PROXY=address)
    reason = rejected(run)
    assert f"127.0.0.1:{behind.server.port} refused {HOST} with HTTP 407" in reason
    assert "The proxy offers NTLM, ***; only Basic is supported. Check HTTPS_PROXY, or" in reason
    assert [request.method for request in run.requests] == ["CONNECT", "CONNECT"]


def test_407_is_a_refusal_whatever_follows(behind: Tool) -> None:
    run = behind.run(Response(407), [math.inf], code=4)
    assert "Check HTTPS_PROXY, its login" in rejected(run)


def test_proxy_may_take_4_s_for_each_step(behind: Tool, tunnel: Tunnel) -> None:
    assert behind.run([4.0, tunnel], [4.0, COMPLETED]).outputs["elapsed-seconds"] == "8.0"


STUMBLES: dict[str, Step] = {
    "503": Response(503),
    "cut in the head": b"HTTP/1.1 200 Connec",
    "closed in the handshake": [ESTABLISHED, Connection.close],
}


@pytest.mark.parametrize("answer", STUMBLES.values(), ids=STUMBLES)
def test_proxy_that_stumbles_is_retried(behind: Tool, tunnel: Tunnel, answer: Step) -> None:
    assert behind.run(answer, tunnel, COMPLETED).outputs["polls"] == "2"


def test_proxy_that_stalls_does_not_outlast_the_poll(behind: Tool, tunnel: Tunnel) -> None:
    with nothing_left_behind():
        run = behind.run([ESTABLISHED, math.inf], tunnel, COMPLETED)
    assert run.outputs["elapsed-seconds"] == "10.5"


def test_certificate_behind_a_proxy_is_verified(behind: Tool, authority: Authority) -> None:
    other = authority.context("elsewhere.example")
    run = behind.run([ESTABLISHED, lambda connection: connection.start_tls(other)], code=4)
    assert f"the certificate of {HOST} through proxy http://127.0.0.1" in rejected(run)
    assert [request.method for request in run.requests] == ["CONNECT"]


def forward(target: Server) -> Tunnel:
    """The answer to CONNECT of a proxy that passes on what it gets."""

    def answer(connection: Connection) -> None:
        connection.answer(ESTABLISHED)
        near = connection.sock
        assert isinstance(near, ssl.SSLSocket)
        with socket.create_connection(("127.0.0.1", target.port)) as far:
            while True:
                ready = [near] if near.pending() else select.select([near, far], [], [])[0]
                for source in ready:
                    piece = source.recv(65536)
                    if not piece:
                        return
                    (far if source is near else near).sendall(piece)

    return answer


def test_https_proxy_works(behind: Tool, authority: Authority) -> None:
    context = authority.context("localhost")
    with (
        nothing_left_behind(),
        Server(BUILDING, COMPLETED, tls=context) as target,
        Server(forward(target), tls=context) as proxy,
    ):
        behind.run(HTTPS_PROXY=proxy.url, TWILIO_BASE_URL=target.url)
    assert [request.path for request in target.requests] == [STATUS_PATH] * 2


def test_certificate_of_an_https_proxy_is_its_own(behind: Tool, authority: Authority) -> None:
    with Server(tls=authority.context("elsewhere.example")) as proxy:
        reason = rejected(behind.run(code=4, HTTPS_PROXY=proxy.url))
    assert f"the certificate of proxy {proxy.url} does not verify" in reason
    assert not proxy.requests


def test_schemes_of_an_https_proxy_are_asked_for(behind: Tool, authority: Authority) -> None:
    refusal = Response(407, headers={"Proxy-Authenticate": "NTLM"})
    with Server(refusal, tls=authority.context("localhost")) as proxy:
        reason = rejected(behind.run(code=4, HTTPS_PROXY=proxy.url))
    assert "The proxy offers NTLM; only Basic" in reason
