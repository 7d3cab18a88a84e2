"""The same source gives the same wheel, whoever builds it, where and when."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: All that the build backend reads.
SOURCES = ("pyproject.toml", "LICENSE", "src/twilio_build_wait")


def copy_of_the_sources(where: Path) -> Path:
    where.mkdir(parents=True)
    for name in SOURCES:
        source, target = ROOT / name, where / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    return where


def wheel(tree: Path, umask: str, **environment: str) -> bytes:
    """Build as the image does, by the backend alone, and return the wheel."""
    build = "from flit_core.buildapi import build_wheel; print(build_wheel('dist'))"
    (tree / "dist").mkdir()
    done = subprocess.run(
        ["sh", "-c", 'umask "$1"; shift; exec "$@"', "sh", umask, sys.executable, "-c", build],
        cwd=tree,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1795392000"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return (tree / "dist" / done.stdout.strip()).read_bytes()


@pytest.fixture
def reference(tmp_path: Path) -> bytes:
    return wheel(copy_of_the_sources(tmp_path / "reference"), "022")


def test_another_folder_time_mode_and_locale_give_the_same_wheel(
    tmp_path: Path, reference: bytes
) -> None:
    tree = copy_of_the_sources(tmp_path / "some where" / "else")
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)
    other = wheel(tree, "077", TZ="Pacific/Chatham", LC_ALL="C", PYTHONHASHSEED="4711")
    assert hashlib.sha256(other).hexdigest() == hashlib.sha256(reference).hexdigest()


def test_a_changed_source_gives_another_wheel(tmp_path: Path, reference: bytes) -> None:
    tree = copy_of_the_sources(tmp_path / "changed")
    with (tree / "src/twilio_build_wait/__init__.py").open("a") as file:
        file.write("\n# Another line.\n")
    assert wheel(tree, "022") != reference


def test_the_date_in_the_wheel_is_the_one_handed_in(tmp_path: Path, reference: bytes) -> None:
    tree = copy_of_the_sources(tmp_path / "dated")
    assert wheel(tree, "022", SOURCE_DATE_EPOCH="1700000000") != reference
