"""The credentials in an environment: found before anything is checked, never shown."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

from twilio_build_wait import text
from twilio_build_wait.inputs import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN
from twilio_build_wait.text import SafeText

#: A shorter secret is not hidden in our own lines: it would be found inside ordinary words.
SHORTEST_SECRET = 6
# A shorter password of a proxy does not make an input invalid: it may be an ordinary word.
_SHORTEST_PASSWORD = 8

_LOGINS = ((ACCOUNT_SID, AUTH_TOKEN), (API_KEY, API_SECRET))


class Redactor:
    """Replaces credentials by `***` and makes text safe to show.

    It takes tokens, passwords and `user:secret` pairs as they are. Their URL-encoded forms and
    their Base64, with or without padding, are replaced too.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        nothing = r"(?!)"
        pattern = "|".join(map(re.escape, longest_first)) or nothing
        self._pattern = re.compile(pattern, re.IGNORECASE)

    def redact(self, foreign: str) -> str:
        """Replace every credential in a text, and leave the rest as it is."""
        return self._pattern.sub("***", foreign)

    def contains(self, foreign: str) -> bool:
        """Return whether a text contains a credential."""
        return bool(self._pattern.search(foreign))

    def line(self, message: str) -> SafeText:
        """Make a text one safe line of any length."""
        # Redacted before and after each change: a credential may itself hold a line break, an
        # invisible character or an opener.
        for change in (text.flat, text.visible, text.without_openers):
            message = change(self.redact(message))
        return SafeText(self.redact(message))

    def piece(self, foreign: str, limit: int = text.LIMIT) -> SafeText:
        """Make a foreign text one safe line of at most `limit` characters."""
        return text.clip(self.line(foreign), limit)


def secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return every credential in an environment, and every `user:secret` pair as it is sent.

    This includes values that another variable of the same input overrides, and the passwords in
    the addresses of proxies.
    """
    return (*_tokens(environ), *_logins(environ), *_proxy_credentials(environ))


def credentials(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what no input but a secret may contain, by the contract's rule on inputs."""
    tokens = [token for token in _tokens(environ) if len(token) >= SHORTEST_SECRET]
    users = [value for user, _ in _LOGINS for value in user.values(environ)]
    logins = [f"{user}:{token}" for user in users for token in tokens]
    return (*tokens, *logins, *_proxy_credentials(environ, _SHORTEST_PASSWORD))


def masks(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a CI is told to hide: the secrets in use, and the Base64 that is sent."""
    used = [secret.read(environ) for _, secret in _LOGINS]
    sent = [base64.b64encode(_encoded(login)).decode() for login in _logins(environ)]
    return (*(secret for secret in used if len(secret) >= SHORTEST_SECRET), *sent)


def _tokens(environ: Mapping[str, str]) -> list[str]:
    return [value for _, secret in _LOGINS for value in secret.values(environ)]


def _logins(environ: Mapping[str, str]) -> list[str]:
    pairs = [(user.read(environ), secret.read(environ)) for user, secret in _LOGINS]
    return [f"{user}:{secret}" for user, secret in pairs if secret]


def _proxy_credentials(environ: Mapping[str, str], shortest: int = 0) -> list[str]:
    """Return the password and the `user:password` of each proxy, both as given and decoded."""
    found = []
    for name, proxy in environ.items():
        if name.lower().endswith("_proxy") and "@" in proxy:
            address = proxy.rpartition("@")[0]
            login = address.partition("://")[2] or address
            for form in dict.fromkeys((login, unquote(login))):
                password = form.partition(":")[2]
                found += [password, form] if len(password) >= shortest else []
    return found


def _forms(secret: str) -> set[str]:
    if len(secret) < SHORTEST_SECRET:
        return set()
    raw = _encoded(secret)
    padded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    encoded = {form.rstrip("=") for form in padded}
    forms = {secret, *encoded, *(quote(form, safe="") for form in encoded)}
    forms |= {repr(secret)[1:-1], json.dumps(secret)[1:-1]}  # in messages of exceptions
    forms |= {quote(secret, safe="", errors="replace"), quote(secret, errors="replace")}
    return forms | {quote_plus(secret, errors="replace")}


def _encoded(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogateescape")
