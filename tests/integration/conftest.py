"""What every integration test is handed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Tool


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    """The command, in a working directory of its own; ended with the test."""
    cwd = tmp_path / "workspace"
    cwd.mkdir()
    tool = Tool(cwd)
    yield tool
    tool.close()
