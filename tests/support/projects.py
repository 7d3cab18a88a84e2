"""A project whose CI uses the examples, and commands that run in it."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator import API_KEY, API_SECRET, Emulator
from tests.support.run import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
BUILD, ENVIRONMENT = "ZB" + 32 * "b", "ZE" + 32 * "e"


def make_project(folder: Path, *functions: str) -> Path:
    """Fill a new folder with the examples and with functions of these names."""
    shutil.copytree(EXAMPLES, folder)
    (folder / "functions").mkdir()
    for name in functions:
        (folder / "functions" / f"{name}.js").write_text("exports.handler = () => {};")
    (folder / "package.json").write_text('{"dependencies": {"twilio": "5.3.0"}}')
    return folder


def variables(emulator: Emulator) -> dict[str, str]:
    """Return the variables that the examples take."""
    key = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": API_SECRET}
    sids = {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT, "TWILIO_BUILD_SID": BUILD}
    return emulator.variables | key | sids


def execute(
    folder: Path,
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
    *,
    code: int = 0,
    timeout: float = 60,
) -> str:
    """Run a command with more variables; check its exit code, and return all that it prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | (environ or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, f"{command}\n{done.stdout}"
    return done.stdout
