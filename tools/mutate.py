"""Mutation testing: a test must notice when any small thing in the code is changed.

`make mutate` runs mutmut over the modules that pyproject.toml names, judged by the unit tests
alone, and holds what survives against tools/mutation_survivors.toml: a survivor that is not
explained there fails the run, and so does an explanation of one that no longer survives. A mutant
is told by its function and the line as it was and as it became, so that the list outlives changes
elsewhere.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

EXPLANATIONS = Path("tools/mutation_survivors.toml")
MUTANTS = Path("mutants")
LOG = MUTANTS / "run.log"
KILLED = {"killed", "timeout"}


class Mutant(NamedTuple):
    """One change: the function that it is in, and the line as it was and as it became."""

    function: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.function}\n    - {self.was}\n    + {self.becomes}"


def main() -> int:
    """Run all of it from the repository's root, and return 1 if the list is not what survives."""
    begun = time.monotonic()
    run()
    statuses: Counter[str] = Counter()
    survivors = set()
    for name, path, status in results():
        statuses[status] += 1
        if status not in KILLED:
            survivors.add(mutant(name, path))
    explained = explanations()
    minutes = (time.monotonic() - begun) / 60
    report(statuses, len(explained & survivors), minutes)
    for survivor in sorted(survivors - explained):
        print(f"\nnot explained: {survivor}")
    for gone in sorted(explained - survivors):
        print(f"\nexplained, but killed or gone: {gone}")
    if survivors == explained:
        return 0
    print(f"\nKill what can be killed, and explain the rest in {EXPLANATIONS}.")
    return 1


def run() -> None:
    """Make the mutants and test them all, from nothing: what was cached may be out of date."""
    shutil.rmtree(MUTANTS, ignore_errors=True)
    MUTANTS.mkdir()
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch, LOG.open("w") as log:
        # A mutant of what writes files may write anywhere: what is temporary stays together.
        Path(scratch).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", "run"],
            env={**os.environ, "TMPDIR": scratch},
            stdout=None if sys.stdout.isatty() else log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        print(LOG.read_text()[-3000:])
        sys.exit(f"mutmut ended with {done.returncode}; nothing is known about the mutants")


def results() -> Iterator[tuple[str, Path, str]]:
    """Yield each mutant's name, the file that it is a change of, and how it fared."""
    for meta in sorted(MUTANTS.rglob("*.meta")):
        path = meta.relative_to(MUTANTS).with_suffix("")
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            yield name, path, status_by_exit_code[code]


def mutant(name: str, path: Path) -> Mutant:
    """Find what a mutant changes.

    mutmut names them `module.x_function__mutmut_3` and `module.xǁClassǁmethod__mutmut_3`.
    """
    module, _, function = name.rpartition("__mutmut_")[0].rpartition(".")
    parts = function.split("ǁ")[1:] or [function.removeprefix("x_")]
    changes = [line for line in get_diff_for_mutant(name, path=path).split("\n")[2:] if line]
    was, becomes = (
        " ".join(line[1:].strip() for line in changes if line.startswith(sign)) for sign in "-+"
    )
    short = module.partition(".")[2]
    return Mutant(".".join(filter(None, [short, *parts])), was, becomes)


def explanations() -> set[Mutant]:
    """Read the list of survivors that are explained."""
    listed = tomllib.loads(EXPLANATIONS.read_text(encoding="utf-8"))["explained"]
    found = [
        Mutant(entry["function"], entry["was"], becomes)
        for group in listed
        for entry in group["mutants"]
        for becomes in entry["becomes"]
    ]
    if len(set(found)) < len(found) or not all(group["why"].strip() for group in listed):
        sys.exit(f"{EXPLANATIONS}: something is listed twice, or without a reason")
    return set(found)


def report(statuses: Counter[str], explained: int, minutes: float) -> None:
    """Say how many there were, and what became of them."""
    total = statuses.total()
    killed = sum(statuses[status] for status in KILLED)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    print(f"{today}: {total} mutants in {minutes:.0f} minutes; {dict(statuses)}")
    print(f"{killed} killed, {statuses['timeout']} of them by running out of time: ", end="")
    print(f"{killed / total:.1%}; {explained} of the other {total - killed} are explained")


if __name__ == "__main__":
    sys.exit(main())
