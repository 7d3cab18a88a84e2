"""The image under test, a registry, and repositories with a workflow or a pipeline."""

import contextlib
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.projects import execute
from tests.support.run import REPOSITORY, Process

#: The program's folder in the image.
HOME = "/opt/twilio-build-wait"


def docker(*arguments: str, timeout: float = 60.0) -> str:
    """Run the docker client and return what it prints."""
    return execute(REPOSITORY, ["docker", *arguments], timeout=timeout)


@contextlib.contextmanager
def built(folder: Path, *flags: str) -> Iterator[str]:
    """Build an image from a folder. Its name is removed afterwards."""
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    docker("build", f"--tag={tag}", *flags, str(folder), timeout=300)
    try:
        yield tag
    finally:
        docker("image", "rm", "--force", tag)


def copy_of_the_tree(folder: Path) -> None:
    """Make a folder a repository with this work tree, changes included, without a commit.

    Where no registry can be reached, $BASE_IMAGE names an image that takes the place of the base.
    """
    execute(folder, ["git", "init", "--quiet", "--initial-branch=main"])
    execute(REPOSITORY, ["git", f"--git-dir={folder / '.git'}", "add", "--all"])
    execute(folder, ["git", "checkout-index", "--all"])
    if base := os.environ.get("BASE_IMAGE"):
        file = folder / "Dockerfile"
        file.write_text(re.sub("(?m)^FROM .* AS base$", f"FROM {base} AS base", file.read_text()))


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
    # Docker 29.7.0 cannot copy files through an absolute link, and act copies to /var/run:
    # https://github.com/moby/moby/issues/53258
    job = project.parent / "job"
    job.mkdir()
    (job / "Dockerfile").write_text(f"FROM {job_image}\nRUN ln -sfn ../run /var/run\n")
    with built(job) as image:
        command = [
            str(Path(sys.executable).with_name("act")),
            *flags,
            f"--platform=ubuntu-latest={image}",
            "--pull=false",
            "--rm",
            *(f"--secret={name}" for name in secrets),  # their values are in the environment
        ]
        home = {"HOME": str(project.parent), "XDG_CONFIG_HOME": str(project.parent)}
        return execute(project, command, {**secrets, **home}, code=code, timeout=200)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this work tree."""
    folder = tmp_path_factory.mktemp("tree")
    copy_of_the_tree(folder)
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


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Debian's docker-registry on loopback, and return its host and port."""
    folder = tmp_path_factory.mktemp("registry")
    config = folder / "config.json"
    # YAML, of which JSON is a subset. Docker uses HTTP on 127.0.0.0/8, and port 0 is any free one.
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    values = {"version": 0.1, "storage": storage, "http": {"addr": "127.0.0.1:0"}}
    config.write_text(json.dumps(values))
    command = ("sh", "-c", 'exec docker-registry serve "$0" 2>&1', str(config))
    listening = re.compile(r"listening on (127\.0\.0\.1:\d+)")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with Process(environ, command=command) as process:
        process.wait_for(lambda: listening.search(process.log), timeout=30)
        yield listening.findall(process.log)[0]
