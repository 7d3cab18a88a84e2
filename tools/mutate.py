"""`make mutate`: change the code in small ways, and count the changes that the tests notice.

mutmut mutates every module of the package; `[tool.mutmut]` in pyproject.toml names the tests.
`.venv/bin/mutmut show NAME` shows a survivor, and `.venv/bin/mutmut run NAME` tests it again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

# Percent of the mutants that must be killed: of all, and of each module.
GATE, MODULE_GATE = 95, 90
KILLED = ("killed", "timeout")
MUTANTS = Path("mutants")
MUTMUT = (sys.executable, "-m", "mutmut")


def main() -> int:
    """Run from the repository's root; return 1 if too few are killed."""
    shutil.rmtree(MUTANTS, ignore_errors=True)  # results of older code
    MUTANTS.mkdir()
    log = MUTANTS / "run.log"
    # Mutants of code that writes files leave some behind: all in one folder, which is deleted.
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder, log.open("w") as output:
        Path(folder).chmod(0o755)  # for tests that give up root's rights
        environ = {**os.environ, "TMPDIR": folder}
        code = subprocess.call([*MUTMUT, "run"], env=environ, stdout=output, stderr=output)
    if code:
        sys.exit(f"{log.read_text()[-3000:]}\nmutmut failed (exit {code}): fix the error above")
    statuses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    results = subprocess.check_output([*MUTMUT, "results", "--all", "true"], text=True)
    for line in results.splitlines():
        name, _, status = line.strip().rpartition(": ")
        statuses[name.rpartition(".")[0].removeprefix("twilio_build_wait.")][status] += 1
        if status not in KILLED:
            print(f"{name}: {status}")
    lowest = min(print_row(module, counts) for module, counts in sorted(statuses.items()))
    return int(print_row("all", sum(statuses.values(), Counter())) < GATE or lowest < MODULE_GATE)


def print_row(module: str, counts: Counter[str]) -> float:
    """Print how many mutants a module has; print and return what percentage of them is killed."""
    percent = 100 * sum(counts[status] for status in KILLED) / counts.total()
    print(f"{module:24} {counts.total():5} mutants {percent:6.1f} % killed")
    return percent


if __name__ == "__main__":
    sys.exit(main())
