"""Foreign text: one line, visible, without log-command openers, and cut to size."""

import pytest

from twilio_build_wait.text import SafeText, clip, fit, flat, visible, without_openers

OPENERS = {
    "::error::x": ": :error: :x",
    "::Äh": ": :Äh",
    "a ::b": "a : :b",
    ":: b, ::1, ::_": ":: b, ::1, ::_",
    ":::a": ":: :a",
    "##[group]": "# #[group]",
    "##vso[task]": "# #vso[task]",
    "##VSO[task]": "# #VSO[task]",
    "##TeamCity[x]": "# #TeamCity[x]",
    "###[x]": "## #[x]",
    "## [x] ##other[x]": "## [x] ##other[x]",
}

FITS = {
    "no foreign text": (("before", "", ". after"), "before. after"),
    "all of it": (("before", "foreign", ". after"), "before: foreign. after"),
    "cut": (("b" * 100, "f" * 600, "a" * 100), f"{'b' * 100}: {'f' * 297}…{'a' * 100}"),
    "room for one character": (("b" * 397, "foreign", "a" * 100), f"{'b' * 397}: …{'a' * 100}"),
    "no room": (("b" * 398, "foreign", "a" * 100), f"{'b' * 398}{'a' * 100}"),
    "our own words too long": (("b" * 600, "", ""), f"{'b' * 499}…"),
}


def test_line_breaks_become_spaces_and_controls_are_replaced() -> None:
    breaks = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
    assert flat(f"a{breaks}b") == f"a{' ' * len(breaks)}b"
    controls = "\x00\x1b\x1f\x7f\x9f\u061c\u200e\u200f\u202a\u202e\u2066\u2069\ud800\udfff"
    assert flat(f"a{controls}b") == f"a{'�' * len(controls)}b"
    assert flat(" ~é\xa0\u2010\u2065€😀") == " ~é\xa0\u2010\u2065€😀"


def test_invisible_characters_are_shown_as_escapes() -> None:
    shown = r"a\u200bb\u00ad\ufeff\u2060\u2064\u3164c"
    assert visible("a\u200bb\xad\ufeff\u2060\u2064\u3164c") == shown


@pytest.mark.parametrize("text", OPENERS)
def test_openers_of_log_commands_are_broken(text: str) -> None:
    assert without_openers(text) == OPENERS[text]


@pytest.mark.parametrize("limit, expected", [(5, "abcde"), (4, "abc…"), (1, "…"), (0, "…")])
def test_long_text_is_cut_with_an_ellipsis(limit: int, expected: str) -> None:
    assert clip(SafeText("abcde"), limit) == expected


@pytest.mark.parametrize("texts, expected", FITS.values(), ids=FITS)
def test_foreign_text_between_ours_is_cut_to_500(
    texts: tuple[str, str, str], expected: str
) -> None:
    before, foreign, after = texts
    assert fit(before, SafeText(foreign), after) == expected
