"""The image under test, built once for all end-to-end tests."""

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.containers import REPOSITORY, docker


def build(tag: str, *flags: str) -> None:
    """Build the image from this work tree."""
    docker("build", f"--tag={tag}", *flags, str(REPOSITORY), timeout=300)


@pytest.fixture(scope="session")
def engine() -> str:
    """A Docker engine's version; an error, never a skip, where none answers."""
    return docker("version", "--format={{.Server.Version}}").strip()


@pytest.fixture(scope="session")
def base_image() -> str:
    """The base that the Dockerfile names."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text("utf-8")
    (name,) = re.findall(r"^FROM (\S+) AS base$", dockerfile, re.MULTILINE)
    return str(name)


@pytest.fixture(scope="session")
def image(engine: str) -> Iterator[str]:
    """The image's name; it is removed at the end of the session."""
    assert engine
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    build(tag)
    yield tag
    docker("image", "rm", "--force", tag)
