"""Runs whole programs against the emulator: what one poll costs, and how they take faults."""

import operator
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.policies import OWN
from emulator import Emulator

HERE = Path(__file__).parent
PACKAGE, BUILD_SID = "@twilio-labs/serverless-api@5.7.0", "ZB" + 32 * "b"

IMPORTS, TOOLKIT = "importing `requests` and `backoff`", "Twilio's toolkit (Node)"
COMMANDS = {
    IMPORTS: (sys.executable, "-I", "-c", "import requests, backoff"),
    OWN: (sys.executable, "-I", str(HERE.parent / "entrypoint.py")),
    TOOLKIT: ("node", str(HERE / "clients" / "toolkit.js")),
    "curl until a verdict": ("bash", str(HERE / "clients" / "curl_until.sh")),
    "curl while building": ("bash", str(HERE / "clients" / "curl_while.sh")),
}

#: Rounds in which each program runs once, so that a busy moment slows all of them.
ROUNDS = 21
#: Builds with and without faults for each program, each of a minute.
BUILDS = 5
#: One 503 and, three responses later, one reset.
FAULTS = ("ok*6", "503", "ok*3", "reset")


class Run(NamedTuple):
    """Seconds, MiB, exit code, and what a program printed."""

    seconds: float
    memory: float
    code: int
    output: str


def install_toolkit(folder: Path) -> None:
    """Install Twilio's toolkit from npm in `folder`."""
    command = ("npm", "install", "-s", "--ignore-scripts", f"--prefix={folder}", PACKAGE)
    subprocess.run(command, check=True)


def run(name: str, emulator: Emulator, folder: Path) -> Run:
    """Run a program with the build `BUILD_SID`; its home is `folder`."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "TWILIO_BUILD_SID": BUILD_SID}
    environ |= emulator.variables | {"NODE_PATH": str(folder / "node_modules")}
    command = (sys.executable, "-I", "-S", str(HERE / "launch.py"), *COMMANDS[name])
    text = subprocess.check_output(command, env=environ, stderr=subprocess.STDOUT, timeout=100)
    output, _, figures = text.decode().rstrip().rpartition("\n")
    seconds, kibibytes, code = figures.split()
    return Run(float(seconds), float(kibibytes) / 1024, int(code), output.strip())


def measure_one_poll(names: Sequence[str], folder: Path) -> dict[str, dict[str, float]]:
    """Run programs with a completed build; return medians by name.

    `time` is over the time of `IMPORTS` in the same round, `memory` is in MiB.
    """
    runs: dict[str, list[Run]] = {name: [] for name in names}
    with Emulator() as emulator:
        emulator.add_build(BUILD_SID)
        for name in [*names] * ROUNDS:
            runs[name].append(run(name, emulator, folder))
    if failed := [one for each in runs.values() for one in each if one.code]:
        raise RuntimeError(f"a program failed: {failed[0]}")
    seconds = {name: [one.seconds for one in each] for name, each in runs.items()}
    return {
        name: {
            "time": median(map(operator.truediv, seconds[name], seconds[IMPORTS])),
            "memory": median(one.memory for one in each),
        }
        for name, each in runs.items()
    }


def measure_faults(names: Sequence[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Run all waits side by side; return by name how many saw the end of their build.

    `code` and `last_line` are those of a wait with faults.
    """
    plan = [(name, faults) for name in names for faults in ((), FAULTS)]
    with ThreadPoolExecutor(len(plan) * BUILDS) as pool:
        jobs = {one: [pool.submit(_wait, *one, folder) for _ in range(BUILDS)] for one in plan}
    waits = {one: [job.result() for job in each] for one, each in jobs.items()}
    return {
        name: {
            "without_faults": sum(wait["has_seen"] for wait in waits[name, ()]),
            "with_faults": sum(wait["has_seen"] for wait in waits[name, FAULTS]),
            "code": waits[name, FAULTS][0]["code"],
            "last_line": waits[name, FAULTS][0]["last_line"],
        }
        for name in names
    }


def _wait(name: str, faults: Sequence[str], folder: Path) -> dict[str, Any]:
    with Emulator() as emulator:
        emulator.add_build(BUILD_SID, after="1m")
        for fault in faults:
            emulator.fault(fault)
        done = run(name, emulator, folder)
        ends_at = emulator.builds[BUILD_SID].ends_at
        last_poll = max(one.time for one in emulator.requests if one.route == "status")
    has_seen = ends_at is not None and last_poll >= ends_at
    # Node prints the error, then its stack.
    errors = re.findall(r"^\w*Error\b.*", done.output, re.MULTILINE)
    last_line = errors[0] if errors else done.output.splitlines()[-1]
    return {"has_seen": has_seen, "code": done.code, "last_line": last_line}
