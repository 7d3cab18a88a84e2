"""What users rely on does not change without the changelog and the version saying so."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.release_project import CHANGELOG, interface
from tools.release.interface import SNAPSHOT, Interface, compare, problems, render
from tools.release.problems import ReleaseError
from tools.release.surface import current, write

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
COMMITTED: dict[str, Any] = json.loads((ROOT / SNAPSHOT).read_text(encoding="utf-8"))


def test_every_change_since_the_newest_version_is_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert problems(COMMITTED, current(), changelog) == []


def test_the_snapshot_is_of_the_newest_version() -> None:
    assert COMMITTED["version"] == current()["version"], "run `make snapshot`"


def test_the_snapshot_is_as_it_is_written() -> None:
    assert (ROOT / SNAPSHOT).read_text(encoding="utf-8") == render(COMMITTED)


@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_the_action_declares_what_the_code_has(part: str) -> None:
    declared = current()[part]
    assert isinstance(declared, dict)
    assert list(ACTION[part]) == list(declared)


def test_the_action_describes_the_defaults_that_the_code_has() -> None:
    described = {}
    for name, declared in ACTION["inputs"].items():
        default = re.search(r"\bDefault (.*?)\. ", declared["description"])
        needed = declared["description"].startswith("Needed: ")
        described[name] = "required" if needed else default[1] if default else ""
    assert described == {name: known["default"] for name, known in COMMITTED["inputs"].items()}


def test_the_action_names_the_variable_that_the_code_reads() -> None:
    for name, declared in ACTION["inputs"].items():
        variable = COMMITTED["inputs"][name]["environment"][-1]
        assert declared["description"].endswith(f" Or env {variable}."), name


def test_every_outcome_has_exit_codes_of_its_own() -> None:
    codes = [code for codes in COMMITTED["exits"].values() for code in codes]
    assert len(codes) == len(set(codes))
    assert COMMITTED["exits"]["failed"] == [1]


# The rule itself, on small interfaces.

BEFORE = interface(
    "1.4.2",
    inputs={"timeout": {"environment": ["T"], "default": "15m"}},
    outputs={"status": {"environment": "S"}},
    exits={"completed": [0], "failed": [1]},
)


def after(version: str, part: str, name: str, value: object) -> Interface:
    """Return BEFORE with one entry changed, or taken out if the value is None."""
    changed: Any = copy.deepcopy(BEFORE) | {"version": version}
    changed[part][name] = value
    if value is None:
        del changed[part][name]
    return {key: changed[key] for key in BEFORE}


ADDED = ("inputs", "colour", {"environment": ["C"], "default": ""})
CHANGED = ("inputs", "timeout", {"environment": ["T"], "default": "20m"})
MOVED = ("exits", "failed", [9])
REMOVED = ("outputs", "status", None)


def changelog(heading: str, kind: str, entry: str) -> str:
    older = "## [1.4.2] - 2026-01-01\n\n### Added\n\n- `colour` `timeout` `failed` `status`\n"
    return f"# Changelog\n\n{heading}\n\n### {kind}\n\n- {entry}\n\n{older}"


UNRELEASED = "## [Unreleased]"


@pytest.mark.parametrize(
    "change, kind",
    [(ADDED, "Added"), (CHANGED, "Changed"), (MOVED, "Changed"), (REMOVED, "Removed")],
)
def test_a_change_is_named_in_the_changelog_under_its_kind(
    change: tuple[str, str, object], kind: str
) -> None:
    new = after("1.4.2", *change)
    entry = f"The `{change[1]}` is not what it was."
    assert problems(BEFORE, new, changelog(UNRELEASED, kind, entry)) == []
    for heading, other, text in (
        (UNRELEASED, "Fixed", entry),
        (UNRELEASED, kind, entry.replace("`", "")),
        (UNRELEASED, kind, "Something else."),
        ("## [1.4.1] - 2025-12-01", kind, entry),
    ):
        (found,) = problems(BEFORE, new, changelog(heading, other, text))
        assert f"`{change[1]}` under `### {kind}`" in found


@pytest.mark.parametrize(
    "change, version, needed",
    [
        (ADDED, "1.4.3", "minor"),
        (ADDED, "1.5.0", None),
        (ADDED, "2.0.0", None),
        (CHANGED, "1.5.0", "major"),
        (CHANGED, "2.0.0", None),
        (MOVED, "1.4.3", "major"),
        (REMOVED, "1.9.0", "major"),
        (REMOVED, "2.0.0", None),
    ],
)
def test_a_change_asks_for_a_version_that_goes_up_far_enough(
    change: tuple[str, str, object], version: str, needed: str | None
) -> None:
    new = after(version, *change)
    (kind,) = (change.kind for change in compare(BEFORE, new))
    text = changelog(f"## [{version}] - 2026-12-01", kind, f"`{change[1]}`")
    found = problems(BEFORE, new, text)
    assert len(found) == (needed is not None)
    assert all(f"asks for a new {needed} version" in problem for problem in found)


def test_a_version_that_changes_nothing_asks_for_nothing() -> None:
    assert problems(BEFORE, {**BEFORE, "version": "1.4.3"}, CHANGELOG) == []


def tree(root: Path, text: str) -> Path:
    (root / SNAPSHOT).parent.mkdir(parents=True)
    (root / "CHANGELOG.md").write_text(text)
    return root


def test_a_snapshot_is_written_for_a_version_that_is_high_enough(tmp_path: Path) -> None:
    root = tree(tmp_path, changelog("## [1.5.0] - 2026-12-01", "Added", "`colour`"))
    write(root, BEFORE)
    new = after("1.5.0", *ADDED)
    write(root, new)
    assert json.loads((root / SNAPSHOT).read_text()) == new


@pytest.mark.parametrize(
    "version, reason",
    [("1.4.2", "the version is still 1.4.2"), ("1.4.3", "asks for a new minor version")],
)
def test_a_snapshot_is_not_written_over_a_change_that_is_not_due(
    tmp_path: Path, version: str, reason: str
) -> None:
    root = tree(tmp_path, changelog(UNRELEASED, "Added", "`colour`"))
    write(root, BEFORE)
    with pytest.raises(ReleaseError, match=reason):
        write(root, after(version, *ADDED))
    assert json.loads((root / SNAPSHOT).read_text()) == BEFORE
