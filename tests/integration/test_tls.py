"""Certificates and handshakes: what cannot be trusted is refused, what merely broke is retried."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
import trustme

from tests.integration import wire as faults
from tests.integration.harness import Finished, Tool, base_env
from tests.integration.wire import Act, Wire, status

pytestmark = pytest.mark.fault

ALREADY_OVER = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Authority:
    """A company's own CA: its bundle on disk, and certificates for the test's servers."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.bundle = folder / "company-ca.pem"
        self.ca.cert_pem.write_to_path(str(self.bundle))

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server's side of TLS with a certificate for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        over = ALREADY_OVER if expired else None
        self.ca.issue_cert(*names, not_after=over).configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def run_against(tool: Tool, tmp_path: Path, root: str, bundle: Path | None, **env: str) -> Finished:
    """The whole run, with this bundle of trusted certificates."""
    trusted = None if bundle is None else str(bundle)
    return tool.run(base_env(root, tmp_path, REQUESTS_CA_BUNDLE=trusted, **env), timeout=30)


def test_a_company_ca_is_trusted(tool: Tool, tmp_path: Path, authority: Authority) -> None:
    with Wire(status("building"), status("completed"), tls=authority.server("localhost")) as wire:
        run = run_against(tool, tmp_path, wire.root, authority.bundle)
    assert run.code == 0, run.stdout
    assert len(wire.requests) == 2


def test_an_unknown_authority_is_rejected(tool: Tool, tmp_path: Path, authority: Authority) -> None:
    with Wire(status("completed"), tls=authority.server("localhost")) as wire:
        run = run_against(tool, tmp_path, wire.root, None)
    assert run.code == 4, run.stdout
    assert "certificate" in run.outputs["reason"]
    assert f"localhost:{wire.port}" in run.outputs["reason"]
    assert run.outputs["polls"] == "1"
    assert wire.requests == []  # no credential has left


def test_another_hosts_certificate_is_rejected(
    tool: Tool, tmp_path: Path, authority: Authority
) -> None:
    with Wire(status("completed"), tls=authority.server("elsewhere.example")) as wire:
        run = run_against(tool, tmp_path, wire.root, authority.bundle)
    assert run.code == 4, run.stdout
    assert "certificate" in run.outputs["reason"]
    assert wire.requests == []


def test_an_expired_certificate_is_rejected(
    tool: Tool, tmp_path: Path, authority: Authority
) -> None:
    with Wire(status("completed"), tls=authority.server("localhost", expired=True)) as wire:
        run = run_against(tool, tmp_path, wire.root, authority.bundle)
    assert run.code == 4, run.stdout
    assert "certificate" in run.outputs["reason"]
    assert wire.requests == []


def test_a_certificate_that_goes_bad_mid_wait_is_rejected(
    tool: Tool, tmp_path: Path, authority: Authority
) -> None:
    context = authority.server("localhost")
    with Wire(faults.then_close(status("building")), status("completed"), tls=context) as wire:
        env = base_env(
            wire.root,
            tmp_path,
            REQUESTS_CA_BUNDLE=str(authority.bundle),
            TWILIO_BUILD_INTERVAL="2s",
        )
        running = tool.start(env)
        running.wait_until(lambda: len(wire.requests) == 1)
        wire.tls = authority.server("localhost", expired=True)
        run = running.finish()
    assert run.code == 4, run.stdout
    assert run.outputs["status"] == "building"


BROKEN_HANDSHAKES: dict[str, Act] = {
    "reset": faults.reset_in_handshake(),
    "closed": faults.close_on_connect(),
    "plain-http": faults.talk_plain_http(),
    "garbage": faults.garbled_handshake(),
}


@pytest.mark.parametrize("act", BROKEN_HANDSHAKES.values(), ids=BROKEN_HANDSHAKES)
def test_a_broken_handshake_is_tried_again(
    tool: Tool, tmp_path: Path, authority: Authority, act: Act
) -> None:
    with Wire(act, status("completed"), tls=authority.server("localhost")) as wire:
        run = run_against(tool, tmp_path, wire.root, authority.bundle)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert f"localhost:{wire.port}" in "".join(run.visible.splitlines()[1:])


def test_a_handshake_that_hangs_is_cut_off(
    tool: Tool, tmp_path: Path, authority: Authority
) -> None:
    with Wire(faults.hang_on_connect(), tls=authority.server("localhost")) as wire:
        run = run_against(tool, tmp_path, wire.root, authority.bundle, TWILIO_BUILD_TIMEOUT="0")
    assert run.code == 3, run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= 5.1


def test_a_plain_server_on_the_tls_port_is_waited_for(
    tool: Tool, tmp_path: Path, authority: Authority
) -> None:
    with Wire(status("completed")) as wire:
        root = f"https://localhost:{wire.port}"
        run = run_against(tool, tmp_path, root, authority.bundle, TWILIO_BUILD_TIMEOUT="1s")
    assert run.code == 3, run.stdout
    assert wire.requests == []


def test_a_cut_inside_tls_is_tried_again(tool: Tool, tmp_path: Path, authority: Authority) -> None:
    context = authority.server("localhost")
    with Wire(faults.short_body(), faults.reset_in_head(), status("failed"), tls=context) as wire:
        run = run_against(tool, tmp_path, wire.root, authority.bundle)
    assert run.code == 1, run.stdout
    assert run.outputs["polls"] == "3"


BUNDLES = {"missing": None, "garbage": b"no certificate", "empty": b"", "binary": bytes(range(256))}


@pytest.mark.parametrize("content", BUNDLES.values(), ids=BUNDLES)
def test_a_bundle_that_cannot_be_read_is_rejected(
    tool: Tool, tmp_path: Path, authority: Authority, content: bytes | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with Wire(status("completed"), tls=authority.server("localhost")) as wire:
        run = run_against(tool, tmp_path, wire.root, bundle)
    assert run.code == 4, run.stdout
    assert str(bundle) in run.outputs["reason"]
    assert wire.requests == []


def test_a_bundle_that_is_a_folder_without_certificates_is_rejected(
    tool: Tool, tmp_path: Path, authority: Authority
) -> None:
    bundle = tmp_path / "certificates"
    bundle.mkdir()
    with Wire(status("completed"), tls=authority.server("localhost")) as wire:
        run = run_against(tool, tmp_path, wire.root, bundle)
    assert run.code == 4, run.stdout
    assert wire.requests == []


def test_an_http_root_needs_no_bundle(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed")) as wire:
        run = run_against(tool, tmp_path, wire.root, tmp_path / "not-there.pem")
    assert run.code == 0, run.stdout
