"""The table of inputs: the format of each, and the variables that hold it."""

import pytest

from tests.support.samples import ACCOUNT_SID, API_KEY, BUILD_SID, ENVIRONMENT_SID, SERVICE_SID
from twilio_build_wait.inputs import INPUTS

TABLE = {known.name: known for known in INPUTS}
HEX = "0123456789abcdef0123456789ABCDEF"

# Name of an input -> text -> value; None stands for an invalid text.
FORMATS: dict[str, dict[str, object]] = {
    "account-sid": {ACCOUNT_SID: ACCOUNT_SID, f"ac{HEX}": None, f"AC{HEX}0": None, HEX: None},
    "auth-token": {"a~ !": "a~ !", "a\x7f": None, "ä": None, "a\nb": None},
    "api-key": {API_KEY: API_KEY, f"AC{HEX}": None},
    "api-secret": {"x": "x", "\x1f": None},
    "service-sid": {
        SERVICE_SID: SERVICE_SID,
        "my_Service-1": "my_Service-1",
        "x" * 255: "x" * 255,
        "x" * 256: None,
        f"ZS{HEX}0": f"ZS{HEX}0",
        "ZSshort": "ZSshort",
        "ZS" + "g" * 32: None,  # a SID with a typing error
        "a b": None,
        "ä": None,
        "a/b": None,
        "name\n": None,
    },
    "build-sid": {
        BUILD_SID: BUILD_SID,
        "latest": "latest",
        "LATEST": "latest",
        "newest": None,
        f"ZB{HEX[:-1]}": None,
        f"ZB{HEX[:-1]}g": None,
        f"ZB{HEX[:-1]}٣": None,
    },
    "environment-sid": {ENVIRONMENT_SID: ENVIRONMENT_SID, BUILD_SID: None},
    "timeout": {"0": 0.0, "24h": 86400.0, "24h1ms": None, "soon": None},
    "interval": {"100ms": 0.1, "0.09s10ms": 0.1, "99ms": None, "1h": 3600.0, "3601": None},
    "max-interval": {"100ms": 0.1, "99ms": None, "1h": 3600.0, "1h1ms": None},
    "region": {"us1": "us1", "a-b9": "a-b9", "a" * 20: "a" * 20, "a" * 21: None, "a": None}
    | dict.fromkeys(("1us", "US1", "us_1", "us-", "us1.x"), None),
    "edge": {"dublin": "dublin", "e" * 40: "e" * 40, "e" * 41: None, "e": None, "-e": None},
    "output-file": {"a": "a", "a\nb": "a\nb"},
    "summary": {"true": True, "False": False, "TRUE": True, "yes": None, "1": None},
    "diagnose": {"true": True, "false": False, "no": None},
    "base-url": {
        "https://example.test": "https://example.test",
        "HTTPS://example.test/": "https://example.test",
        "https://Example.test:8443/a/b//": "https://Example.test:8443/a/b",
        "http://[::1]:8080": "http://[::1]:8080",
        "https://under_score.test.": "https://under_score.test.",
    }
    | dict.fromkeys(
        (
            "https://",
            "ftp://example.test",
            "example.test",
            "https://user@example.test",
            "https://example.test?a",
            "https://example.test#a",
            "https://example.test:",
            "https://example.test:0",
            "https://example.test:65536",
            "https://example.test/a b",
            "https://exämple.test",
            "https://-example.test",
            "https://a..test",
            f"https://{'a' * 64}.test",
            f"https://{'a.' * 127}test",
            "https://[::1",
            "https://[::1]x",
            "https://[v1.a]",
            "https://example.test/\\",
            "https://example.test/`",
            "https://example.test/|",
        ),
        None,
    ),
}
CASES = {
    f"{name} {text[:40]!a}": (name, text, value)
    for name, texts in FORMATS.items()
    for text, value in texts.items()
}

VARIABLES = ["INPUT_BUILD-SID", "INPUT_BUILD_SID", "PLUGIN_BUILD-SID", "PLUGIN_BUILD_SID"]


def test_every_input_has_its_format_in_this_table() -> None:
    assert FORMATS.keys() == TABLE.keys()


@pytest.mark.parametrize("name, text, value", CASES.values(), ids=CASES)
def test_format(name: str, text: str, value: object) -> None:
    assert TABLE[name].format.parse(text) == value


def test_first_variable_that_is_not_blank_wins() -> None:
    variables = [*VARIABLES, "TWILIO_BUILD_SID"]
    environ = {name: f" {name}\n" for name in variables}
    for name in variables:
        assert TABLE["build-sid"].read(environ) == name
        environ[name] = " \t\n"
    assert TABLE["build-sid"].read(environ) == ""


def test_every_value_of_an_input_is_found() -> None:
    environ = {"INPUT_TIMEOUT": "1", "PLUGIN_TIMEOUT": "2", "TWILIO_BUILD_TIMEOUT": "3"}
    assert TABLE["timeout"].values(environ) == ["1", "2", "3"]


def test_defaults_are_shown_as_a_person_writes_them() -> None:
    shown = {name: known.shown_default for name, known in TABLE.items() if known.shown_default}
    assert shown == {
        "timeout": "15m",
        "interval": "1s",
        "max-interval": "10s, or interval if longer",
        "base-url": "from region and edge",
        "summary": "true",
        "diagnose": "true",
    }
