"""The answers to `--help` and `--version`, made from the tables of inputs, outputs and outcomes."""

import shutil
import textwrap
from collections.abc import Callable, Iterable

from twilio_build_wait import __version__
from twilio_build_wait.inputs import INPUTS, Input
from twilio_build_wait.model import OUTPUTS, Ending, variable

# Lines get longer than this only on a terminal that is narrower than a word.
_WIDEST = 100
_INDENT = " " * 6


def answer(option: str, write: Callable[[bytes], None]) -> int:
    """Write the answer to `--help`, `-h` or `--version`, and return the exit code."""
    columns = shutil.get_terminal_size().columns
    text = f"twilio-build-wait {__version__}\n" if option == "--version" else help_text(columns)
    try:
        write(text.encode())
    except OSError:
        return Ending.ERROR.exit_code
    return 0


def help_text(width: int) -> str:
    """Explain every input, output and exit code on a terminal of so many columns."""
    width = max(40, min(width, _WIDEST))
    paragraphs = (
        f"twilio-build-wait {__version__}: wait for a Twilio Serverless build to finish",
        "Usage: twilio-build-wait. It takes no arguments; every input is an environment variable.",
        (
            "Inputs. The input build-sid is also read from INPUT_BUILD-SID, INPUT_BUILD_SID, "
            "PLUGIN_BUILD-SID and PLUGIN_BUILD_SID, in this order and before TWILIO_BUILD_SID; the "
            "same holds for the others."
        ),
        _entries(((known.variable, _meaning(known)) for known in INPUTS), width),
        (
            "Set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and "
            "TWILIO_AUTH_TOKEN. TWILIO_ALLOW_HTTP=true allows http:// in TWILIO_BASE_URL for "
            "any host."
        ),
        "Outputs: step outputs on GitHub, variables elsewhere.",
        _entries(((variable(key), f"{key}: {text}") for key, text in OUTPUTS.items()), width),
        "Exit codes:",
        _entries(((str(row.exit_code), f"{row.outcome}: {row.meaning}") for row in Ending), width),
    )
    wrapped = (text if text.startswith(" ") else _wrapped(text, width) for text in paragraphs)
    return "\n\n".join(wrapped) + "\n"


def _meaning(known: Input[str] | Input[float] | Input[bool]) -> str:
    default = known.shown_default and f"; default {known.shown_default}"
    note = "; required" if known.is_required else default
    return f"{known.meaning} ({known.format.words}{note})"


def _entries(entries: Iterable[tuple[str, str]], width: int) -> str:
    """Write a list of terms, each with its explanation below it."""
    return "\n".join(
        f"  {term}\n" + textwrap.indent(_wrapped(text, width - len(_INDENT)), _INDENT)
        for term, text in entries
    )


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False)
