"""Runs whole programs against the emulator: what one poll costs, and how they take faults."""

import operator
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from statistics import fmean, median
from typing import Any, NamedTuple

from bench.simulation import OWN
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
#: Seconds that builds take: about a minute, and no interval divides them all.
BUILD_TIMES = (57.3, 58.6, 59.9, 61.2, 62.5)
#: One 503 and, three responses later, one reset.
FAULTS = ("ok*6", "503", "ok*3", "reset")


class Run(NamedTuple):
    """Seconds, MiB, exit code, and what a program printed."""

    seconds: float
    memory: float
    code: int
    output: str


def install_toolkit(folder: Path) -> bool:
    """Install Twilio's toolkit from npm in `folder`; return whether that worked."""
    command = ("npm", "install", "-s", "--ignore-scripts", f"--prefix={folder}", PACKAGE)
    return bool(which("npm")) and subprocess.run(command, check=False).returncode == 0


def run(name: str, emulator: Emulator, folder: Path) -> Run:
    """Run a program with the build `BUILD_SID`; its home is `folder`."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "TWILIO_BUILD_SID": BUILD_SID}
    environ |= emulator.variables | {"NODE_PATH": str(folder / "node_modules")}
    command = (sys.executable, "-I", "-S", str(HERE / "launch.py"), *COMMANDS[name])
    text = subprocess.check_output(command, env=environ, stderr=subprocess.STDOUT, timeout=100)
    output, _, figures = text.decode().rstrip().rpartition("\n")
    seconds, kibibytes, code = figures.split()
    return Run(float(seconds), float(kibibytes) / 1024, int(code), output.strip())


def measure_one_poll(names: Iterable[str], folder: Path) -> dict[str, dict[str, float]]:
    """Run programs with a completed build; return medians by name.

    `time` is over the time of `IMPORTS` in the same round, `memory` is in MiB.
    """
    runs: dict[str, list[Run]] = {name: [] for name in names}
    with Emulator() as emulator:
        emulator.add_build(BUILD_SID)
        for name in list(runs) * ROUNDS:
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


def measure_minute(names: Iterable[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Run all waits side by side: what each program did without and with faults."""
    plan = [(name, faults) for name in names for faults in ((), FAULTS)]
    with ThreadPoolExecutor(len(plan) * len(BUILD_TIMES)) as pool:
        jobs = [
            [pool.submit(_wait, name, seconds, faults, folder) for seconds in BUILD_TIMES]
            for name, faults in plan
        ]
        waits = iter([[job.result() for job in each] for each in jobs])
    return {name: {kind: _together(next(waits)) for kind in ("calm", "faulty")} for name in names}


def _wait(name: str, seconds: float, faults: Iterable[str], folder: Path) -> dict[str, Any]:
    with Emulator() as emulator:
        emulator.add_build(BUILD_SID, after=f"{seconds}s")
        for fault in faults:
            emulator.fault(fault)
        done = run(name, emulator, folder)
        ends_at = emulator.builds[BUILD_SID].ends_at or 0.0
        lags = [one.time - ends_at for one in emulator.requests if one.route == "status"]
    lines = done.output.splitlines()
    errors = [line for line in lines if re.match(r"\w*Error\b", line)]
    last_words = [*lines[-1:], *errors[:1]][-1]
    lag = next((lag for lag in lags if lag >= 0), None)
    return {"lag": lag, "polls": len(lags), "code": done.code, "last_words": last_words}


def _together(waits: list[dict[str, Any]]) -> dict[str, Any]:
    lags = [wait["lag"] for wait in waits if wait["lag"] is not None]
    mean = {"lag": fmean(lags or [0.0]), "polls": fmean(wait["polls"] for wait in waits)}
    return waits[0] | mean | {"seen": len(lags)}
