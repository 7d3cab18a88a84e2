"""For all unit tests: how hypothesis searches, and signals without consequences."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline for one example: how long it takes is the machine's affair, and it has others to run.
settings.register_profile("unit", deadline=None, max_examples=60)
# For mutation testing, where a verdict must be the same at every run.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, max_examples=40
)
settings.load_profile("unit")


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Put back the handlers of the signals that a test takes over; return the alarms it has set.

    They are noted and never rung: `Signals` leaves the process when one does.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    noted: list[float] = []
    with monkeypatch.context() as patch:

        def note(which: int, seconds: float) -> None:
            assert which == signal.ITIMER_REAL
            noted.append(seconds)

        patch.setattr(signal, "setitimer", note)
        yield noted
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
