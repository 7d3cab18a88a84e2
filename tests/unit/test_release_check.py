import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.release_project import (
    ACTION,
    CHANGELOG,
    REFERENCE,
    Project,
    files,
    interface,
)
from tools.release.action_file import pin
from tools.release.check import base_image, check
from tools.release.problems import ReleaseError
from tools.release.tags import Tags
from tools.release.versions import Version

ROOT = Path(__file__).resolve().parents[2]
V100, V101, V110 = Version(1, 0, 0), Version(1, 0, 1), Version(1, 1, 0)

SNAPSHOT = "tests/unit/upgrade_snapshot.json"
FIXED = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.0.1] - 2026-12-01\n\n### Fixed\n\n- A thing.\n\n"
    + CHANGELOG.partition("## [Unreleased]\n\n")[2]
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def problems(project: Project, version: Version) -> str:
    with pytest.raises(ReleaseError) as caught:
        check(version, Tags(project.path))
    return str(caught.value)


def test_a_project_that_agrees_with_itself_can_be_released(project: Project) -> None:
    assert check(V100, Tags(project.path)) is None


def test_a_version_that_is_tagged_already_is_carried_on_with(project: Project) -> None:
    release = Tags(project.path).tag(V100, REFERENCE)
    # Whatever has happened on main since then is no part of that release.
    project.commit({"pyproject.toml": "[project]\nversion = '9.9.9'\n"})
    assert check(V100, Tags(project.path)) == release


@pytest.mark.parametrize(
    "name, text, problem",
    [
        ("pyproject.toml", "[project]\nversion = '1.0.1'\n", "has the version '1.0.1'"),
        ("pyproject.toml", "[project]\ndynamic = ['version']\n", "has the version None"),
        ("src/twilio_build_wait/__init__.py", "__version__ = '1.0.1'\n", "to ['1.0.1']"),
        ("src/twilio_build_wait/__init__.py", "version = '1.0.0'\n", "to []"),
        ("src/twilio_build_wait/__init__.py", "__version__ = str(1)\n", "to []"),
        ("CHANGELOG.md", "# Changelog\n", "0 sections for 1.0.0"),
        ("action.yml", pin(ACTION, REFERENCE), "pinned already"),
        (SNAPSHOT, json.dumps(interface("0.9.0")), "make snapshot"),
    ],
)
def test_what_disagrees_is_named(project: Project, name: str, text: str, problem: str) -> None:
    project.commit({name: text})
    assert problem in problems(project, V100)


@pytest.mark.parametrize("text", ["FROM a\n", "ARG BASE_IMAGE=a\nARG BASE_IMAGE=b\n"])
def test_a_dockerfile_that_does_not_name_one_base_is_refused(project: Project, text: str) -> None:
    project.commit({"Dockerfile": text})
    with pytest.raises(ReleaseError, match="exactly one"):
        base_image(Tags(project.path))


def test_everything_that_disagrees_is_named_at_once(project: Project) -> None:
    found = problems(project, V101)
    for name in ("pyproject.toml", "__init__.py", "CHANGELOG.md", SNAPSHOT):
        assert name in found


def test_what_is_not_committed_does_not_count(project: Project) -> None:
    for name, text in (files("1.0.1") | {"CHANGELOG.md": FIXED}).items():
        (project.path / name).write_text(text)
    assert "pyproject.toml" in problems(project, V101)
    project.commit({})
    assert check(V101, Tags(project.path)) is None


def test_a_version_below_a_released_one_is_refused(project: Project) -> None:
    Tags(project.path).tag(V110, REFERENCE)
    assert "1.1.0 is released already" in problems(project, V100)


def test_a_snapshot_written_anew_does_not_hide_a_break(project: Project) -> None:
    before = interface("1.0.0", outputs={"status": {}})
    project.commit({SNAPSHOT: json.dumps(before)})
    Tags(project.path).tag(V100, REFERENCE)
    fixed = {"CHANGELOG.md": FIXED, SNAPSHOT: json.dumps(interface("1.0.1"))}
    project.commit(files("1.0.1") | fixed)
    assert "output `status` is removed: that asks for a new major" in problems(project, V101)
    project.commit({SNAPSHOT: json.dumps(before | {"version": "1.0.1"})})
    assert check(V101, Tags(project.path)) is None


def run(
    project: Project, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if "GITHUB" not in name}
    return subprocess.run(
        [sys.executable, "-m", "tools.release", *arguments],
        cwd=project.path,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_whole_release_from_the_command_line(project: Project, tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.write_text("before=kept\n")
    github = {"GITHUB_OUTPUT": str(output)}
    on_main = ("--owner", "Acme", "--ref", "refs/heads/main")
    epoch = project.git("log", "-1", "--format=%ct")

    done = run(project, "check", "1.0.0", *on_main, **github)
    assert (done.returncode, done.stderr) == (0, "")
    assert output.read_text() == (
        "before=kept\nversion=1.0.0\nmajor=1\nimage=ghcr.io/acme/twilio-build-wait\n"
        f"base=python:3-slim\nepoch={epoch}\nreference=\n"
    )
    done = run(project, "tag", "1.0.0", REFERENCE, **github)
    commit = project.on_remote("refs/tags/v1.0.0")
    assert (done.returncode, done.stdout) == (0, f"commit={commit}\n")
    assert f"reference={REFERENCE}\n" in run(project, "check", "1.0.0", *on_main).stdout
    done = run(project, "notes", "1.0.0", "--repository", "Acme/action")
    assert done.stdout.startswith("### Added\n\n- It waits.\n")
    assert f"- uses: Acme/action@{commit} # v1.0.0\n" in done.stdout
    assert f"Image: `{REFERENCE}`" in done.stdout
    assert run(project, "major", "1.0.0").stdout == "newest=true\n"
    assert project.on_remote("refs/tags/v1") == commit
    assert run(project, "latest").stdout == f"reference={REFERENCE}\n"


def test_before_any_release_there_is_no_latest_and_there_are_no_notes(project: Project) -> None:
    assert run(project, "latest").stdout == "reference=\n"
    done = run(project, "notes", "1.0.0", "--repository", "acme/action")
    assert (done.returncode, "is not released" in done.stdout) == (1, True)


def test_pinning_writes_the_file_and_a_refusal_leaves_it(project: Project) -> None:
    file = project.path / "action.yml"
    assert run(project, "pin", "action.yml", REFERENCE).returncode == 0
    assert file.read_bytes() == pin(ACTION, REFERENCE).encode()
    done = run(project, "pin", "action.yml", REFERENCE)
    assert (done.returncode, "pinned already" in done.stdout) == (1, True)
    assert file.read_bytes() == pin(ACTION, REFERENCE).encode()


@pytest.mark.parametrize(
    "argument, problem",
    [
        ("v1.0.0", "is not a release version"),
        ("1.0.0\nimage=evil", "is not a release version"),
        ("--ref=refs/heads/side", "Releases are made from the main branch"),
        ("--ref=refs/tags/v1.0.0", "Releases are made from the main branch"),
        ("--owner=acme/x", "is not the name of an account"),
        ("--owner=-acme", "is not the name of an account"),
        ("--owner=acme\nimage=evil", "is not the name of an account"),
    ],
)
def test_what_a_person_can_type_wrong_is_refused_with_its_reason(
    project: Project, tmp_path: Path, argument: str, problem: str
) -> None:
    output = tmp_path / "output"
    version = argument if not argument.startswith("--") else "1.0.0"
    options = ["--owner=acme", "--ref=refs/heads/main"]
    # What is said last counts.
    options += [argument] if argument.startswith("--") else []
    done = run(project, "check", version, *options, GITHUB_OUTPUT=str(output))
    assert (done.returncode, problem in done.stdout) == (1, True)
    assert not output.exists()


def test_on_github_each_problem_is_one_annotation(project: Project) -> None:
    done = run(
        project,
        *("check", "1.0.1", "--owner", "acme", "--ref", "refs/heads/main"),
        GITHUB_ACTIONS="true",
    )
    lines = done.stdout.splitlines()
    assert len(lines) > 1
    assert all(line.startswith("::error title=Release refused::") for line in lines)
