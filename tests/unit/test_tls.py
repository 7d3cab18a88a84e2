"""Which certificates are trusted, and what to do about one that is not."""

import errno
import ssl
from pathlib import Path
from unittest import mock

import pytest

from tests.conftest import Authority
from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.twilio.tls import LocalError, issuer_advice, make_context

REDACTOR = Redactor(["sw0rdfish"])


def context(**environ: str) -> ssl.SSLContext:
    return make_context(environ, REDACTOR)


def failure(**environ: str) -> PollError:
    """The error of a context that cannot be made."""
    with pytest.raises(LocalError) as raised:
        context(**environ)
    assert raised.value.error.reach is Reach.LOCAL
    return raised.value.error


def test_own_bundle_replaces_that_of_certifi(authority: Authority) -> None:
    assert len(context().get_ca_certs()) > 50
    assert len(context(CURL_CA_BUNDLE=str(authority.bundle)).get_ca_certs()) == 1
    both = context(REQUESTS_CA_BUNDLE=str(authority.bundle), CURL_CA_BUNDLE="/none")
    assert len(both.get_ca_certs()) == 1
    folder = context(CURL_CA_BUNDLE=str(authority.bundle.parent))
    assert len(folder.get_ca_certs()) == 0  # they are read when they are needed


def test_bundle_that_cannot_be_read_is_permanent(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nMII")
    error = failure(REQUESTS_CA_BUNDLE=str(bundle))
    assert error.kind is ErrorKind.PERMANENT
    cause = f"the CA bundle {bundle} cannot be read: it holds no certificate in PEM format, or "
    assert error.cause.text().startswith(cause)
    assert error.advice.text() == "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or unset it"


def test_path_of_a_bundle_is_shown_without_credentials() -> None:
    cause = "the CA bundle /***/ca.pem cannot be read: No such file or directory"
    assert failure(CURL_CA_BUNDLE="/sw0rdfish/ca.pem").cause.text() == cause


# What OpenSSL raises when it starts, and what is said of it.
NO_TLS: dict[str, tuple[Exception, str]] = {
    "no ciphers": (ssl.SSLError(161, "library has no ciphers"), "library has no ciphers"),
    "out of memory": (MemoryError(), "out of memory"),
}


@pytest.mark.parametrize("error, cause", NO_TLS.values(), ids=NO_TLS)
def test_openssl_that_cannot_be_used_is_transient(error: Exception, cause: str) -> None:
    with mock.patch.object(ssl.SSLContext, "__new__", side_effect=error):
        failed = failure()
    assert failed.kind is ErrorKind.TRANSIENT
    assert failed.cause.text() == f"TLS cannot be used on this machine: {cause}"
    assert failed.advice.text() == "Check OPENSSL_CONF and the free memory of this machine"


SHORTAGES = {
    "descriptors": OSError(errno.EMFILE, "Too many open files"),
    "memory": ssl.SSLError(1, "X509: malloc failure"),
}


@pytest.mark.parametrize("shortage", SHORTAGES.values(), ids=SHORTAGES)
def test_shortage_is_not_the_fault_of_the_bundle(shortage: OSError) -> None:
    with (
        mock.patch.object(ssl.SSLContext, "load_verify_locations", side_effect=shortage),
        pytest.raises(OSError, match=shortage.args[1]) as raised,
    ):
        context()
    assert raised.value is shortage


ADD = "REQUESTS_CA_BUNDLE is {}: add the CA that signed this certificate"
# Environment -> the beginning of the advice.
ISSUERS = {
    "own bundle": ({"CURL_CA_BUNDLE": "/sw0rdfish/ca"}, ADD.format("/***/ca")),
    "folder": (
        {"REQUESTS_CA_BUNDLE": "/dev"},
        f"{ADD.format('/dev')}, and link it by its hash: openssl rehash",
    ),
    "nothing": ({}, "If a company proxy signs the traffic anew, set REQUESTS_CA_BUNDLE"),
}


@pytest.mark.parametrize("environ, advice", ISSUERS.values(), ids=ISSUERS)
def test_advice_about_an_unknown_issuer_depends_on_what_is_set(
    environ: dict[str, str], advice: str
) -> None:
    assert issuer_advice(environ, REDACTOR).text().startswith(advice)
