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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import charts, page, programs, simulation


def main() -> int:
    """Measure, unless only the page is wanted, write everything, and return the exit code."""
    if sys.argv[1:] != ["page"]:
        # Three digits, as more are noise; lists and small objects on one line.
        data = json.loads(
            json.dumps(measure()), parse_float=lambda text: float(f"{float(text):.3g}")
        )
        text = json.dumps(data, indent=1, ensure_ascii=False)
        text = re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda found: re.sub(r"\s+", " ", found[0]), text)
        page.DATA.write_text(text + "\n", "utf-8")
    data = json.loads(page.DATA.read_text("utf-8"))
    page.PAGE.write_text(page.render(data), "utf-8")
    charts.draw(data, page.DATA.parent)
    print(f"one poll: {data['one_poll'][simulation.OWN]}")
    return 0 if page.is_within_limits(data) else 1


def measure() -> dict[str, Any]:
    """Return the data of the page; takes about four minutes."""
    names = list(programs.COMMANDS)
    with TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        if not programs.install_toolkit(folder):
            names.remove(programs.TOOLKIT)
        print("measuring one poll", flush=True)
        one_poll = programs.measure_one_poll(names[:-1], folder)  # the two shell loops are alike
        print("waiting for builds of a minute", flush=True)
        minute = programs.measure_minute(names[1:], folder)
    print("simulating", flush=True)
    measured = f"{time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {platform.system()}"
    return {
        "measured": f"{measured}, Python {platform.python_version()}",
        "one_poll": one_poll,
        "minute": minute,
        "policies": simulation.measure(),
    }


if __name__ == "__main__":
    sys.exit(main())
