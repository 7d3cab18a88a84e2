"""The table of inputs: the format of each."""

import runpy

import pytest

from tests.support.samples import ACCOUNT_SID, API_KEY, BUILD_SID, ENVIRONMENT_SID, SERVICE_SID
from twilio_build_wait import inputs

Table = dict[str, inputs.Input[object]]


@pytest.fixture
def table() -> Table:
    """Run the module again: mutation testing changes it after its import."""
    ran = runpy.run_path(inputs.__file__, run_name=inputs.__name__)
    return {known.name: known for known in ran["INPUTS"]}


HEX = "0123456789abcdef0123456789ABCDEF"

# Name of an input -> valid texts, invalid texts.
FORMATS = {
    "account-sid": ([ACCOUNT_SID], [f"ac{HEX}", f"AC{HEX}0", HEX]),
    "auth-token": (["a~ !"], ["a\x7f", "ä", "a\nb"]),
    "api-key": ([API_KEY], [f"AC{HEX}"]),
    "api-secret": (["x"], ["\x1f"]),
    "service-sid": (
        [SERVICE_SID, "my_Service-1", "x" * 255, f"ZS{HEX}0", "ZSshort"],
        ["x" * 256, "ZS" + "g" * 32, "a b", "ä", "a/b", "name\n"],
    ),
    "build-sid": ([BUILD_SID, "latest"], ["newest", f"ZB{HEX[1:]}", f"ZB{HEX[1:]}g", "Z" + HEX]),
    "environment-sid": ([ENVIRONMENT_SID], [BUILD_SID]),
    "timeout": (["0", "24h"], ["24h1ms", "soon"]),
    "interval": (["100ms", "0.09s10ms", "1h"], ["99ms", "3601"]),
    "max-interval": (["100ms", "1h"], ["99ms", "1h1ms"]),
    "region": (["us1", "a-b9", "a" * 20], ["a" * 21, "a", "1us", "US1", "us_1", "us-", "us1.x"]),
    "edge": (["dublin", "e" * 40], ["e" * 41, "e", "-e"]),
    "output-file": (["a", "a\nb"], []),
    "summary": (["true", "False"], ["yes", "1"]),
    "diagnose": (["TRUE", "false"], ["no"]),
    "base-url": (
        [f"https://{end}" for end in ("a.test", "A.test:8443/a/b", "[::1]:80", "_a.b_c.test.")],
        [
            *("https://", "ftp://a.test", "a.test", "https://u@a.test", "https://a.test:"),
            *(f"https://a.test{end}" for end in ("?a", "#a", ":0", ":65536", "/a b", "/\\", "/`")),
            *("https://ä.test", "https://-a.test", "https://a..test", f"https://{'a' * 64}.test"),
            *(f"https://{'a.' * 127}test", "https://[::1", "https://[::1]x", "https://[v1.a]"),
        ],
    ),
}
CASES = {
    f"{name} {text[:40]!a}": (name, text, text in valid)
    for name, (valid, invalid) in FORMATS.items()
    for text in (*valid, *invalid)
}
VALUES: dict[str, object] = {"build-sid LATEST": "latest", "interval 0.13m": 7.8}
VALUES |= {"summary False": False, "diagnose TRUE": True}
VALUES |= {"base-url HTTPS://a.test/b//": "https://a.test/b", "base-url http://a/": "http://a"}


def test_every_input_has_its_format_in_this_table(table: Table) -> None:
    assert FORMATS.keys() == table.keys()
    assert [known.name for known in table.values() if len(known.format.words) < len("a path")] == []


@pytest.mark.parametrize("name, text, is_valid", CASES.values(), ids=CASES)
def test_format(table: Table, name: str, text: str, is_valid: object) -> None:
    assert (table[name].format.parse(text) is not None) is is_valid


@pytest.mark.parametrize("case", VALUES)
def test_value(table: Table, case: str) -> None:
    name, _, text = case.partition(" ")
    assert table[name].format.parse(text) == VALUES[case]
