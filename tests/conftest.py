"""What every test can ask for."""

import os
import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from tests.support import samples
from tests.support.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without a script yet."""
    with Server() as server:
        yield server


@pytest.fixture
def environ(server: Server, tmp_path: Path) -> dict[str, str]:
    """The environment of a GitHub step that polls the server, with a working folder of its own.

    It has an output file besides `GITHUB_OUTPUT`, so that every run compares the two. The diagnosis
    is off.
    """
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.touch()  # as the runner does
    return samples.environment(
        PATH=os.environ.get("PATH", os.defpath),
        HOME=str(tmp_path),
        CI="true",
        GITHUB_ACTIONS="true",
        TWILIO_BASE_URL=server.url,
        TWILIO_BUILD_DIAGNOSE="false",
        TWILIO_BUILD_OUTPUT_FILE=str(tmp_path / "outputs.json"),
        **{name: str(file) for name, file in files.items()},
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
    )


class Authority(trustme.CA):
    """A certificate authority that nobody trusts unless REQUESTS_CA_BUNDLE is its `bundle`."""

    def __init__(self, bundle: Path) -> None:
        super().__init__()
        self.bundle = bundle
        self.cert_pem.write_to_path(str(bundle))

    def context(self, *names: str, not_after: datetime | None = None) -> ssl.SSLContext:
        """Return a server's side of TLS, with a certificate for some names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.issue_cert(*names, not_after=not_after).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ca.pem")
