"""The answers to `--help` and `--version`, made from the same tables as everything else."""

import textwrap
from collections.abc import Callable

from twilio_build_wait import __version__
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.outcome import EXIT_OUTPUT_LOST, OUTPUTS, Ending, variable

_WIDTH = 96


def answer(option: str, write: Callable[[bytes], None]) -> int:
    """Write the answer to `--help`, `-h` or `--version`, and return the exit code."""
    words = f"twilio-build-wait {__version__}\n" if option == "--version" else help_text()
    try:
        write(words.encode())
    except OSError:  # nobody reads it
        return 1 + EXIT_OUTPUT_LOST
    return 0


def help_text() -> str:
    """Explain every input, output and exit code to a person at a terminal."""
    inputs = [
        (known.variable, f"{known.meaning} ({known.form}{_default(known.default)})")
        for known in INPUTS
    ]
    exits = [(str(ending.exit_code), ending.outcome, ending.meaning) for ending in Ending]
    lost = "Twilio says completed, but an output could not be written"
    exits.insert(-3, (str(EXIT_OUTPUT_LOST), "completed", lost))
    return "\n".join(
        (
            f"twilio-build-wait {__version__}: wait for a Twilio Serverless build to finish",
            "",
            "usage: twilio-build-wait    (no arguments: every input is an environment variable)",
            "",
            "Inputs. An input named build-sid is also read from INPUT_BUILD-SID, INPUT_BUILD_SID",
            "and PLUGIN_BUILD_SID, which win over its plain name in this order:",
            "",
            *(_entry(name, meaning) for name, meaning in inputs),
            "",
            "Credentials: TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and",
            "TWILIO_AUTH_TOKEN. TWILIO_ALLOW_HTTP=true lets TWILIO_BASE_URL be http:// anywhere.",
            "",
            "Outputs, step outputs on GitHub and elsewhere variables:",
            "",
            *(_entry(variable(name), f"{name}: {meaning}") for name, meaning in OUTPUTS.items()),
            "",
            "Exit codes and outcomes:",
            "",
            *(f"  {code:>4}  {outcome:<10}  {meaning}" for code, outcome, meaning in exits),
            "",
        )
    )


def _default(default: str) -> str:
    if not default:
        return ""
    return f"; {default}" if default == "required" else f"; default {default}"


def _entry(name: str, meaning: str) -> str:
    return textwrap.fill(
        meaning, _WIDTH, initial_indent=f"  {name}\n      ", subsequent_indent=" " * 6
    )
