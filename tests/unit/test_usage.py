"""--help."""

import pytest

from twilio_build_wait import __version__, usage
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import OUTPUTS, Ending, variable

# Everything but the tables.
TEXT = f"""twilio-build-wait {__version__}: wait for a Twilio Serverless build to finish

Usage: twilio-build-wait. It takes no arguments; every input is an environment variable.

Inputs. The input build-sid is also read from INPUT_BUILD-SID, INPUT_BUILD_SID, PLUGIN_BUILD-SID and
PLUGIN_BUILD_SID, in this order and before TWILIO_BUILD_SID; the same holds for the others.

Set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.
TWILIO_ALLOW_HTTP=true allows http:// in TWILIO_BASE_URL for any host.

Outputs: step outputs on GitHub, variables elsewhere.

Exit codes:"""


def test_help_explains_the_tables() -> None:
    paragraphs = usage.help_text(100).split("\n\n")
    assert "\n\n".join(text for text in paragraphs if not text.startswith(" ")) == TEXT


@pytest.mark.parametrize("width", [20, 57, 300])
def test_help_fits_the_terminal_and_has_everything(width: int) -> None:
    text = usage.help_text(width)
    longest, widest = max(map(len, text.splitlines())), max(40, min(width, 100))
    assert widest - 8 < longest <= widest
    words = " ".join(text.split())
    entries = [f"  {known.variable}\n      " for known in INPUTS]
    entries += [f"  {variable(name)}\n      {name}: " for name in OUTPUTS]
    entries += [f"  {ending.exit_code}\n      {ending.outcome}: " for ending in Ending]
    assert [entry for entry in entries if entry not in text] == []
    for known in INPUTS:
        default = known.shown_default and f"; default {known.shown_default}"
        note = "; required" if known.is_required else default
        assert f"{known.meaning} ({known.format.words}{note})" in words
    meanings = [*OUTPUTS.values(), *(ending.meaning for ending in Ending)]
    assert [meaning for meaning in meanings if meaning not in words] == []
