"""Durations as people write them in a workflow: `90`, `1.5`, `90s`, `15m`, `1h30m`, `500ms`."""

import re
from decimal import Decimal

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_PAIRS = re.compile(rf"(?=.)(?:{_NUMBER}h)?(?:{_NUMBER}m(?!s))?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?")
_UNITS = (3_600_000, 60_000, 1_000, 1)  # milliseconds


def parse(text: str) -> int | None:
    """Return the milliseconds that a text stands for, or None if it is not a duration."""
    is_number = re.fullmatch(_NUMBER, text)
    pairs = _PAIRS.fullmatch(f"{text}s" if is_number else text)
    if not pairs:
        return None
    numbers = (Decimal(number or 0) for number in pairs.groups())
    return round(sum(number * unit for number, unit in zip(numbers, _UNITS, strict=True)))


def render(seconds: float) -> str:
    """Write a duration for a person: `1h30m`, `15m`, `1m30s`, `2.5s`, `100ms`."""
    if 0 < round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f}ms"
    if round(seconds, 1) < 60:  # noqa: PLR2004 (a minute)
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
