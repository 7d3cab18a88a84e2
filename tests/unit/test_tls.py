"""Which certificates are trusted, and what to do about one that is not."""

import errno
import ssl
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import pytest

from tests.conftest import Authority
from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio.tls import LocalError, certificate_advice, make_context

PEER = message("api.test")


def context(environ: Mapping[str, str]) -> ssl.SSLContext:
    return make_context(environ, Redactor([]))


def failure(environ: Mapping[str, str]) -> PollError:
    """The error of a context that cannot be made."""
    with pytest.raises(LocalError) as raised:
        context(environ)
    assert raised.value.error.reach is Reach.LOCAL
    return raised.value.error


# --- the bundle -----------------------------------------------------------------------------------


def test_certificates_are_verified(authority: Authority) -> None:
    for environ in ({}, {"REQUESTS_CA_BUNDLE": str(authority.bundle)}):
        made = context(environ)
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert made.check_hostname


def test_own_bundle_replaces_that_of_certifi(authority: Authority) -> None:
    own = context({"REQUESTS_CA_BUNDLE": str(authority.bundle), "CURL_CA_BUNDLE": "/none"})
    assert len(own.get_ca_certs()) == 1
    assert len(context({}).get_ca_certs()) > 50


def test_strict_rules_hold_only_without_an_own_bundle(authority: Authority) -> None:
    assert context({}).verify_flags & ssl.VERIFY_X509_STRICT
    own = context({"CURL_CA_BUNDLE": str(authority.bundle)})
    assert not own.verify_flags & ssl.VERIFY_X509_STRICT


def der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())


# How a good bundle is spoiled, and what is said of it.
SPOILED = {
    "DER": (der, "it is in DER format; convert it: openssl x509 -inform der -in FILE -out ca.pem"),
    "damaged": (lambda pem: pem.replace(b"\nMII", b"\n!!!"), "a block in it is damaged"),
    "one of two damaged": (lambda pem: pem + pem[:-60], "a block in it is damaged"),
    "empty": (lambda _: b"", "it holds no certificate in PEM format"),
    "a key": (lambda _: b"-----BEGIN KEY-----\n", "it holds no certificate in PEM format"),
}


@pytest.mark.parametrize("problem", SPOILED)
def test_bundle_that_cannot_be_read_is_permanent(
    authority: Authority, tmp_path: Path, problem: str
) -> None:
    spoil, cause = SPOILED[problem]
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(spoil(authority.bundle.read_bytes()))
    error = failure({"REQUESTS_CA_BUNDLE": str(bundle)})
    assert error.kind is ErrorKind.PERMANENT
    assert error.cause.text() == f"the CA bundle {bundle} cannot be read: {cause}"
    assert error.advice.text() == "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or unset it"


def test_path_of_a_bundle_is_shown_without_credentials() -> None:
    with pytest.raises(LocalError) as raised:
        make_context({"CURL_CA_BUNDLE": "/sw0rdfish/ca.pem"}, Redactor(["sw0rdfish"]))
    cause = "the CA bundle /***/ca.pem cannot be read: No such file or directory"
    assert raised.value.error.cause.text() == cause


# --- this machine ---------------------------------------------------------------------------------

OUT_OF_MEMORY = ssl.SSLError(1, "[X509] malloc failure (_ssl.c:1)")
NO_CIPHERS = ssl.SSLError(161, "[SSL] library has no ciphers (_ssl.c:3098)")
# What fails, how, and what is said of it.
NO_TLS: dict[str, tuple[str, Exception, str]] = {
    "no ciphers": ("__new__", NO_CIPHERS, "[SSL] library has no ciphers (_ssl.c:3098)"),
    "out of memory": ("__new__", MemoryError(), "out of memory"),
    "out of memory in OpenSSL": (
        "load_verify_locations",
        OUT_OF_MEMORY,
        "[X509] malloc failure (_ssl.c:1)",
    ),
}


@pytest.mark.parametrize("method, error, cause", NO_TLS.values(), ids=NO_TLS)
def test_openssl_that_cannot_be_used_is_transient(
    authority: Authority, method: str, error: Exception, cause: str
) -> None:
    with mock.patch.object(ssl.SSLContext, method, side_effect=error):
        failed = failure({"REQUESTS_CA_BUNDLE": str(authority.bundle)})
    assert failed.kind is ErrorKind.TRANSIENT
    assert failed.cause.text() == f"TLS cannot be used on this machine: {cause}"
    assert failed.advice.text() == "Check OPENSSL_CONF and the free memory of this machine"


def test_shortage_is_not_the_fault_of_the_bundle(authority: Authority) -> None:
    shortage = OSError(errno.EMFILE, "Too many open files")
    with (
        mock.patch.object(ssl.SSLContext, "load_verify_locations", side_effect=shortage),
        pytest.raises(OSError, match="Too many") as raised,
    ):
        context({"REQUESTS_CA_BUNDLE": str(authority.bundle)})
    assert raised.value is shortage


# --- advice ---------------------------------------------------------------------------------------

# OpenSSL's numbers -> advice, whatever the bundle.
ADVICE = {
    **dict.fromkeys([9, 10], "Renew the certificate, or correct the clock of this machine"),
    **dict.fromkeys(
        [62, 64], "It was issued for another host: check that api.test is the right one"
    ),
    **dict.fromkeys(
        [66, 67, 68],
        "Its key or signature is too weak: it has to be issued anew, with a longer key and SHA-256",
    ),
    26: "It was not issued for a server: it has to be issued anew",
    79: "Correct the certificate of api.test, or have it issued anew",
}


@pytest.mark.parametrize("bundle", ["", "/ca.pem"])
@pytest.mark.parametrize("code", ADVICE)
def test_advice_fits_the_error(code: int, bundle: str) -> None:
    advice = certificate_advice(code, PEER, bundle, has_cert_file=True)
    assert advice.text() == ADVICE[code]


@pytest.mark.parametrize("code", [2, 18, 19, 20, 21])
def test_unknown_issuer_is_added_to_the_bundle(code: int) -> None:
    own = certificate_advice(code, PEER, "/ca.pem", has_cert_file=True)
    assert own.text() == "REQUESTS_CA_BUNDLE is /ca.pem: add the CA that signed this certificate"
    other_file = certificate_advice(code, PEER, "", has_cert_file=True)
    path = "SSL_CERT_FILE is not read: set REQUESTS_CA_BUNDLE to the same path"
    assert other_file.text() == path
    none = certificate_advice(code, PEER, "", has_cert_file=False)
    assert none.text() == (
        "If a company proxy signs the traffic anew, set REQUESTS_CA_BUNDLE to the file of its CA; "
        "for a GitHub action, a file in the workspace: /github/workspace/ca.pem"
    )


def test_ca_in_a_folder_needs_a_link(tmp_path: Path) -> None:
    advice = certificate_advice(20, PEER, str(tmp_path), has_cert_file=False)
    assert advice.text() == (
        f"REQUESTS_CA_BUNDLE is {tmp_path}: add the CA that signed this certificate, and link it "
        "by its hash: openssl rehash"
    )


@pytest.mark.parametrize("code", [80, 85, 94])
def test_strict_rule_is_not_checked_with_an_own_bundle(code: int) -> None:
    advice = certificate_advice(code, PEER, "", has_cert_file=False)
    assert advice.text() == (
        "It breaks a strict rule. If it is your company's, set REQUESTS_CA_BUNDLE to the file of "
        "its CA: then such rules are not checked"
    )


@pytest.mark.parametrize("code", [78, 85, 95])
def test_other_error_with_an_own_bundle_is_the_fault_of_the_certificate(code: int) -> None:
    advice = certificate_advice(code, PEER, "/ca.pem", has_cert_file=False)
    assert advice.text() == "Correct the certificate of api.test, or have it issued anew"
