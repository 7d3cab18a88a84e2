"""For tests of what takes over this process's signals."""

import signal
from collections.abc import Iterator

import pytest

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the signal handlers back, and stop the timer."""
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)
