"""The answers to `--help` and `--version`, made from the tables of inputs, outputs and outcomes."""

import textwrap
from collections.abc import Callable, Iterable

from twilio_build_wait import __version__
from twilio_build_wait.inputs import INPUTS, Input
from twilio_build_wait.model import Ending
from twilio_build_wait.outputs import OUTPUTS, variable

_HELP = """\
twilio-build-wait {version}: wait for a Twilio Serverless build to finish

Usage: twilio-build-wait. No arguments: every input is an environment variable.

Inputs. The input build-sid is also read from INPUT_BUILD-SID, INPUT_BUILD_SID,
PLUGIN_BUILD-SID and PLUGIN_BUILD_SID, in this order and before
TWILIO_BUILD_SID; the same holds for the others.

{inputs}

Set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and
TWILIO_AUTH_TOKEN. TWILIO_ALLOW_HTTP=true allows http:// in TWILIO_BASE_URL for
any host.

Outputs: step outputs on GitHub, variables elsewhere.

{outputs}

Exit codes:

{codes}
"""


def answer(option: str, write: Callable[[bytes], None]) -> int:
    """Write the answer to `--help`, `-h` or `--version`, and return the exit code."""
    text = f"twilio-build-wait {__version__}\n" if option == "--version" else help_text()
    try:
        write(text.encode())
    except OSError:
        return Ending.ERROR.exit_code
    return 0


def help_text() -> str:
    """Explain every input, output and exit code, in lines of at most 80 characters."""
    inputs = _entries((spec.variable, _meaning(spec)) for spec in INPUTS)
    outputs = _entries((variable(name), f"{name}: {text}") for name, text in OUTPUTS.items())
    rows = {row.exit_code: row for row in reversed(Ending)}  # the usual one of each code
    codes = _entries(
        (str(code), f"{row.outcome}: {row.title}") for code, row in sorted(rows.items())
    )
    return _HELP.format(version=__version__, inputs=inputs, outputs=outputs, codes=codes)


def _meaning(spec: Input[str] | Input[float] | Input[bool]) -> str:
    default = spec.default_text and f"; default {spec.default_text}"
    note = "; required" if spec.is_required else default
    return f"{spec.meaning} ({spec.format.description}{note})"


def _entries(entries: Iterable[tuple[str, str]]) -> str:
    """Write a list of terms, each with its explanation below it."""
    return "\n".join(
        f"  {term}\n" + textwrap.indent(textwrap.fill(text, 74), " " * 6) for term, text in entries
    )
