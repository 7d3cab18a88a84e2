"""A release by the workflow's scripts: origin is a bare repository, the registry is on loopback."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator import Emulator
from tests.e2e.conftest import act, commit_all, copy_of_the_tree
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
    return execute(cwd, command, code=code, timeout=300)


def release(cwd: Path, *step: str, code: int = 0) -> str:
    return run(cwd, sys.executable, "-m", "tools.release", *step, code=code)


def push(cwd: Path) -> None:
    commit_all(cwd, "../origin.git")
    run(cwd, "git", "push", "-q", "origin", "main")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of a bare repository with this work tree, ready but for its owner."""
    folder = tmp_path_factory.mktemp("release") / "clone"
    folder.mkdir()
    copy_of_the_tree(folder)
    (folder / "CHANGELOG.md").write_text(f"## [Unreleased]\n\n## [{VERSION}] - 2026-01-01\n\n- x\n")
    package = folder / "src/twilio_build_wait/__init__.py"
    package.write_text(
        re.sub('__version__ = ".*"', f'__version__ = "{VERSION}"', package.read_text())
    )
    run(folder, "git", "init", "-q", "--bare", "../origin.git")
    push(folder)
    return folder


@dataclass(frozen=True)
class Registry:
    """A running registry: its host and port, and its log."""

    address: str
    log: Path

    def requests(self) -> list[str]:
        """Return the requests so far, such as `GET /v2/`."""
        return re.findall(r'"([A-Z]+ /v2/\S*) HTTP', self.log.read_text())


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Run Debian's docker-registry on loopback."""
    folder = tmp_path_factory.mktemp("registry")
    config, log = folder / "config.json", folder / "log"
    # YAML, of which JSON is a subset. Docker uses HTTP on 127.0.0.0/8, and port 0 is any free one.
    values = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": "127.0.0.1:0"},
    }
    config.write_text(json.dumps(values))
    command = ["docker-registry", "serve", str(config)]
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
        deadline = time.monotonic() + 30
        while not (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        try:
            yield Registry(found[1], log)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def reference(clone: Path, registry: Registry) -> Iterator[str]:
    """Set the owner, build the image and push it; return its digest, and forget the image."""
    tag = f"{registry.address}/e2e-owner/twilio-build-wait:build"
    check = ("check", VERSION, "e2e-owner", "refs/heads/main")
    assert "must name the account e2e-owner" in release(clone, *check, code=1)
    release(clone, "owner", "e2e-owner")
    push(clone)
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
        )
    assert re.findall(r"\| result (.*)", log) == ["completed completed", "failed failed"]
    assert re.findall(r'\|   "([\w-]+)": ', log) == sorted(OUTPUTS) * 2
    assert "docker build" not in log
    assert any("GET" in line and reference[-64:] in line for line in registry.requests())
