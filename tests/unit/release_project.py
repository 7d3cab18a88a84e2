"""A small project with a bare remote beside it: what the release scripts are tried on."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

ACTION = """\
name: A
inputs:
  build-sid:
    description: The image is built at every run.
runs:
  using: docker
  image: Dockerfile
branding:
  icon: clock
"""
CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-11-23\n\n### Added\n\n- It waits.\n"
)
REFERENCE = "ghcr.io/acme/twilio-build-wait@sha256:" + "a1" * 32
OTHER_REFERENCE = "ghcr.io/acme/twilio-build-wait@sha256:" + "b2" * 32


def interface(version: str, **parts: object) -> dict[str, object]:
    return {"version": version, "inputs": {}, "outputs": {}, "exits": {}, **parts}


def files(version: str) -> dict[str, str]:
    return {
        "action.yml": ACTION,
        "CHANGELOG.md": CHANGELOG,
        "Dockerfile": "ARG BASE_IMAGE=python:3-slim\nFROM ${BASE_IMAGE}\n",
        "pyproject.toml": f'[project]\nname = "a"\nversion = "{version}"\n',
        "src/twilio_build_wait/__init__.py": f'"""Docstring."""\n\n__version__ = "{version}"\n',
        "tests/unit/upgrade_snapshot.json": json.dumps(interface(version)),
        "other/kept.txt": "kept\r\nas it is\n",
    }


class Project:
    """A clone in `path` of a bare repository in `remote`, with `files("1.0.0")` on main."""

    def __init__(self, root: Path) -> None:
        self.remote = root / "remote.git"
        self.path = root / "clone"
        self._run(root, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self._run(root, "clone", "--quiet", str(self.remote), str(self.path))
        for key, value in {
            "user.name": "Somebody",
            "user.email": "somebody@example.com",
            "core.autocrlf": "false",
        }.items():
            self.git("config", key, value)
        self.git("checkout", "--quiet", "-B", "main")
        self.commit(files("1.0.0"))

    def commit(self, changes: Mapping[str, str]) -> str:
        """Commit these files on the current branch, push it, and return the commit's name."""
        for name, text in changes.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Some change")
        self.git("push", "--quiet", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return self._run(self.path, *arguments)

    def on_remote(self, ref: str) -> str:
        """Return what a ref on the remote holds, or an empty string if it does not exist."""
        return self._run(self.remote, "for-each-ref", "--format=%(objectname)", ref)

    def _run(self, where: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=where, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()
