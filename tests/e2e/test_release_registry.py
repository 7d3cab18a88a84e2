"""A release as its users get it: the image from a real registry, named by digest, run by act.

The scripts are those of .github/workflows/release.yml. The registry is on loopback, and a bare
repository takes the place of GitHub's.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from emulator.api import ACCOUNT_SID, AUTH_TOKEN
from emulator.server import Emulator, Options
from tests.e2e.containers import REPOSITORY, docker
from tests.e2e.registry import Registry, running
from tests.e2e.test_act import Run, git
from tools.release import action_file
from twilio_build_wait import __version__

NAME = "acme/twilio-build-wait"
SERVICE_SID = "ZS" + "5" * 32
COMPLETES = "ZB" + "c" * 32
FAILS = "ZB" + "f" * 32

#: What a careful user writes, with the release's commit for REVISION.
WORKFLOW = """\
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - id: completes
        uses: acme/twilio-build-wait@REVISION
        with:
          account-sid: ${{ vars.ACCOUNT_SID }}
          auth-token: ${{ secrets.AUTH_TOKEN }}
          service-sid: ${{ vars.SERVICE_SID }}
          build-sid: ${{ vars.COMPLETES }}
          base-url: ${{ vars.BASE_URL }}
      - id: fails
        uses: acme/twilio-build-wait@REVISION
        continue-on-error: true
        with:
          account-sid: ${{ vars.ACCOUNT_SID }}
          auth-token: ${{ secrets.AUTH_TOKEN }}
          service-sid: ${{ vars.SERVICE_SID }}
          build-sid: ${{ vars.FAILS }}
          base-url: ${{ vars.BASE_URL }}
      - run: echo "then $COMPLETES and $FAILS"
        env:
          COMPLETES: ${{ steps.completes.outputs.outcome }}
          FAILS: ${{ steps.fails.outputs.outcome }}
"""


@dataclass(frozen=True)
class Released:
    """A release: its commit, a clone of `v1` (or whichever major version), and its image."""

    commit: str
    clone: Path
    reference: str


def release_step(cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a step of a release as the workflow does."""
    return subprocess.run(
        [sys.executable, "-m", "tools.release", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def reference(registry: Registry, image: str, base_image: str) -> Iterator[str]:
    """The pushed image by its digest, gone from the engine; its tag names another image by now."""
    tag = f"{registry.address}/{NAME}:{__version__}"
    docker("tag", image, tag)
    docker("push", "--quiet", tag, timeout=240)
    digests = docker("image", "inspect", '--format={{join .RepoDigests "\\n"}}', tag).split()
    (pushed,) = [digest for digest in digests if digest.startswith(registry.address)]
    docker("image", "rm", tag)
    docker("tag", base_image, tag)
    docker("push", "--quiet", tag, timeout=240)
    docker("image", "rm", tag)
    assert not any("manifests/sha256:" in request for request in registry.requests())
    yield pushed
    docker("image", "rm", "--force", pushed)


@pytest.fixture(scope="module")
def released(reference: str, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """This tree, released by the scripts to a bare repository, and cloned from there."""
    folder = tmp_path_factory.mktemp("release")
    main, remote, clone = folder / "main", folder / "remote.git", folder / "clone"
    git("init", "--quiet", "--bare", str(remote), cwd=folder)
    git("init", "--quiet", "--initial-branch=main", str(main), cwd=folder)
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY)
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (main / name).parent.mkdir(parents=True, exist_ok=True)
            (main / name).write_bytes((REPOSITORY / name).read_bytes())
    git("add", "--all", cwd=main)
    git("commit", "--quiet", "--message=the tree under test", cwd=main)
    git("remote", "add", "origin", str(remote), cwd=main)
    git("push", "--quiet", "origin", "main", cwd=main)
    for step in (("tag", __version__, reference), ("major", __version__)):
        done = release_step(main, *step)
        assert done.returncode == 0, done.stdout + done.stderr
    major = f"v{__version__.partition('.')[0]}"
    git("clone", "--quiet", f"--branch={major}", str(remote), str(clone), cwd=folder)
    return Released(git("rev-parse", "HEAD", cwd=clone).strip(), clone, reference)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(Options(default=None)) as emulator:
        emulator.add_build(COMPLETES, "completed", after="2s", service=SERVICE_SID)
        emulator.add_build(FAILS, "failed", after="1s", service=SERVICE_SID)
        yield emulator


@pytest.fixture(scope="module")
def run(
    released: Released,
    emulator: Emulator,
    base_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """A user's workflow, in a repository of their own that holds nothing of this one."""
    user = tmp_path_factory.mktemp("user")
    workflow = user / ".github/workflows/deploy.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(WORKFLOW.replace("REVISION", released.commit))
    git("init", "--quiet", "--initial-branch=main", cwd=user)
    git("add", "--all", cwd=user)
    git("commit", "--quiet", "--message=deploy", cwd=user)
    home = tmp_path_factory.mktemp("home")
    variables = {
        "ACCOUNT_SID": ACCOUNT_SID,
        "SERVICE_SID": SERVICE_SID,
        "BASE_URL": emulator.url,
        "COMPLETES": COMPLETES,
        "FAILS": FAILS,
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("act")),
            "push",
            f"--platform=ubuntu-latest={base_image}",
            "--pull=false",
            # The name that the workflow uses, without asking GitHub for it.
            f"--local-repository={NAME}@{released.commit}={released.clone}",
            *(f"--var={name}={value}" for name, value in variables.items()),
            "--secret=AUTH_TOKEN",
        ],
        cwd=user,
        env={
            **os.environ,
            "AUTH_TOKEN": AUTH_TOKEN,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def test_the_released_action_names_the_image_by_digest(released: Released) -> None:
    text = (released.clone / "action.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["runs"] == {
        "using": "docker",
        "image": f"docker://{released.reference}",
    }
    assert text == action_file.pin(
        (REPOSITORY / "action.yml").read_text(encoding="utf-8"), released.reference
    )


def test_a_users_workflow_runs_it_to_each_verdict(run: Run) -> None:
    assert run.code == 0, run.log
    assert run.said("then completed and failed"), run.log


def test_the_image_is_pulled_by_its_digest_and_nothing_is_built(
    run: Run, released: Released, registry: Registry
) -> None:
    assert run.code == 0
    assert f"docker pull image={released.reference}" in run.log
    assert "docker build" not in run.log
    repository, digest = released.reference.split("@")
    path = f"/v2/{repository.partition('/')[2]}/manifests/{digest}"
    assert {f"GET {path}", f"HEAD {path}"} & set(registry.requests())


def test_the_builds_were_read_through_it(run: Run, emulator: Emulator) -> None:
    assert run.code == 0
    reads = [request for request in emulator.requests() if request["route"] == "status"]
    assert {request["build"] for request in reads} == {COMPLETES, FAILS}
    assert {request["status"] for request in reads} == {200}


def test_the_pushed_image_passes_the_trial_before_a_release(reference: str) -> None:
    done = release_step(REPOSITORY, "try", reference, __version__)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("other", ["version", "image"])
def test_an_image_that_is_not_it_fails_the_trial(
    reference: str, base_image: str, other: str
) -> None:
    image, version = (reference, "99.0.0") if other == "version" else (base_image, __version__)
    done = release_step(REPOSITORY, "try", image, version)
    assert done.returncode == 1
    assert "must not be released" in done.stdout
