"""What makes text safe to show: for a log, for a workflow command, for a job summary.

Everything that came from the network or from an input passes through `safe` before a person or a
CI runner sees it, and through a `Redactor` so that no credential is in it.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

#: The longest piece of foreign text that is shown, in characters; also the longest `reason`.
LIMIT = 500

_ELLIPSIS = "…"
_SHORTEST_SECRET = 6

# Line breaks of every kind, and what else only moves the cursor: a space says the same.
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
# C0 and C1 controls, lone surrogates, and the characters that reorder text on a screen: a log line
# must read as it was written.
_CONTROLS = (
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *(0x200E, 0x200F),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
)
_HARMLESS = {
    **dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}"),
    **dict.fromkeys(map(ord, _BREAKS), " "),
}

# A log command opens with `::` at a line's start on GitHub, with `##[` anywhere on GitHub and
# Azure Pipelines (actions/runner, ActionCommand.cs), with `##vso[` on Azure Pipelines and with
# `##teamcity[` on TeamCity. A space inside the opener makes it plain text for each of them.
_OPENERS = re.compile(r"::(?=[^\W\d_])|##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)


# All that Markdown, HTML or GitHub's additions to them could take for markup: any punctuation but
# the harmless, the colon of an address or of an `:emoji:`, and the dot that makes a link of `www.`.
_MARKUP = re.compile(r"[^\w\s/.,:;%+?='\"()-]|_|:(?=//|[a-z+-][\w+-]*:)|(?<=www)\.", re.IGNORECASE)


def clip(text: str, limit: int = LIMIT) -> str:
    """Cut `text` to at most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def flat(text: str) -> str:
    """Make `text` one line: every line break a space, every other control character replaced."""
    return text.translate(_HARMLESS)


def safe(text: str) -> str:
    """Make `text` one harmless line: flat, and without log-command openers."""
    return _OPENERS.sub(lambda found: ": :" if found[0] == "::" else "# #", flat(text))


def piece(text: str) -> str:
    """Make one piece of foreign text safe, and cut it at 500 characters."""
    return clip(safe(text))


def escape_data(text: str) -> str:
    """Escape the message of a GitHub workflow command.

    Source: actions/toolkit, packages/core/src/command.ts, `escapeData`.
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape a property (such as `title`) of a GitHub workflow command.

    Source: actions/toolkit, packages/core/src/command.ts, `escapeProperty`.
    """
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str) -> str:
    """Make `text` literal in a cell of a GitHub Markdown table, by character references."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", safe(text))


class Redactor:
    """Replaces every credential, its Base64 and its URL-encoded forms by `***`.

    A credential under six characters is left alone: it would be found inside ordinary words.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the credentials as they are: tokens, passwords, and `user:secret` pairs."""
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) < _SHORTEST_SECRET:
                continue
            raw = secret.encode("utf-8", "surrogateescape")
            encoded = base64.b64encode(raw).decode().rstrip("=")
            urlsafe = base64.urlsafe_b64encode(raw).decode().rstrip("=")
            forms |= {secret, encoded, urlsafe, quote(encoded, safe="")}
            forms |= {repr(secret)[1:-1], json.dumps(secret)[1:-1]}  # in messages of exceptions
            forms |= {quote(secret, safe="", errors="replace"), quote(secret, errors="replace")}
            forms.add(quote_plus(secret, errors="replace"))
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = (
            re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None
        )

    def __call__(self, text: str) -> str:
        """Return `text` without any credential."""
        return self._pattern.sub("***", text) if self._pattern else text


def maskable(secret: str) -> bool:
    """Say whether a secret is long enough to be masked without hiding ordinary words."""
    return len(secret) >= _SHORTEST_SECRET
