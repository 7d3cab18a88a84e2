"""Text that means something to a log, a CI, a shell, Markdown or a browser."""

import re

from hypothesis import strategies as st

#: Attacks on each reader of what the tool writes.
ATTACKS = {
    "GitHub command in a line of its own": "\n::set-output name=outcome::completed\n",
    "GitHub command after a carriage return": "\r::error::forged",
    "GitHub command anywhere in a line": "##[set-output name=outcome]completed",
    "GitHub stop of commands": "\n::stop-commands::halt\n::add-mask::a\n",
    "GitHub output": "\noutcome=completed\n",
    "GitHub output with a delimiter": "\noutcome<<X\ncompleted\nX\n",
    "Azure variable": "##vso[task.setvariable variable=TWILIO_BUILD_WAIT_OUTCOME]completed",
    "Azure result in capitals": "##VSO[task.complete result=Succeeded]",
    "macros": "$(TWILIO_AUTH_TOKEN) %env.TWILIO_AUTH_TOKEN% ${TWILIO_AUTH_TOKEN}",
    "TeamCity message": "##teamcity[buildStatus status='SUCCESS']",
    "escapes": "%0A::error::forged%0D%25%AZP0A|n|'",
    "other line breaks": "a\v::error::b\f::error::c\x85::error::d\u2028::error::e\u2029::error::f",
    "terminal": "\x1b[2J\x1b]8;;http://x.test\x07\x9b2J\x08\x7f\x00",
    "reordered and invisible": "\u202edetelpmoc\u2066\u200b\ufeff\u2069\ud800",
    "shell": "$(touch ran) `touch ran` ; touch ran && touch ran # ' \" \\",
    "Markdown": "| a | ``` **b** [c](http://x.test) ![d](http://x.test/p.png) @all #1 ~~e~~",
    "HTML": "<img src=x onerror=alert(1)> <!-- <details> &amp;",
}

_SPECIAL = "\r\n\t\v\f\x1c\x85\u2028\u2029\x00\x1b\ud800\u202e\u200b:#[]%<>=;,|'\"`*_~&\\$(){}!@."
_WORDS = ("::", "##[", "##vso[", "##TeamCity[", "%0A", "<<", "error", "set-output", "completed")

#: Any text, in which special characters are far more frequent than by chance.
TEXT = st.lists(
    st.sampled_from([*ATTACKS.values(), *_SPECIAL, *_WORDS]) | st.text(max_size=3), max_size=12
).map("".join)

#: The same as an environment variable can hold it: no NUL, and surrogates only for other bytes.
ENVIRONMENT_TEXT = TEXT.map(lambda text: re.sub("[\0\ud800-\udc7f\udd00-\udfff]", "\udcff", text))
