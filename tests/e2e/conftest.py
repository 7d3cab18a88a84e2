"""The image under test, and repositories with a workflow or a pipeline."""

import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.projects import execute
from tests.support.run import REPOSITORY

#: The program's folder in the image.
HOME = "/opt/twilio-build-wait"


def docker(*arguments: str, timeout: float = 60.0) -> str:
    """Run the docker client and return what it prints."""
    return execute(REPOSITORY, ["docker", *arguments], timeout=timeout)


def build(tag: str, *flags: str) -> None:
    """Build the image from this work tree."""
    docker("build", f"--tag={tag}", *flags, str(REPOSITORY), timeout=300)


def copy_of_the_tree(folder: Path) -> None:
    """Make a folder a repository with this work tree, changes included, without a commit."""
    execute(folder, ["git", "init", "--quiet", "--initial-branch=main"])
    execute(REPOSITORY, ["git", f"--git-dir={folder / '.git'}", "add", "--all"])
    execute(folder, ["git", "checkout-index", "--all"])


def commit_all(folder: Path, remote: str = "https://github.com/team/project.git") -> None:
    """Commit what is in a folder, which becomes a repository unless it is one."""
    for words in (
        "init --quiet --initial-branch=main",
        f"config remote.origin.url {remote}",
        "add --all",
        "-c user.name=e2e -c user.email=e2e@example.com commit --quiet --message=example",
    ):
        execute(folder, ["git", *words.split()])


def act(
    project: Path, job_image: str, *flags: str, secrets: Mapping[str, str], code: int = 0
) -> str:
    """Run a workflow; check the exit code, and return the log. `flags` begin with the event."""
    command = [
        str(Path(sys.executable).with_name("act")),
        *flags,
        f"--platform=ubuntu-latest={job_image}",
        "--pull=false",
        "--rm",
        *(f"--secret={name}" for name in secrets),  # their values are in the environment
    ]
    home = {"HOME": str(project.parent), "XDG_CONFIG_HOME": str(project.parent)}
    return execute(project, command, {**secrets, **home}, code=code, timeout=200)


@pytest.fixture(scope="session")
def base_image() -> str:
    """The base that the Dockerfile names."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text("utf-8")
    (name,) = re.findall(r"^FROM (\S+) AS base$", dockerfile, re.MULTILINE)
    return str(name)


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """The image's name; it is removed at the end of the session."""
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    build(tag)
    yield tag
    docker("image", "rm", "--force", tag)
