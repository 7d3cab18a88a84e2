"""Proxies: one server is the proxy and, behind its tunnel, the target."""

import base64
import math
import urllib.parse
from collections.abc import Callable

import pytest

from tests.conftest import Authority
from tests.support.run import Run, run_inside
from tests.support.samples import STATUS_PATH, build_status
from tests.support.server import Connection, Response, Server, Step

pytestmark = pytest.mark.fault

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
def behind(environ: dict[str, str], server: Server, authority: Authority) -> dict[str, str]:
    """The environment of a run behind a proxy that asks for a login."""
    return environ | {
        "TWILIO_BASE_URL": f"https://{HOST}",
        "HTTPS_PROXY": f"http://{LOGIN}@127.0.0.1:{server.port}",
        "REQUESTS_CA_BUNDLE": str(authority.bundle),
        "RUNNER_DEBUG": "1",
    }


def rejected(run: Run) -> str:
    """Check that the first poll ended the wait; return the reason."""
    assert run.code == 4, run.stdout
    assert run.outputs["polls"] == "1"
    return run.outputs["reason"]


# --- which requests go through it -----------------------------------------------------------------


def test_https_goes_through_the_proxy(
    server: Server, behind: dict[str, str], tunnel: Tunnel
) -> None:
    server.script(tunnel, BUILDING, COMPLETED)
    run = run_inside(behind, server)
    assert run.code == 0, run.stdout
    connect, *polls = run.requests
    assert (connect.method, connect.target) == ("CONNECT", f"{HOST}:443")
    login = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert connect.headers["proxy-authorization"] == f"Basic {login}"
    assert "authorization" not in connect.headers
    assert [poll.target for poll in polls] == [STATUS_PATH] * 2
    assert not [poll for poll in polls if "proxy-authorization" in poll.headers]


@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY", "all_proxy"])
def test_other_variables_count_too(
    server: Server, behind: dict[str, str], tunnel: Tunnel, name: str
) -> None:
    server.script(tunnel, COMPLETED)
    proxy = behind.pop("HTTPS_PROXY")
    assert run_inside(behind | {name: proxy}, server).code == 0


def test_no_proxy_exempts_the_host(
    environ: dict[str, str], server: Server, authority: Authority
) -> None:
    with Server(COMPLETED, tls=authority.context("localhost")) as target:
        run = run_inside(
            environ
            | {
                "TWILIO_BASE_URL": target.url,
                "HTTPS_PROXY": server.url,
                "NO_PROXY": "example.org,localhost",
                "REQUESTS_CA_BUNDLE": str(authority.bundle),
            },
            server,
            target,
        )
    assert run.code == 0, run.stdout
    assert not server.connections


def test_http_root_never_goes_through_a_proxy(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    with Server(Response(502)) as proxy:
        run = run_inside(environ | dict.fromkeys(names, proxy.url), server, proxy)
    assert run.code == 0, run.stdout
    assert not proxy.connections


# --- what it answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [400, 401, 403, 404, 407, 429])
def test_refusal_to_connect_is_rejected(server: Server, behind: dict[str, str], code: int) -> None:
    server.script(Response(code))
    reason = rejected(run_inside(behind, server))
    assert f"127.0.0.1:{server.port} refused {HOST} with HTTP {code}" in reason
    assert "Check HTTPS_PROXY, its login" in reason
    assert f"exempt {HOST} with NO_PROXY" in reason


def reset_after_the_first_byte(connection: Connection) -> None:
    connection.sock.recv(1)  # Python leaves a socket open if the reset comes before the handshake
    connection.reset()


STUMBLES: dict[str, Step] = {
    "502": Response(502),
    "503": Response(503),
    "closed": b"",
    "reset": Connection.reset,
    "garbage": bytes(range(256)),
    "cut in the head": b"HTTP/1.1 200 Connec",
    "reset in the handshake": [ESTABLISHED, reset_after_the_first_byte],
}


@pytest.mark.parametrize("answer", STUMBLES.values(), ids=STUMBLES)
def test_proxy_that_stumbles_is_retried(
    server: Server, behind: dict[str, str], tunnel: Tunnel, answer: Step
) -> None:
    server.script(answer, tunnel, COMPLETED)
    run = run_inside(behind, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


STALLS: dict[str, Step] = {
    "no answer to CONNECT": [math.inf],
    "half a head": [ESTABLISHED[:30], math.inf],
    "no handshake behind it": [ESTABLISHED, math.inf],
}


@pytest.mark.parametrize("answer", STALLS.values(), ids=STALLS)
def test_proxy_that_stalls_does_not_outlast_the_poll(
    server: Server, behind: dict[str, str], tunnel: Tunnel, answer: Step
) -> None:
    server.script(answer, tunnel, COMPLETED)
    run = run_inside(behind, server)
    assert run.code == 0, run.stdout
    assert run.outputs["elapsed-seconds"] == "10.5"


INTERIM = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"]


@pytest.mark.parametrize("interim", INTERIM, ids=["100", "103"])
def test_interim_responses_before_the_answer_to_connect_are_skipped(
    server: Server, behind: dict[str, str], tunnel: Tunnel, interim: bytes
) -> None:
    server.script([interim, interim, tunnel], COMPLETED)
    assert run_inside(behind, server).code == 0


def test_407_after_an_interim_response_is_rejected(server: Server, behind: dict[str, str]) -> None:
    server.script([*INTERIM, Response(407)])
    assert "HTTP 407" in rejected(run_inside(behind, server))


def test_certificate_behind_a_proxy_is_verified(
    server: Server, behind: dict[str, str], authority: Authority
) -> None:
    other = authority.context("elsewhere.example")
    server.script([ESTABLISHED, lambda connection: connection.start_tls(other)], COMPLETED)
    reason = rejected(run_inside(behind, server))
    assert "certificate" in reason
    assert [request.method for request in server.requests] == ["CONNECT"]


# --- addresses ------------------------------------------------------------------------------------


def test_dead_proxy_is_named_after_60_s(behind: dict[str, str]) -> None:
    with Server(is_listening=False) as proxy:
        address = {"HTTPS_PROXY": f"http://{LOGIN}@127.0.0.1:{proxy.port}"}
        run = run_inside(behind | address)
    assert run.code == 4, run.stdout
    assert 60 <= run.seconds < 95
    assert "connection refused" in run.outputs["reason"]
    advice = f"Check HTTPS_PROXY, which names the proxy http://127.0.0.1:{proxy.port}"
    assert advice in run.outputs["reason"]


def test_https_proxy_that_speaks_http_is_rejected_after_60_s(behind: dict[str, str]) -> None:
    with Server(connecting=([Response(400), Connection.close],)) as proxy:
        run = run_inside(behind | {"HTTPS_PROXY": f"https://127.0.0.1:{proxy.port}"}, proxy)
    assert run.code == 4, run.stdout
    assert "Write http:// in HTTPS_PROXY" in run.outputs["reason"]


@pytest.mark.parametrize("name", ["ALL_PROXY", "HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_socks_proxy_is_rejected(behind: dict[str, str], scheme: str, name: str) -> None:
    del behind["HTTPS_PROXY"]
    reason = rejected(run_inside(behind | {name: f"{scheme}://{LOGIN}@127.0.0.1:1080"}))
    assert f"{name} is {scheme}://127.0.0.1:1080, but SOCKS proxies are not supported" in reason


UNUSABLE = {
    "ftp": f"ftp://{LOGIN}@127.0.0.1:21",
    "no host": f"http://{LOGIN}@",
    "port out of range": f"http://{LOGIN}@127.0.0.1:99999",
    "port with letters": f"http://{LOGIN}@127.0.0.1:port",
    "half an IPv6 address": f"http://{LOGIN}@[::1:3128",
    "space in the host": f"http://{LOGIN}@pro xy:3128",
    "long label": f"http://{LOGIN}@{'x' * 70}.test:3128",
    "empty label": f"http://{LOGIN}@proxy..test:3128",
    "two addresses": f"http://{LOGIN}@127.0.0.1:1,http://127.0.0.1:2",
}


@pytest.mark.parametrize("address", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_proxy_address_is_rejected(behind: dict[str, str], address: str) -> None:
    reason = rejected(run_inside(behind | {"HTTPS_PROXY": address}))
    assert "HTTPS_PROXY" in reason


@pytest.mark.parametrize("answer", [Response(403), [math.inf]], ids=["refuses", "never answers"])
def test_wildcard_in_no_proxy_is_explained(
    server: Server, behind: dict[str, str], answer: Step
) -> None:
    server.script(answer)
    more = {"NO_PROXY": "*.twilio.com", "TWILIO_BUILD_TIMEOUT": "0"}
    run = run_inside(behind | more, server)
    assert run.code in {3, 4}, run.stdout
    assert "NO_PROXY is '*.twilio.com', but it takes no wildcard" in run.outputs["reason"]
    assert "write .twilio.com" in run.outputs["reason"]
