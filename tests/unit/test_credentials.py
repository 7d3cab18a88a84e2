"""Credentials in an environment, every spelling of them, and what is shown instead."""

from base64 import b64encode, encodebytes, urlsafe_b64encode
from html import escape
from typing import cast
from urllib.parse import quote

import pytest

from tests.support.samples import ACCOUNT_SID, API_KEY, SECRET, TOKEN, environment
from twilio_build_wait.credentials import Redactor, masks, secrets

HEX = "0123456789abcdef0123456789abcdef"
# What HTML, JSON and Python escape.
MARKS = "a!b'c(d)e*f\"g<h>i&j/k\\l"
KEY = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}


def base64(text: str, encoding: str = "utf-8") -> str:
    return b64encode(text.encode(encoding)).decode()


def login(user: str, secret: str) -> str:
    return base64(f"{user}:{secret}")


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


# A secret, and a spelling of it.
SPELLINGS: dict[str, tuple[str, str]] = {
    "as it is": (TOKEN, TOKEN),
    "in capitals": (HEX, HEX.upper()),
    "URL-encoded": (TOKEN, quote(TOKEN, safe="")),
    "URL-encoded as a form": ("two words", "two+words"),
    "a plus sign that was decoded": ("two+words", "two words"),
    "half of it URL-encoded, twice": (HEX, HEX[:20] + quote(percent(HEX[20:]))),
    "HTML": (MARKS, escape(MARKS)),
    "decimal references with zeros": (HEX, "".join(f"&#{ord(each):09};" for each in HEX)),
    "references in capitals": (HEX, "".join(f"&#X{ord(each):04X};" for each in HEX)),
    "references without semicolons": ("z-y-z-y-z", "z&#45y&#45z&#x2dy&#x2dz"),
    "repr": (MARKS, repr(MARKS)[1:-1]),
    "JSON with escaped slashes": ("half/other", r"half\/other"),
    "JSON escapes": (HEX, "".join(f"\\u{ord(each):04x}" for each in HEX)),
    "Python escapes": (HEX, "".join(f"\\x{ord(each):02X}" for each in HEX)),
    "Base64": (TOKEN, base64(TOKEN)),
    "Base64 without padding": (TOKEN, base64(TOKEN).rstrip("=")),
    "HTML of a secret that looks encoded": ("a&b%41cdef", "a&amp;b%41cdef"),
    "URL-safe Base64": ("???>>>", urlsafe_b64encode(b"???>>>").decode()),
    "not ASCII, URL-encoded as latin-1": ("ünicode", "%FCnicode"),
    "not ASCII, Base64": ("ünicode", base64("ünicode")),
    "not ASCII, Base64 of latin-1": ("ünicode", base64("ünicode", "latin-1")),
    "not even latin-1": ("1234€5678", base64("1234€5678")),
    "not UTF-8": ("secret\udcff", b64encode(b"secret\xff").decode()),
    "a line break that is shown as a space": ("one two", "one\ntwo"),
    "a line break beyond ASCII": ("one two 3", "one\u2028two\x853"),
}


@pytest.mark.parametrize("secret, spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_redacted(secret: str, spelling: str) -> None:
    redacted = Redactor([secret]).redact(f"before {spelling} after")
    assert redacted.removesuffix(" after").rstrip("=%3D") == "before ***"


# Secrets, and a text that holds none of them.
HARMLESS: dict[str, tuple[list[str], str]] = {
    "no secrets": ([], "anything%20at all"),
    "too short to be hidden": (["abcde"], "abcde"),
    "a part of it": ([HEX], HEX[1:]),
    "too short when it is decoded": (["%41%42x"], "ABx"),
    "broken encodings": ([HEX], "% %4 %zz &#; &#x; &; \\u12 \\x1 \\ & "),
    "a lone surrogate": ([HEX], "\ud800%41"),
    "encoded four times": (["ABCDEF"], quote(quote(quote(percent("ABCDEF"))))),
}

NINES = f"&#{'9' * 5000};"
# Secrets, a text, and what is left of it.
REDACTED: dict[str, tuple[list[str], str, str]] = {
    "six characters": (["abcdef"], "abcdef", "***"),
    "a secret inside a longer one": (["secret", "SECRET-and-more"], "secret-and-more", "***"),
    "as it is and encoded": ([HEX], f"ä {HEX} {percent(HEX)} ü", "ä *** *** ü"),
    "a pair, and its parts": (["me:secret", "secret"], "me:secret me secret", "*** me ***"),
    "beside a lone surrogate": ([HEX], f"\ud800{HEX}", "\\ud800***"),
    "in a word": ([HEX], f"a b%FF{percent(HEX)}c d", "a *** d"),
    "beside an enormous reference": ([HEX], f"{NINES} {percent(HEX)}", f"{NINES} ***"),
    "in the path of a URL": ([HEX], f"https://a.test/{percent(HEX)}/b", "https://a.test/***/b"),
    "Base64 in lines": ([HEX * 3], f"a {encodebytes(HEX.encode() * 3).decode()}b", "a ***\nb"),
    "words that only look like it": (["nightlyrun"], "nightly run", "nightly run"),
    "in two words": (["one two"], "a %6fne two b", "***"),
    "in two words on two lines": (["one two"], "a %6fne\ntwo b", "***"),
    "in two parts of a path": (["half/other"], "a h%61lf/other b", "a *** b"),
    "bytes inside a character": (["¤bcdef"], "äbcdef", "\ufffd***"),
}
REDACTED |= {case: (hidden, text, text) for case, (hidden, text) in HARMLESS.items()}


@pytest.mark.parametrize("hidden, text, expected", REDACTED.values(), ids=REDACTED)
def test_only_credentials_are_redacted(hidden: list[str], text: str, expected: str) -> None:
    assert Redactor(hidden).redact(text) == expected


def test_json_is_redacted_in_every_value() -> None:
    body = {"a": ["x", {"b": f"<{TOKEN}>"}], "c": None, "d": True, "e": "200034", "f": 200034.0}
    redacted = {"a": ["x", {"b": "<***>"}], "c": None, "d": True, "e": "***", "f": "***.0"}
    assert Redactor([TOKEN, "200034"]).redact_json(body) == redacted


PROXY = "http://me:p%40ss+w0rd@proxy.test:3128"
# Changes of the environment, and what is a credential then.
CREDENTIALS: dict[str, tuple[dict[str, str], str]] = {
    "token": ({}, TOKEN),
    "login with the token": ({}, f"{ACCOUNT_SID}:{TOKEN}"),
    "login with an API key": (KEY, f"{API_KEY}:{SECRET}"),
    "token that another variable overrides": ({"INPUT_AUTH-TOKEN": "overriding"}, TOKEN),
    "password of a proxy": ({"https_proxy": PROXY}, "p@ss+w0rd"),
    "name of a variable in capitals": ({"HTTPS_PROXY": PROXY}, "p@ss+w0rd"),
    "login of a proxy": ({"http_proxy": PROXY}, "me:p@ss+w0rd"),
    "address without a scheme": ({"http_proxy": "me:password@proxy.test"}, "me:password"),
    "user name without a password": ({"all_proxy": "http://proxytoken@a.test"}, "proxytoken"),
    "at sign in the password": ({"http_proxy": "http://a:p@ssw0rd@b.test"}, "p@ssw0rd"),
    "slash in the password": ({"http_proxy": "http://a:pass://w0rd@b.test"}, "pass://w0rd"),
    "encoded colon in the user name": ({"http_proxy": "http://a%3Ab:passw0rd@c"}, "a:b:passw0rd"),
    "not UTF-8": ({"https_proxy": "http://me:p%E4ssword@a.test"}, "p\udce4ssword"),
    "eight characters": ({"https_proxy": "http://me:12345678@a.test"}, "12345678"),
}


@pytest.mark.parametrize("changes, expected", CREDENTIALS.values(), ids=CREDENTIALS)
def test_credential_in_an_environment(changes: dict[str, str], expected: str) -> None:
    assert expected in secrets(environment(**changes))


def test_proxy_without_a_login_has_no_credential() -> None:
    environ = {"HTTPS_PROXY": "http://a.test:1", "PROXY_LOGIN": "me:password@a.test"}
    environ["KEYSTORE"] = cast("str", None)  # it may be long: the search would take minutes
    assert secrets(environ) == []


def test_password_of_a_proxy_with_seven_characters_is_no_credential() -> None:
    assert secrets({"https_proxy": "http://me:1234567@a.test"}) == []


# Changes of the environment, and what a CI is told to hide.
MASKS: dict[str, tuple[dict[str, str], list[str]]] = {
    "token and secret": (KEY, [TOKEN, SECRET, login(ACCOUNT_SID, TOKEN), login(API_KEY, SECRET)]),
    "the value that counts": (
        {"INPUT_AUTH-TOKEN": "123456"},
        ["123456", login(ACCOUNT_SID, "123456")],
    ),
    "five characters": ({"TWILIO_AUTH_TOKEN": "12345"}, [login(ACCOUNT_SID, "12345")]),
    "not UTF-8": (
        {"TWILIO_AUTH_TOKEN": "1\udcff"},
        [b64encode(f"{ACCOUNT_SID}:1".encode() + b"\xff").decode()],
    ),
}


@pytest.mark.parametrize("changes, expected", MASKS.values(), ids=MASKS)
def test_ci_is_told_to_hide_what_is_in_use(changes: dict[str, str], expected: list[str]) -> None:
    assert masks(environment(**changes)) == expected
