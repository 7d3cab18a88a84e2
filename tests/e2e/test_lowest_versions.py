"""The tests of the HTTP client, with the lowest versions that pyproject.toml allows, from PyPI."""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.projects import execute
from tests.support.run import REPOSITORY

TESTS = ("connections", "proxy", "requests", "tls")
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


def test_lowest_versions_of_the_dependencies_work(tmp_path: Path) -> None:
    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return execute(REPOSITORY, command, {"PYTHONPATH": str(tmp_path)}, timeout=200).strip()

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    versions = {
        requirement.name: specifier.version
        for requirement in map(Requirement, project["dependencies"])
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    pins = [f"{name}=={version}" for name, version in versions.items()]
    python("-m", "pip", "install", "-qq", f"--target={tmp_path}", *pins)
    for name, version in versions.items():
        assert Version(python("-c", VERSION, name)) == Version(version)
    python("-m", "pytest", "-q", *(f"tests/integration/test_{name}.py" for name in TESTS))
