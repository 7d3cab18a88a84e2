"""`make soak`: 200 waits side by side, one response in five a fault, and every outcome right.

Every wait is a process; all poll one emulator on this machine, whose builds complete, fail, or
never end. Exits with 0 if every wait ended as its build did, otherwise with 1.
"""

import random
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emulator import Emulator

ENTRYPOINT = Path(__file__).resolve().parents[1] / "entrypoint.py"
WAITS = 200
EXIT_CODES = {"completed": 0, "failed": 1, "timed-out": 3}
OUTCOMES = ("completed",) * 9 + ("failed",) * 9 + ("timed-out",) * 2  # of 20 waits each
# Seconds. The timeout for builds that end is long, so that faults do not use it up.
NEVER_ENDS, LONG, LIMIT = 80, 300, 390


def wait(variables: dict[str, str], expected: str) -> str:
    """Run the tool; return what is wrong, with its log, or an empty text. Raises if it hangs."""
    command = [sys.executable, "-I", str(ENTRYPOINT)]
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode == EXIT_CODES[expected]:
        return ""
    log = done.stdout + done.stderr
    return f"Expected {expected}, but the exit code was {done.returncode}:\n{log}"


def main() -> int:
    """Run the waits, print the figures, and return the exit code."""
    began = time.monotonic()
    with Emulator(fault_rate=0.2) as emulator, ThreadPoolExecutor(WAITS) as pool:
        waits = []
        for number in range(WAITS):
            sid, expected = f"ZB{number:032x}", OUTCOMES[number % 20]
            never_ends = expected == "timed-out"
            after = random.uniform(30, 70)  # noqa: S311 (no secret)
            emulator.add_build(sid, "building" if never_ends else expected, after=f"{after:.3f}s")
            variables = {
                **emulator.variables,
                "TWILIO_BUILD_SID": sid,
                "TWILIO_BUILD_TIMEOUT": f"{NEVER_ENDS if never_ends else LONG}s",
                "TWILIO_BUILD_DIAGNOSE": "false",
            }
            waits.append(pool.submit(wait, variables, expected))
        problems = [problem for future in waits if (problem := future.result())]
    polls = emulator.requests
    last = {poll.request.path.split("/")[5]: poll.time for poll in polls}
    lags = [
        last[sid] - build.ends_at
        for sid, build in emulator.builds.items()
        if build.ends_at and build.ending != "building"
    ]
    print("\n".join(problems))
    print(f"polls: {len(polls)}, of them with a fault: {sum(bool(poll.fault) for poll in polls)}")
    print(f"lag in seconds: median {statistics.median(lags):.1f}, longest {max(lags):.1f}")
    print(f"seconds in total: {time.monotonic() - began:.0f}")
    print(f"right outcomes: {WAITS - len(problems)} of {WAITS}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
