"""TLS: which certificates are trusted, and what to do about one that is not."""

import errno
import os
import ssl
from collections.abc import Mapping

import certifi

from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import Message, message

# OpenSSL's numbers of verification errors (openssl/x509_vfy.h), and what to do; {} is the peer.
_CLOCK = "Renew the certificate, or correct the clock of this machine"
_OTHER_HOST = "It was issued for another host: check that {} is the right one"
_WEAK = "Its key or signature is too weak: it has to be issued anew, with a longer key and SHA-256"
_ADVICE = {
    9: _CLOCK,  # not yet valid
    10: _CLOCK,  # expired
    26: "It was not issued for a server: it has to be issued anew",
    62: _OTHER_HOST,  # another name
    64: _OTHER_HOST,  # another address
    66: _WEAK,  # the server's key
    67: _WEAK,  # a CA's key
    68: _WEAK,  # a CA's digest
}
_UNKNOWN_ISSUERS = {2, 18, 19, 20, 21}
# What only the strict flag finds.
_STRICT = range(80, 95)

#: What a machine that has run out of something reports; it may pass.
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


class LocalError(OSError):
    """Something on this machine keeps a request from being sent; `error` is what it means."""

    def __init__(self, cause: Message, advice: str, kind: ErrorKind = ErrorKind.PERMANENT) -> None:
        super().__init__(cause.text())
        self.error = PollError(cause, kind, advice=message(advice), reach=Reach.LOCAL)


def own_bundle(environ: Mapping[str, str]) -> str:
    """Return the path of the user's own CA bundle, chosen as `requests` does; else empty."""
    return environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or ""


def make_context(environ: Mapping[str, str], redactor: Redactor) -> ssl.SSLContext:
    """Make the TLS context of a client that trusts the user's own bundle, or else certifi's.

    Not by a helper of ssl or urllib3: both write the keys to SSLKEYLOGFILE and fail if they cannot.

    Raises:
        LocalError: the bundle or OpenSSL cannot be used.
        OSError: this machine is out of file descriptors or memory.
    """
    bundle = own_bundle(environ)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # As in Python 3.13, except that a company's own CA may lack what the strict flag asks for.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN if bundle else ssl.VERIFY_X509_STRICT
        problem = _load(context, bundle or certifi.where())
    except (ssl.SSLError, MemoryError) as error:
        cause = message("TLS cannot be used on this machine: {}", str(error) or "out of memory")
        advice = "Check OPENSSL_CONF and the free memory of this machine"
        raise LocalError(cause, advice, ErrorKind.TRANSIENT) from None
    if problem:
        shown = redactor.redact(bundle or certifi.where())
        cause = message(f"the CA bundle {{}} cannot be read: {problem}", shown)
        raise LocalError(cause, "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or unset it")
    return context


def _load(context: ssl.SSLContext, path: str) -> str:
    """Trust the CAs in a file, or in a folder of certificates; return why that is impossible."""
    is_folder = os.path.isdir(path)
    try:
        context.load_verify_locations(
            cafile=None if is_folder else path, capath=path if is_folder else None
        )
    except OSError as error:
        is_damaged = isinstance(error, ssl.SSLError) and "MALLOC" not in str(error).upper()
        if is_damaged:
            return _why_unreadable(path)
        if isinstance(error, ssl.SSLError) or error.errno in SHORTAGES:
            raise
        return str(error.strerror)
    return ""


def _why_unreadable(path: str) -> str:
    """Return why OpenSSL finds no certificate in a file."""
    with open(path, "rb") as file:
        start = file.read(8192)
    if start.startswith(b"\x30\x82"):  # a SEQUENCE of ASN.1
        return "it is in DER format; convert it: openssl x509 -inform der -in FILE -out ca.pem"
    if b"CERTIFICATE-----" in start:
        return "a block in it is damaged"
    return "it holds no certificate in PEM format"


def certificate_advice(code: int, peer: Message, bundle: str, *, has_cert_file: bool) -> Message:
    """Return what to do about a certificate of `peer` that does not verify.

    `code` is OpenSSL's number. `bundle` is the user's own, empty without one. `has_cert_file` says
    whether SSL_CERT_FILE is set.
    """
    if code in _UNKNOWN_ISSUERS:
        return _unknown_issuer_advice(bundle, has_cert_file=has_cert_file)
    if code in _STRICT and not bundle:
        return message(
            "It breaks a strict rule. If it is your company's, set REQUESTS_CA_BUNDLE to the file "
            "of its CA: then such rules are not checked"
        )
    return message(_ADVICE.get(code, "Correct the certificate of {}, or have it issued anew"), peer)


def _unknown_issuer_advice(bundle: str, *, has_cert_file: bool) -> Message:
    if bundle:
        links = ", and link it by its hash: openssl rehash" if os.path.isdir(bundle) else ""
        check = f"REQUESTS_CA_BUNDLE is {{}}: add the CA that signed this certificate{links}"
        return message(check, bundle)
    if has_cert_file:
        return message("SSL_CERT_FILE is not read: set REQUESTS_CA_BUNDLE to the same path")
    return message(
        "If a company proxy signs the traffic anew, set REQUESTS_CA_BUNDLE to the file of its CA; "
        "for a GitHub action, a file in the workspace: /github/workspace/ca.pem"
    )
