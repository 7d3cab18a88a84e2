"""A registry of images on loopback: Debian's docker-registry."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Registry:
    """A running registry: its host and port, and its log."""

    address: str
    log: Path

    def requests(self) -> list[str]:
        """Return the requests so far, such as `GET /v2/`."""
        return re.findall(r'"([A-Z]+ /v2/\S*) HTTP', self.log.read_text())


@contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """Run a registry with all its data in the folder. AssertionError if it does not start."""
    config, log = folder / "config.json", folder / "log"
    # YAML, of which JSON is a subset. Docker uses HTTP on 127.0.0.0/8, and port 0 is any free one.
    values = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": "127.0.0.1:0"},
    }
    config.write_text(json.dumps(values))
    command = ["docker-registry", "serve", str(config)]
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
        deadline = time.monotonic() + 30
        while not (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        try:
            yield Registry(found[1], log)
        finally:
            process.terminate()
