"""The steps of a release, in a small project with a bare remote."""

import sys
from pathlib import Path

import pytest

from tests.support.projects import execute
from tests.support.run import REPOSITORY
from tools.release.__main__ import main
from tools.release.owner import ACTION, CODE_OWNER, IMAGE, OWNER
from tools.release.repository import pin

REFERENCE = "ghcr.io/acme/twilio-build-wait@sha256:" + "a1" * 32
OTHER = "ghcr.io/acme/twilio-build-wait@sha256:" + "b2" * 32
MAIN = "refs/heads/main"
CHECK = ("check", "1.0.0", OWNER, MAIN)
ACTION_FILE = (REPOSITORY / "action.yml").read_text("utf-8")
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [{}] - 2026-11-23\n\n### Added\n\n- It waits.\n"

Capture = pytest.CaptureFixture[str]


def files(version: str) -> dict[str, str]:
    """Return a tree that can be released as a version."""
    return {
        "action.yml": ACTION_FILE,
        "CHANGELOG.md": CHANGELOG.format(version),
        "Dockerfile": f"FROM python:3.13@sha256:{'c3' * 32} AS base\n",
        "src/twilio_build_wait/__init__.py": f'__version__ = "{version}"\n',
        "folder/kept.txt": "kept\r\nas it is\n",
    }


def git(*arguments: str) -> str:
    """Run git in the working directory, and return its output."""
    return execute(Path.cwd(), ["git", *arguments]).strip()


def commit(changes: dict[str, str]) -> None:
    """Write these files, commit them, and push to main."""
    for name, text in changes.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(text.encode())
    git("add", "--all")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    git(*identity, "commit", "--quiet", "--allow-empty", "--message=A change")
    git("push", "--quiet", "origin", "HEAD:main")


def refs() -> dict[str, str]:
    """Return the SHA of each branch and tag on the remote."""
    lines = git("ls-remote", "--heads", "--tags", "origin").splitlines()
    return {ref.removeprefix("refs/"): sha for sha, ref in map(str.split, lines)}


def release(version: str, reference: str = REFERENCE) -> None:
    """Check and tag what becomes this version."""
    commit(files(version))
    assert main("check", version, OWNER, MAIN) == 0
    assert main("tag", version, reference) == 0


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is a clone of a bare repository, to be released as 1.0.0."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git("clone", "--quiet", "remote.git", "clone")
    monkeypatch.chdir("clone")
    git("checkout", "--quiet", "-B", "main")
    commit(files("1.0.0"))


def test_release_can_be_started_again(capsys: Capture) -> None:
    release("1.0.0")
    assert capsys.readouterr().out == "reference=\n"
    tagged = refs()
    assert tagged["heads/main"] == git("rev-parse", "HEAD")
    assert tagged["heads/releases/v1.0.0"] == tagged["tags/v1.0.0"]
    git("push", "--quiet", "origin", ":refs/heads/releases/v1.0.0")
    assert main(*CHECK) == 0
    assert capsys.readouterr().out == f"reference={REFERENCE}\n"
    assert main("tag", "1.0.0", REFERENCE) == 0
    assert refs() == tagged
    assert main("tag", "1.0.0", OTHER) == 1
    assert f"another image, {REFERENCE}" in capsys.readouterr().err


def test_release_commit_changes_only_the_image_and_stands_in_the_notes(capsys: Capture) -> None:
    release("1.0.0")
    tagged = refs()["tags/v1.0.0"]
    diff = git("diff", "--unified=0", "HEAD", tagged).splitlines()
    assert diff[5:] == ["-  image: Dockerfile", f"+  image: docker://{REFERENCE}"]
    main("notes", "1.0.0")
    notes = capsys.readouterr().out
    assert "### Added\n\n- It waits.\n" in notes
    assert f"- uses: {ACTION}@{tagged} # v1.0.0\n" in notes


UNRELEASED = CHANGELOG.format("1.0.0").replace("Unreleased]\n", "Unreleased]\n- x\n")
# Changed files, step, and words of the problem.
REFUSED: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "entry without a date": ({"CHANGELOG.md": "## [1.0.0]\n\n- x\n"}, CHECK, "has no entry"),
    "unreleased entries": ({"CHANGELOG.md": UNRELEASED}, CHECK, "under Unreleased"),
    "base without a digest": ({"Dockerfile": "FROM python:3.13 AS base\n"}, CHECK, "has no digest"),
    "pinned on main": ({"action.yml": pin(ACTION_FILE, REFERENCE)}, CHECK, "Restore it"),
    "two images": ({"action.yml": ACTION_FILE + "  image: a\n"}, CHECK, "Restore it"),
    "leading zero": ({}, ("check", "01.0.0", OWNER, MAIN), "Use three numbers"),
    "pre-release": ({}, ("check", "1.0.0rc1", OWNER, MAIN), "Use three numbers"),
    "image by tag": ({}, ("tag", "1.0.0", "c/d:1"), "is not an image as"),
    "image by a short digest": ({}, ("tag", "1.0.0", REFERENCE[:-1]), "is not an image as"),
    "account": ({}, ("owner", "-acme", "@a"), "'-acme' is not the name of an account"),
    "code owner": ({}, ("owner", "acme", "@a/b/c"), "'@a/b/c' is not a code owner"),
}


@pytest.mark.parametrize("changes, step, problem", REFUSED.values(), ids=REFUSED)
def test_release_is_refused(
    capsys: Capture, changes: dict[str, str], step: tuple[str, ...], problem: str
) -> None:
    commit(changes)
    assert main(*step) == 1
    assert problem in capsys.readouterr().err


def test_every_problem_is_an_annotation(capsys: Capture) -> None:
    assert main("check", "1.0.1", "acme", "refs/heads/side") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("::error title=Release refused::") for line in lines)
    assert "refs/heads/side is not main" in lines[0]
    assert "has another version than 1.0.1" in lines[1]
    assert "Run `python -m tools.release owner acme CODE_OWNER`" in lines[3]


def test_tag_on_another_commit_is_refused(capsys: Capture) -> None:
    git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    assert main("tag", "1.0.0", REFERENCE) == 1
    assert "is not one. Release another version" in capsys.readouterr().err


NO_OUTPUT = {"action.yml": ACTION_FILE.replace("  outcome:", "  end:")}
NO_INPUT = {"action.yml": ACTION_FILE.replace("  build-sid:", "  sid:", 1)}
# Version after 1.0.0, changed files, and words of the problem.
UPGRADES: dict[str, tuple[str, dict[str, str], str]] = {
    "major version, output removed": ("2.0.0", NO_OUTPUT, ""),
    "output removed": ("1.1.0", NO_OUTPUT, "The output `outcome` was in 1.0.0"),
    "input removed": ("1.1.0", NO_INPUT, "The input `build-sid` was in 1.0.0"),
    "version skipped": ("3.0.0", {}, "Choose 1.0.1, 1.1.0 or 2.0.0"),
}


@pytest.mark.parametrize("version, changes, problem", UPGRADES.values(), ids=UPGRADES)
def test_next_version_follows_the_newest(
    capsys: Capture, version: str, changes: dict[str, str], problem: str
) -> None:
    git("push", "--quiet", "origin", "HEAD:refs/tags/v01.99.0", "HEAD:refs/tags/v9")
    release("1.0.0")
    commit(files(version) | changes)
    assert main("check", version, OWNER, MAIN) == bool(problem)
    assert problem in capsys.readouterr().err


def test_vx_is_the_newest_published_release(capsys: Capture) -> None:
    for version in ("1.0.0", "1.0.1", "2.0.0"):
        release(version, OTHER if version == "1.0.1" else REFERENCE)
    before = refs()
    # 1.0.1 is published, then the draft of 1.0.0.
    assert main("major", "1.0.1", "v1.0.1\n") == 0
    capsys.readouterr()
    assert main("major", "1.0.0", "v1.0.1\nv1.0.0") == 0
    printed = capsys.readouterr()
    assert printed.err == "::warning title=v1 is 1.0.1::It is newer than 1.0.0.\n"
    assert printed.out == f"{IMAGE}:1.0.0 {REFERENCE}\n{IMAGE}:1 {OTHER}\n"
    assert refs() == before | {"tags/v1": before["tags/v1.0.1"]}
    # 1.0.1 is bad and becomes a pre-release. Its workflow cannot move v1 to it again.
    assert main("major", "1.0.0", "v2.0.0\nv1.0.0") == 0
    assert main("major", "1.0.1", "v2.0.0\nv1.0.0") == 1
    assert "v1.0.1 is a draft or a pre-release" in capsys.readouterr().err
    assert refs() == before | {"tags/v1": before["tags/v1.0.0"]}


NAMES = {
    f"uses: {ACTION}@v1": "uses: Acme-2/twilio-build-wait@v1",
    f"docker://{IMAGE}:1": "docker://ghcr.io/acme-2/twilio-build-wait:1",
    f"* {CODE_OWNER}": "* @Acme-2/maintainers",
    "/opt/twilio-build-wait": "/opt/twilio-build-wait",
}


def test_owner_is_filled_in_without_any_package() -> None:
    commit({"docs/a.md": "\n".join(NAMES)})
    step = ("-S", "-m", "tools.release", "owner", "Acme-2", "@Acme-2/maintainers")
    execute(Path.cwd(), [sys.executable, *step], {"PYTHONPATH": str(REPOSITORY)})
    assert Path("docs/a.md").read_text() == "\n".join(NAMES.values())
