"""Repositories with a workflow or a pipeline, and the image in which their jobs run."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.projects import execute
from tests.support.run import REPOSITORY


def tools_image(base: str) -> str:
    """Build the base with curl and jq, which hosted runners have, and rsync for gitlab-ci-local.

    The image stays, so that a second call is quick.
    """
    tag = "twilio-build-wait-e2e:tools"
    install = "apt-get install -y -qq --no-install-recommends curl jq rsync >/dev/null"
    build_from(tag, f"FROM {base}\nRUN apt-get update -qq && {install}\n")
    return tag


def build_from(tag: str, dockerfile: str) -> None:
    """Build an image without a context."""
    built = subprocess.run(
        ["docker", "build", "--quiet", f"--tag={tag}", "-"],
        input=dockerfile,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert built.returncode == 0, built.stderr


def copy_of_the_tree(folder: Path) -> None:
    """Copy this work tree, changes included, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = REPOSITORY / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def commit_all(folder: Path) -> None:
    """Make a folder a repository with one commit, and a remote that nobody asks."""
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "https://github.com/team/project.git"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=an example"],
    ):
        who = ["-c", "user.name=e2e", "-c", "user.email=e2e@example.com"]
        subprocess.run(["git", *who, *words], cwd=folder, check=True, timeout=60)


def act(project: Path, job_image: str, *flags: str, secrets: Mapping[str, str]) -> tuple[int, str]:
    """Run a workflow; return the exit code and the log. `flags` begin with the event."""
    command = [
        str(Path(sys.executable).with_name("act")),
        *flags,
        f"--platform=ubuntu-latest={job_image}",
        "--pull=false",
        "--rm",
        *(f"--secret={name}" for name in secrets),  # their values are in the environment
    ]
    home = {"HOME": str(project.parent), "XDG_CONFIG_HOME": str(project.parent)}
    return execute(project, command, {**secrets, **home}, timeout=200)
