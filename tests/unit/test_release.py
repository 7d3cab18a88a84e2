"""The steps of a release, in a small project with a bare remote."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.projects import execute
from tools.release import ReleaseError, Version
from tools.release.__main__ import main
from tools.release.owner import ACTION, CODE_OWNER, IMAGE, OWNER
from tools.release.repository import pin

REFERENCE = "ghcr.io/acme/twilio-build-wait@sha256:" + "a1" * 32
OTHER = "ghcr.io/acme/twilio-build-wait@sha256:" + "b2" * 32
MAIN = "refs/heads/main"
ROOT = Path(__file__).resolve().parents[2]
ACTION_FILE = (ROOT / "action.yml").read_text("utf-8")
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [{}] - 2026-11-23\n\n### Added\n\n- It waits.\n"


def files(version: str) -> dict[str, str]:
    """Return a tree that can be released as a version."""
    return {
        "action.yml": ACTION_FILE,
        "CHANGELOG.md": CHANGELOG.format(version),
        "Dockerfile": f"FROM python:3.13@sha256:{'c3' * 32} AS base\n",
        "src/twilio_build_wait/__init__.py": f'__version__ = "{version}"\n',
        "folder/kept.txt": "kept\r\nas it is\n",
    }


class Project:
    """A clone of a bare repository."""

    def __init__(self, root: Path) -> None:
        self.path = root / "clone"
        execute(root, ["git", "init", "-q", "--bare", "-b", "main", "remote.git"])
        execute(root, ["git", "clone", "-q", "remote.git", "clone"])
        self.git("checkout", "-q", "-B", "main")
        self.commit(files("1.0.0"))

    def commit(self, changes: dict[str, str]) -> None:
        """Write these files, commit them, and push to main."""
        for name, text in changes.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_bytes(text.encode())
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "A change")
        self.git("push", "-q", "origin", "HEAD:main")

    def git(self, *arguments: str) -> str:
        """Run git in the clone, and return its output."""
        return execute(self.path, ["git", *arguments]).strip()

    def refs(self) -> dict[str, str]:
        """Return the SHA of each branch and tag on the remote."""
        lines = self.git("ls-remote", "--heads", "--tags", "origin").splitlines()
        return {ref.removeprefix("refs/"): sha for sha, ref in map(str.split, lines)}

    def release(self, version: str, reference: str = REFERENCE) -> None:
        """Check and tag what becomes this version."""
        if version != "1.0.0":
            self.commit(files(version))
        assert main("check", version, OWNER, MAIN) == 0
        assert main("tag", version, reference) == 0


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project that can be released as 1.0.0, in the working directory."""
    project = Project(tmp_path)
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return project


Capture = pytest.CaptureFixture[str]


def test_release_can_be_started_again(project: Project, capsys: Capture) -> None:
    head = project.git("rev-parse", "HEAD")
    project.release("1.0.0")
    assert capsys.readouterr().out == "reference=\n"
    commit = project.refs()["tags/v1.0.0"]
    project.release("1.0.0")
    assert capsys.readouterr().out == f"reference={REFERENCE}\n"
    tagged = {"heads/releases/v1.0.0": commit, "tags/v1.0.0": commit}
    assert project.refs() == {"heads/main": head} | tagged
    project.git("push", "-q", "origin", ":refs/heads/releases/v1.0.0")
    project.release("1.0.0")
    assert project.refs() == {"heads/main": head} | tagged
    assert main("tag", "1.0.0", OTHER) == 1
    assert f"another image, {REFERENCE}" in capsys.readouterr().err


def test_release_commit_changes_only_the_image(project: Project) -> None:
    project.release("1.0.0")
    diff = project.git("diff", "--unified=0", "HEAD", project.refs()["tags/v1.0.0"]).splitlines()
    assert diff[5:] == ["-  image: Dockerfile", f"+  image: docker://{REFERENCE}"]


def test_notes_have_the_changes_and_the_commit(project: Project, capsys: Capture) -> None:
    project.release("1.0.0")
    main("notes", "1.0.0")
    notes = capsys.readouterr().out
    assert "### Added\n\n- It waits.\n" in notes
    assert f"- uses: {ACTION}@{project.refs()['tags/v1.0.0']} # v1.0.0\n" in notes


UNRELEASED = CHANGELOG.format("1.0.0").replace("Unreleased]\n", "Unreleased]\n- x\n")
# Changed files -> words of the problem.
REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "another version": (files("1.0.1"), "has another version than 1.0.0"),
    "entry without a date": ({"CHANGELOG.md": "## [1.0.0]\n\n- x\n"}, "has no entry `## [1.0.0]"),
    "unreleased entries": ({"CHANGELOG.md": UNRELEASED}, "under Unreleased"),
    "base without a digest": ({"Dockerfile": "FROM python:3.13 AS base\n"}, "base has no digest"),
    "pinned on main": ({"action.yml": pin(ACTION_FILE, REFERENCE)}, "Restore it"),
    "two images": ({"action.yml": ACTION_FILE + "  image: a\n"}, "Restore it"),
}


@pytest.mark.parametrize("changes, problem", REFUSED.values(), ids=REFUSED)
def test_wrong_file_is_refused(
    project: Project, capsys: Capture, changes: dict[str, str], problem: str
) -> None:
    project.commit(changes)
    assert main("check", "1.0.0", OWNER, MAIN) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_every_problem_is_an_annotation(capsys: Capture) -> None:
    assert main("check", "1.0.1", "acme", "refs/heads/side") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("::error title=Release refused::") for line in lines)
    assert "refs/heads/side is not main" in lines[0]
    assert "Run `python -m tools.release owner acme CODE_OWNER`" in lines[3]


def test_tag_on_another_commit_is_refused(project: Project, capsys: Capture) -> None:
    project.git("push", "-q", "origin", "HEAD:refs/tags/v1.0.0")
    assert main("tag", "1.0.0", REFERENCE) == 1
    assert "is not one. Release another version" in capsys.readouterr().err


NO_OUTPUT = {"action.yml": ACTION_FILE.replace("  outcome:", "  end:")}
NO_INPUT = {"action.yml": ACTION_FILE.replace("  build-sid:", "  sid:", 1)}
# Version after 1.0.0, changed files -> words of the problem.
UPGRADES: dict[str, tuple[str, dict[str, str], str]] = {
    "major version, output removed": ("2.0.0", NO_OUTPUT, ""),
    "output removed": ("1.1.0", NO_OUTPUT, "The output `outcome` was in 1.0.0"),
    "input removed": ("1.1.0", NO_INPUT, "The input `build-sid` was in 1.0.0"),
    "lower version": ("0.9.0", {}, "Choose 1.0.1, 1.1.0 or 2.0.0"),
    "version skipped": ("3.0.0", {}, "Choose 1.0.1, 1.1.0 or 2.0.0"),
}


@pytest.mark.parametrize("version, changes, problem", UPGRADES.values(), ids=UPGRADES)
def test_next_version_follows_the_newest(
    project: Project, capsys: Capture, version: str, changes: dict[str, str], problem: str
) -> None:
    project.git("push", "-q", "origin", "HEAD:refs/tags/v01.99.0", "HEAD:refs/tags/v9")
    project.release("1.0.0")
    project.commit(files(version) | changes)
    assert main("check", version, OWNER, MAIN) == bool(problem)
    assert problem in capsys.readouterr().err


def test_vx_is_the_newest_published_release(project: Project, capsys: Capture) -> None:
    for version in ("1.0.0", "1.0.1", "2.0.0"):
        project.release(version, {"1.0.1": OTHER}.get(version, REFERENCE))
    refs = project.refs()
    # 1.0.1 is published, then the draft of 1.0.0.
    assert main("major", "1.0.1", "v1.0.1\n") == 0
    capsys.readouterr()
    assert main("major", "1.0.0", "v1.0.1\nv1.0.0") == 0
    printed = capsys.readouterr()
    assert printed.err == "::warning title=v1 is 1.0.1::It is newer than 1.0.0.\n"
    assert printed.out == f"{IMAGE}:1.0.0 {REFERENCE}\n{IMAGE}:1 {OTHER}\n"
    assert project.refs() == refs | {"tags/v1": refs["tags/v1.0.1"]}
    # 1.0.1 is bad and becomes a pre-release. Its workflow cannot move v1 to it again.
    assert main("major", "1.0.0", "v2.0.0\nv1.0.0") == 0
    assert main("major", "1.0.1", "v2.0.0\nv1.0.0") == 1
    assert "v1.0.1 is a draft or a pre-release" in capsys.readouterr().err
    assert project.refs() == refs | {"tags/v1": refs["tags/v1.0.0"]}


@pytest.mark.parametrize("image", ["", "c/d:1", "c/d@sha256:a", "c/d@sha"])
def test_image_without_a_digest_is_refused(image: str) -> None:
    with pytest.raises(ReleaseError, match="is not an image as"):
        pin(ACTION_FILE, f"{image}{'a' * 64}")


@pytest.mark.parametrize("text", ["", "v1.0.0", "1.0", "01.0.0", "1.0.0rc1", "1.0.0\n", "١.0.0"])
def test_other_forms_of_versions_are_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="Use three numbers"):
        Version.parse(text)


NAMES = {
    f"uses: {ACTION}@v1": "uses: Acme-2/twilio-build-wait@v1",
    f"docker://{IMAGE}:1": "docker://ghcr.io/acme-2/twilio-build-wait:1",
    f"* {CODE_OWNER}": "* @Acme-2/maintainers",
    "/opt/twilio-build-wait": "/opt/twilio-build-wait",
}


def test_owner_is_filled_in_without_any_package(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.commit({"docs/a.md": "\n".join(NAMES)})
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    step = ("tools.release", "owner", "Acme-2", "@Acme-2/maintainers")
    subprocess.run([sys.executable, "-S", "-m", *step], check=True, timeout=30)
    assert (project.path / "docs/a.md").read_text() == "\n".join(NAMES.values())


@pytest.mark.parametrize("names", [("-acme", "@a"), ("acme", "a"), ("acme", "@a/b/c")])
def test_name_that_github_does_not_allow_is_refused(names: tuple[str, str]) -> None:
    assert main("owner", *names) == 1
