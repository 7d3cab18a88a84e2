"""What zizmor, actionlint and the schemas do not check in the workflows."""

import inspect
import json
import re
import shlex
from typing import Any

import yaml

from tests.support.run import REPOSITORY
from tools.release.__main__ import STEPS

GITHUB = REPOSITORY / ".github"
FILES = {file.name: file.read_text("utf-8") for file in GITHUB.glob("workflows/*.yml")}
ACTIONS = [file.read_text("utf-8") for file in GITHUB.glob("actions/*/action.yml")]
JOBS: dict[str, dict[str, Any]] = {
    name: job for text in FILES.values() for name, job in yaml.safe_load(text)["jobs"].items()
}


def test_workflows_call_every_step_with_its_arguments() -> None:
    text = "\n".join([*FILES.values(), *ACTIONS])
    calls = [shlex.split(call) for call in re.findall(r"tools\.release ([^|>\n]+)", text)]
    for step, *arguments in calls:
        inspect.signature(STEPS[step]).bind(*arguments)
    assert {call[0] for call in calls} == STEPS.keys() - {"owner"}


def test_whatever_can_publish_needs_an_approval() -> None:
    writes = dict.fromkeys(("attestations", "contents", "packages"), "write")
    publish = {name for name, job in JOBS.items() if writes.items() & job["permissions"].items()}
    assert publish == {"release", "publish"}
    assert {JOBS[name]["environment"] for name in publish} == {"release"}


def test_required_checks_are_jobs() -> None:
    ruleset = json.loads((GITHUB / "rulesets/main.json").read_text("utf-8"))
    (rule,) = [rule for rule in ruleset["rules"] if rule["type"] == "required_status_checks"]
    names = {job["name"] for job in JOBS.values()}
    names |= {f"Analyze {each}" for each in JOBS["analyze"]["strategy"]["matrix"]["language"]}
    assert names >= {check["context"] for check in rule["parameters"]["required_status_checks"]}


def test_ci_passes_only_with_each_of_its_jobs() -> None:
    jobs = yaml.safe_load(FILES["ci.yml"])["jobs"]
    assert set(jobs["passed"]["needs"]) == jobs.keys() - {"passed"}
