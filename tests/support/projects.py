"""A project whose CI uses the examples, and commands that run in it."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from emulator import API_KEY, API_SECRET, Emulator
from tests.support.run import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
BUILD, ENVIRONMENT = "ZB" + 32 * "b", "ZE" + 32 * "e"


def make_project(folder: Path, files: Iterable[str]) -> Path:
    """Fill a new folder with the examples, package.json, and files that contain their names."""
    shutil.copytree(EXAMPLES, folder)
    (folder / "package.json").write_text('{"dependencies": {"twilio": "5.3.0"}}')
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def variables(emulator: Emulator) -> dict[str, str]:
    """Return the variables that the examples take."""
    key = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": API_SECRET}
    return emulator.variables | key | {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT}


def execute(
    folder: Path, command: Sequence[str], environ: Mapping[str, str] | None = None, code: int = 0
) -> str:
    """Run a command with more variables; check its exit code, and return all that it prints."""
    # Coverage would only slow it down: nothing here runs `src` alone.
    own = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=own | dict(environ or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == code, f"{command}\n{done.stdout}"
    return done.stdout
