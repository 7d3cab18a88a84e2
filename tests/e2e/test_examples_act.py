"""GitHub's examples, run by act as they are: the action is this work tree."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.example_images import (
    ACTION,
    commit_all,
    copy_of_the_tree,
    remove,
    tools_image,
)
from tests.integration.example_machine import EXAMPLES
from tests.integration.example_twilio import (
    BUILD_SID,
    CREDENTIALS,
    ENVIRONMENT_SID,
    FUNCTION_VERSION,
    SERVICE_SID,
    Twilio,
    twilio,
)

BUILDS = {"billing": "ZB" + "1" * 32, "voice": "ZB" + "2" * 32}
VARIABLES = {
    "TWILIO_ACCOUNT_SID": CREDENTIALS.account_sid,
    "TWILIO_API_KEY": CREDENTIALS.api_key,
    "TWILIO_SERVICE_SID": SERVICE_SID,
    "TWILIO_ENVIRONMENT_SID": ENVIRONMENT_SID,
}
SECRETS = {
    "TWILIO_AUTH_TOKEN": CREDENTIALS.auth_token,
    "TWILIO_API_SECRET": CREDENTIALS.api_secret,
}
INPUTS = {
    "build-sid": BUILD_SID,
    "function-version": FUNCTION_VERSION,
    "builds": json.dumps([{"service": name, "build": sid} for name, sid in BUILDS.items()]),
}


@dataclass(frozen=True)
class Run:
    """An act run: its exit code, and the log with standard error in it."""

    code: int
    log: str

    def said(self, job: str) -> list[str]:
        """What the steps of a job have printed themselves."""
        return re.findall(rf"^\[[^]]*/{re.escape(job)} *\]   \| (.*)$", self.log, re.MULTILINE)


class Act:
    """Runs examples in a repository of their own."""

    def __init__(self, home: Path, job_image: str) -> None:
        """Take an empty folder, and the image in which jobs run."""
        self._action = home / "action"
        self._home = home / "home"
        self._project = home / "project"
        self._job_image = job_image
        copy_of_the_tree(self._action)
        self._home.mkdir()
        workflows = self._project / ".github" / "workflows"
        workflows.mkdir(parents=True)
        for example in (EXAMPLES / "github").glob("*.yml"):
            shutil.copy2(example, workflows / example.name)
        commit_all(self._project)

    def set_timeout(self, example: str, given: str, timeout: str) -> None:
        """Change a time-out that would be too long for a test."""
        path = self._project / ".github" / "workflows" / example
        text = path.read_text(encoding="utf-8")
        assert text.count(f"timeout: {given}\n") == 1
        path.write_text(text.replace(f"timeout: {given}\n", f"timeout: {timeout}\n"), "utf-8")

    def run(self, example: str, server: Twilio) -> Run:
        """Run one example, or with an empty name all of them at once, by workflow_dispatch."""
        lists: Mapping[str, Mapping[str, str]] = {
            "var": VARIABLES,
            "input": INPUTS,
            "env": {"TWILIO_BASE_URL": server.url},
            "local-repository": {ACTION: str(self._action)},
        }
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("act")),
                "workflow_dispatch",
                f"--workflows=.github/workflows/{example}",
                f"--platform=ubuntu-latest={self._job_image}",
                "--pull=false",
                "--rm",  # after a failed job, too
                *(f"--{flag}={k}={v}" for flag, pairs in lists.items() for k, v in pairs.items()),
                # Without a value act takes it from the environment: no secret on a command line.
                *(f"--secret={name}" for name in SECRETS),
            ],
            cwd=self._project,
            env={
                **os.environ,
                **SECRETS,
                "HOME": str(self._home),
                "XDG_CONFIG_HOME": str(self._home),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=110,
            check=False,
        )
        return Run(done.returncode, done.stdout)


@pytest.fixture(scope="module")
def act(image: str, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Act]:
    """The examples' repository. The action is built from the cache that ``image`` has filled."""
    assert image
    yield Act(tmp_path_factory.mktemp("act"), tools_image(base_image))
    remove("act-owner-twilio-build-wait-v1-dockeraction:latest")


def test_with_a_completed_build_every_example_succeeds(act: Act) -> None:
    with twilio("completed") as server:
        for sid in BUILDS.values():
            server.emulator.add_build(sid, "completed", after="1s")
        run = act.run("", server)
    assert run.code == 0, run.log
    (line,) = [line for line in run.said("Wait for the build") if "has completed after" in line]
    assert re.fullmatch(r"The build has completed after \d+\.\d s", line), run.log
    assert "With an API key, the build has completed" in run.said("Wait for the build"), run.log
    for service in BUILDS:
        assert f"{service} has completed" in run.log, run.log
    assert "Every build has completed" in run.said("After all of them"), run.log
    branch = run.said("Wait for the build, then branch")
    assert branch[-1] == "The build has completed, go on", run.log
    told = f"The wait ended as completed, and build {BUILD_SID} is live"
    assert run.said("Deploy") == [told], run.log
    assert server.created == [FUNCTION_VERSION]
    assert server.deployed == [BUILD_SID]
    for secret in SECRETS.values():
        assert secret not in run.log


@pytest.mark.parametrize(
    "ending, code, last",
    [
        ("building", 0, "The build is still building, a later run goes on waiting for it"),
        ("silent", 1, "No good: timed-out: "),
        ("failed", 1, "No good: failed: "),
        ("refused", 1, "No good: rejected: "),
    ],
)
def test_only_a_time_out_with_a_status_is_tolerated(
    act: Act, ending: str, code: int, last: str
) -> None:
    example = "continue-on-error.yml"
    act.set_timeout(example, "5m", "0")
    try:
        with twilio(ending) as server:
            run = act.run(example, server)
    finally:
        act.set_timeout(example, "0", "5m")
    assert run.code == code, run.log
    assert run.said("Wait for the build, then branch")[-1].startswith(last), run.log


def test_a_failed_build_is_not_deployed(act: Act) -> None:
    with twilio("failed") as server:
        run = act.run("wait-then-deploy.yml", server)
    assert run.code == 1, run.log
    assert run.said("Deploy") == [], run.log
    assert server.created == [FUNCTION_VERSION]
    assert server.deployed == []
