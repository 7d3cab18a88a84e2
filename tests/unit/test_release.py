"""The steps of a release, in a small project with a bare remote."""

import subprocess
from pathlib import Path

import pytest

from tools.release import ReleaseError, parse_version
from tools.release.__main__ import main
from tools.release.owner import ACTION, IMAGE, OWNER, renamed
from tools.release.repository import pin

REFERENCE = "ghcr.io/acme/twilio-build-wait@sha256:" + "a1" * 32
OTHER = "ghcr.io/acme/twilio-build-wait@sha256:" + "b2" * 32
MAIN = "refs/heads/main"
NEW = f"{OWNER}-2"
CHECK, TAG = ("check", "1.0.0", OWNER, MAIN), ("tag", "1.0.0", REFERENCE)
ROOT = Path(__file__).resolve().parents[2]
ACTION_FILE = (ROOT / "action.yml").read_text("utf-8")
# Names of images are lower case, which the placeholder of the owner is not. One row has two codes.
README = (ROOT / "README.md").read_text("utf-8").replace(IMAGE, IMAGE.lower())
README = README.replace("| 130 | `cancelled` | SIGINT |\n| 143 ", "| 130, 143 ")
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [{}] - 2026-11-23\n\n### Added\n\n- It waits.\n"


def files(version: str) -> dict[str, str]:
    """Return a tree that can be released as a version."""
    return {
        "action.yml": ACTION_FILE,
        "CHANGELOG.md": CHANGELOG.format(version),
        "README.md": README,
        "src/twilio_build_wait/__init__.py": f'__version__ = "{version}"\n',
        ".github/workflows/ci.yml": "name: CI\n",
        "folder/kept.txt": "kept\r\nas it is\n",
    }


class Project:
    """A clone of a bare repository."""

    def __init__(self, root: Path) -> None:
        self.path, remote = root / "clone", root / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
        subprocess.run(["git", "clone", "-q", remote, self.path], check=True, capture_output=True)
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
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def refs(self) -> dict[str, str]:
        """Return the SHA of each ref on the remote, without refs/ before its name."""
        lines = self.git("ls-remote", "origin", "refs/*").splitlines()
        return {ref.removeprefix("refs/"): sha for sha, ref in (line.split("\t") for line in lines)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project that can be released as 1.0.0, in the working directory."""
    project = Project(tmp_path)
    monkeypatch.chdir(project.path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return project


Capture = pytest.CaptureFixture[str]


def refusal(capsys: Capture, *arguments: str) -> str:
    """Run a step that must be refused, and return what it prints."""
    capsys.readouterr()
    assert main(*arguments) == 1
    return capsys.readouterr().err


def test_each_step_runs_twice(project: Project, capsys: Capture) -> None:
    head = project.git("rev-parse", "HEAD")
    assert main(*CHECK) == 0
    assert capsys.readouterr().out == f"image={IMAGE}\nreference=\n"
    assert main(*TAG) == 0
    commit = project.refs()["tags/v1.0.0"]
    assert main(*TAG) == 0
    assert capsys.readouterr().out == f"commit={commit}\n" * 2
    tagged = {"heads/releases/v1.0.0": commit, "tags/v1.0.0": commit}
    assert project.refs() == {"heads/main": head} | tagged
    for _ in range(2):
        assert main(*CHECK) == 0
        assert capsys.readouterr().out == f"image={IMAGE}\nreference={REFERENCE}\n"
        assert main("notes", "1.0.0") == 0
        notes = capsys.readouterr().out
        assert notes.startswith("### Added\n\n- It waits.\n")
        assert f"- uses: {ACTION}@{commit} # v1.0.0\n" in notes
        assert main("major", "1.0.0") == 0
        assert capsys.readouterr().out.endswith(f"reference={REFERENCE}\ntags=1.0.0 1\n")
        assert project.refs()["tags/v1"] == commit


def test_release_commit_changes_only_the_image(project: Project) -> None:
    main(*TAG)
    diff = project.git("diff", "--unified=0", "HEAD", project.refs()["tags/v1.0.0"]).splitlines()
    assert diff[5:] == ["-  image: Dockerfile", f"+  image: docker://{REFERENCE}"]
    assert project.git("status", "--porcelain") == ""


ENTRY = "## [1.0.0] - 2026-11-23\n\n{}\n\n## [0.1.0] - 2026-01-01\n\n- x\n"
UNRELEASED = CHANGELOG.format("1.0.0").replace("Unreleased]\n", "Unreleased]\n- x\n")
# Changes, arguments -> words of the problem.
REFUSED: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "another branch": ({}, ("1.0.0", OWNER, "refs/heads/side"), "refs/heads/side is not main"),
    "another owner": ({}, ("1.0.0", NEW, MAIN), f"README.md must name the account {NEW}"),
    "bad owner": ({}, ("1.0.0", "-acme", MAIN), "not the name of an account"),
    "another version": ({}, ("1.0.1", OWNER, MAIN), "has another version than 1.0.1"),
    "no date": ({"CHANGELOG.md": "## [1.0.0]\n\n- x\n"}, CHECK[1:], "[1.0.0] - YYYY-MM-DD`"),
    "empty entry": ({"CHANGELOG.md": ENTRY.format("")}, CHECK[1:], "has no entry for 1.0.0"),
    "unreleased entries": ({"CHANGELOG.md": UNRELEASED}, CHECK[1:], "entries under Unreleased"),
    "pinned on main": ({"action.yml": pin(ACTION_FILE, REFERENCE)}, CHECK[1:], "Restore it"),
    "two images": ({"action.yml": ACTION_FILE + "  image: a\n"}, CHECK[1:], "Restore it"),
}


@pytest.mark.parametrize("changes, arguments, problem", REFUSED.values(), ids=REFUSED)
def test_wrong_state_is_refused(
    project: Project,
    capsys: Capture,
    changes: dict[str, str],
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    if changes:
        project.commit(changes)
    assert problem in refusal(capsys, "check", *arguments)


def test_all_problems_are_annotations(
    project: Project, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.commit({"README.md": README + "other/twilio-build-wait"})
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    lines = refusal(capsys, "check", "1.0.1", OWNER, "refs/heads/side").splitlines()
    assert len(lines) == 4
    assert all(line.startswith("::error title=Release refused::") for line in lines)


@pytest.mark.parametrize("step", [CHECK, TAG])
def test_only_a_workflow_that_has_changed_on_main_is_refused(
    project: Project, capsys: Capture, step: tuple[str, ...]
) -> None:
    project.commit({"README.md": "other\n"})
    project.git("checkout", "-q", "HEAD^")
    assert main(*CHECK) == 0
    project.git("checkout", "-q", "main")
    project.commit({".github/workflows/ci.yml": "name: Other\n"})
    project.git("checkout", "-q", "HEAD^")
    assert "ci.yml has changed on main" in refusal(capsys, *step)
    assert list(project.refs()) == ["heads/main"]


def test_tag_keeps_its_image_and_its_branch(project: Project, capsys: Capture) -> None:
    main(*TAG)
    before = project.refs()
    project.git("push", "-q", "origin", ":refs/heads/releases/v1.0.0")
    assert main(*TAG) == 0
    assert f"another image, {REFERENCE}" in refusal(capsys, "tag", "1.0.0", OTHER)
    assert project.refs() == before


@pytest.mark.parametrize("name", ["action.yml", "other.txt"])
def test_tag_on_another_commit_is_refused(project: Project, capsys: Capture, name: str) -> None:
    project.commit({"action.yml": pin(ACTION_FILE, REFERENCE), name: f"{ACTION_FILE}# x\n"})
    project.git("push", "-q", "origin", "HEAD:refs/tags/v1.0.0")
    assert "not on a release commit" in refusal(capsys, *TAG)


NO_OUTPUT = {"action.yml": ACTION_FILE.replace("  outcome:", "  end:")}
ADDED = {"action.yml": ACTION_FILE.replace("outputs:", "  more:\n    description: x\noutputs:")}
# Version after 1.0.0, changes -> words of the problem.
UPGRADES: dict[str, tuple[str, dict[str, str], str]] = {
    "addition": ("1.0.1", ADDED, ""),
    "input removed": (
        *("1.1.0", {"action.yml": ACTION_FILE.replace("  build-sid:", "  sid:")}),
        "The input `build-sid` was in 1.0.0 and is gone",
    ),
    "output removed": ("1.1.0", NO_OUTPUT, "The output `outcome` was in 1.0.0"),
    "output removed from a major version": ("2.0.0", NO_OUTPUT, ""),
    "one exit code removed": (
        *("1.1.0", {"README.md": README.replace("130, ", "")}),
        "Exit code 130 for `cancelled` was in 1.0.0",
    ),
    "every exit code removed": ("1.1.0", {"README.md": ""}, "Exit code 4 for `rejected`"),
    "lower version": ("0.9.0", {}, "1.0.0 has been released"),
}


@pytest.mark.parametrize("version, changes, problem", UPGRADES.values(), ids=UPGRADES)
def test_removal_needs_a_major_version(
    project: Project, capsys: Capture, version: str, changes: dict[str, str], problem: str
) -> None:
    main(*TAG)
    project.commit(files(version) | changes)
    assert main("check", version, OWNER, MAIN) == bool(problem)
    assert problem in capsys.readouterr().err


def test_vx_stays_on_the_newest_release(project: Project, capsys: Capture) -> None:
    for tag in ("v01.99.0", "v1.99", "v1.99.0-rc.1", "1.99.0"):  # no releases
        project.git("push", "-q", "origin", f"HEAD:refs/tags/{tag}")
    assert "has not been released" in refusal(capsys, "major", "1.0.0")
    main(*TAG)
    main("major", "1.0.0")
    project.commit(files("1.10.0"))
    main("tag", "1.10.0", OTHER)
    main("major", "1.10.0")
    before = project.refs()
    assert main("major", "1.0.0") == 0
    assert capsys.readouterr().out.endswith("tags=1.0.0\n")
    assert project.refs() == before
    assert before["tags/v1"] == before["tags/v1.10.0"]


@pytest.mark.parametrize("image", ["", "c/d:1", "c/D", "c/d:1@sha256:", "c/d@sha256:a", "c/d@sha"])
def test_image_without_a_digest_is_refused(image: str) -> None:
    with pytest.raises(ReleaseError, match="is not an image as"):
        pin(ACTION_FILE, f"{image}{'a' * 64}")


@pytest.mark.parametrize("text", ["", "v1.0.0", "1.0", "01.0.0", "1.0.0rc1", "1.0.0\n", "١.0.0"])
def test_other_forms_of_versions_are_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="Use three numbers"):
        parse_version(text)


NAMES = {
    f"uses: {ACTION}@v1": f"uses: {NEW}/twilio-build-wait@v1",
    f"docker://{IMAGE}:1": f"docker://ghcr.io/{NEW.lower()}/twilio-build-wait:1",
    f"https://github.com/{ACTION}": f"https://github.com/{NEW}/twilio-build-wait",
    f"* @{OWNER}": f"* @{NEW}",
    "/opt/twilio-build-wait": "/opt/twilio-build-wait",
    "$REGISTRY/twilio-build-wait": "$REGISTRY/twilio-build-wait",
}


def test_owner_is_filled_in_everywhere(project: Project) -> None:
    names = (
        "a.md",
        "docs/a.md",
        "examples/a/b.yml",
        ".github/CODEOWNERS",
        "tools/release/owner.py",
    )
    project.commit(dict.fromkeys(names, "\n".join(NAMES)))
    assert main("owner", NEW) == 0
    assert {Path(name).read_text() for name in names} == {"\n".join(NAMES.values())}
    assert renamed(project.path, NEW) == {}


@pytest.mark.parametrize("arguments", [(), ("unknown",), ("check", "1.0.0")])
def test_wrong_arguments_print_the_steps(capsys: Capture, arguments: tuple[str, ...]) -> None:
    assert main(*arguments) == 2
    assert "tag version reference - Push" in capsys.readouterr().out
