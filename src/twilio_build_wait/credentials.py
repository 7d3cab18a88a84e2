"""The credentials in an environment, found in every spelling of an encoding, and never shown."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from twilio_build_wait.inputs import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN

#: A shorter secret, or password of a proxy, may be part of ordinary words, or of a SID.
SHORTEST_SECRET, SHORTEST_PASSWORD = 6, 8
#: User and secret of each login.
LOGINS = ((ACCOUNT_SID, AUTH_TOKEN), (API_KEY, API_SECRET))
# One encoded character: URL encoding, a character reference of HTML, an escape of JSON or Python.
_ENCODED = re.compile(
    rb"%[0-9A-Fa-f]{2}|&(?:#[0-9]{1,99}|#[xX][0-9A-Fa-f]{1,99}|[A-Za-z][A-Za-z0-9]{1,31});?"
    rb"|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[\\/'\"])"
)
# What is shown as a space. In the query of a URL, a plus sign stands for one, too.
_SPACE = rb"(?:[ +\t\n\v\f\r\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9])"
# Text is decoded twice before it is searched, and once for an alert, which is a query string.
_LAYERS = 3
# What is replaced if it hides a credential in an encoding: a part of a URL, a word, or all.
_PIECES = (r"[^\s/]+", r"\S+", r"(?s).+")


class Redactor:
    """Replaces tokens, passwords and `user:secret` pairs, in any case and encoding, by `***`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long_secrets = (secret for secret in secrets if len(secret) >= SHORTEST_SECRET)
        # The longest first: a pair contains its secret.
        patterns = sorted(set[bytes]().union(*map(_patterns, long_secrets)), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(patterns) or b"(?!)", re.IGNORECASE)

    def contains(self, text: str) -> bool:
        """Return whether a text contains a credential."""
        data = text.encode("utf-8", "backslashreplace")
        for _ in range(_LAYERS + 1):
            if self._pattern.search(data):
                return True
            data, count = _ENCODED.subn(lambda match: _decode(match[0]), data)
            if not count:
                break
        return False

    def redact(self, text: str) -> str:
        """Replace every credential in a text, and the smallest piece that hides one."""
        if not self.contains(text):
            return text
        data = self._pattern.sub(b"***", text.encode("utf-8", "backslashreplace"))
        text = data.decode("utf-8", "replace")
        for piece in _PIECES:
            text = re.sub(piece, lambda at: "***" if self.contains(at[0]) else at[0], text)
        return text

    def redact_json(self, value: Any) -> Any:
        """Replace every credential in an object or a list of JSON, in place; return it."""
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(each, dict | list):
                self.redact_json(each)
            elif len(text := str(each)) >= SHORTEST_SECRET and self.contains(text):
                value[key] = self.redact(text)
        return value


def _patterns(secret: str) -> set[bytes]:
    """Return patterns for a secret, also decoded as a text is, and its Base64 without padding."""
    utf_8 = secret.encode("utf-8", "surrogateescape")
    latin_1 = secret.encode("latin-1", "xmlcharrefreplace")  # as `requests` sends a proxy's login
    encoded = {encode(raw) for raw in (utf_8, latin_1) for encode in (b64encode, urlsafe_b64encode)}
    decoded = _ENCODED.sub(lambda match: _decode(match[0]), utf_8)
    plain = {form for form in (utf_8, latin_1, decoded) if len(form) >= SHORTEST_SECRET}
    return {
        *(_SPACE.join(map(re.escape, re.split(_SPACE, form))) for form in plain),
        # Programs break it into lines: base64 of coreutils does so after 76 characters.
        *(rb"\s*".join(b"[%c]" % each for each in form.rstrip(b"=")) for form in encoded),
    }


def _decode(encoded: bytes) -> bytes:
    if encoded.startswith(b"%"):
        return bytes.fromhex(encoded[1:].decode())
    if encoded.startswith(b"&"):
        from html import unescape  # noqa: PLC0415 (its table is large, and few texts need it)

        return unescape(encoded.decode()).encode()
    digits = encoded[2:]
    return chr(int(digits, 16)).encode("utf-8", "replace") if digits else encoded[1:]


def secrets(environ: Mapping[str, str]) -> list[str]:
    """Return every credential in an environment, overridden ones too, and every `user:secret`."""
    users = [value for user, _ in LOGINS for value in user.values(environ)]
    tokens = [value for _, secret in LOGINS for value in secret.values(environ)]
    logins = [f"{user}:{token}" for user in users for token in tokens]
    return [*tokens, *logins, *_proxy_logins(environ)]


def masks(environ: Mapping[str, str]) -> list[str]:
    """Return what a CI is told to hide: the secrets in use, and the Base64 that is sent."""
    logins = [(user.read(environ), secret.read(environ)) for user, secret in LOGINS]
    used = [secret for _, secret in logins if len(secret) >= SHORTEST_SECRET]
    sent = [
        f"{user}:{secret}".encode("utf-8", "surrogateescape") for user, secret in logins if secret
    ]
    return used + [b64encode(login).decode() for login in sent]


def _proxy_logins(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the secret part of each proxy's login, decoded, and the whole login."""
    for name, address in environ.items():
        if name.lower().endswith("_proxy"):
            # Up to the last `@`: people forget to encode what is special in a password.
            login = address.rpartition("@")[0]
            user, _, password = (login.partition("://")[2] or login).partition(":")
            if len(unquote(password or user)) >= SHORTEST_PASSWORD:
                yield unquote(password or user, errors="surrogateescape")
                yield unquote(f"{user}:{password}", errors="surrogateescape")
