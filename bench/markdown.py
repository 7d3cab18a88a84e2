"""The few forms of Markdown that the page is made of, and how its numbers are written."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

#: What stands behind a ratio, and between two quartiles.
TIMES, TO = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"

_WIDTH = 100
#: How a cell with a number begins, or one that has none to show.
_NUMBER = re.compile(r"\**([-+]?\d|—)")
_TWO_DIGITS, _ONE_DIGIT = 100.0, 10.0


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns of numbers are aligned to the right."""
    cells = [list(row) for row in rows]
    numbers = [all(_NUMBER.match(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = [list(head), ["---:" if number else "---" for number in numbers], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def measured(data: dict[str, Any], *more: str) -> str:
    """Return the line below a figure that says how and when it was measured."""
    machine = data["machine"]
    where = f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    facts = "; ".join((where, *more))
    return f"*Measured {data['date']} by `{data['command']}`: {facts}.*\n"


def picture(name: str, alternative: str) -> str:
    """Return a picture that lies in the folder beside the page."""
    return f"![{alternative}](performance/{name}.svg)\n"


def seconds(value: float) -> str:
    """Return a lag with the digits that mean something."""
    digits = 0 if value >= _TWO_DIGITS else 1 if value >= _ONE_DIGIT else 2
    return f"{value:.{digits}f} s"


def percent(share: float, digits: int = 0) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.{digits}f} %"


def change(share: float) -> str:
    """Return a change as a percentage, with its sign."""
    return f"{100 * share:+.0f} %"


def ratio(value: float) -> str:
    """Return how many times as much something is."""
    return f"{value:.2f}{TIMES}"


def spread(found: dict[str, float]) -> str:
    """Return a median ratio, with the middle half of the rounds in brackets."""
    return f"{ratio(found['median'])} ({found['low']:.2f}{TO}{found['high']:.2f})"


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them; `none` where there are none."""
    if not names:
        return "none"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def filled(text: str) -> str:
    """Break the lines of paragraphs and list items anew; leave all else as it is."""
    blocks = re.split(r"\n{2,}", text.strip())
    return "\n\n".join(_filled_block(block) for block in blocks) + "\n"


def _filled_block(block: str) -> str:
    if re.match(r"[|#!]", block):
        return block
    items = re.split(r"\n(?=- )", block)
    return "\n".join(
        textwrap.fill(
            " ".join(item.split()),
            _WIDTH,
            subsequent_indent="  " if item.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )
