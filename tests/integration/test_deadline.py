"""When the polls come, and when the wait ends. The randomness is in the middle of its range.

`tests/unit/test_schedule.py` and `test_wait.py` have the rules; here they hold for real responses.
"""

import itertools
import math

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run
from tests.support.samples import build_status, twilio_error
from tests.support.server import Response, Step

BUILDING, COMPLETED = build_status("building"), build_status("completed")
BUSY, MISSING = Response(503), twilio_error(404, 20404, "No such build")


def lowest(low: float, _high: float) -> float:
    return low


def delays(run: Run) -> list[float]:
    times = [request.time for request in run.requests]
    return [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]


def test_404_is_retried_every_second_for_10_s(tool: Tool) -> None:
    run = tool.run(Response(404, MISSING.body, {"Retry-After": "60"}), code=4)  # it is ignored
    assert delays(run) == [1.0] * 10


def test_timeout_0_polls_once(tool: Tool) -> None:
    run = tool.run(COMPLETED, TWILIO_BUILD_TIMEOUT="0")
    assert run.outputs["polls"] == "1"
    assert run.outputs["elapsed-seconds"] == "0.0"


DELAYS: dict[str, Step] = {
    "interval": BUILDING,
    "backoff": BUSY,
    "Retry-After": Response(429, b"", {"Retry-After": "999999999"}),
}


@pytest.mark.parametrize("answer", DELAYS.values(), ids=DELAYS)
def test_last_poll_is_at_the_deadline(tool: Tool, answer: Step) -> None:
    short = {"TWILIO_BUILD_TIMEOUT": "400ms", "TWILIO_BUILD_INTERVAL": "1h"}
    assert delays((tool | short).run(answer, COMPLETED)) == [0.4]


@pytest.mark.parametrize("status, code", [("completed", 0), ("building", 3)])
def test_poll_in_flight_at_the_deadline_is_the_last(tool: Tool, status: str, code: int) -> None:
    run = tool.run([5.5, build_status(status)], code=code, TWILIO_BUILD_TIMEOUT="1s")
    assert run.outputs["polls"] == "1"
    assert run.outputs["elapsed-seconds"] == "5.5"


@pytest.mark.parametrize("timeout, seconds", [("0", 5), ("1s", 6), ("11s", 16)])
def test_wait_ends_5_s_after_the_deadline(tool: Tool, timeout: str, seconds: float) -> None:
    run = tool.run([math.inf], code=3, uniform=lowest, TWILIO_BUILD_TIMEOUT=timeout)
    assert run.seconds == pytest.approx(seconds)


def test_error_at_the_deadline_is_named_beside_the_status(tool: Tool) -> None:
    run = tool.run(BUILDING, [math.inf], code=3, TWILIO_BUILD_TIMEOUT="1s")
    assert run.outputs["reason"].startswith(
        "no verdict within 1s; the last status was 'building'; the last poll failed: no complete"
    )
