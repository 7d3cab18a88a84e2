"""One read of a finished build by whole processes, against a process that only imports."""

from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.programs import (
    BASELINE,
    FLOOR,
    LEAVING,
    READERS,
    Program,
    Run,
    build_sids,
    environment,
    run,
    toolkit,
    versions,
)
from bench.spread import spread
from emulator.server import Emulator, Options

#: Each program runs once in each round, in an order that turns, so that whatever else the machine
#: does meets all of them alike. The first rounds only warm caches up.
ROUNDS, WARM_UP = 21, 2

#: What the project allows itself: the time of one read over that of the imports, and MiB at most.
MOST_TIME, MOST_MEMORY = 1.25, 45.0


class WrongVerdictError(Exception):
    """A program did not say what it had to, so that its figures would mean nothing."""


def measure() -> dict[str, Any]:
    """Run every round, and return the data of the page."""
    programs = (BASELINE, LEAVING, FLOOR, *READERS)
    runs: dict[str, list[Run]] = {program.name: [] for program in programs}
    with (
        toolkit() as modules,
        Emulator(Options(default="completed:0s")) as emulator,
        TemporaryDirectory(prefix="bench-") as folder,
    ):
        sids = build_sids()
        for number in range(WARM_UP + ROUNDS):
            turn = number % len(programs)
            for program in (*programs[turn:], *programs[:turn]):
                env = environment(emulator.url, next(sids), Path(folder), modules)
                done = run(program, env, Path(folder))
                _check(program, done)
                if number >= WARM_UP:
                    runs[program.name].append(done)
    return {
        "rounds": ROUNDS,
        "versions": versions(),
        "programs": {name: compare(some, runs[BASELINE.name]) for name, some in runs.items()},
    }


def _check(program: Program, done: Run) -> None:
    said = "completed" in done.output
    if done.code or (program in READERS and not said):
        raise WrongVerdictError(f"{program.name}: exit {done.code}\n{done.output}")


def compare(runs: list[Run], baseline: list[Run]) -> dict[str, Any]:
    """Return medians and quartiles of the ratios round by round, and the peak memory in MiB."""
    pairs = list(zip(runs, baseline, strict=True))
    return {
        "wall": spread([one.wall / base.wall for one, base in pairs]),
        "cpu": spread([one.cpu / base.cpu for one, base in pairs]),
        "memory": median(one.memory for one in runs),
        "rounds": [
            {"wall": one.wall, "cpu": one.cpu, "memory": one.memory, "round": number}
            for one, number in zip(runs, count(1), strict=False)
        ],
    }
