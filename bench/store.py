"""The data behind the page: one JSON file a section, each with its command, date and machine."""

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from bench.programs import REPOSITORY

DOCS = REPOSITORY / "docs"
#: In there: the page, and the folder of its data and pictures.
PAGE = "performance.md"
FOLDER = "performance"


def save(section: str, data: dict[str, Any], command: str, folder: Path) -> None:
    """Write a section's data, with the command and what else has to be known to repeat it."""
    folder.mkdir(parents=True, exist_ok=True)
    origin = {
        "command": command,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": {
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
    }
    text = json.dumps(_rounded({**origin, **data}), indent=1, ensure_ascii=False)
    (folder / f"{section}.json").write_text(text + "\n", "utf-8")


def load(section: str, folder: Path = DOCS / FOLDER) -> dict[str, Any]:
    """Read a section's data; raises FileNotFoundError if it was never measured."""
    data: dict[str, Any] = json.loads((folder / f"{section}.json").read_text("utf-8"))
    return data


def _rounded(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Cut numbers to the digits that mean something, so that the files can be read and compared."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return value
