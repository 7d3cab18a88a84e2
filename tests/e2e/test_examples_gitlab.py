"""GitLab's example, run by gitlab-ci-local: job after job, each in a container of its own."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.example_images import IMAGE, commit_all, tools_image
from tests.integration.example_machine import EXAMPLES
from tests.integration.example_twilio import BUILD_SID, FUNCTION_VERSION, Twilio, twilio

# Plain JavaScript. Versions up to 4.60.0 have a part that npm may have to compile.
GITLAB_CI_LOCAL = "gitlab-ci-local@4.64.1"
CURL_AND_JQ = "registry.gitlab.com/gitlab-ci-utils/curl-jq:5.0.2"


@dataclass(frozen=True)
class Run:
    """A pipeline run: its exit code, and the log with standard error in it."""

    code: int
    log: str

    def status(self, job: str) -> str:
        """How the summary calls the job's end: PASS, WARN if it was tolerated, FAIL."""
        (status,) = re.findall(rf"^ (PASS|WARN|FAIL)  {re.escape(job)}\b", self.log, re.MULTILINE)
        return str(status)

    def said(self, job: str) -> list[str]:
        """What the commands of a job have printed."""
        return re.findall(rf"^{re.escape(job)} +> (.*)$", self.log, re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path, image: str, base_image: str) -> Path:
    """A repository with the example; its images are this tree's, and one with curl and jq."""
    folder = tmp_path / "project"
    folder.mkdir()
    for script in EXAMPLES.glob("*.sh"):
        shutil.copy2(script, folder / script.name)
    text = (EXAMPLES / "gitlab-ci.yml").read_text(encoding="utf-8")
    assert text.count(IMAGE) == 1
    assert text.count(CURL_AND_JQ) == 2
    text = text.replace(IMAGE, image).replace(CURL_AND_JQ, tools_image(base_image))
    (folder / ".gitlab-ci.yml").write_text(text, encoding="utf-8")
    commit_all(folder)
    return folder


def run(project: Path, base_image: str, server: Twilio, timeout: str) -> Run:
    """Run the pipeline with the variables that the project's settings would hold."""
    variables = {
        **server.credentials(),
        "TWILIO_FUNCTION_VERSION": FUNCTION_VERSION,
        "TWILIO_BASE_URL": server.url,
        "TWILIO_BUILD_TIMEOUT": timeout,
    }
    (project / ".gitlab-ci-local-variables.yml").write_text(yaml.safe_dump(variables), "utf-8")
    done = subprocess.run(
        [
            *("npx", "--yes", GITLAB_CI_LOCAL),
            "--no-color",
            "--no-json-schema-validation",  # tests/integration/test_examples_files.py does it
            "--network=host",
            "--pull-policy=if-not-present",
            f"--helper-image={tools_image(base_image)}",
            f"--home={project.parent}",
        ],
        cwd=project,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def test_the_next_job_is_told_the_verdict_and_deploys(project: Path, base_image: str) -> None:
    with twilio("completed") as server:
        done = run(project, base_image, server, "30s")
    assert (done.code, done.status("wait")) == (0, "PASS"), done.log
    verdict, deployed = done.said("deploy")
    assert re.fullmatch(r"The wait ended as completed after \d+\.\d s", verdict), done.log
    assert deployed == f"Build {BUILD_SID} is live", done.log
    assert server.created == [FUNCTION_VERSION]
    assert server.deployed == [BUILD_SID]
    assert server.credentials()["TWILIO_API_SECRET"] not in done.log


def test_a_time_out_with_a_status_is_tolerated_and_nothing_deployed(
    project: Path, base_image: str
) -> None:
    with twilio("building") as server:
        done = run(project, base_image, server, "0")
    assert (done.code, done.status("wait")) == (0, "WARN"), done.log
    verdict, not_deployed = done.said("deploy")
    assert verdict.startswith("The wait ended as timed-out after "), done.log
    assert not_deployed.startswith("Not deployed: "), done.log
    assert server.deployed == []


def test_a_time_out_without_a_status_fails(project: Path, base_image: str) -> None:
    """gitlab-ci-local runs the next job all the same: it takes any `allow_failure` for all of it.

    GitLab itself would stop here. The next job does not deploy in either case.
    """
    with twilio("silent") as server:
        done = run(project, base_image, server, "0")
    assert done.status("wait") == "FAIL", done.log
    assert "FAIL 4" in done.log, done.log
    assert server.deployed == []
