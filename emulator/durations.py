"""Durations as people write them on a command line."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PAIR = re.compile(rf"({_NUMBER})(ms|h|m|s)")
_PAIRS = re.compile(rf"(?:{_NUMBER}(?:ms|h|m|s))+")


def seconds(text: str | float) -> float:
    """Read ``90``, ``1.5``, ``500ms``, ``3s`` or ``1m30s`` as seconds.

    Raises ValueError, with what was expected, for anything else.
    """
    if isinstance(text, int | float):
        if not text >= 0:
            raise ValueError(f"a duration cannot be {text!r}: give a number of seconds, 0 or more")
        return float(text)
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if _PAIRS.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PAIR.findall(text))
    raise ValueError(
        f"{text!r} is not a duration: write seconds (3, 1.5) or units (3s, 500ms, 1m30s)"
    )
