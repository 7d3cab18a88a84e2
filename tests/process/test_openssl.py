"""OpenSSL as the machine has configured it."""

from pathlib import Path

from tests.support.run import Process
from tests.support.server import Server

# A provider that does not load leaves OpenSSL without any cipher.
OPENSSL_CONF = """
openssl_conf = openssl
[openssl]
providers = providers
[providers]
missing = missing
[missing]
module = /none/missing.so
activate = 1
"""


def test_openssl_without_ciphers_is_a_local_error(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "openssl.cnf"
    path.write_text(OPENSSL_CONF, "utf-8")
    root = server.url.replace("http:", "https:")
    environ |= {
        "OPENSSL_CONF": str(path),
        "TWILIO_BASE_URL": root,
        "TWILIO_BUILD_TIMEOUT": "0",
    }
    with Process(environ, server) as process:
        run = process.finish()
    assert run.code == 3
    assert "TLS cannot be used on this machine" in run.outputs["reason"]
    assert "Check OPENSSL_CONF" in run.outputs["reason"]
