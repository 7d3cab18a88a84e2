"""Untrusted text made safe to show: a `Message` is our words with untrusted values in them."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType, Union

#: One line without control characters, invisible characters and command prefixes.
SafeText = NewType("SafeText", str)
#: The longest value that is shown, and the longest `reason`, in characters.
LIMIT = 500
_OTHER = re.compile(r"[^ -~]")
# Every kind of line break, and the other characters that only move the cursor.
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
# Letters and marks that Unicode calls default ignorable (DerivedCoreProperties.txt).
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
# A log command starts with `::` or `##[` on GitHub (actions/runner, ActionCommand.cs), `##[` or
# `##vso[` on Azure Pipelines, `##teamcity[` on TeamCity. A space inside makes it plain text.
_PREFIXES = re.compile(r"::(?=[^\W\d_])|##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)

Value = Union["Message", str, int]


@dataclass(frozen=True)
class Message:
    """A sentence for a person: our template of `str.format`, and the untrusted values in it."""

    template: str = ""
    values: tuple[Value, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.template)

    def render(self, sanitize: Callable[[str], str]) -> str:
        """Return the sentence; `sanitize` is called for each untrusted value."""
        texts = (
            value.render(sanitize) if isinstance(value, Message) else sanitize(str(value))
            for value in self.values
        )
        return self.template.format(*texts)

    def text(self, limit: int = LIMIT) -> SafeText:
        """Return the sentence as one safe line; each value has at most `limit` characters."""
        # The prefixes once more over the whole: a value may end where one begins.
        return _break_prefixes(self.render(lambda value: safe(value, limit)))

    def fit(self, total: int = LIMIT) -> SafeText:
        """Return the sentence in at most `total` characters: values are cut before our words."""
        whole = self
        if len(self.text(0)) > total:
            parts = [part.text(0) if isinstance(part, Message) else part for part in self.values]
            whole = Message(self.template, tuple(parts))
        limits = range(1, min(total, LIMIT) + 1)
        longest = bisect_right(limits, total, key=lambda limit: len(whole.text(limit)))
        return _clip(whole.text(longest), total)


NOTHING = Message()


def message(template: str, *values: Value) -> Message:
    """Make a message from our template and untrusted values."""
    return Message(template, values)


def join(separator: str, *messages: Message) -> Message:
    """Join messages that are not empty, with our own words between them."""
    given = tuple(filter(None, messages))
    return Message(separator.join(["{}"] * len(given)), given)


def safe(text: str, limit: int = LIMIT) -> SafeText:
    """Make untrusted text one safe line of at most `limit` characters."""
    # Cut before and after: an escape is longer than its character.
    return _clip(_break_prefixes(_OTHER.sub(_show, text[: limit + 1])), limit)


def _clip(text: SafeText, limit: int) -> SafeText:
    """Cut a text; an ellipsis shows that something is missing."""
    return text if len(text) <= limit else SafeText(text[: max(0, limit - 1)] + "…")


def _break_prefixes(text: str) -> SafeText:
    return SafeText(_PREFIXES.sub(lambda prefix: " ".join(prefix[0]), text))


def _show(match: re.Match[str]) -> str:
    character = match[0]
    category = unicodedata.category(character)
    if character in _BREAKS:
        return " "
    if category in {"Cc", "Cs"}:
        return "\N{REPLACEMENT CHARACTER}"
    if category in {"Cf", "Co", "Cn"} or _IGNORABLE.match(character):
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
    return character
