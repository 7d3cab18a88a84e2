"""The image under test, built once for all end-to-end tests."""

import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.containers import REPOSITORY, docker


@pytest.fixture(scope="session")
def engine() -> str:
    """A Docker engine's version; an error, never a skip, where none answers."""
    asked = subprocess.run(
        ["docker", "version", "--format={{.Server.Version}}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert asked.returncode == 0, f"end-to-end tests need a Docker engine: {asked.stderr}"
    return asked.stdout.strip()


@pytest.fixture(scope="session")
def base_image() -> str:
    """The base, as the Dockerfile names it."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    (named,) = re.findall(r"^FROM (\S+) AS base$", dockerfile, re.MULTILINE)
    return str(named)


def build(tag: str, *flags: str) -> None:
    """Build the image from this work tree."""
    docker("build", f"--tag={tag}", *flags, str(REPOSITORY), timeout=300)


@pytest.fixture(scope="session")
def image(engine: str) -> Iterator[str]:
    """The image's name; removed at the end of the session."""
    assert engine
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    build(tag)
    yield tag
    docker("image", "rm", "--force", tag)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace that every user of a container may write to."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    workspace.chmod(0o777)
    return workspace
