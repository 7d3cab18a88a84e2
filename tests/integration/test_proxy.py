"""Proxies: used for https when configured, never for http, and their password never shown."""

import base64
import ssl
import urllib.parse
from pathlib import Path

import pytest
import trustme

from tests.integration import wire as faults
from tests.integration.harness import Finished, Tool, base_env
from tests.integration.wire import Act, Wire, raw, status, tunnel

pytestmark = pytest.mark.fault

HOST = "gateway.test"  # a name that only the proxy could reach
ROOT = f"https://{HOST}"
PASSWORD = "pr0xy-Passw0rd@with/odd:chars%"
LOGIN = f"me:{urllib.parse.quote(PASSWORD, safe='')}"
FORMS = {
    PASSWORD,
    urllib.parse.quote(PASSWORD, safe=""),
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"me:{PASSWORD}".encode()).decode(),
    "pr0xy-Passw0rd",
}


@pytest.fixture
def bundle(tmp_path: Path, authority: trustme.CA) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    return context


def through(proxy: Wire | str, login: str = LOGIN) -> str:
    """The proxy's address as people configure it, password and all."""
    if isinstance(proxy, str):
        return proxy
    return f"http://{login}@{proxy.host}:{proxy.port}"


def run_through(
    tool: Tool, tmp_path: Path, bundle: Path, proxy: str, root: str = ROOT, **env: str
) -> Finished:
    """The whole run with this proxy for https; its password is in nothing shown or written."""
    settings = {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(bundle)} | env
    run = tool.run(base_env(root, tmp_path, RUNNER_DEBUG="1", **settings), timeout=30)
    written = "".join(p.read_text("utf-8") for p in tmp_path.rglob("*") if p.is_file())
    for form in FORMS:
        assert form not in run.stdout
        assert form not in written
    return run


def test_a_proxy_is_used_for_https(
    tool: Tool, tmp_path: Path, bundle: Path, tls: ssl.SSLContext
) -> None:
    with (
        Wire(status("building"), status("completed"), tls=tls) as wire,
        Wire(tunnel(wire.address)) as proxy,
    ):
        run = run_through(tool, tmp_path, bundle, through(proxy))
    assert run.code == 0, run.stdout
    assert len(wire.requests) == 2
    connect = proxy.requests[0]
    assert connect.line.startswith(f"CONNECT {HOST}:443 HTTP/1.")
    login = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert connect.headers["proxy-authorization"] == f"Basic {login}"
    # Twilio's credential is for the other end of the tunnel alone, the proxy's for this one.
    assert "authorization" not in connect.headers
    assert "proxy-authorization" not in wire.requests[0].headers


def test_a_lower_case_name_is_heard(
    tool: Tool, tmp_path: Path, bundle: Path, tls: ssl.SSLContext
) -> None:
    with Wire(status("completed"), tls=tls) as wire, Wire(tunnel(wire.address)) as proxy:
        run = run_through(tool, tmp_path, bundle, "", https_proxy=through(proxy))
    assert run.code == 0, run.stdout
    assert proxy.connections == 1


def test_no_proxy_is_heard(tool: Tool, tmp_path: Path, bundle: Path, tls: ssl.SSLContext) -> None:
    with Wire(status("completed"), tls=tls) as wire, Wire(tunnel(wire.address)) as proxy:
        run = run_through(
            tool, tmp_path, bundle, through(proxy), wire.root, NO_PROXY="example.org,localhost"
        )
    assert run.code == 0, run.stdout
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]
)
def test_an_http_root_never_goes_through_a_proxy(tool: Tool, tmp_path: Path, name: str) -> None:
    with Wire(status("failed")) as proxy, Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, **{name: through(proxy)}))
    assert run.code == 0, run.stdout
    assert proxy.connections == 0


@pytest.mark.parametrize("code", [400, 401, 403, 404, 407, 429])
def test_a_proxys_refusal_is_rejected(tool: Tool, tmp_path: Path, bundle: Path, code: int) -> None:
    refusal = raw(f"HTTP/1.1 {code} No\r\nContent-Length: 0\r\n\r\n".encode())
    with Wire(refusal) as proxy:
        run = run_through(tool, tmp_path, bundle, through(proxy))
    assert run.code == 4, run.stdout
    assert str(code) in run.outputs["reason"]
    assert f"127.0.0.1:{proxy.port}" in run.outputs["reason"]
    assert run.outputs["polls"] == "1"


PASSING: dict[str, Act] = {
    "502": raw(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    "503": raw(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
    "closed": faults.close_silently(),
    "reset": faults.reset_before_reply(),
    "reset-on-connect": faults.reset_on_connect(),
    "garbage": faults.garbage(),
    "cut-in-head": raw(b"HTTP/1.1 200 Connec"),
    "reset-after-its-200": faults.reset_after(b"HTTP/1.1 200 Connection established\r\n\r\n"),
}


@pytest.mark.parametrize("act", PASSING.values(), ids=PASSING)
def test_a_proxy_that_stumbles_is_tried_again(
    tool: Tool, tmp_path: Path, bundle: Path, tls: ssl.SSLContext, act: Act
) -> None:
    with Wire(status("completed"), tls=tls) as wire, Wire(act, tunnel(wire.address)) as proxy:
        run = run_through(tool, tmp_path, bundle, through(proxy))
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


HANGING: dict[str, Act] = {
    "no-reply-to-connect": faults.nothing_ever(),
    "endless-reply-to-connect": faults.endless_headers(),
    "endless-body-of-a-503": faults.endless_body(503),
    "no-handshake-behind-it": faults.nothing_after(b"HTTP/1.1 200 Connection established\r\n\r\n"),
}


@pytest.mark.parametrize("act", HANGING.values(), ids=HANGING)
def test_a_proxy_that_hangs_is_cut_off(tool: Tool, tmp_path: Path, bundle: Path, act: Act) -> None:
    with Wire(act) as proxy:
        run = run_through(tool, tmp_path, bundle, through(proxy), TWILIO_BUILD_TIMEOUT="0")
    assert run.code == 3, run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= 5.1


def test_a_proxy_that_refuses_the_connection_is_waited_for(
    tool: Tool, tmp_path: Path, bundle: Path
) -> None:
    with Wire(status("completed"), listening=False) as proxy:
        run = run_through(tool, tmp_path, bundle, through(proxy), TWILIO_BUILD_TIMEOUT="1s")
    assert run.code == 3, run.stdout
    assert f"127.0.0.1:{proxy.port}" in run.outputs["reason"]


def test_a_proxy_whose_name_does_not_exist_is_waited_for(
    tool: Tool, tmp_path: Path, bundle: Path
) -> None:
    address = f"http://{LOGIN}@proxy.invalid:3128"
    run = run_through(tool, tmp_path, bundle, address, TWILIO_BUILD_TIMEOUT="0")
    assert run.code == 3, run.stdout
    assert "proxy.invalid" in run.outputs["reason"]


UNUSABLE = {
    "socks": f"socks5://{LOGIN}@127.0.0.1:1080",
    "socks-h": f"socks5h://{LOGIN}@127.0.0.1:1080",
    "ftp": f"ftp://{LOGIN}@127.0.0.1:21",
    "no-host": f"http://{LOGIN}@",
    "port-out-of-range": f"http://{LOGIN}@127.0.0.1:99999",
    "port-not-a-number": f"http://{LOGIN}@127.0.0.1:port",
    "half-an-ipv6-address": f"http://{LOGIN}@[::1:3128",
    "space-in-host": f"http://{LOGIN}@pro xy:3128",
    "label-too-long": f"http://{LOGIN}@{'x' * 70}.test:3128",
    "empty-label": f"http://{LOGIN}@proxy..test:3128",
    "two-addresses": f"http://{LOGIN}@127.0.0.1:1,http://127.0.0.1:2",
}


@pytest.mark.parametrize("address", UNUSABLE.values(), ids=UNUSABLE)
def test_a_proxy_address_that_cannot_be_used_is_rejected(
    tool: Tool, tmp_path: Path, bundle: Path, address: str
) -> None:
    run = run_through(tool, tmp_path, bundle, address)
    assert run.code == 4, run.stdout
    assert run.outputs["outcome"] == "rejected"
    assert "proxy" in run.outputs["reason"].lower()


def test_a_password_that_is_not_encoded_is_not_shown(
    tool: Tool, tmp_path: Path, bundle: Path
) -> None:
    # Its `@` and `/` cut the address off where nobody meant it to end: the proxy is called `with`.
    address = f"http://me:{PASSWORD}@127.0.0.1:3128"
    run = run_through(tool, tmp_path, bundle, address, TWILIO_BUILD_TIMEOUT="0")
    assert run.code in {3, 4}, run.stdout


def test_a_certificate_behind_a_proxy_is_verified(tool: Tool, tmp_path: Path, bundle: Path) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HOST).configure_cert(stranger)
    with Wire(status("completed"), tls=stranger) as wire, Wire(tunnel(wire.address)) as proxy:
        run = run_through(tool, tmp_path, bundle, through(proxy))
    assert run.code == 4, run.stdout
    assert "certificate" in run.outputs["reason"]
    assert wire.requests == []
