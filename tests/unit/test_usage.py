"""The text of --help, and an answer that cannot be written; `test_main.py` has the others."""

import re

import pytest

from twilio_build_wait import __version__, usage
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import Ending
from twilio_build_wait.outputs import OUTPUTS, variable

HELP = usage.help_text()
# Each entry of the tables: its term, and the text below it.
ENTRIES = [(variable(name), f"{name}: {meaning}") for name, meaning in OUTPUTS.items()]
OTHERS = {Ending.NEWEST_COMPLETED, Ending.NOT_FINISHED, Ending.NO_RECENT_BUILD}
ENTRIES += [
    (str(row.exit_code), f"{row.outcome}: {row.title}") for row in Ending if row not in OTHERS
]
for spec in INPUTS:
    note = f"; default {spec.default_text}" if spec.default_text else ""
    note = "; required" if spec.is_required else note
    ENTRIES.append((spec.variable, f"{spec.meaning} ({spec.format.description}{note})"))


def test_help_begins_with_the_version() -> None:
    assert HELP.startswith(f"twilio-build-wait {__version__}: ")


@pytest.mark.parametrize("term, text", ENTRIES, ids=[term for term, _ in ENTRIES])
def test_help_has_every_entry(term: str, text: str) -> None:
    (below,) = re.findall(rf"^  {term}\n((?:      .*\n)+)", HELP, re.MULTILINE)
    assert " ".join(below.split()) == text


def test_lines_of_the_help_have_80_characters() -> None:
    assert max(map(len, HELP.splitlines())) == 80


def test_answer_that_cannot_be_written_exits_70() -> None:
    def fail(_: bytes) -> None:
        raise OSError

    assert usage.answer("--version", fail) == 70
