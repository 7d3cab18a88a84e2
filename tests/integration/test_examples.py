"""The scripts of examples/ against the emulator, as a shell starts them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from tests.support.projects import BUILD, ENVIRONMENT, execute, make_project, variables

pytestmark = pytest.mark.slow  # curl is started several times

CREATE, DEPLOY = ["./create-build.sh"], ["./deploy-build.sh", BUILD]

# Twilio's library takes no address: in the test, its requests go to the emulator.
REDIRECT = """
import os
from twilio.http.http_client import TwilioHttpClient
send = TwilioHttpClient.request
TwilioHttpClient.request = lambda self, method, url, **kw: send(
    self, method, url.replace("https://serverless.twilio.com", os.environ["TWILIO_BASE_URL"]), **kw
)
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.add_environment(ENVIRONMENT)
        yield emulator


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", "hello", "bye")


def test_create_build_uploads_every_function(emulator: Emulator, project: Path) -> None:
    for _ in range(2):
        printed = execute(project, CREATE, variables(emulator))
        fields = emulator.builds[printed.strip()].fields
        assert [version["path"] for version in fields["function_versions"]] == ["/bye", "/hello"]
        assert fields["dependencies"] == [{"name": "twilio", "version": "5.3.0"}]
    routes = [entry.route for entry in emulator.requests]
    assert routes.count("create-file") == 2  # the second run finds both functions
    assert routes.count("upload-version") == 4


@pytest.mark.parametrize("route", ["files", "create-file", "upload-version", "create-build"])
def test_create_build_fails_when_twilio_refuses(
    emulator: Emulator, project: Path, route: str
) -> None:
    emulator.fault(f"{route}:403")
    # curl's exit code for an HTTP error is 22.
    printed = execute(project, CREATE, variables(emulator), code=22)
    assert "403" in printed
    assert emulator.requests[-1].route == route


def test_deploy_build_takes_a_build_that_is_live_for_success(
    emulator: Emulator, project: Path
) -> None:
    emulator.add_build(BUILD)
    results = [execute(project, DEPLOY, variables(emulator)) for _ in range(2)]
    assert results == [f"Build {BUILD} is live\n", f"Build {BUILD} was live already\n"]
    assert [entry.status for entry in emulator.requests] == [201, 409]


def test_deploy_build_fails_when_twilio_refuses(emulator: Emulator, project: Path) -> None:
    wrong = variables(emulator) | {"TWILIO_API_SECRET": "wrong"}
    printed = execute(project, DEPLOY, wrong, code=1)
    assert printed.endswith("Twilio answered HTTP 401\n")


def test_python_library_creates_a_build(emulator: Emulator, project: Path, tmp_path: Path) -> None:
    uploaded = emulator.add_build(BUILD).fields["function_versions"]
    (tmp_path / "sitecustomize.py").write_text(REDIRECT)
    command = [sys.executable, "create_build.py", *(version["sid"] for version in uploaded)]
    environ = variables(emulator) | {"PYTHONPATH": str(tmp_path)}
    printed = execute(project, command, environ)
    fields = emulator.builds[printed.strip()].fields
    assert fields["function_versions"] == uploaded
    assert [package["name"] for package in fields["dependencies"]][-1] == "@twilio/runtime-handler"
