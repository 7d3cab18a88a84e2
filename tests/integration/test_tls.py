"""Real certificates that do not verify, and handshakes that break."""

import math
import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest
import trustme
from cryptography import x509

from tests.conftest import Authority
from tests.integration.conftest import Tool, nothing_left_behind, rejected
from tests.support.run import Run
from tests.support.samples import build_status
from tests.support.server import Connection, Server, Step

COMPLETED = build_status("completed")
Behind = Callable[..., Run]


@pytest.fixture
def behind(environ: dict[str, str], authority: Authority) -> Behind:
    """A run against a server behind TLS, by default one that `bundle` trusts."""

    def run(
        *answers: Step,
        tls: ssl.SSLContext | None = None,
        bundle: Path | None = authority.bundle,
        code: int = 0,
        **more: str,
    ) -> Run:
        context = tls or authority.context("localhost")
        with Server(*answers, tls=context) as server:
            own = {"REQUESTS_CA_BUNDLE": str(bundle)} if bundle else {}
            tool = Tool(server, environ | own | more)
            return tool.run(code=code, TWILIO_BASE_URL=server.url)

    return run


def test_expired_certificate_is_rejected(behind: Behind, authority: Authority) -> None:
    tls = authority.context("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    run = behind(COMPLETED, tls=tls, code=4)
    assert not run.requests
    reason = rejected(run)
    assert reason.startswith("the certificate of localhost:")
    assert "does not verify: certificate has expired. Renew the certificate" in reason


def test_certificate_of_an_unknown_ca_is_rejected(behind: Behind) -> None:
    tls = Authority(Path(os.devnull)).context("localhost")
    assert "add the CA that signed this" in rejected(behind(COMPLETED, tls=tls, code=4))


def test_any_certificate_in_a_bundle_is_an_anchor(behind: Behind, tmp_path: Path) -> None:
    issuer = trustme.CA().create_child_ca()
    issuer.cert_pem.write_to_path(str(tmp_path / "issuer.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("localhost").configure_cert(context)
    behind(COMPLETED, tls=context, bundle=tmp_path / "issuer.pem")


@pytest.fixture
def lax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A company's old CA: basic constraints not critical, no Authority Key Identifier."""
    add = x509.CertificateBuilder.add_extension

    def add_lax(
        builder: x509.CertificateBuilder, extension: x509.ExtensionType, *, critical: bool
    ) -> x509.CertificateBuilder:
        if isinstance(extension, x509.AuthorityKeyIdentifier):
            return builder
        return add(
            builder, extension, critical and not isinstance(extension, x509.BasicConstraints)
        )

    monkeypatch.setattr(x509.CertificateBuilder, "add_extension", add_lax)
    return Authority(tmp_path / "lax.pem")


def test_lax_ca_in_a_bundle_is_accepted(behind: Behind, lax: Authority) -> None:
    behind(COMPLETED, tls=lax.context("localhost"), bundle=lax.bundle)


def test_strict_flag_is_on_without_a_bundle(
    behind: Behind, lax: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(lax.bundle))
    reason = rejected(behind(COMPLETED, tls=lax.context("localhost"), bundle=None, code=4))
    assert "Missing Authority Key Identifier" in reason
    assert "set REQUESTS_CA_BUNDLE to the file of its CA: then such rules" in reason


def test_http_root_needs_no_bundle(tool: Tool) -> None:
    tool.run(COMPLETED, REQUESTS_CA_BUNDLE="/none")


def test_key_log_that_cannot_be_written_does_not_matter(behind: Behind) -> None:
    behind(COMPLETED, SSLKEYLOGFILE="/none/keys")


def test_server_that_refuses_every_handshake_is_rejected_after_60_s(
    behind: Behind, authority: Authority
) -> None:
    context = authority.context("localhost")
    context.verify_mode = ssl.CERT_REQUIRED  # of the client
    run = behind(tls=context, code=4)
    assert 60 <= run.seconds < 95
    assert not run.requests


BROKEN: dict[str, Step] = {"closed": Connection.close, "never answered": [math.inf]}


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN)
def test_handshake_that_always_breaks_is_rejected_after_60_s(
    behind: Behind, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    monkeypatch.setattr(Connection, "start_tls", lambda connection, _: connection.answer(step))
    with nothing_left_behind():
        run = behind(code=4)
    assert 60 <= run.seconds < 95
    assert "Check region, edge, base-url" in run.outputs["reason"]


def test_response_cut_inside_tls_is_retried(behind: Behind) -> None:
    assert behind(COMPLETED.raw[:-9], COMPLETED).outputs["polls"] == "2"  # no alert before the end


def test_rest_of_a_tls_record_never_answers_the_next_poll(behind: Behind) -> None:
    long = build_status("building", filler="x" * 9000)
    behind([long.raw + COMPLETED.raw], build_status("failed"), code=1)


def test_stalled_response_leaves_nothing_behind(behind: Behind) -> None:
    with nothing_left_behind():
        run = behind([COMPLETED.raw[:30], math.inf], COMPLETED)
    assert run.outputs["elapsed-seconds"] == "10.5"
