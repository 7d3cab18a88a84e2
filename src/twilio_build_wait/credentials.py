"""What must never be shown: found in the environment before anything is checked or said."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote

from twilio_build_wait import text
from twilio_build_wait.inputs import BY_NAME

_PAIRS = (("account-sid", "auth-token"), ("api-key", "api-secret"))


def secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return every credential in an environment, and every `user:secret` pair as it is sent.

    Those that another name of the same input wins over are among them, and a proxy's password,
    which stands in the proxy's address.
    """
    variables = [name for _, secret in _PAIRS for name in BY_NAME[secret].variables()]
    found = [environ.get(name, "").strip() for name in variables] + _logins(environ)
    for name, proxy in environ.items():
        if name.lower().endswith("_proxy") and "@" in proxy:
            address = proxy.rpartition("@")[0]
            login = address.partition("://")[2] or address
            password = login.partition(":")[2]
            found += [password, unquote(password), login, unquote(login)]
    return tuple(found)


def masks(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a runner is told to hide: the secrets in use, and the Base64 that is sent."""
    used = [BY_NAME[secret].read(environ) for _, secret in _PAIRS]
    sent = [b64encode(login.encode("utf-8", "surrogateescape")) for login in _logins(environ)]
    return (*filter(text.maskable, used), *(encoded.decode() for encoded in sent))


def _logins(environ: Mapping[str, str]) -> list[str]:
    pairs = [
        (BY_NAME[user].read(environ), BY_NAME[secret].read(environ)) for user, secret in _PAIRS
    ]
    return [f"{user}:{secret}" for user, secret in pairs if secret]
