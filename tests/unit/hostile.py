"""Text that means something to a log, a CI, a shell, Markdown or a browser, for hypothesis."""

import re

from hypothesis import strategies as st

FRAGMENTS = (
    *("\r", "\n", "\r\n", "\x85", "\u2028", "\u2029", "\v", "\f", "\x1c", "\t", " "),
    *(
        "::",
        ":",
        "##[",
        "##vso[",
        "##TeamCity[",
        "#",
        "[",
        "]",
        "%0A",
        "%0D",
        "%25",
        "%",
        "\x1b[2K",
    ),
    *("error", "warning", "add-mask", "set-output name=outcome", "stop-commands", "completed"),
    *(
        "<<",
        "=",
        ";",
        ",",
        "|",
        "'",
        '"',
        "`",
        "*",
        "_",
        "~",
        "<b>",
        "&amp;",
        "\\",
        "$(id)",
        "${IFS}",
    ),
    *("](https://x.test)", "![", "www.x.test", "https://x.test", "@", "\ud800", "\x00", "\u202e"),
)

#: Any text, with what is special in it far more often than chance would have it.
TEXT = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(), max_size=3)), max_size=12
).map("".join)

#: The same as an environment can hold it: without NUL, and with no surrogates but those that stand
#: for bytes which are no UTF-8.
ENVIRONMENT_TEXT = TEXT.map(lambda text: re.sub("[\0\ud800-\udc7f\udd00-\udfff]", "\udcff", text))

#: What opens a log command somewhere.
OPENER = re.compile(r"::[^\W\d_]|##(?:vso|teamcity)?\[", re.IGNORECASE)
#: What ends a line, moves the cursor or reorders the text on a screen.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
