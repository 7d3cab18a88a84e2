"""Paths that may be the output file, and why others may not."""

import os
from pathlib import Path

import pytest

from twilio_build_wait.output_path import why_unusable

DEVICE = "which leads into /dev or /proc"
NO_FILE = "which is not a regular file"
NO_FOLDER = "whose folder does not exist"
OF_RUNNER = "which is the file that GITHUB_ENV names"

# Links in the folder, and what they lead to. It has a regular file called `file`, a FIFO `fifo`,
# and `GITHUB_ENV` names `runner`, which is not there yet.
LINKS = {
    "here": ".",
    "to-file": "file",
    "to-file-by-steps": "to-file",
    "dangling": "/no/folder/file",
    "to-itself": "to-itself",
    "to-devices": "/devices",
    "to-output": "/dev/stdout",
    "folder/output": "/dev/stdout",
    "folder/to-output-by-steps": "output",
    "to-descriptor": "/proc/self/fd/1",
    "to-null": "/dev/null",
    "to-dev": "/dev",
    "through-dev": "to-dev/stdout",
    "to-runner": "runner",
    "to-runner-by-steps": "to-runner",
}
# What is wrong with a path -> paths from that folder.
PATHS = {
    "": ["new", "file", "here/file", "to-file", "to-file-by-steps", "dangling", "to-itself"],
    NO_FILE: [".", "here", "here/", "fifo", "/dev/null"],
    NO_FOLDER: ["no/file", "no/", "file/file"],
    DEVICE: ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "/proc/self/exe", "to-output"],
    OF_RUNNER: ["runner", "here/runner", "to-runner", "to-runner-by-steps"],
}
PATHS[""] += ["to-devices", "/dev/shm/new"]  # noqa: S108 (not written)
PATHS[DEVICE] += ["folder/to-output-by-steps", "to-descriptor", "to-null", "through-dev"]
PROBLEMS = {path: problem for problem, paths in PATHS.items() for path in paths}


@pytest.mark.parametrize("path", PROBLEMS)
def test_problem_with_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder").mkdir()
    os.mkfifo("fifo")
    for link, target in LINKS.items():
        Path(link).symlink_to(target)
    environ = {"GITHUB_OUTPUT": "", "GITHUB_ENV": str(tmp_path / "runner")}
    assert why_unusable(path, environ) == PROBLEMS[path]


@pytest.mark.parametrize("name", ["OUTPUT", "PATH", "STATE", "STEP_SUMMARY"])
def test_file_of_the_runner_under_another_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "runner").touch()
    (tmp_path / "other").hardlink_to(tmp_path / "runner")  # a mount looks the same
    problem = why_unusable(f"{tmp_path}/other", {f"GITHUB_{name}": f"{tmp_path}/runner"})
    assert problem == f"which is the file that GITHUB_{name} names"


def test_working_folder_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "removed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert why_unusable("new", {}) == NO_FOLDER
