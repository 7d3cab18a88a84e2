"""The table of inputs: where each is read from, and its format."""

import pytest

from tests.support.samples import ACCOUNT_SID, API_KEY, BUILD_SID, ENVIRONMENT_SID, SERVICE_SID
from twilio_build_wait import inputs

TABLE = {spec.name: spec for spec in inputs.INPUTS}
HEX = "0123456789abcdef0123456789ABCDEF"

# Name of an input -> valid texts.
VALID = {
    "account-sid": [ACCOUNT_SID],
    "auth-token": ["a~ !"],
    "api-key": [API_KEY],
    "service-sid": [SERVICE_SID, "my_Service-1", "x" * 255, f"ZS{HEX}0", "ZSshort"],
    "build-sid": [BUILD_SID, "latest", "LATEST"],
    "environment-sid": [ENVIRONMENT_SID],
    "timeout": ["0", "24h"],
    "interval": ["100ms", "1h"],
    "max-interval": ["100ms", "1h"],
    "region": ["us1", "a-b9", "a" * 20],
    "edge": ["dublin", "e" * 40],
    "output-file": ["a", "a\nb"],
    "base-url": ["https://a.test", "http://a_b:1/", "https://[::1]:80", "https://_a.b_c.test."],
}
VALID["base-url"] += [f"https://{'a' * 63}.test/a::b~!$&'()*+,;=%41@[]", f"https://{'a.' * 126}a"]

# Name of an input -> invalid texts.
INVALID = {
    "account-sid": [f"ac{HEX}", f"AC{HEX}0", HEX, f"AC{HEX[1:]}g", "AC" + "١" * 32],
    "auth-token": ["a\x7f", "ä", "a\nb", "\x1f"],
    "api-key": [f"AC{HEX}"],
    "service-sid": ["x" * 256, "ZS" + "g" * 32, "a b", "ä", "a/b", "name\n"],
    "build-sid": ["newest", "lateſt", f"ZB{HEX[1:]}", f"ZB{HEX[1:]}g", "Z" + HEX],
    "environment-sid": [BUILD_SID],
    "timeout": ["24h1ms", "soon"],
    "interval": ["99ms", "3601"],
    "max-interval": ["99ms", "1h1ms"],
    "region": ["a" * 21, "a", "1us", "US1", "us_1", "us-", "us1.x"],
    "edge": ["e" * 41],
    "summary": ["yes", "1", "falſe"],
    "base-url": ["https://", "ftp://a.test", "a.test", "https://u@a.test", "https://a.te\nst"],
}
BAD_HOSTS = ["ä.test", "-a.test", "a-.test", "a..test", "[::1", "[::1]x", "[v1.a]"]
BAD_HOSTS += ["a.test:", "a.test:0", "a.test:65536", "a.test:x", f"{'a' * 64}.b", f"{'a.' * 127}a"]
BAD_PATHS = ["?a", "#a", "/?", "/a b", "/\\", "/`", "/ä"]
INVALID["base-url"] += ["httpſ://a.test", *(f"https://{host}" for host in BAD_HOSTS)]
INVALID["base-url"] += [f"https://a.test{path}" for path in BAD_PATHS]

# An input, a text, and the value that it stands for.
VALUES: dict[str, tuple[inputs.Input[str] | inputs.Input[bool], str, object]] = {
    "false": (inputs.SUMMARY, "False", False),
    "true": (inputs.DIAGNOSE, "TRUE", True),
    "slashes at the end": (inputs.BASE_URL, "HTTPS://A.test:1/b//", "https://A.test:1/b"),
    "no path": (inputs.BASE_URL, "http://a/", "http://a"),
}


def pairs(texts: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, listed in texts.items() for text in listed]


@pytest.mark.parametrize("name, text", pairs(VALID), ids=ascii)
def test_valid_text_is_parsed(name: str, text: str) -> None:
    assert TABLE[name].format.parse(text) is not None


@pytest.mark.parametrize("name, text", pairs(INVALID), ids=ascii)
def test_invalid_text_is_not_parsed(name: str, text: str) -> None:
    assert TABLE[name].format.parse(text) is None


@pytest.mark.parametrize("spec, text, value", VALUES.values(), ids=VALUES)
def test_value_of_a_text(spec: inputs.Input[object], text: str, value: object) -> None:
    assert spec.format.parse(text) == value


def test_default_may_be_false() -> None:
    assert inputs.Input("a", "", inputs.SUMMARY.format, "false").default is False


def test_values_are_trimmed_and_in_the_order_of_their_variables() -> None:
    names = ["INPUT_BUILD-SID", "INPUT_BUILD_SID", "PLUGIN_BUILD-SID", "PLUGIN_BUILD_SID"]
    names += ["TWILIO_BUILD_SID"]
    environ = {name: f" {name}\r\n" for name in reversed(names)}
    assert inputs.BUILD_SID.values(environ) == names


def test_first_value_that_is_not_blank_counts() -> None:
    environ = {"INPUT_EDGE": " \t\n", "TWILIO_EDGE": "b", "PLUGIN_EDGE": "a"}
    assert inputs.EDGE.read(environ) == "a"
