"""The action as a workflow uses it: ``uses: ./``, built and run by act, in a copy of this tree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.api import Credentials
from emulator.server import Emulator, Options
from tests.e2e.containers import REPOSITORY, docker

WORKFLOW = "tests/e2e/workflows/wait.yml"
SERVICE_SID = "ZS" + "5" * 32
COMPLETES = "ZB" + "c" * 32
FAILS = "ZB" + "f" * 32
BY_ENVIRONMENT = "ZB" + "e" * 32
CREDENTIALS = Credentials()


def git(*arguments: str, cwd: Path) -> str:
    """Run git as nobody in particular; its output."""
    return subprocess.run(
        ["git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.com", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this work tree, changes included, as its one commit."""
    folder = tmp_path_factory.mktemp("act") / "twilio-build-wait"
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY)
    for name in filter(None, listed.split("\0")):
        source, target = REPOSITORY / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message=the tree under test", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Three builds; any other does not exist."""
    with Emulator(Options(default=None)) as emulator:
        emulator.add_build(COMPLETES, "completed", after="2s", service=SERVICE_SID)
        emulator.add_build(FAILS, "failed", after="1s", service=SERVICE_SID)
        emulator.add_build(BY_ENVIRONMENT, "completed", service=SERVICE_SID)
        yield emulator


@dataclass(frozen=True)
class Run:
    """An act run: exit code and log, standard error included."""

    code: int
    log: str

    def said(self, text: str) -> bool:
        """Whether a line of a step's own output holds the text."""
        return any(text in line for line in self.log.splitlines() if "  | " in line)


@pytest.fixture(scope="module")
def run(
    image: str,
    base_image: str,
    checkout: Path,
    emulator: Emulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    """The workflow, run once. The image comes from the cache that building it has filled."""
    assert image
    home = tmp_path_factory.mktemp("home")
    variables = {
        "ACCOUNT_SID": CREDENTIALS.account_sid,
        "API_KEY": CREDENTIALS.api_key,
        "BASE_URL": emulator.url,
        "SERVICE_SID": SERVICE_SID,
        "COMPLETES": COMPLETES,
        "FAILS": FAILS,
        "BY_ENVIRONMENT": BY_ENVIRONMENT,
    }
    secrets = {"AUTH_TOKEN": CREDENTIALS.auth_token, "API_SECRET": CREDENTIALS.api_secret}
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("act")),
            "push",
            f"--workflows={WORKFLOW}",
            f"--platform=ubuntu-latest={base_image}",
            "--pull=false",
            *(f"--var={name}={value}" for name, value in variables.items()),
            # Without a value act takes it from the environment: no secret on a command line.
            *(f"--secret={name}" for name in secrets),
        ],
        cwd=checkout,
        env={**os.environ, **secrets, "HOME": str(home), "XDG_CONFIG_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    yield Run(done.returncode, done.stdout)
    docker("image", "rm", "--force", "act-dockeraction:latest")


def test_the_workflow_succeeds_and_its_later_step_finds_every_output(run: Run) -> None:
    assert run.code == 0, run.log
    assert run.said("COMPLETES: completed"), run.log
    assert run.said("FAILS: failed"), run.log
    assert run.said("BY_ENVIRONMENT: completed"), run.log
    assert run.said("all outputs are what they must be"), run.log


def test_a_failed_build_fails_its_step_and_is_annotated(run: Run) -> None:
    assert "Failure - Main A build that fails" in run.log
    assert "Failed but continue next step" in run.log
    (annotation,) = [line for line in run.log.splitlines() if "❗" in line and "::error" in line]
    assert "Twilio build failed" in annotation


def test_a_later_job_is_told_by_the_job_s_outputs(run: Run) -> None:
    assert run.said(f"a later job was told completed of {SERVICE_SID}"), run.log


def test_the_builds_were_read_and_nothing_else(run: Run, emulator: Emulator) -> None:
    assert run.code == 0
    reads = [request for request in emulator.requests() if request["route"] == "status"]
    assert {request["build"] for request in reads} == {COMPLETES, FAILS, BY_ENVIRONMENT}
    assert {request["method"] for request in reads} == {"GET"}
    assert all(request["status"] == 200 for request in reads)
