"""The credentials in an environment, found in every spelling of an encoding, and never shown."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from html import unescape
from typing import Any
from urllib.parse import unquote

from twilio_build_wait.inputs import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN

#: A shorter secret is not hidden in our own lines: it would be found inside ordinary words.
SHORTEST_SECRET = 6
#: A shorter password of a proxy does not make an input invalid: it may be an ordinary word.
SHORTEST_PASSWORD = 8

_LOGINS = ((ACCOUNT_SID, AUTH_TOKEN), (API_KEY, API_SECRET))

# One encoded character: URL encoding, a character reference of HTML, an escape of JSON or Python.
# Line breaks that are not ASCII are among them, because they are shown as a space.
_ENCODED = re.compile(
    rb"%[0-9A-Fa-f]{2}|&(?:#[0-9]{1,99}|#[xX][0-9A-Fa-f]{1,99}|[A-Za-z][A-Za-z0-9]{1,31});?"
    rb"|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[\\/'\"])|\xc2\x85|\xe2\x80[\xa8\xa9]"
)
_BASE64 = (b64encode, urlsafe_b64encode)
# Text is decoded so many times before it is searched: twice, and once for the text of an alert,
# which is a query string.
_LAYERS = 3
# What is replaced if it hides a credential in an encoding: a part of a URL, a word, or all.
_PIECES = (re.compile(r"[^\s/]+"), re.compile(r"\S+"), re.compile(r".+", re.DOTALL))
# So many values of JSON are searched at once: there can be a million.
_BATCH = 500
# What is shown as a space. In the query of a URL, a plus sign stands for one, too.
_SPACES = b"+\t\n\v\f\r\x1c\x1d\x1e"
_AS_SPACES = bytes.maketrans(_SPACES, b" " * len(_SPACES))


class Redactor:
    """Replaces credentials by `***`.

    It takes tokens, passwords and `user:secret` pairs as they are. It finds them in any case, in
    every spelling of an encoding, and as Base64, with or without padding.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: a pair contains its secret.
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        any_space = b"[ " + _SPACES + b"]"
        patterns = (re.escape(form).replace(b"\\ ", any_space) for form in self._forms)
        self._pattern = re.compile(b"|".join(patterns), re.IGNORECASE)

    def contains(self, text: str) -> bool:
        """Return whether a text contains a credential."""
        data = text.encode("utf-8", "backslashreplace")
        for _ in range(_LAYERS + 1):
            plain = _plain(data)
            if any(form in plain for form in self._forms):
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
            if self.contains(text):
                text = piece.sub(lambda match: "***" if self.contains(match[0]) else match[0], text)
        return text

    def redact_json(self, value: Any) -> Any:
        """Replace every credential in an object or a list of JSON, in place; return it."""
        leaves = [*_leaves(value)]
        for start in range(0, len(leaves), _BATCH):
            batch = leaves[start : start + _BATCH]
            if self.contains("\0".join(str(container[key]) for container, key in batch)):
                for container, key in batch:
                    text = str(container[key])
                    if self.contains(text):
                        container[key] = self.redact(text)
        return value


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the container and the key of everything in a JSON value that is no container."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(each, dict | list):
            yield from _leaves(each)
        else:
            yield value, key


@lru_cache
def _decode(encoded: bytes) -> bytes:
    if encoded.startswith(b"%"):
        return bytes.fromhex(encoded[1:].decode())
    if encoded.startswith(b"&"):
        return unescape(encoded.decode()).encode()
    if encoded.startswith(b"\\"):
        digits = encoded[2:]
        return chr(int(digits, 16)).encode("utf-8", "replace") if digits else encoded[1:]
    return b" "


def secrets(environ: Mapping[str, str], shortest_password: int = SHORTEST_SECRET) -> list[str]:
    """Return every credential in an environment, and every `user:secret` pair.

    This includes values that another variable of the same input overrides, and the logins in the
    addresses of proxies; those have at least `shortest_password` characters.
    """
    users = [value for user, _ in _LOGINS for value in user.values(environ)]
    tokens = [value for _, secret in _LOGINS for value in secret.values(environ)]
    logins = [f"{user}:{token}" for user in users for token in tokens]
    return [*tokens, *logins, *_proxy_logins(environ, shortest_password)]


def masks(environ: Mapping[str, str]) -> list[str]:
    """Return what a CI is told to hide: the secrets in use, and the Base64 that is sent."""
    logins = [(user.read(environ), secret.read(environ)) for user, secret in _LOGINS]
    used = [secret for _, secret in logins if len(secret) >= SHORTEST_SECRET]
    sent = [f"{user}:{secret}" for user, secret in logins if secret]
    return [*used, *(b64encode(_bytes(login)).decode() for login in sent)]


def _proxy_logins(environ: Mapping[str, str], shortest: int) -> Iterator[str]:
    """Yield the secret part of each proxy's login, decoded, and the whole login.

    Parsers disagree on where a login ends if it holds a character that has to be encoded, so each
    reading counts: up to the last `@` of the address, and up to the last one before the path.
    """
    proxies = [address for name, address in environ.items() if name.lower().endswith("_proxy")]
    for address in proxies:
        rest = address.partition("://")[2] or address
        for reading in (rest, re.split(r"[/?#\\]", rest)[0]):
            parts = reading.rpartition("@")[0].partition(":")
            user, _, password = (unquote(part, errors="surrogateescape") for part in parts)
            if len(password or user) >= shortest:
                yield password or user
                yield f"{user}:{password}"


def _forms(secret: str) -> set[bytes]:
    """Return a secret and its Base64 without padding, in each encoding in which it may be sent."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    raw_forms = {_bytes(secret)}
    with suppress(UnicodeEncodeError):  # `requests` sends a proxy's login as latin-1
        raw_forms.add(secret.encode("latin-1"))
    base64 = {encode(raw).rstrip(b"=") for raw in raw_forms for encode in _BASE64}
    return {_plain(form) for form in raw_forms | base64}


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogateescape")


def _plain(data: bytes) -> bytes:
    """Return bytes for a comparison."""
    return data.lower().translate(_AS_SPACES)
