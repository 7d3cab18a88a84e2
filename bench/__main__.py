"""`make bench`, or `python -m bench [SECTION…]`: measure, and write docs/performance.md."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import container, crowd, page, polling, processes, store, waits
from bench.programs import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Callable

#: The runs that every policy is put through, and the seed of all randomness.
RUNS, SEED = 20_000, 7


def main() -> int:
    """Measure what was asked for, then write the page; the exit code."""
    sections: dict[str, Callable[[], dict[str, Any]]] = {
        "processes": processes.measure,
        "container": container.measure,
        "waits": waits.measure,
        "polling": lambda: polling.measure(given.runs, given.seed),
        "crowd": lambda: crowd.measure(given.seed),
    }
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "section",
        nargs="*",
        help=f"{', '.join(sections)}, or page, which only writes the page again (default: all)",
    )
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each policy (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="(%(default)s)")
    parser.add_argument("--docs", type=Path, default=store.DOCS, help="where to write to")
    given = parser.parse_args()
    if unknown := set(given.section) - {*sections, "page"}:
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    folder = given.docs / store.FOLDER
    begun, lacking = time.monotonic(), False
    for name in given.section or sections:
        if name == "page":
            continue
        print(f"{time.monotonic() - begun:5.0f} s  measuring: {name}", flush=True)
        try:
            store.save(name, sections[name](), _command(name, given), folder)
        except MissingToolError as missing:
            print(f"bench: {missing}\nbench: '{name}' keeps the figures it had", file=sys.stderr)
            lacking = True
    page.write(given.docs)
    print(f"{time.monotonic() - begun:5.0f} s  wrote {given.docs / store.PAGE}")
    return 1 if lacking else 0


def _command(section: str, given: argparse.Namespace) -> str:
    """Name the command that repeats a measurement, with the options that are not the defaults."""
    options = {"--runs": (given.runs, RUNS), "--seed": (given.seed, SEED)}
    others = [f"{name} {value}" for name, (value, default) in options.items() if value != default]
    return " ".join(["python -m bench", section, *others])


if __name__ == "__main__":
    sys.exit(main())
