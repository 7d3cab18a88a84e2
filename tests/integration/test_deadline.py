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


def highest(_low: float, high: float) -> float:
    return high


def delays(run: Run) -> list[float]:
    times = [request.time for request in run.requests]
    return [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]


def test_backoff_doubles_up_to_30_s_and_starts_again_after_a_success(tool: Tool) -> None:
    answers = *[BUSY] * 3, MISSING, *[BUSY] * 4, BUILDING, BUSY, COMPLETED
    run = tool.run(*answers, uniform=highest)
    # The 404 neither counts nor starts the row again; after the success comes one interval.
    expected = [1, 2, 4, 1.1, 8, 16, 30, 30]
    assert delays(run) == pytest.approx([*expected, 1.1 * (1 + 0.03 * sum(expected)), 1], abs=0.01)


def test_404_is_retried_every_second_for_10_s(tool: Tool) -> None:
    run = tool.run(MISSING, code=4)
    assert delays(run) == [1.0] * 10
    for piece in ("404", "20404", "No such build", "service-sid"):
        assert piece in run.outputs["reason"]


def test_404_that_ends_in_time_is_waited_out(tool: Tool) -> None:
    later = Response(404, b"", {"Retry-After": "60"})  # it is ignored
    run = tool.run(later, *[MISSING] * 8, BUILDING, *[MISSING] * 9, COMPLETED)
    assert delays(run)[0] == 1.0


def test_404_at_the_deadline_is_rejected(tool: Tool) -> None:
    run = tool.run(MISSING, code=4, TWILIO_BUILD_TIMEOUT="3s")
    assert run.outputs["polls"] == "4"


@pytest.mark.parametrize("answer, code", [(BUILDING, 3), (COMPLETED, 0)])
def test_timeout_0_polls_once(tool: Tool, answer: Response, code: int) -> None:
    run = tool.run(answer, code=code, TWILIO_BUILD_TIMEOUT="0")
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
    for piece in ("building", "no complete response"):
        assert piece in run.outputs["reason"]
    assert "longer timeout" in run.stdout  # Twilio has answered


def test_permanent_error_at_the_deadline_is_rejected(tool: Tool) -> None:
    revoked = twilio_error(401, 20003, "revoked")
    run = tool.run(BUILDING, revoked, code=4, TWILIO_BUILD_TIMEOUT="1s")
    assert run.outputs["status"] == "building"
