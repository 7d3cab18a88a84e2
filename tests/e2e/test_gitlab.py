"""The image as a job of GitLab, run by gitlab-ci-local: its dotenv report reaches the next job."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.projects import commit_all, tools_image
from tests.support.samples import build_status, without_github
from tests.support.server import Server

# A newcomer's machine has neither the program nor the helper image yet.
pytestmark = pytest.mark.timeout(240)

# Plain JavaScript. Versions up to 4.60.0 have a part that npm may have to compile.
GITLAB_CI_LOCAL = "gitlab-ci-local@4.64.1"

# What the second job can read comes from the report of the first one, which fails.
PIPELINE = """
wait:
  image: {name: IMAGE, entrypoint: [""]}
  allow_failure: true
  script: [twilio-build-wait]
  artifacts: {when: always, reports: {dotenv: twilio.env}}
after:
  image: BASE
  stage: deploy
  script: ['echo "outcome=$TWILIO_BUILD_WAIT_OUTCOME polls=$TWILIO_BUILD_WAIT_POLLS"']
"""


def test_next_job_sees_the_outputs(
    image: str, base_image: str, server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    server.script(build_status(), build_status("failed"))
    project = tmp_path / "project"
    project.mkdir()
    text = PIPELINE.replace("IMAGE", image).replace("BASE", base_image)
    (project / ".gitlab-ci.yml").write_text(text)
    environ = without_github(environ) | {"TWILIO_BUILD_OUTPUT_FILE": "twilio.env"}
    inputs = [f"--variable={k}={v}" for k, v in environ.items() if k.startswith("TWILIO_")]
    commit_all(project)
    command = ["npx", "--yes", GITLAB_CI_LOCAL, "--no-color", "--network=host", *inputs]
    command += ["--pull-policy=if-not-present", f"--helper-image={tools_image(base_image)}"]
    done = subprocess.run(
        [*command, f"--home={tmp_path}"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "outcome=failed polls=2" in done.stdout, done.stdout + done.stderr
