"""The programs that are run side by side, and how one run of one of them is measured."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Self

from bench.polling import OWN
from emulator.api import ACCOUNT_SID, AUTH_TOKEN
from emulator.builds import DEFAULT_SERVICE_SID

REPOSITORY = Path(__file__).resolve().parents[1]
ENTRYPOINT = REPOSITORY / "entrypoint.py"
CLIENTS = REPOSITORY / "bench" / "clients"
#: Twilio's own toolkit client, from npm.
TOOLKIT = "@twilio-labs/serverless-api@5.7.0"
#: What everything of ours that reads a status has to import.
IMPORTS = "import requests, backoff"

_NEEDED = {"node": "nodejs", "npm": "npm", "curl": "curl", "jq": "jq"}


class MissingToolError(Exception):
    """The machine lacks a program; the message says which, and what to do."""


@dataclass(frozen=True)
class Program:
    """One program: its name on the page and its command."""

    name: str
    command: tuple[str, ...]


BASELINE = Program(f'python -c "{IMPORTS}"', (sys.executable, "-I", "-c", IMPORTS))
LEAVING = Program(
    "the same, leaving by os._exit",
    (sys.executable, "-I", "-c", f"{IMPORTS}, os; os._exit(0)"),
)
FLOOR = Program("true", ("true",))
TOOL = Program(OWN, (sys.executable, "-I", str(ENTRYPOINT)))
TOOLKIT_CLIENT = Program("Twilio's toolkit (Node)", ("node", str(CLIENTS / "toolkit.js")))
PYTHON_CLIENT = Program(
    "Twilio's Python client", (sys.executable, "-I", str(CLIENTS / "twilio_client.py"))
)
CURL_UNTIL = Program("curl until a verdict", ("bash", "-e", str(CLIENTS / "curl_until.sh")))
CURL_WHILE = Program("curl while building", ("bash", "-e", str(CLIENTS / "curl_while.sh")))
READERS = (TOOL, TOOLKIT_CLIENT, PYTHON_CLIENT, CURL_UNTIL)
WAITERS = (TOOL, TOOLKIT_CLIENT, CURL_UNTIL, CURL_WHILE)


@dataclass(frozen=True)
class Run:
    """What one run took: times in seconds, memory in MiB; and all that it printed."""

    started: float
    ended: float
    cpu: float
    memory: float
    code: int
    output: str

    @property
    def wall(self) -> float:
        """The seconds from start to end."""
        return self.ended - self.started


class Running:
    """A program under way."""

    def __init__(self, program: Program, env: Mapping[str, str], output: Path) -> None:
        """Start it; what it prints goes to the file `output`."""
        launcher = (sys.executable, "-I", "-S", str(REPOSITORY / "bench" / "launch.py"))
        self._output = output
        self._process = subprocess.Popen(
            [*launcher, str(output), *program.command],
            env=dict(env),
            cwd=output.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Hand itself out."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, neither the program nor what it has started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def end(self, timeout: float) -> Run:
        """Wait for its end; raises subprocess.TimeoutExpired after `timeout` seconds."""
        line, _ = self._process.communicate(timeout=timeout)
        started, ended, cpu, kibibytes, code = line.split()
        text = self._output.read_text("utf-8", errors="replace")
        return Run(
            float(started), float(ended), float(cpu), float(kibibytes) / 1024, int(code), text
        )


def run(program: Program, env: Mapping[str, str], folder: Path, timeout: float = 60.0) -> Run:
    """Run a program to its end."""
    with Running(program, env, folder / "output") as running:
        return running.end(timeout)


def environment(
    base_url: str, build_sid: str, folder: Path, modules: Path | None
) -> dict[str, str]:
    """Make the environment of a program: as empty as it can be, with a home that holds nothing.

    Args:
        base_url: the emulator's.
        build_sid: the build to read.
        folder: the home, and for temporary files.
        modules: the `node_modules` with Twilio's toolkit, for the program that needs it.
    """
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_SERVICE_SID": DEFAULT_SERVICE_SID,
        "TWILIO_BUILD_SID": build_sid,
        "TWILIO_BASE_URL": base_url,
        **({"NODE_PATH": str(modules)} if modules else {}),
    }


def build_sids() -> Iterator[str]:
    """Make SIDs of builds, each another."""
    number = 0
    while True:
        number += 1
        yield f"ZB{number:032x}"


@contextmanager
def toolkit() -> Iterator[Path]:
    """Install Twilio's toolkit into a temporary folder; the path of its `node_modules`.

    Raises:
        MissingToolError: the machine lacks something, or npm could not install it.
    """
    if missing := [package for tool, package in _NEEDED.items() if which(tool) is None]:
        raise MissingToolError(
            f"the programs compared with need more than this machine has; "
            f"on Debian and Ubuntu: apt-get install {' '.join(missing)}"
        )
    with TemporaryDirectory(prefix="bench-") as folder:
        flags = ("--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
        done = subprocess.run(
            ["npm", "install", "--silent", f"--prefix={folder}", *flags, TOOLKIT],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MissingToolError(f"npm could not install {TOOLKIT}: {done.stderr.strip()}")
        yield Path(folder) / "node_modules"


def versions() -> dict[str, str]:
    """Return the versions of what is compared with, as each says it."""
    asked: dict[str, Sequence[str]] = {
        "node": ("node", "--version"),
        "curl": ("curl", "--version"),
        "twilio": (
            sys.executable,
            "-c",
            "from importlib.metadata import version; print(version('twilio'))",
        ),
    }
    said = {
        name: subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for name, command in asked.items()
    }
    return {
        "Twilio's toolkit": TOOLKIT,
        "Twilio's Python client": f"twilio {said['twilio'][0]}",
        "Node": said["node"][0],
        "curl": said["curl"][1],
    }
