"""Credentials in an environment, and what is shown instead of them."""

import base64
from urllib.parse import quote

import pytest

from tests.support.samples import ACCOUNT_SID, API_KEY, SECRET, TOKEN, environment
from twilio_build_wait.redaction import Redactor, credentials, masks, secrets

PROXY = "http://me:p%40ss+w0rd@proxy.test:3128"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# Secret and form of it; the padding of Base64 may be left.
FORMS = {
    "as it is": (TOKEN, TOKEN),
    "in capitals": (TOKEN, TOKEN.upper()),
    "URL-encoded": (TOKEN, quote(TOKEN, safe="")),
    "path of a URL": (TOKEN, quote(TOKEN)),
    "form of a URL": ("two words", "two+words"),
    "Base64": (TOKEN, b64(TOKEN)),
    "Base64 without padding": (TOKEN, b64(TOKEN).rstrip("=")),
    "URL-safe Base64": ("???>>>", base64.urlsafe_b64encode(b"???>>>").decode()),
    "URL-encoded Base64": ("???>>>", quote(b64("???>>>"), safe="")),
    "repr": ("tab\there", "tab\\there"),
    "JSON": ('quo"ted', 'quo\\"ted'),
    "not ASCII": ("ünicode", "%C3%BCnicode"),
    "not UTF-8": ("secret\udcff", base64.b64encode(b"secret\xff").decode()),
}


@pytest.mark.parametrize("secret, form", FORMS.values(), ids=FORMS)
def test_form_is_redacted(secret: str, form: str) -> None:
    redactor = Redactor([secret])
    assert redactor.contains(f"<{form}>")
    assert redactor.redact(f"<{form}>").replace("=", "") == "<***>"


def test_longest_form_is_redacted_first_and_none_under_6_characters() -> None:
    assert Redactor(["secret", "secret-and-more"]).redact("secret-and-more") == "***"
    assert Redactor(["abcde", "fghijk"]).redact("abcde fghijk") == "abcde ***"
    assert Redactor(["abcde"]).redact("abcde") == "abcde"
    assert not Redactor([]).contains("anything")


@pytest.mark.parametrize("secret", ["one\ntwo", "in\u200bvisible", "a::error::b", "one two"])
def test_secret_is_redacted_before_and_after_text_is_made_safe(secret: str) -> None:
    assert Redactor([secret]).line(f"<{secret}>") == "<***>"
    assert Redactor(["one two"]).line("one\ntwo") == "***"


# Changes of the environment, what is a credential then.
KEY = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
FOUND: dict[str, tuple[dict[str, str], str]] = {
    "API key": (KEY, f"{API_KEY}:{SECRET}"),
    "token": ({}, f"{ACCOUNT_SID}:{TOKEN}"),
    "overridden token": ({"INPUT_AUTH-TOKEN": "overriding"}, TOKEN),
    "decoded proxy password": ({"HTTPS_PROXY": PROXY}, "p@ss+w0rd"),
    "proxy password": ({"all_proxy": PROXY}, "p%40ss+w0rd"),
    "proxy login": ({"HTTP_PROXY": "me:password@proxy.test"}, "me:password"),
    "at sign": ({"http_proxy": "http://a:p@ssw0rd@b.test"}, "p@ssw0rd"),
}


@pytest.mark.parametrize("changes, expected", FOUND.values(), ids=FOUND)
def test_credential_is_found(changes: dict[str, str], expected: str) -> None:
    assert expected in secrets(environment(**changes))
    assert expected in credentials(environment(**changes))


def test_what_is_no_credential_is_not_found() -> None:
    environ = environment(HTTPS_PROXY="http://a.test:1", PROXY_LOGIN="me:password@a.test")
    assert secrets(environ) == (TOKEN, f"{ACCOUNT_SID}:{TOKEN}")
    assert secrets({}) == credentials({}) == masks({}) == ()


def test_short_credential_is_no_reason_to_refuse_an_input() -> None:
    proxies = {"HTTPS_PROXY": "http://me:1234567@a.test", "HTTP_PROXY": "http://me:12345678@a.test"}
    assert credentials(proxies) == ("12345678", "me:12345678")
    assert "1234567" in secrets(proxies)
    assert credentials(environment(TWILIO_AUTH_TOKEN="12345")) == ()


def test_refused_login_combines_every_user_with_every_token() -> None:
    environ = environment(TWILIO_API_KEY=API_KEY, **{"INPUT_AUTH-TOKEN": "overriding"})
    expected = {
        f"{user}:{token}" for user in (ACCOUNT_SID, API_KEY) for token in (TOKEN, "overriding")
    }
    assert set(credentials(environ)) == {TOKEN, "overriding"} | expected
