"""The emulator as people run it: ``python -m emulator`` in a process of its own."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).resolve().parents[2]
ANNOUNCEMENT = "emulator listening on "


@dataclass
class EmulatorProcess:
    """A running emulator and the address it printed."""

    process: subprocess.Popen[str]
    url: str

    def control(self, name: str, content: Any = None, **query: str) -> Any:  # noqa: ANN401 - JSON
        """GET (or, with a content, POST) ``/emulator/{name}``; asserts that it worked."""
        method = "GET" if content is None else "POST"
        url = f"{self.url}/emulator/{name}"
        reply = requests.request(method, url, params=query, json=content, timeout=60)
        assert reply.ok, reply.text
        return reply.json()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return the exit code and what was printed after the announcement."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors


@contextlib.contextmanager
def emulator(*arguments: str) -> Iterator[EmulatorProcess]:
    """Run ``python -m emulator`` with the arguments; it has to end well and say nothing more."""
    command = [sys.executable, "-m", "emulator", *arguments]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(ANNOUNCEMENT), (line, process.poll())
        running = EmulatorProcess(process, line.removeprefix(ANNOUNCEMENT).strip())
        yield running
        if process.poll() is None:
            assert running.end() == (0, "", "")
    finally:
        process.kill()
        process.communicate()
