"""`make bench`: measure, and write docs/performance.md, its data and its charts.

With the argument `page`, write the page and the charts from the data. Exits with 1 if the tool
costs more than the limits. Needs curl, jq, Node and npm.
"""

import json
import os
import platform
import re
import sys
import time
from multiprocessing import Pool
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import charts, page, policies, programs, simulation


def main() -> int:
    """Measure, unless only the page is wanted, write everything, and return the exit code."""
    if sys.argv[1:] != ["page"]:
        page.DATA.write_text(to_json(measure()), "utf-8")
    data = json.loads(page.DATA.read_text("utf-8"))
    page.PAGE.write_text(page.render(data), "utf-8")
    charts.draw(data, page.DATA.parent)
    print(f"one poll: {data['one_poll'][policies.OWN]}")
    return 0 if page.is_within_limits(data) else 1


def measure() -> dict[str, Any]:
    """Return the data of the page; takes about two minutes."""
    names = list(programs.COMMANDS)
    with TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        programs.install_toolkit(folder)
        print("measuring one poll", flush=True)
        one_poll = programs.measure_one_poll(names[:-1], folder)  # the two shell loops are alike
        print("waiting for builds of a minute", flush=True)
        faults = programs.measure_faults(names[1:], folder)
    print("simulating", flush=True)
    names = [policies.OWN, *policies.OTHERS]
    with Pool() as pool:
        simulated = dict(zip(names, pool.map(simulation.simulate, names, 1), strict=True))
    measured = f"{time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {platform.system()}"
    return {
        "measured": f"{measured}, Python {platform.python_version()}",
        "one_poll": one_poll,
        "faults": faults,
        "policies": simulated,
    }


def to_json(data: dict[str, Any]) -> str:
    """Return the data with four digits, as more are noise, and small objects on one line."""
    rounded = json.loads(json.dumps(data), parse_float=lambda text: float(f"{float(text):.4g}"))
    text = json.dumps(rounded, indent=1, ensure_ascii=False)
    return re.sub(r"{[^{}]*}", lambda match: re.sub(r"\s+", " ", match[0]), text) + "\n"


if __name__ == "__main__":
    sys.exit(main())
