"""A release by the workflow's steps: origin is a bare repository, the registry is on loopback."""

import re
import sys
from pathlib import Path

import pytest

from emulator import Emulator
from tests.e2e.conftest import act, built, commit_all, copy_of_the_tree, push, use_base
from tests.support.projects import execute

# The engine compresses 300 MB for the registry.
pytestmark = pytest.mark.timeout(300)

VERSION = "1.0.0"
BUILD = f"ZB{0:032}"
WORKFLOW = """
on: push
jobs:
  wait:
    runs-on: ubuntu-latest
    steps:
      - uses: e2e-owner/twilio-build-wait@{}
"""


def release(folder: Path, *step: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "tools.release", *step]
    return execute(folder, command, code=code, timeout=300)


@pytest.fixture
def clone(tmp_path: Path, registry: str, base_image: str) -> Path:
    """A clone of a bare repository with this work tree. Its base is in the registry."""
    folder = tmp_path / "clone"
    folder.mkdir()
    copy_of_the_tree(folder)
    use_base(folder, push(base_image, f"{registry}/python"))
    (folder / "CHANGELOG.md").write_text(f"## [{VERSION}] - 2026-01-01\n\n- x\n")
    package = folder / "src/twilio_build_wait/__init__.py"
    text = re.sub('__version__ = ".*"', f'__version__ = "{VERSION}"', package.read_text())
    package.write_text(text)
    commit_all(folder, "../origin.git")
    release(folder, "owner", "e2e-owner", "@e2e-owner")
    commit_all(folder, "../origin.git")
    execute(tmp_path, ["git", "clone", "--quiet", "--bare", "clone", "origin.git"])
    return folder


def test_released_image_runs_in_the_workflow_of_a_user(
    clone: Path, registry: str, base_image: str, tmp_path: Path
) -> None:
    assert release(clone, "check", VERSION, "e2e-owner", "refs/heads/main") == "reference=\n"
    with built(clone) as image:
        release(clone, "try", image, VERSION)
        assert "Do not release" in release(clone, "try", image, "1.0.1", code=1)
        reference = push(image, f"{registry}/e2e-owner/twilio-build-wait")
    release(clone, "tag", VERSION, reference)
    assert f"twilio-build-wait:1 {reference}\n" in release(clone, "major", VERSION, f"v{VERSION}")
    execute(tmp_path, ["git", "clone", "--quiet", "--branch=v1", "origin.git", "action"])
    commit = execute(tmp_path / "action", ["git", "rev-parse", "HEAD"]).strip()
    workflow = tmp_path / "user/.github/workflows/wait.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(WORKFLOW.format(commit))
    commit_all(tmp_path / "user")
    with Emulator() as emulator:
        emulator.add_build(BUILD, "completed", after="1s")
        variables = emulator.variables | {"TWILIO_BUILD_SID": BUILD}
        log = act(
            tmp_path / "user",
            base_image,
            "push",
            f"--local-repository=e2e-owner/twilio-build-wait@{commit}={tmp_path / 'action'}",
            *(f"--env={name}={value}" for name, value in variables.items()),
            secrets={},
        )
    assert f"docker pull image={reference}" in log
