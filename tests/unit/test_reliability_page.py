"""docs/reliability.md and the tests, held against each other both ways."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]
MARK = "pytest.mark.fault"


def functions(path: Path) -> Iterator[tuple[str, bool]]:
    """Return each test of a file, and whether it or the file bears the mark or a name for it."""
    module = ast.parse(path.read_text("utf-8"))
    assigned = [node for node in module.body if isinstance(node, ast.Assign)]
    names = [ast.unparse(node.targets[0]) for node in assigned if MARK in ast.unparse(node.value)]
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = {ast.unparse(decorator) for decorator in node.decorator_list}
            yield node.name, "pytestmark" in names or bool(marks & {MARK, *names})


PATHS = sorted((ROOT / "tests").rglob("test_*.py"))
FOUND = [test for path in PATHS for test in functions(path)]
NAMED = [name for row in ROWS for name in re.findall("`(test_[^`]*)`", row)]


def test_every_row_names_tests_that_exist() -> None:
    rows = [row for row in ROWS if not row.startswith(("| what happens |", "| --- |"))]
    assert len(rows) > 50
    assert [row for row in rows if "`test_" not in row] == []
    assert set(NAMED) - {name for name, _ in FOUND} == set()


def test_every_test_of_a_fault_has_a_row() -> None:
    marked = [name for name, is_fault in FOUND if is_fault]
    assert len(marked) > 80
    assert set(marked) - set(NAMED) == set()
    # One name stands for one test.
    assert [name for name, times in Counter(marked).items() if times > 1] == []
