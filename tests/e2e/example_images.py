"""What the end-to-end tests of the examples run them with: images, and a copy of this tree."""

import shutil
import subprocess
from pathlib import Path

from tests.e2e.containers import REPOSITORY, docker
from tools.release import owner

#: What the examples name.
IMAGE = f"{owner.IMAGE}:1"
ACTION = f"{owner.ACTION}@v1"


def tools_image(base: str) -> str:
    """Build the base with what hosted runners have, and the examples use: curl and jq.

    rsync is what gitlab-ci-local moves files with. The image stays, so that a second call is quick.
    """
    tag = "twilio-build-wait-e2e:tools"
    install = "apt-get install -y -qq --no-install-recommends curl jq rsync >/dev/null"
    dockerfile = f"FROM {base}\nRUN apt-get update -qq && {install}\n"
    built = subprocess.run(
        ["docker", "build", "--quiet", f"--tag={tag}", "-"],
        input=dockerfile,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return tag


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
            shutil.copy2(source, target)


def commit_all(folder: Path) -> None:
    """Make a folder a repository with one commit, and a remote that is never asked."""
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "https://gitlab.example/team/project.git"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=an example"],
    ):
        who = ["-c", "user.name=e2e", "-c", "user.email=e2e@example.com"]
        subprocess.run(["git", *who, *words], cwd=folder, check=True, timeout=60)


def remove(image: str) -> None:
    """Remove an image that a test has made, whether it is there or not."""
    docker("image", "rm", "--force", image)
