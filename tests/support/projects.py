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
PACKAGE = '{"dependencies": {"twilio": "5.3.0"}}'

#: Files that the examples upload, and how: kind, path and visibility.
UPLOADED = {
    "functions/hello.js": ("Functions", "/hello", "public"),
    "functions/Orders_2/list-all.js": ("Functions", "/Orders_2/list-all", "public"),
    "functions/Orders_2/admin.protected.js": ("Functions", "/Orders_2/admin", "protected"),
    "functions/helper.private.js": ("Functions", "/helper", "private"),
    "assets/js/app.min.js": ("Assets", "/js/app.min.js", "public"),
    "assets/js/app.v2.protected.js": ("Assets", "/js/app.v2.js", "protected"),
    "assets/logo.private.png": ("Assets", "/logo.png", "private"),
}
#: Files that they refuse.
REFUSED = {
    "functions": (
        "functions/admin.Protected.js",
        "functions/admin.private.v2.js",
        "functions/adminPrivate.js",
        "functions/private/admin.js",
        "functions/admin.v2.js",
        "functions/admin.ts",
        "functions/.admin.js",
        "functions/node_modules/admin/index.js",
        "functions/a b&c.js",
        'functions/a"\\b.js',
    ),
    "assets": (
        "assets/key.Private.json",
        "assets/key.private.min.js",
        "assets/key.private",
        "assets/protected/key.json",
        "assets/.well-known/key.json",
        "assets/KEY.JSON",
        "assets/LICENSE",
        "assets/key.unknown",
        "assets/a,b;c.json",
    ),
}


def make_project(folder: Path, files: Iterable[str], package: str = PACKAGE) -> Path:
    """Fill a new folder with the examples, package.json, and files that contain their names."""
    shutil.copytree(EXAMPLES, folder)
    (folder / "package.json").write_text(package)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def variables(emulator: Emulator) -> dict[str, str]:
    """Return the variables that the examples take."""
    key = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": API_SECRET}
    return emulator.variables | key | {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT}


def uploads(emulator: Emulator) -> dict[str, tuple[str, str, str]]:
    """Return kind, path and visibility of every upload, by its content."""
    requests = [entry.request for entry in emulator.requests if entry.route == "upload-version"]
    return {
        each.value("Content"): (
            each.path.split("/")[4],
            each.value("Path"),
            each.value("Visibility"),
        )
        for each in requests
    }


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
