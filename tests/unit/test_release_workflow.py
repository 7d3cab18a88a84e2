"""What zizmor, actionlint and the schemas do not check in the workflows."""

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from tools.release.__main__ import STEPS

ROOT = Path(__file__).resolve().parents[2]
FILES = {file.name: file.read_text() for file in ROOT.glob(".github/workflows/*.yml")}
ACTIONS = [file.read_text() for file in ROOT.glob(".github/actions/*/action.yml")]
JOBS: dict[str, dict[str, Any]] = {
    name: job
    for file in ("release.yml", "publish.yml")
    for name, job in yaml.safe_load(FILES[file])["jobs"].items()
}


def scripts(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job.get("steps", [])).replace("\\\n", "")


def writes(job: dict[str, Any]) -> set[str]:
    # id-token lets a job prove who it is; it writes nothing.
    return {scope for scope, access in job["permissions"].items() if access == "write"} - {
        "id-token"
    }


def needed(name: str) -> set[str]:
    """Return every job that must succeed before a job."""
    needs = JOBS[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(other) for other in direct))


def test_workflows_call_every_step_with_its_arguments() -> None:
    called = set()
    for job in JOBS.values():
        for call in re.findall(r"tools\.release ([^|>\n]+)", scripts(job)):
            step, *arguments = shlex.split(call)
            inspect.signature(STEPS[step]).bind(*arguments)
            called.add(step)
            history = [step.get("with", {}).get("fetch-depth") for step in job["steps"]]
            assert step == "try" or 0 in history
    assert called == STEPS.keys() - {"owner"}


def test_nothing_is_tagged_before_the_image_was_tried() -> None:
    assert needed("tag") == {"check", "test", "build", "join", "try"}
    assert JOBS["tag"]["environment"] == "release"
    assert not any("contents" in writes(JOBS[job]) for job in needed("tag"))


def test_documentation_says_what_each_job_may_write() -> None:
    text = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([\w, -]+) \|$", text, re.MULTILINE)
    documented = {job: set(scopes.split(", ")) - {"nothing"} for job, scopes in rows}
    assert documented == {name: writes(job) for name, job in JOBS.items()}


def test_pins_are_the_same_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for text in [*FILES.values(), *ACTIONS]:
        # Actions of one repository have one history.
        for action, pin in re.findall(r"uses: ([\w-]+/[\w-]+)\S*(@[0-9a-f]{40} # v\S+)", text):
            pins.setdefault(action, set()).add(pin)
        for image in re.findall(r"(?:image|generator)=(\S+/\S+)", text):
            assert re.search(r":v?[\d.]+@sha256:[0-9a-f]{64}$", image)
    assert len(pins) > 5
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def test_marketplace_accepts_the_action() -> None:
    # docs.github.com, "Publishing actions in GitHub Marketplace" and "Metadata syntax"
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert len(action["description"]) < 125
    assert re.fullmatch(r"\w+( \w+)*", action["name"])
