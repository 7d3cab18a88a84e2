"""Paths that may be the output file, and why others may not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from twilio_build_wait.output_path import why_unusable

DEVICE = "which leads into /dev or /proc"
NO_FILE = "which is not a regular file"
NO_FOLDER = "whose folder does not exist"
OF_RUNNER = "which is the file that GITHUB_ENV names"


def link(path: Path, target: str) -> str:
    path.symlink_to(target)
    return str(path)


def chain(folder: Path, target: str) -> str:
    """A link to a link to a target."""
    link(folder / "first", target)
    return link(folder / "second", "first")


def fifo(folder: Path) -> str:
    os.mkfifo(folder / "fifo")
    return str(folder / "fifo")


def link_to_folder(folder: Path) -> str:
    (folder / "folder").mkdir()
    return link(folder / "link", "folder")


# How a path is made in a folder with a regular file called `file`, and what is wrong with it.
PATHS: dict[str, tuple[Callable[[Path], str], str]] = {
    "new file": (lambda folder: f"{folder}/new", ""),
    "new file in the working folder": (lambda _: "new", ""),
    "file": (lambda folder: f"{folder}/file", ""),
    "file behind a link to its folder": (lambda folder: link(folder / "l", ".") + "/file", ""),
    "link to a file": (lambda folder: link(folder / "link", "file"), ""),
    "chain of links to a file": (lambda folder: chain(folder, "file"), ""),
    "dangling link": (lambda folder: link(folder / "link", "/no/folder/file"), ""),
    "link to itself": (lambda folder: link(folder / "link", "link"), ""),
    "file in /dev/shm": (lambda _: "/dev/shm/new", ""),  # noqa: S108 (not written)
    "link to what looks like /dev": (lambda folder: link(folder / "l", "/devices"), ""),
    "folder": (str, NO_FILE),
    "folder with a slash": (lambda folder: f"{folder}/", NO_FILE),
    "link to a folder": (link_to_folder, NO_FILE),
    "FIFO": (fifo, NO_FILE),
    "device": (lambda _: "/dev/null", NO_FILE),
    "no folder": (lambda folder: f"{folder}/no/file", NO_FOLDER),
    "no folder, with a slash": (lambda folder: f"{folder}/no/", NO_FOLDER),
    "file as a folder": (lambda folder: f"{folder}/file/file", NO_FOLDER),
    "standard output": (lambda _: "/dev/stdout", DEVICE),
    "descriptor": (lambda _: "/proc/self/fd/1", DEVICE),
    "descriptor behind a link to its folder": (lambda _: "/dev/fd/1", DEVICE),
    "link to standard output": (lambda folder: link(folder / "link", "/dev/stdout"), DEVICE),
    "link to a descriptor": (lambda folder: link(folder / "link", "/proc/self/fd/1"), DEVICE),
    "link to a device": (lambda folder: link(folder / "link", "/dev/null"), DEVICE),
    "dangling link into /dev": (lambda folder: link(folder / "link", "/dev/no"), DEVICE),
    "link out of /proc": (lambda _: "/proc/self/exe", DEVICE),
    "chain of links": (lambda folder: chain(folder, "/dev/stdout"), DEVICE),
    "link through a link": (
        lambda folder: link(folder / "d", "/dev") and link(folder / "link", "d/stdout"),
        DEVICE,
    ),
    "of the runner": (lambda folder: f"{folder}/runner", OF_RUNNER),
    "of the runner, with dots": (lambda folder: f"{folder}/../{folder.name}/runner", OF_RUNNER),
    "link to that of the runner": (lambda folder: link(folder / "l", "runner"), OF_RUNNER),
    "chain of links to it": (lambda folder: chain(folder, "runner"), OF_RUNNER),
    "it behind a link to its folder": (
        lambda folder: link(folder / "l", ".") + "/runner",
        OF_RUNNER,
    ),
}


@pytest.mark.parametrize("make, problem", PATHS.values(), ids=PATHS)
def test_path(tmp_path: Path, make: Callable[[Path], str], problem: str) -> None:
    (tmp_path / "file").touch()
    environ = {"GITHUB_OUTPUT": "", "GITHUB_ENV": str(tmp_path / "runner")}
    assert why_unusable(make(tmp_path), environ) == problem


@pytest.mark.parametrize("name", ["OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"])
def test_files_of_the_runner(tmp_path: Path, name: str) -> None:
    target = link(tmp_path / "link", "runner")
    problem = why_unusable(str(tmp_path / "runner"), {f"GITHUB_{name}": target})
    assert problem == f"which is the file that GITHUB_{name} names"


@pytest.mark.parametrize("path", ["new", "./new", "a/new"])
def test_working_folder_that_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    folder = tmp_path / "removed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert why_unusable(path, {}) == NO_FOLDER
