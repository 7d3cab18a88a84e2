"""Text from the network or from an input, made safe to show in a log.

`SafeText` is the type of such text. `redaction.Redactor` makes it, `fit` joins it, and everything
that shows text requires it.
"""

import re
from typing import NewType

#: One line without control characters, log-command openers and credentials.
SafeText = NewType("SafeText", str)

NO_TEXT = SafeText("")

#: The longest piece of foreign text that is shown, and the longest `reason`, in characters.
LIMIT = 500

# Every kind of line break, and the other characters that only move the cursor, become a space.
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
# Control characters, lone surrogates and the characters that change the direction of text.
_CONTROLS = (
    *range(0x20),
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
)
# Characters that nobody sees. In a SID that looks right, they are what is wrong with it.
_INVISIBLE = (0xAD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x200C, 0x200D)
_INVISIBLE += (*range(0x2060, 0x2065), 0x3164, 0xFEFF, 0xFFA0)
_REPLACED = {
    **dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}"),
    **dict.fromkeys(map(ord, _BREAKS), " "),
}
_ESCAPED = {code: f"\\u{code:04x}" for code in _INVISIBLE}

# A log command opens with `::` at the start of a line on GitHub, with `##[` anywhere on GitHub and
# Azure Pipelines (actions/runner, ActionCommand.cs), with `##vso[` on Azure Pipelines and with
# `##teamcity[` on TeamCity. A space inside the opener makes it plain text for all of them.
_OPENERS = re.compile(r"::(?=[^\W\d_])|##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)


def clip(text: SafeText, limit: int = LIMIT) -> SafeText:
    """Cut a text to at most `limit` characters; an ellipsis shows that something is missing."""
    return text if len(text) <= limit else SafeText(text[: max(0, limit - 1)] + "…")


def fit(before: str, foreign: SafeText = NO_TEXT, after: str = "") -> SafeText:
    """Join our words around a foreign text, which is cut so that the whole has 500 characters.

    `before` and `after` must be safe; the foreign text, if it is empty, takes its colon along.
    """
    if foreign:
        room = LIMIT - len(before) - len(after) - 2
        before += f": {clip(foreign, room)}" if room > 0 else ""
    return clip(SafeText(before + after))


def flat(text: str) -> str:
    """Make a text one line: line breaks become spaces, other control characters are replaced."""
    return text.translate(_REPLACED)


def visible(text: str) -> str:
    r"""Show invisible characters as escapes, such as `\u200b`."""
    return text.translate(_ESCAPED)


def without_openers(text: str) -> str:
    """Break log-command openers, so that no CI runner obeys a foreign text."""
    return _OPENERS.sub(lambda found: ": :" if found[0] == "::" else "# #", text)
