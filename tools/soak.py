"""`make soak`: many waits side by side, one response in five a fault, and every outcome right.

Every wait is a process; all poll one emulator on this machine, whose builds complete, fail, or
never end. Exits with 0 if every wait ended as its build did, otherwise with 1. The figures are
those of docs/reliability.md.
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
from typing import Any

from emulator import Emulator

ENTRYPOINT = Path(__file__).resolve().parents[1] / "entrypoint.py"
EXIT_CODES = {"completed": 0, "failed": 1, "timed-out": 3}
OUTCOMES = ("completed",) * 9 + ("failed",) * 9 + ("timed-out",) * 2  # of 20 waits each
# Seconds. Builds that never end are waited for until the first of these, others much longer: what
# faults cost must not let them time out.
NEVER_ENDS, LONG = 80, 300
# After its timeout a wait has 5 s, and 200 processes need time to start on a small machine.
GRACE = 90


@dataclass
class Wait:
    """A wait for one build, which has to end with `expected`."""

    sid: str
    expected: str
    process: subprocess.Popen[bytes]
    file: Path

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of the tool; empty if there are none."""
        return json.loads(self.file.read_text("utf-8")) if self.file.is_file() else {}

    @property
    def problem(self) -> str:
        """What is wrong with the end of the wait; empty if nothing is."""
        code, outcome = self.process.returncode, self.outputs.get("outcome")
        if (code, outcome) == (EXIT_CODES[self.expected], self.expected):
            return ""
        return f"{self.sid}: exit code {code}, outcome {outcome}; expected {self.expected}"


def start(emulator: Emulator, number: int, count: int, folder: Path) -> Wait:
    """Add a build and start a wait for it; a tenth of the builds never ends."""
    expected = OUTCOMES[20 * number // count]
    sid, file = f"ZB{number:032x}", folder / f"{number}.json"
    status = "building" if expected == "timed-out" else expected
    after = random.uniform(30, 70)  # noqa: S311 (no secret)
    emulator.add_build(sid, status, after=f"{after:.3f}s")
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        **emulator.variables,
        "TWILIO_BUILD_SID": sid,
        "TWILIO_BUILD_TIMEOUT": f"{NEVER_ENDS if status == 'building' else LONG}s",
        "TWILIO_BUILD_DIAGNOSE": "false",
        "TWILIO_BUILD_OUTPUT_FILE": str(file),
    }
    with (folder / f"{number}.log").open("wb") as log:
        command = [sys.executable, "-I", str(ENTRYPOINT)]
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log)
    return Wait(sid, expected, process, file)


def report(emulator: Emulator, waits: list[Wait], started: float, elapsed: float) -> None:
    """Print the figures; `started` and `elapsed` are seconds until all had started and ended."""
    polls = emulator.requests
    last = {poll.request.path.split("/")[5]: poll.time for poll in polls}
    ends = {sid: build.ends_at for sid, build in emulator.builds.items()}
    lags = sorted(
        last[wait.sid] - (ends[wait.sid] or 0) for wait in waits if wait.expected != "timed-out"
    )
    counts = [int(wait.outputs.get("polls", 0)) for wait in waits]
    outcomes = Counter(str(wait.outputs.get("outcome")) for wait in waits)
    print(f"machine: {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(f"waits: {len(waits)} side by side, started within {started:.1f} s")
    print(f"polls: {len(polls)}, of them with a fault: {sum(bool(poll.fault) for poll in polls)}")
    print("outcomes: " + ", ".join(f"{number} {name}" for name, number in outcomes.most_common()))
    print(
        f"seconds from a build's end to the poll that saw it: median {statistics.median(lags):.1f},"
        f" 95 % within {lags[int(0.95 * len(lags))]:.1f}, longest {lags[-1]:.1f}"
    )
    print(f"polls of a wait: median {statistics.median(counts):.0f}, most {max(counts)}")
    print(f"seconds in total: {elapsed:.0f}")


def main() -> int:
    """Run the waits, print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--waits", type=int, default=200, help="how many (200)")
    parser.add_argument("--rate", type=float, default=0.2, help="share of faults (0.2)")
    options = parser.parse_args()
    with (
        Emulator(fault_rate=options.rate) as emulator,
        tempfile.TemporaryDirectory(prefix="twilio-build-wait-soak-") as folder,
    ):
        began = time.monotonic()
        numbers = range(options.waits)
        waits = [start(emulator, number, options.waits, Path(folder)) for number in numbers]
        started = time.monotonic() - began
        for wait in waits:
            try:
                wait.process.wait(max(0.0, began + LONG + GRACE - time.monotonic()))
            except subprocess.TimeoutExpired:
                wait.process.kill()
                wait.process.wait()
        report(emulator, waits, started, time.monotonic() - began)
        problems = [wait.problem for wait in waits if wait.problem]
    print("".join(f"{problem}\n" for problem in problems), end="")
    print(f"right outcomes: {len(waits) - len(problems)} of {len(waits)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
