"""The action in a workflow, `uses: ./`, which act builds and runs in a copy of this work tree."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.containers import docker
from tests.e2e.projects import act, commit_all, copy_of_the_tree
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    OTHER_BUILD_PATH,
    OTHER_BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    build_status,
)
from tests.support.server import Server
from twilio_build_wait.model import OUTPUTS

# The fixture runs everything.
pytestmark = pytest.mark.timeout(240)

VARIABLES = {
    "ACCOUNT_SID": ACCOUNT_SID,
    "API_KEY": API_KEY,
    "SERVICE_SID": SERVICE_SID,
    "COMPLETES": BUILD_SID,
    "FAILS": OTHER_BUILD_SID,
}
SECRETS = {"AUTH_TOKEN": TOKEN, "API_SECRET": SECRET}


@pytest.fixture(scope="module")
def log(image: str, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What act prints, standard error included. Docker has the layers of `image` in its cache."""
    assert image
    folder = tmp_path_factory.mktemp("act") / "checkout"
    copy_of_the_tree(folder)
    commit_all(folder)
    with Server(build_status(), build_status("completed")) as server:
        failed = build_status("failed", sid=OTHER_BUILD_SID, url=None)
        server.script(failed, path=f"{OTHER_BUILD_PATH}/Status")
        variables = VARIABLES | {"BASE_URL": server.url}
        code, text = act(
            folder,
            base_image,
            "push",
            "--workflows=tests/e2e/workflows/wait.yml",
            *(f"--var={name}={value}" for name, value in variables.items()),
            secrets=SECRETS,
        )
    assert code == 0, text
    yield text
    docker("image", "rm", "--force", "act-dockeraction:latest")


def printed(log: str, word: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the JSON that a step has printed after a word."""
    (text,) = re.findall(rf"\| {word} (.*)", log)
    return json.loads(text)


STEPS = {
    "completes": ("completed", BUILD_SID, "success"),
    "fails": ("failed", OTHER_BUILD_SID, "failure"),
}


@pytest.mark.parametrize("name", STEPS)
def test_later_step_sees_every_output(log: str, name: str) -> None:
    outcome, build_sid, end = STEPS[name]
    step = printed(log, "STEPS")[name]
    assert set(step["outputs"]) == set(OUTPUTS)
    assert step["outputs"]["outcome"] == outcome
    assert step["outputs"]["build-sid"] == build_sid
    # GitHub's own words for the step; continue-on-error changes only the conclusion.
    assert (step["outcome"], step["conclusion"]) == (end, "success")


def test_later_job_sees_the_outputs_of_the_job(log: str) -> None:
    assert printed(log, "JOB") == {"outcome": "completed", "service-sid": SERVICE_SID}


def test_failed_build_is_annotated(log: str) -> None:
    (line,) = [line for line in log.splitlines() if "::error" in line]
    assert "Twilio build failed" in line


def test_secrets_are_masked(log: str) -> None:
    text = "\n".join(line for line in log.splitlines() if "::add-mask::" not in line)
    assert not [secret for secret in SECRETS.values() if secret in text]
