"""Certificates that do not verify, and handshakes that break."""

import builtins
import errno
import math
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest
import trustme
from cryptography import x509

from tests.conftest import Authority
from tests.support.run import Run, run_inside
from tests.support.samples import build_status
from tests.support.server import Connection, Server, Step

pytestmark = pytest.mark.fault

BUILDING, COMPLETED = build_status("building"), build_status("completed")
EXPIRED = datetime(2020, 1, 1, tzinfo=UTC)


def run_with(environ: dict[str, str], server: Server, bundle: Path | None, **more: str) -> Run:
    """Run against a server behind TLS; `bundle` is the CA bundle of the user's own."""
    own = {"REQUESTS_CA_BUNDLE": str(bundle)} if bundle else {}
    return run_inside(environ | {"TWILIO_BASE_URL": server.url} | own | more, server)


def rejected(run: Run) -> str:
    """Check that the first poll ended the wait before anything was sent; return the reason."""
    assert run.code == 4, run.stdout
    assert run.outputs["polls"] == "1"
    assert not run.requests
    return run.outputs["reason"]


def test_company_ca_is_trusted(environ: dict[str, str], authority: Authority) -> None:
    with Server(BUILDING, COMPLETED, tls=authority.context("localhost")) as server:
        run = run_with(environ, server, authority.bundle)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


# --- certificates ---------------------------------------------------------------------------------


def expired(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.authority.issue_cert("localhost", not_after=EXPIRED).configure_cert(context)
    return context


def of_another_ca(_authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


def self_signed(_authority: Authority) -> ssl.SSLContext:
    own = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with own.private_key_pem.tempfile() as key, own.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


BAD: dict[str, tuple[Callable[[Authority], ssl.SSLContext], str, str]] = {
    "expired": (expired, "expired", "Renew the certificate, or correct the clock"),
    "of another host": (
        lambda authority: authority.context("elsewhere.example"),
        "mismatch",
        "It was issued for another host",
    ),
    "of an unknown CA": (of_another_ca, "issuer", "add the CA that signed this certificate"),
    "self-signed": (self_signed, "self", "add the CA that signed this certificate"),
}


@pytest.mark.parametrize("context, cause, advice", BAD.values(), ids=BAD)
def test_bad_certificate_is_rejected_before_anything_is_sent(
    environ: dict[str, str],
    authority: Authority,
    context: Callable[[Authority], ssl.SSLContext],
    cause: str,
    advice: str,
) -> None:
    with Server(COMPLETED, tls=context(authority)) as server:
        reason = rejected(run_with(environ, server, authority.bundle))
    assert f"the certificate of localhost:{server.port} does not verify" in reason
    assert cause in reason
    assert advice in reason


ADVICE = {
    "no bundle": ({}, "set REQUESTS_CA_BUNDLE to the file of its CA; for a GitHub action"),
    "SSL_CERT_FILE": ({"SSL_CERT_FILE": "/ca.pem"}, "SSL_CERT_FILE is not read"),
}


@pytest.mark.parametrize("more, advice", ADVICE.values(), ids=ADVICE)
def test_unknown_ca_advises_what_is_not_done_yet(
    environ: dict[str, str], authority: Authority, more: dict[str, str], advice: str
) -> None:
    with Server(COMPLETED, tls=authority.context("localhost")) as server:
        assert advice in rejected(run_with(environ, server, None, **more))


def test_certificate_that_expires_during_the_wait_is_rejected(
    environ: dict[str, str], authority: Authority
) -> None:
    contexts = authority.context("localhost"), expired(authority)
    handshakes = [lambda c, context=context: c.start_tls(context) for context in contexts]
    with Server(BUILDING.raw, COMPLETED, connecting=handshakes) as server:
        root = {"TWILIO_BASE_URL": f"https://localhost:{server.port}"}
        run = run_with(environ, server, authority.bundle, **root)
    assert run.code == 4, run.stdout
    assert run.outputs["status"] == "building"


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
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "lax.pem"))
    return Authority(made, tmp_path / "lax.pem")


def test_lax_ca_in_a_bundle_is_accepted(environ: dict[str, str], lax: Authority) -> None:
    with Server(COMPLETED, tls=lax.context("localhost")) as server:
        assert run_with(environ, server, lax.bundle).code == 0


def test_strict_flag_is_on_without_a_bundle(
    environ: dict[str, str], lax: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(lax.bundle))
    with Server(COMPLETED, tls=lax.context("localhost")) as server:
        assert "REQUESTS_CA_BUNDLE" in rejected(run_with(environ, server, None))


# --- the bundle -----------------------------------------------------------------------------------

BUNDLES = {"missing": None, "empty": b"", "no certificate": b"none", "binary": bytes(range(256))}


@pytest.mark.parametrize("content", BUNDLES.values(), ids=BUNDLES)
def test_unreadable_bundle_is_rejected(
    environ: dict[str, str], authority: Authority, tmp_path: Path, content: bytes | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with Server(COMPLETED, tls=authority.context("localhost")) as server:
        reason = rejected(run_with(environ, server, bundle))
    assert f"the CA bundle {bundle} cannot be read" in reason
    assert "REQUESTS_CA_BUNDLE" in reason


def test_bundle_that_cannot_be_opened_for_lack_of_descriptors_is_retried(
    environ: dict[str, str], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [OSError(errno.EMFILE, "Too many open files")]
    really_open = builtins.open

    def open_later(path: object, *arguments: object, **options: object) -> object:
        if path == str(authority.bundle) and errors:
            raise errors.pop()
        return really_open(path, *arguments, **options)  # type: ignore[call-overload] # passed through

    monkeypatch.setattr(builtins, "open", open_later)
    with Server(COMPLETED, tls=authority.context("localhost")) as server:
        run = run_with(environ, server, authority.bundle)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


def test_http_root_needs_no_bundle(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    assert run_inside(environ | {"REQUESTS_CA_BUNDLE": "/none"}, server).code == 0


def test_key_log_that_cannot_be_written_does_not_matter(
    environ: dict[str, str], authority: Authority
) -> None:
    with Server(COMPLETED, tls=authority.context("localhost")) as server:
        run = run_with(environ, server, authority.bundle, SSLKEYLOGFILE="/none/keys")
    assert run.code == 0, run.stdout


# --- handshakes -----------------------------------------------------------------------------------


def reset_after_the_first_byte(connection: Connection) -> None:
    connection.sock.recv(1)  # Python leaves a socket open if the reset comes before the handshake
    connection.reset()


BROKEN: dict[str, Step] = {
    "reset": reset_after_the_first_byte,
    "closed": Connection.close,
    "garbage": [b"\x16\x03\x03\x00\x05junk!", Connection.close],
    "plain HTTP": [COMPLETED.raw, Connection.close],
}


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN)
def test_broken_handshake_is_retried(
    environ: dict[str, str], authority: Authority, step: Step
) -> None:
    context = authority.context("localhost")
    with Server(COMPLETED, tls=context, connecting=(step, ())) as server:
        run = run_with(environ, server, authority.bundle)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


def test_handshake_that_is_never_answered_ends_with_the_poll(
    environ: dict[str, str], authority: Authority
) -> None:
    context = authority.context("localhost")
    with Server(COMPLETED, tls=context, connecting=([math.inf], ())) as server:
        run = run_with(environ, server, authority.bundle)
    assert run.code == 0, run.stdout
    assert run.outputs["elapsed-seconds"] == "10.5"


CUT: dict[str, Step] = {
    "closed without an alert": COMPLETED.raw[:-9],
    "reset": [COMPLETED.raw[:40], 0.1, Connection.reset],
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_response_cut_inside_tls_is_retried(
    environ: dict[str, str], authority: Authority, answer: Step
) -> None:
    with Server(answer, COMPLETED, tls=authority.context("localhost")) as server:
        run = run_with(environ, server, authority.bundle)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
