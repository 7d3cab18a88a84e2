"""The image under test."""

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import execute
from tests.support.run import REPOSITORY


def docker(*arguments: str) -> str:
    """Run the docker client and return what it prints."""
    return execute(REPOSITORY, ["docker", *arguments])


@contextlib.contextmanager
def built(file: Path, *flags: str) -> Iterator[str]:
    """Build an image by a Dockerfile. Its name is removed afterwards."""
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    docker("build", f"--tag={tag}", f"--file={file}", *flags, str(REPOSITORY))
    try:
        yield tag
    finally:
        docker("image", "rm", "--force", tag)


@pytest.fixture(scope="session")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours. Where no registry can be reached, $BASE_IMAGE is in the place of its base."""
    file = tmp_path_factory.mktemp("image") / "Dockerfile"
    text = (REPOSITORY / "Dockerfile").read_text()
    if base := os.environ.get("BASE_IMAGE"):
        text = re.sub("(?m)^FROM .* AS base$", f"FROM {base} AS base", text)
    file.write_text(text)
    return file


@pytest.fixture(scope="session")
def base_image(dockerfile: Path) -> Iterator[str]:
    """The base of the Dockerfile, under a name of its own: BuildKit keeps no other."""
    with built(dockerfile, "--target=base") as tag:
        yield tag


@pytest.fixture(scope="session")
def image(dockerfile: Path) -> Iterator[str]:
    """The image under test."""
    with built(dockerfile) as tag:
        yield tag
