"""`make soak`: many waits side by side, one reply in five a fault, each with the right verdict.

Every wait is the real program in a process of its own; all of them ask one emulator on this
machine, whose builds complete, fail, or never end. Exit 0 when every wait ended as its build did,
1 otherwise. The figures at the end are those of docs/reliability.md.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from emulator.api import Credentials
from emulator.server import Emulator, Options

ENTRYPOINT = Path(__file__).resolve().parents[1] / "entrypoint.py"
SERVICE_SID = "ZS" + "5" * 32
EXITS = {"completed": 0, "failed": 1, "timed-out": 3}
#: Of every hundred builds so many complete, and so many fail; the rest never end.
COMPLETING, FAILING = 45, 45
#: How long after the last time-out every wait must have ended, in seconds: the last read may take
#: five, and two hundred processes that start at once on a small machine want time to start.
GRACE_S = 90.0


@dataclass
class Wait:
    """One wait: the build's SID, the outcome it must have, its folder, and its process."""

    sid: str
    expected: str
    folder: Path
    process: subprocess.Popen[bytes]
    code: int | None = None

    @property
    def outputs(self) -> dict[str, str | int | float]:
        """What it wrote into its output file; empty where there is none."""
        file = self.folder / "outputs.json"
        read = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        return dict(read)

    @property
    def problem(self) -> str:
        """What is wrong with how it ended; empty when nothing is."""
        if self.code is None:
            return "still running, and therefore ended"
        found = self.outputs.get("outcome")
        if (self.code, found) == (EXITS[self.expected], self.expected):
            return ""
        return f"exit {self.code} and outcome {found}, where {self.expected} was right"


def start(sid: str, expected: str, root: str, folder: Path, timeout: float) -> Wait:
    """Start a wait, in an environment of its own."""
    folder.mkdir()
    credentials = Credentials()
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "TWILIO_ACCOUNT_SID": credentials.account_sid,
        "TWILIO_AUTH_TOKEN": credentials.auth_token,
        "TWILIO_SERVICE_SID": SERVICE_SID,
        "TWILIO_BUILD_SID": sid,
        "TWILIO_BASE_URL": root,
        "TWILIO_BUILD_TIMEOUT": f"{timeout:.0f}s",
        "TWILIO_BUILD_DIAGNOSE": "false",
        "TWILIO_BUILD_OUTPUT_FILE": str(folder / "outputs.json"),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", str(ENTRYPOINT)],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Wait(sid, expected, folder, process)


def plan(
    count: int, shortest: float, longest: float, draw: random.Random
) -> list[tuple[str, str, float]]:
    """Make the builds: SID, the outcome their wait must have, and after how many seconds."""
    builds = []
    for index in range(count):
        share = 100 * index / count
        expected = (
            "completed"
            if share < COMPLETING
            else "failed"
            if share < COMPLETING + FAILING
            else "timed-out"
        )
        builds.append((f"ZB{index:032x}", expected, draw.uniform(shortest, longest)))
    return builds


def run(chosen: argparse.Namespace, place: Path) -> bool:
    """Run the waits and print the figures; whether every one ended as it must."""
    draw = random.Random(chosen.seed)  # noqa: S311 (repeatable, nothing to keep secret)
    builds = plan(chosen.waits, chosen.shortest, chosen.longest, draw)
    # Time enough for the slowest of the builds that end, and for what faults cost on the way.
    timeout = chosen.longest + 40
    with Emulator(Options(default=None, fault_rate=chosen.rate, seed=chosen.seed)) as emulator:
        for sid, expected, after in builds:
            ending = "building" if expected == "timed-out" else expected
            emulator.add_build(sid, ending, after=f"{after:.3f}s")
        began = time.monotonic()
        waits = [
            start(sid, expected, emulator.url, place / sid, timeout) for sid, expected, _ in builds
        ]
        started = time.monotonic() - began
        finish(waits, began + timeout + GRACE_S)
        seconds = time.monotonic() - began
        log = emulator.log()
    problems = [f"{wait.sid}: {wait.problem}" for wait in waits if wait.problem]
    report(waits, log, started, seconds)
    for problem in problems:
        print(problem)
    return not problems


def finish(waits: list[Wait], deadline: float) -> None:
    """Wait for every process until the deadline, on the monotonic clock; end what is left."""
    for wait in waits:
        try:
            wait.code = wait.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            wait.process.kill()
            wait.process.wait()


def report(
    waits: list[Wait], log: dict[str, list[dict[str, object]]], started: float, seconds: float
) -> None:
    """Print what was seen."""
    requests = [entry for entry in log["requests"] if entry["route"] == "status"]
    faults = [entry for entry in requests if entry["reply"] != "ok"]
    ends = {str(build["sid"]): build["ends_at"] for build in log["builds"]}
    first: dict[str, float] = {}
    for entry in requests:
        first.setdefault(str(entry["build"]), float(str(entry["time"])))
    last = {str(entry["build"]): float(str(entry["time"])) for entry in requests}
    lags = [
        last[sid] - float(str(end)) for sid, end in ends.items() if end is not None and sid in last
    ]
    polls = [int(wait.outputs.get("polls", 0)) for wait in waits]
    outcomes = Counter(str(wait.outputs.get("outcome")) for wait in waits)
    print(
        f"machine: {os.cpu_count()} CPUs, Python {platform.python_version()}, {platform.machine()}"
    )
    print(f"waits: {len(waits)} side by side, all started within {started:.1f} s")
    at_once = max(sum(first[sid] <= now <= last[sid] for sid in first) for now in first.values())
    print(f"at the same time: {at_once}")
    print(f"requests: {len(requests)}, of them answered with a fault: {len(faults)}")
    print("outcomes: " + ", ".join(f"{number} {name}" for name, number in outcomes.most_common()))
    print(f"right verdicts: {sum(not wait.problem for wait in waits)} of {len(waits)}")
    if lags:
        ranked = sorted(lags)
        slow = ranked[int(0.95 * len(ranked))]
        print(
            "seconds from a build's end to the read that saw it: median "
            f"{statistics.median(lags):.1f}, 95 % within {slow:.1f}, longest {ranked[-1]:.1f}"
        )
    print(f"reads a wait: median {statistics.median(polls):.0f}, most {max(polls)}")
    print(f"seconds in all: {seconds:.0f}")


def main() -> int:
    """Parse the command line, run, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--waits", type=int, default=200, help="how many (200)")
    parser.add_argument("--rate", type=float, default=0.2, help="share of faults (0.2)")
    parser.add_argument(
        "--shortest", type=float, default=30, help="seconds of the first build (30)"
    )
    parser.add_argument("--longest", type=float, default=70, help="seconds of the last build (70)")
    parser.add_argument("--seed", type=int, default=1, help="of the builds and the faults (1)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twilio-build-wait-soak-") as place:
        good = run(chosen, Path(place))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
