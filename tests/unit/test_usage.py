"""--help."""

import pytest

from twilio_build_wait import usage
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import OUTPUTS, Ending, variable


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
