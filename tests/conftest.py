"""What every test can ask for."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
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
    """The environment of a GitHub step that polls the server, with a working folder of its own."""
    return samples.step(tmp_path, server.url)


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate's file, and a server's side of TLS."""

    authority: trustme.CA
    bundle: Path

    def context(self, *names: str) -> ssl.SSLContext:
        """Return a context with a certificate for some names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts unless REQUESTS_CA_BUNDLE is its `bundle`."""
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return Authority(authority, bundle)
