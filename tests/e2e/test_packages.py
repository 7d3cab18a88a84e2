"""What pip installs: the wheel, and the lowest versions that pyproject.toml allows, from PyPI."""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.projects import execute
from tests.support.run import REPOSITORY, Process
from tests.support.samples import build_status
from tests.support.server import Server

#: The tests of the HTTP client.
TESTS = ("connections", "proxy", "requests", "tls")
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


def python(site: Path, *arguments: str) -> str:
    """Run Python with the packages of another folder first."""
    command = [sys.executable, *arguments]
    return execute(REPOSITORY, command, {"PYTHONPATH": str(site)}).strip()


def test_console_script_of_the_wheel_waits(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    flags = ("-qq", "--no-deps", "--no-index", "--no-build-isolation", f"--target={tmp_path}")
    python(tmp_path, "-m", "pip", "install", *flags, ".")
    script = (sys.executable, str(tmp_path / "bin" / "twilio-build-wait"))
    server.script(build_status("completed"))
    with Process(environ | {"PYTHONPATH": str(tmp_path)}, command=script) as process:
        assert process.finish().code == 0


def test_lowest_versions_of_the_dependencies_work(tmp_path: Path) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    versions = {
        requirement.name: specifier.version
        for requirement in map(Requirement, project["dependencies"])
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    pins = [f"{name}=={version}" for name, version in versions.items()]
    python(tmp_path, "-m", "pip", "install", "-qq", f"--target={tmp_path}", *pins)
    for name, version in versions.items():
        assert Version(python(tmp_path, "-c", VERSION, name)) == Version(version)
    python(tmp_path, "-m", "pytest", "-q", *(f"tests/integration/test_{name}.py" for name in TESTS))
