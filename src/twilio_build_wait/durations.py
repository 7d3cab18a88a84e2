"""Durations as people write them in a workflow: `90`, `1.5`, `90s`, `15m`, `1h30m`, `500ms`."""

import re

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_SECONDS = re.compile(_NUMBER)
_PAIRS = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m(?!s))?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?")


def parse(text: str) -> float | None:
    """Return the seconds that `text` stands for, or None if it is no duration.

    A duration is a decimal number of seconds, or number-unit pairs of `h`, `m`, `s` and `ms`,
    largest first, each unit once. A number beyond what a float holds is infinite, not an error.
    """
    if plain := _SECONDS.fullmatch(text):
        return float(plain[0])
    pairs = _PAIRS.fullmatch(text) if text else None
    if pairs is None:
        return None
    hours, minutes, seconds, milliseconds = (float(number or 0) for number in pairs.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


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
