"""The workflows call the scripts rightly, and are no wider open than they have to be."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.release.__main__ import parser

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {file.stem: file.read_text(encoding="utf-8") for file in FILES}
#: PyYAML reads YAML 1.1, in which the key `on` is True.
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = [
    pytest.param(job, id=f"{name}-{key}")
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
]
RELEASE = WORKFLOWS["release"]["jobs"]


def scripts(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job.get("steps", []) if "run" in step]


def writes(job: dict[str, Any]) -> set[str]:
    return {scope for scope, access in job["permissions"].items() if access == "write"}


def needed(job: str) -> set[str]:
    """Return every job of the release that has to be through before this one."""
    needs = RELEASE[job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(other) for other in direct))


@pytest.mark.parametrize("name", list(TEXTS))
def test_every_action_is_pinned_to_a_commit_beside_its_version(name: str) -> None:
    used = re.findall(r"uses: *(.*)", TEXTS[name])
    pinned = [
        line for line in used if re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ]
    own = [line for line in used if line.startswith("./")]
    assert used
    assert len(pinned) + len(own) == len(used)


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for text in TEXTS.values():
        for action, pin in re.findall(r"uses: ([\w/-]+)@(.*)", text):
            # The actions of one repository have one history.
            pins.setdefault("/".join(action.split("/")[:2]), set()).add(pin)
    assert len(pins) > 5
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_a_limit_and_asks_for_its_permissions(job: dict[str, Any]) -> None:
    assert "permissions" in job
    assert "timeout-minutes" in job or "uses" in job


@pytest.mark.parametrize("name", list(WORKFLOWS))
def test_a_workflow_grants_nothing_by_itself_and_runs_once_at_a_time(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    assert "group" in WORKFLOWS[name]["concurrency"]


@pytest.mark.parametrize("job", JOBS)
def test_no_expression_is_pasted_into_a_script(job: dict[str, Any]) -> None:
    assert not [script for script in scripts(job) if "${{" in script]


@pytest.mark.parametrize("job", JOBS)
def test_no_checkout_leaves_its_credentials_behind(job: dict[str, Any]) -> None:
    for step in job.get("steps", []):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", JOBS)
def test_each_call_of_the_scripts_is_one_that_they_understand(job: dict[str, Any]) -> None:
    for script in scripts(job):
        joined = script.replace("\\\n", " ")
        for call in re.findall(r"python3 -m tools\.release ([^>|;\n]*)", joined):
            parser().parse_args(shlex.split(call))


def test_the_scripts_are_all_called() -> None:
    called = set(re.findall(r"tools\.release (\w+)", "".join(TEXTS.values())))
    # The tag step pins by itself; `pin` is for a person who wants to see the result.
    assert called == {"check", "try", "tag", "notes", "major", "latest"}


@pytest.mark.parametrize("job", JOBS)
def test_who_asks_about_tags_has_the_whole_history(job: dict[str, Any]) -> None:
    asks = re.search(r"tools\.release (check|tag|notes|major|latest)", "".join(scripts(job)))
    depths = [step.get("with", {}).get("fetch-depth") for step in job.get("steps", [])]
    assert not asks or 0 in depths


def test_a_release_tags_nothing_before_the_image_was_tried() -> None:
    assert needed("tag") == {"check", "test", "image", "try"}
    assert "tag" in needed("name")
    assert "contents" not in set().union(*(writes(RELEASE[job]) for job in needed("tag")))


def test_the_documentation_says_what_each_job_of_a_release_may_write() -> None:
    text = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| .* \| ([\w, -]+) \|$", text, re.MULTILINE)
    documented = {job: set(scopes.split(", ")) - {"nothing"} for job, scopes in rows}
    # Signing takes a token for the identity of the run, which writes nothing anywhere.
    assert {job: writes(RELEASE[job]) - {"id-token"} for job in RELEASE} == {
        job: documented[job] for job in RELEASE
    }


def test_a_release_runs_by_hand_alone_and_one_at_a_time() -> None:
    assert list(WORKFLOWS["release"][True]) == ["workflow_dispatch"]
    assert WORKFLOWS["release"]["concurrency"] == {"group": "release", "cancel-in-progress": False}


def test_a_release_builds_on_a_base_that_is_fixed_by_digest() -> None:
    (build,) = (
        step
        for step in RELEASE["image"]["steps"]
        if step.get("uses", "").startswith("docker/build-push-action@")
    )
    assert "BASE_IMAGE=${{ steps.base.outputs.reference }}" in build["with"]["build-args"]
    assert set(build["with"]["platforms"].split(",")) == {"linux/amd64", "linux/arm64"}
    assert (build["with"]["provenance"], build["with"]["sbom"]) == ("mode=max", True)


def test_ci_runs_the_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = set(re.findall(r"run: make ([\w -]+)", TEXTS["ci"]))
    assert called == {"lint", "test", "e2e", "demo"}
    assert called <= targets


def test_ci_tests_every_python_that_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    matrix = WORKFLOWS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    declared = [
        line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)
    ]
    assert matrix[0] == oldest
    assert set(declared) <= set(matrix)
