"""A real registry of container images, Debian's docker-registry, on loopback."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Docker takes a registry on 127.0.0.0/8 without TLS. Port 0 lets the system pick a free one.
_CONFIGURATION = {
    "version": "0.1",
    "log": {"level": "info", "accesslog": {"disabled": False}},
    "storage": {"filesystem": {"rootdirectory": ""}},
    "http": {"addr": "127.0.0.1:0", "secret": "of one registry that lives for one test"},
}


class Registry:
    """A running registry: `address` is its host and port."""

    def __init__(self, address: str, log: Path) -> None:
        self.address = address
        self._log = log

    def requests(self) -> list[str]:
        """List what was asked of it so far, such as `GET /v2/`."""
        return re.findall(r'"((?:GET|HEAD|PUT|POST|PATCH) /v2/\S*) HTTP', self._log.read_text())


@contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """Run a registry with all its data in the folder; AssertionError if it does not come up."""
    configuration, log = folder / "config.json", folder / "log"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    # Its configuration is YAML, of which JSON is a part.
    configuration.write_text(json.dumps(_CONFIGURATION | {"storage": storage}))
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            ["docker-registry", "serve", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        ) as process,
    ):
        try:
            yield Registry(_address(process, log), log)
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        listening = re.search(r'msg="listening on (127\.0\.0\.1:\d+)"', log.read_text())
        if listening:
            return listening[1]
        time.sleep(0.05)
    raise AssertionError(f"docker-registry did not come up:\n{log.read_text()}")
