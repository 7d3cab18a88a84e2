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
def built(folder: Path, *flags: str) -> Iterator[str]:
    """Build an image from a folder. Its name is removed afterwards."""
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    docker("build", f"--tag={tag}", *flags, str(folder))
    try:
        yield tag
    finally:
        docker("image", "rm", "--force", tag)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this work tree, changes included.

    Where no registry can be reached, $BASE_IMAGE names an image that takes the place of the base.
    """
    folder = tmp_path_factory.mktemp("tree")
    execute(folder, ["git", "init", "--quiet"])
    execute(REPOSITORY, ["git", f"--git-dir={folder / '.git'}", "add", "--all"])
    execute(folder, ["git", "checkout-index", "--all"])
    if base := os.environ.get("BASE_IMAGE"):
        file = folder / "Dockerfile"
        file.write_text(re.sub("(?m)^FROM .* AS base$", f"FROM {base} AS base", file.read_text()))
    return folder


@pytest.fixture(scope="session")
def base_image(tree: Path) -> Iterator[str]:
    """The base of the Dockerfile, under a name of its own: BuildKit keeps no other."""
    with built(tree, "--target=base") as tag:
        yield tag


@pytest.fixture(scope="session")
def image(tree: Path) -> Iterator[str]:
    """The image under test."""
    with built(tree) as tag:
        yield tag
