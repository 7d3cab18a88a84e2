"""The path of the output file: what it must not name, checked before the first poll."""

import os
from collections.abc import Mapping

# The files that a GitHub runner reads after the step.
_STEP_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
_NO_FOLDER = "whose folder does not exist"
_MOST_LINKS = 40  # Linux follows no more (path_resolution(7))


def why_unusable(path: str, environ: Mapping[str, str]) -> str:
    """Return why a path cannot be an output file; empty if it can."""
    try:
        of_runner = {
            f"which is the file that {name} names": _identity(environ[name]) == _identity(path)
            for name in _STEP_FILES
            if environ.get(name)
        }
        problems = of_runner | {
            _NO_FOLDER: not os.path.isdir(os.path.dirname(path) or os.curdir),
            "which leads into /dev or /proc": _leads_to_a_device(path),
            "which is not a regular file": os.path.exists(path) and not os.path.isfile(path),
        }
    except FileNotFoundError:  # the working folder has been removed
        return _NO_FOLDER
    return next((problem for problem, holds in problems.items() if holds), "")


def _identity(path: str) -> object:
    """Return the inode and device of a file, which may be mounted in two places, or its path."""
    return os.stat(path)[1:3] if os.path.exists(path) else os.path.realpath(path)


def _leads_to_a_device(path: str) -> bool:
    """Return whether a path is a symbolic link that leads into /dev or /proc, step by step."""
    steps = [path]
    while os.path.islink(link := steps[-1]) and len(steps) < _MOST_LINKS:
        steps.append(os.path.join(os.path.dirname(link), os.readlink(link)))
    folders = [os.path.realpath(os.path.dirname(step)) + "/" for step in steps]
    return os.path.islink(path) and any(each.startswith(("/dev/", "/proc/")) for each in folders)
