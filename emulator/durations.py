"""Durations in the tool's own format: `90`, `1.5`, `500ms`, `1m30s`."""

import sys
from pathlib import Path

# A fresh clone has the package in `src`, not installed.
sys.path.append(str(Path(__file__).resolve().parents[1] / "src"))

from twilio_build_wait.durations import parse


def seconds(text: str) -> float:
    """Return the seconds that `text` stands for; raises ValueError for anything else."""
    milliseconds = parse(text)
    if milliseconds is None:
        raise ValueError(f"{text!r} is not a duration such as 90, 1.5, 500ms or 1m30s")
    return milliseconds / 1000
