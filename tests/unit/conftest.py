"""For all unit tests: how hypothesis searches, and that handlers of signals are put back."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline for one example: how long it takes is the machine's affair, and it has others to run.
settings.register_profile("unit", deadline=None)
# For mutation testing, where a verdict must be the same at every run.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, max_examples=40
)
settings.load_profile("unit")


@pytest.fixture
def _handlers() -> Iterator[None]:
    """Put back the handlers of the signals that a test takes over."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
