"""What process tests can ask for beside the fixtures of tests/conftest.py."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Pipe:
    """A pipe that nobody reads unless the test does."""

    reader: int
    writer: int

    def fill(self) -> None:
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x")
        os.set_blocking(self.writer, True)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The environment of tests/conftest.py with the shortest interval."""
    return environ | {"TWILIO_BUILD_INTERVAL": "100ms"}


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    yield Pipe(reader, writer)
    os.close(writer)
    os.close(reader)
