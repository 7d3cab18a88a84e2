"""The answers to --help and --version."""

import re

import pytest

from twilio_build_wait import __version__, usage
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import Ending
from twilio_build_wait.outputs import OUTPUTS, variable

HELP = usage.help_text()
# Everything but the tables.
PARAGRAPHS = f"""twilio-build-wait {__version__}: wait for a Twilio Serverless build to finish

Usage: twilio-build-wait. It takes no arguments; every input is an environment
variable.

Inputs. The input build-sid is also read from INPUT_BUILD-SID, INPUT_BUILD_SID,
PLUGIN_BUILD-SID and PLUGIN_BUILD_SID, in this order and before
TWILIO_BUILD_SID; the same holds for the others.

Set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and
TWILIO_AUTH_TOKEN. TWILIO_ALLOW_HTTP=true allows http:// in TWILIO_BASE_URL for
any host.

Outputs: step outputs on GitHub, variables elsewhere.

Exit codes:"""
# Each entry of the tables: its term, and the text below it.
ENTRIES = [(variable(name), f"{name}: {meaning}") for name, meaning in OUTPUTS.items()]
ENTRIES += [(str(row.exit_code), f"{row.outcome}: {row.meaning}") for row in Ending if row.meaning]
for spec in INPUTS:
    note = f"; default {spec.default_text}" if spec.default_text else ""
    note = "; required" if spec.is_required else note
    ENTRIES.append((spec.variable, f"{spec.meaning} ({spec.format.description}{note})"))

ANSWERS = {"--help": HELP, "-h": HELP, "--version": f"twilio-build-wait {__version__}\n"}


def test_help_explains_the_tables() -> None:
    paragraphs = HELP.strip().split("\n\n")
    assert "\n\n".join(text for text in paragraphs if not text.startswith(" ")) == PARAGRAPHS


@pytest.mark.parametrize("term, text", ENTRIES, ids=[term for term, _ in ENTRIES])
def test_help_has_every_entry(term: str, text: str) -> None:
    (below,) = re.findall(rf"^  {term}\n((?:      .*\n)+)", HELP, re.MULTILINE)
    assert " ".join(below.split()) == text


def test_lines_of_the_help_have_80_characters() -> None:
    assert max(map(len, HELP.splitlines())) == 80


@pytest.mark.parametrize("option", ANSWERS)
def test_answer_is_written(option: str) -> None:
    written: list[bytes] = []
    assert usage.answer(option, written.append) == 0
    assert written == [ANSWERS[option].encode()]


def test_answer_that_cannot_be_written_exits_70() -> None:
    def fail(_: bytes) -> None:
        raise OSError

    assert usage.answer("--version", fail) == 70
