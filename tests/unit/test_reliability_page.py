"""docs/reliability.md and the tests of faults, held against each other, both ways.

What the tests are, pytest itself says: it collects all that bear the mark `fault`.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reliability.md"
MARK = "pytest.mark.fault"


def rows(page: str) -> list[tuple[str, str, list[str]]]:
    """What happens, what the tool does, and the tests by their full names, for each row."""
    found = []
    file = ""
    for line in page.splitlines():
        if named := re.fullmatch(r"Tests in `(tests/\S+\.py)`\.", line):
            file = named[1]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[2].startswith("`test_"):
            tests = [f"{file}::{name}" for name in re.findall(r"`(test_[^`]+)`", cells[2])]
            found.append((cells[0], cells[1], tests))
    return found


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Every test with the mark, as pytest names it."""
    files = [
        path
        for path in sorted((REPOSITORY / "tests").rglob("test_*.py"))
        if MARK in path.read_text(encoding="utf-8") and path != Path(__file__)
    ]
    # A run of pytest inside of one must not take over its settings.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["--collect-only", "--quiet", "-p", "no:cacheprovider", "-m", "fault"]
    importing = ["--override-ini=addopts=", "--import-mode=importlib"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *importing, *map(str, files)],
        cwd=REPOSITORY,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_every_row_names_tests_that_exist(collected: set[str]) -> None:
    functions = {test.partition("[")[0] for test in collected}
    named = {test for _, _, tests in rows(PAGE.read_text(encoding="utf-8")) for test in tests}
    assert len(named) > 100
    assert named - collected - functions == set()


def test_every_test_of_a_fault_has_a_row(collected: set[str]) -> None:
    named = {test for _, _, tests in rows(PAGE.read_text(encoding="utf-8")) for test in tests}
    without = {
        test for test in collected if test not in named and test.partition("[")[0] not in named
    }
    assert len(collected) > 300
    assert without == set()


def test_every_row_says_what_happens_and_what_is_done() -> None:
    seen = rows(PAGE.read_text(encoding="utf-8"))
    assert [row for row in seen if not all(row)] == []
    twice = Counter(test for _, _, tests in seen for test in tests)
    assert [test for test, times in twice.items() if times > 1] == []


def test_every_line_of_a_table_is_a_row() -> None:
    """A row that is not understood would be a row that is not held against anything."""
    page = PAGE.read_text(encoding="utf-8")
    matrix = page[page.index("Tests in `tests/") :]  # the tables of figures stand before it
    tables = [line for line in matrix.splitlines() if line.startswith("|")]
    headings = [line for line in tables if line.startswith(("| what happens |", "| --- |"))]
    assert len(tables) - len(headings) == len(rows(matrix))
