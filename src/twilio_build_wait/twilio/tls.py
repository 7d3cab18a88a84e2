"""TLS: which certificates are trusted, and what to do about one that is not."""

import errno
import os
import ssl
from collections.abc import Mapping

import certifi

from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import Message, message

#: What a machine that has run out of something reports; it may pass.
SHORTAGES = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}


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
    Raises LocalError, or OSError if this machine is out of something.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except (ssl.SSLError, MemoryError) as error:
        cause = message("TLS cannot be used on this machine: {}", str(error) or "out of memory")
        advice = "Check OPENSSL_CONF and the free memory of this machine"
        raise LocalError(cause, advice, ErrorKind.TRANSIENT) from None
    bundle = own_bundle(environ)
    # As in Python 3.13, except that a company's own CA may lack what the strict flag asks for.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN if bundle else ssl.VERIFY_X509_STRICT
    path = bundle or certifi.where()
    kind = "capath" if os.path.isdir(path) else "cafile"
    try:
        context.load_verify_locations(**{kind: path})
    except OSError as error:
        if error.errno in SHORTAGES or "malloc" in str(error).lower():
            raise
        no_pem = "it holds no certificate in PEM format, or a damaged one"
        problem = no_pem if isinstance(error, ssl.SSLError) else error.strerror
        cause = message(f"the CA bundle {{}} cannot be read: {problem}", redactor.redact(path))
        advice = "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or unset it"
        raise LocalError(cause, advice) from None
    return context


def issuer_advice(environ: Mapping[str, str], redactor: Redactor) -> Message:
    """Return what to do about a certificate whose issuer is not known."""
    if bundle := own_bundle(environ):
        links = ", and link it by its hash: openssl rehash" if os.path.isdir(bundle) else ""
        check = f"REQUESTS_CA_BUNDLE is {{}}: add the CA that signed this certificate{links}"
        return message(check, redactor.redact(bundle))
    return message(
        "If a company proxy signs the traffic anew, set REQUESTS_CA_BUNDLE to the file of its CA; "
        "for a GitHub action, a file in the workspace: /github/workspace/ca.pem"
    )
