"""A release by the workflow's scripts: origin is a bare repository, the registry is on loopback."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from tests.e2e.projects import act, commit_all, copy_of_the_tree
from tests.e2e.registry import Registry, running
from tests.support.projects import execute
from twilio_build_wait.model import OUTPUTS

# The engine compresses 300 MB for the registry.
pytestmark = pytest.mark.timeout(300)

VERSION = "98.7.6"
BUILDS = {"completed": f"ZB{0:032}", "failed": f"ZB{1:032}"}
STEP = """
      - id: {status}
        uses: e2e-owner/twilio-build-wait@{commit}
        continue-on-error: true
        with:
          build-sid: {build}
      - run: echo "result {status} ${{{{ steps.{status}.outputs.outcome }}}}"; echo "$OUTPUTS"
        env:
          OUTPUTS: ${{{{ toJSON(steps.{status}.outputs) }}}}
"""


def run(cwd: Path, *command: str, code: int = 0) -> str:
    result, printed = execute(cwd, command, {}, timeout=300)
    assert result == code, printed
    return printed


def release(cwd: Path, *step: str, code: int = 0) -> str:
    return run(cwd, sys.executable, "-m", "tools.release", *step, code=code)


def commit(cwd: Path) -> None:
    run(cwd, "git", "add", "--all")
    run(cwd, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of a bare repository with this work tree, ready but for its owner."""
    folder = tmp_path_factory.mktemp("release") / "clone"
    copy_of_the_tree(folder)
    (folder / "CHANGELOG.md").write_text(f"## [Unreleased]\n\n## [{VERSION}] - 2026-01-01\n\n- x\n")
    package = folder / "src/twilio_build_wait/__init__.py"
    package.write_text(
        re.sub('__version__ = ".*"', f'__version__ = "{VERSION}"', package.read_text())
    )
    run(folder, "git", "init", "-q", "--bare", "../origin.git")
    run(folder, "git", "init", "-q", "-b", "main")
    run(folder, "git", "remote", "add", "origin", "../origin.git")
    commit(folder)
    run(folder, "git", "push", "-q", "origin", "main")
    return folder


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def reference(clone: Path, registry: Registry) -> Iterator[str]:
    """Set the owner, build the image and push it; return its digest, and forget the image."""
    tag = f"{registry.address}/e2e-owner/twilio-build-wait:build"
    check = ("check", VERSION, "e2e-owner", "refs/heads/main")
    assert "must name the account e2e-owner" in release(clone, *check, code=1)
    release(clone, "owner", "e2e-owner")
    commit(clone)
    run(clone, "git", "push", "-q", "origin", "main")
    assert release(clone, *check) == "image=ghcr.io/e2e-owner/twilio-build-wait\nreference=\n"
    run(clone, "docker", "build", "--tag", tag, ".")
    pushed = run(clone, "docker", "push", tag)
    digest = re.findall(r"digest: (sha256:[0-9a-f]{64})", pushed)[-1]
    run(clone, "docker", "image", "rm", "--force", tag)
    yield f"{tag.removesuffix(':build')}@{digest}"
    run(clone, "docker", "image", "rm", "--force", f"{tag.removesuffix(':build')}@{digest}")


def test_trial_accepts_only_the_image(clone: Path, reference: str, base_image: str) -> None:
    assert "completed" in release(clone, "try", reference, VERSION)
    assert "Do not release this image" in release(clone, "try", reference, "1.0.0", code=1)
    assert "Do not release this image" in release(clone, "try", base_image, VERSION, code=1)


def test_workflow_of_a_user_runs_the_released_image(
    clone: Path, reference: str, registry: Registry, base_image: str, tmp_path: Path
) -> None:
    sha = release(clone, "tag", VERSION, reference).strip().removeprefix("commit=")
    for _ in range(2):
        assert release(clone, "tag", VERSION, reference) == f"commit={sha}\n"
        assert f"e2e-owner/twilio-build-wait@{sha}" in release(clone, "notes", VERSION)
        assert f"tags={VERSION} 98" in release(clone, "major", VERSION)
    action, user = tmp_path / "action", tmp_path / "user"
    run(clone, "git", "clone", "-q", "--branch=v98", "../origin.git", str(action))
    (user / ".github/workflows").mkdir(parents=True)
    steps = [STEP.format(status=s, build=build, commit=sha) for s, build in BUILDS.items()]
    workflow = "on: push\njobs:\n  wait:\n    runs-on: ubuntu-latest\n    steps:" + "".join(steps)
    (user / ".github/workflows/wait.yml").write_text(workflow)
    commit_all(user)
    run(user, "docker", "image", "rm", "--force", reference)
    with Emulator() as emulator:
        for status, build in BUILDS.items():
            emulator.add_build(build, status, after="1s")
        log = act(
            user,
            base_image,
            "push",
            f"--local-repository=e2e-owner/twilio-build-wait@{sha}={action}",
            *(f"--env={name}={value}" for name, value in emulator.variables.items()),
            secrets={},
        )[1]
    assert re.findall(r"\| result (.*)", log) == ["completed completed", "failed failed"]
    assert re.findall(r'\|   "([\w-]+)": ', log) == sorted(OUTPUTS) * 2
    assert "docker build" not in log
    assert any("GET" in line and reference[-64:] in line for line in registry.requests())
