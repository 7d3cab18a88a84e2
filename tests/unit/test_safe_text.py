"""Untrusted text: one line, visible, without log commands, and cut to size; our words around it."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.invariants import COMMAND_PREFIX, UNSAFE
from twilio_build_wait.safe_text import NOTHING, Message, join, message, safe

# Each character beside letters, and how it is shown.
CHARACTERS = {
    "letters": ("é\u4e2d€😀~", "é\u4e2d€😀~"),
    "spaces": (" \xa0\u2003\u3000", " \xa0\u2003\u3000"),
    "line breaks": ("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029", " " * 11),
    "control characters": ("\x00\x1b\x1f\x7f\x9f", "\ufffd" * 5),
    "lone surrogates": ("\ud800\udfff", "\ufffd" * 2),
    "zero width space": ("\u200b", r"\u200b"),
    "soft hyphen": ("\xad", r"\u00ad"),
    "unassigned and ignorable": ("\u2065", r"\u2065"),
    "private use": ("\ue000\U0010fffd", r"\ue000\U0010fffd"),
    "last of the first plane": ("\uffff\U00010000", "\\uffff\U00010000"),
}

# The ends of the ranges of Default_Ignorable_Code_Point (Unicode's DerivedCoreProperties.txt).
IGNORABLE = "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180f\u200b\u200f\u202a\u202e\u2060\u206f"
IGNORABLE += "\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\ufff8\U0001bca0\U0001bca3\U0001d173\U0001d17a"
IGNORABLE += "\U000e0000\U000e00ff\U000e0100\U000e01ef\U000e0fff"

PREFIXES = {
    "GitHub": ("::error::x", ": :error: :x"),
    "a letter beyond ASCII": ("::Äh", ": :Äh"),
    "no letter": (":: b, ::1, ::_", ":: b, ::1, ::_"),
    "three colons": (":::a", ":: :a"),
    "GitHub and Azure Pipelines": ("##[group]", "# #[group]"),
    "Azure Pipelines": ("##vso[task]", "# #vso[task]"),
    "capitals": ("##VSO[task]", "# #VSO[task]"),
    "TeamCity": ("##TeamCity[x]", "# #TeamCity[x]"),
    "no command": ("## [x] ##other[x]", "## [x] ##other[x]"),
}

# A text, a limit, and what is left.
CUTS = {
    "fits": ("abcde", 5, "abcde"),
    "one too long": ("abcde", 4, "abc…"),
    "room for the ellipsis": ("abcde", 1, "…"),
    "an escape is longer than its character": ("ab\u200b", 5, "ab\\u…"),
    "a broken prefix is longer": ("::ab", 4, ": :…"),
}

PARTS = join("; ", message("a" * 20), message("b {}", "c" * 20), message("d" * 20))
# A message, a limit, and its text in so many characters.
FITS: dict[str, tuple[Message, int, str]] = {
    "fits": (message("a {} c", "b"), 5, "a b c"),
    "fits exactly": (message("{}", "bbbbb"), 5, "bbbbb"),
    "the value is cut": (message("a {} c", "b" * 500), 20, f"a {'b' * 15}… c"),
    "the longest value is cut": (message("{}+{}", "a" * 400, "b" * 9), 19, "aaaaaaaa…+bbbbbbbbb"),
    "all values are cut": (message("{}+{}", "a" * 400, "b" * 9), 12, "aaaa…+bbbb…"),
    "a number": (message("{} x", 12), 20, "12 x"),
    "a message in it": (message("a{}", message("b{}d", "c" * 99)), 20, f"ab{'c' * 16}…d"),
    "our words are too long": (message("abcdef{}", "g"), 4, "abc…"),
    "our words in parts are too long": (PARTS, 21, "aaaaaa…; b …; dddddd…"),
    "prefix across the end of a value": (message("a{}:b", ":"), 20, "a: :b"),
}

# Any text, in which the pieces of log commands are far more frequent than by chance. (`st.text`
# would first spend a second on a table of all characters.)
PIECES = [*":#[]\r\n\u2028\x00\ud800\u202e\u200b", "::", "##[", "##vso[", "##TeamCity[", "error"]
TEXT = st.lists(st.sampled_from(PIECES) | st.integers(0, sys.maxunicode).map(chr)).map("".join)


@settings(max_examples=50, deadline=None, database=None)
@given(TEXT)
def test_any_text_is_safe(text: str) -> None:
    shown = safe(text)
    assert not UNSAFE.search(shown)
    assert not COMMAND_PREFIX.search(shown)


@pytest.mark.parametrize("characters, shown", CHARACTERS.values(), ids=CHARACTERS)
def test_characters_are_shown(characters: str, shown: str) -> None:
    assert safe(f"x{characters}y") == f"x{shown}y"


def test_default_ignorable_characters_are_escaped() -> None:
    assert [each for each in IGNORABLE if not safe(each).lower().startswith("\\u")] == []


@pytest.mark.parametrize("text, expected", PREFIXES.values(), ids=PREFIXES)
def test_prefixes_of_log_commands_are_broken(text: str, expected: str) -> None:
    assert safe(text) == expected


@pytest.mark.parametrize("text, limit, expected", CUTS.values(), ids=CUTS)
def test_long_text_is_cut_with_an_ellipsis(text: str, limit: int, expected: str) -> None:
    assert safe(text, limit) == expected


@pytest.mark.parametrize("whole, limit, expected", FITS.values(), ids=FITS)
def test_values_are_cut_before_our_words(whole: Message, limit: int, expected: str) -> None:
    assert whole.fit(limit) == expected


def test_each_value_of_a_text_has_500_characters() -> None:
    values = ("a" * 501, "b" * 500)
    assert message("{} {}", *values).text() == f"{'a' * 499}… {'b' * 500}"


def test_message_renders_each_value() -> None:
    nested = message("a {} {}", "b", message("c {}", 1))
    assert nested.render(lambda value: f"`{value}`") == "a `b` c `1`"


def test_messages_are_joined_without_the_empty_ones() -> None:
    joined = join(". ", NOTHING, message("a {}", "b"), NOTHING, message("c"))
    assert joined.text() == "a b. c"
    assert not join(". ", NOTHING)
