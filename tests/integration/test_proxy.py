"""Proxies: one server is the proxy and, behind its tunnel, the target.

`tests/unit/test_errors.py` has the table of what a proxy's errors mean.
"""

import base64
import math
import urllib.parse
from collections.abc import Callable

import pytest

from tests.conftest import Authority
from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
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
        "RUNNER_DEBUG": "1",
    }


def rejected(run: Run) -> str:
    """Check that the first poll ended the wait; return the reason."""
    assert run.outputs["outcome"] == "rejected"
    assert run.outputs["polls"] == "1"
    return run.outputs["reason"]


def test_https_goes_through_the_proxy(behind: Tool, tunnel: Tunnel) -> None:
    connect, *polls = behind.run(tunnel, BUILDING, COMPLETED).requests
    assert (connect.method, connect.target) == ("CONNECT", f"{HOST}:443")
    login = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert connect.headers["proxy-authorization"] == f"Basic {login}"
    assert "authorization" not in connect.headers
    assert [poll.target for poll in polls] == [STATUS_PATH] * 2
    assert not [poll for poll in polls if "proxy-authorization" in poll.headers]


def test_no_proxy_exempts_the_host(behind: Tool, authority: Authority) -> None:
    with Server(COMPLETED, tls=authority.context("localhost")) as target:
        direct = {"TWILIO_BASE_URL": target.url, "NO_PROXY": "example.org,localhost"}
        run = run_inside(behind.environ | direct, behind.server, target)
    assert run.code == 0, run.stdout
    assert not behind.server.connections


def test_http_root_never_goes_through_a_proxy(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    with Server(Response(502)) as proxy:
        run = run_inside(environ | dict.fromkeys(names, proxy.url), server, proxy)
    assert run.code == 0, run.stdout
    assert not proxy.connections


@pytest.mark.parametrize("code", [404, 407, 429])
def test_refusal_to_connect_is_rejected(behind: Tool, code: int) -> None:
    reason = rejected(behind.run(Response(code), code=4))
    assert f"127.0.0.1:{behind.server.port} refused {HOST} with HTTP {code}" in reason
    assert "Check HTTPS_PROXY, its login" in reason
    assert f"exempt {HOST} with NO_PROXY" in reason


def reset_after_the_first_byte(connection: Connection) -> None:
    connection.sock.recv(1)  # Python leaves a socket open if the reset comes before the handshake
    connection.reset()


STUMBLES: dict[str, Step] = {
    "503": Response(503),
    "closed": b"",
    "reset": Connection.reset,
    "garbage": bytes(range(256)),
    "cut in the head": b"HTTP/1.1 200 Connec",
    "reset in the handshake": [ESTABLISHED, reset_after_the_first_byte],
}


@pytest.mark.parametrize("answer", STUMBLES.values(), ids=STUMBLES)
def test_proxy_that_stumbles_is_retried(behind: Tool, tunnel: Tunnel, answer: Step) -> None:
    assert behind.run(answer, tunnel, COMPLETED).outputs["polls"] == "2"


STALLS: dict[str, Step] = {
    "no answer to CONNECT": [math.inf],
    "half a head": [ESTABLISHED[:30], math.inf],
    "no handshake behind it": [ESTABLISHED, math.inf],
}


@pytest.mark.parametrize("answer", STALLS.values(), ids=STALLS)
def test_proxy_that_stalls_does_not_outlast_the_poll(
    behind: Tool, tunnel: Tunnel, answer: Step
) -> None:
    assert behind.run(answer, tunnel, COMPLETED).outputs["elapsed-seconds"] == "10.5"


INTERIM = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"]


def test_interim_responses_before_the_answer_to_connect_are_skipped(
    behind: Tool, tunnel: Tunnel
) -> None:
    behind.run([*INTERIM, tunnel], COMPLETED)


def test_certificate_behind_a_proxy_is_verified(behind: Tool, authority: Authority) -> None:
    other = authority.context("elsewhere.example")
    run = behind.run([ESTABLISHED, lambda connection: connection.start_tls(other)], code=4)
    assert "certificate" in rejected(run)
    assert [request.method for request in run.requests] == ["CONNECT"]


def test_socks_proxy_is_rejected(behind: Tool) -> None:
    del behind.environ["HTTPS_PROXY"]
    reason = rejected(behind.run(code=4, ALL_PROXY=f"socks5://{LOGIN}@127.0.0.1:1080"))
    assert "ALL_PROXY is socks5://127.0.0.1:1080, but SOCKS proxies are not supported" in reason


UNUSABLE = {
    "ftp": f"ftp://{LOGIN}@127.0.0.1:21",
    "port out of range": f"http://{LOGIN}@127.0.0.1:99999",
    "half an IPv6 address": f"http://{LOGIN}@[::1:3128",
    "long label": f"http://{LOGIN}@{'x' * 70}.test:3128",
    "empty label": f"http://{LOGIN}@proxy..test:3128",
}


@pytest.mark.parametrize("address", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_proxy_address_is_rejected(behind: Tool, address: str) -> None:
    assert "HTTPS_PROXY" in rejected(behind.run(code=4, HTTPS_PROXY=address))


def test_wildcard_in_no_proxy_is_explained(behind: Tool) -> None:
    run = behind.run([math.inf], code=3, NO_PROXY="*.twilio.com", TWILIO_BUILD_TIMEOUT="0")
    assert "NO_PROXY is '*.twilio.com', but it takes no wildcard" in run.outputs["reason"]
    assert "write .twilio.com" in run.outputs["reason"]
    assert f"through proxy http://127.0.0.1:{behind.server.port} within 5 s" in run.stdout
