"""When the polls come, and when the wait ends. The randomness is in the middle of its range."""

import itertools
import math
from collections.abc import Callable, Sequence

import pytest

from tests.support.run import Run, run_inside
from tests.support.samples import build_status, twilio_error
from tests.support.server import Response, Server, Step

fault = pytest.mark.fault

BUILDING, COMPLETED, FAILED = map(build_status, ("building", "completed", "failed"))
BUSY, MISSING = Response(503), twilio_error(404, 20404, "No such build")
Uniform = Callable[[float, float], float]


def lowest(low: float, _high: float) -> float:
    return low


def highest(_low: float, high: float) -> float:
    return high


def delays(run: Run) -> list[float]:
    times = [request.time for request in run.requests]
    return [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]


# --- the delays -----------------------------------------------------------------------------------


def test_interval_grows_by_3_percent_of_the_time_waited(
    server: Server, environ: dict[str, str]
) -> None:
    server.script(*[BUILDING] * 3, COMPLETED)
    run = run_inside(environ | {"TWILIO_BUILD_INTERVAL": "2s"}, server)
    assert delays(run) == [2.0, 2.06, 2.122]


@fault
def test_backoff_doubles_up_to_30_s_and_starts_again_after_a_success(
    server: Server, environ: dict[str, str]
) -> None:
    server.script(*[BUSY] * 3, MISSING, *[BUSY] * 4, BUILDING, BUSY, COMPLETED)
    run = run_inside(environ, server, uniform=highest)
    assert run.code == 0, run.stdout
    # The 404 neither counts nor starts the row again; after the success comes one interval.
    expected = [1, 2, 4, 1.1, 8, 16, 30, 30]
    assert delays(run) == pytest.approx([*expected, 1.1 * (1 + 0.03 * sum(expected)), 1], abs=0.01)


# --- 404 ------------------------------------------------------------------------------------------


@fault
def test_404_is_retried_every_second_for_10_s(server: Server, environ: dict[str, str]) -> None:
    server.script(MISSING)
    run = run_inside(environ, server)
    assert run.code == 4, run.stdout
    assert delays(run) == [1.0] * 10
    for piece in ("404", "20404", "No such build", "service-sid"):
        assert piece in run.outputs["reason"]


APPEARING: dict[str, Sequence[Step]] = {
    "a build just created": [*[MISSING] * 9, COMPLETED],
    "again after a success": [*[MISSING] * 9, BUILDING, *[MISSING] * 9, COMPLETED],
    "Retry-After is ignored": [Response(404, b"", {"Retry-After": "60"}), COMPLETED],
}


@fault
@pytest.mark.parametrize("answers", APPEARING.values(), ids=APPEARING)
def test_404_that_ends_in_time_is_waited_out(
    server: Server, environ: dict[str, str], answers: Sequence[Step]
) -> None:
    server.script(*answers)
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert delays(run)[0] == 1.0


@fault
def test_transient_errors_do_not_prolong_the_10_s(server: Server, environ: dict[str, str]) -> None:
    server.script(*[MISSING, BUSY] * 20)
    run = run_inside(environ, server)
    assert run.code == 4, run.stdout
    assert 10 <= run.seconds < 15


@fault
@pytest.mark.parametrize("timeout, polls", [("0", "1"), ("3s", "4")])
def test_404_at_the_deadline_is_rejected(
    server: Server, environ: dict[str, str], timeout: str, polls: str
) -> None:
    server.script(MISSING)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": timeout}, server)
    assert run.code == 4, run.stdout
    assert run.outputs["polls"] == polls


# --- the deadline ---------------------------------------------------------------------------------

ONCE = {"building": (BUILDING, 3), "completed": (COMPLETED, 0), "failed": (FAILED, 1)}
ONCE |= {"transient error": (BUSY, 3), "permanent error": (Response(401), 4)}


@fault
@pytest.mark.parametrize("answer, code", ONCE.values(), ids=ONCE)
def test_timeout_0_polls_once(
    server: Server, environ: dict[str, str], answer: Response, code: int
) -> None:
    server.script(answer)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
    assert run.code == code, run.stdout
    assert run.outputs["polls"] == "1"
    assert run.outputs["elapsed-seconds"] == "0.0"


DELAYS: dict[str, Step] = {
    "interval": BUILDING,
    "backoff": BUSY,
    "Retry-After": Response(429, b"", {"Retry-After": "999999999"}),
    "Retry-After as a date": Response(
        503,
        b"",
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ),
}


@fault
@pytest.mark.parametrize("answer", DELAYS.values(), ids=DELAYS)
def test_last_poll_is_at_the_deadline(
    server: Server, environ: dict[str, str], answer: Step
) -> None:
    server.script(answer, COMPLETED)
    short = {"TWILIO_BUILD_TIMEOUT": "400ms", "TWILIO_BUILD_INTERVAL": "1h"}
    run = run_inside(environ | short, server)
    assert run.code == 0, run.stdout
    assert delays(run) == [0.4]


@fault
def test_there_is_one_poll_at_the_deadline(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "2500ms"}, server)
    assert run.code == 3, run.stdout
    assert sum(delays(run)) == 2.5
    assert delays(run).count(0) == 0
    assert run.outputs["elapsed-seconds"] == "2.5"


@fault
@pytest.mark.parametrize("status, code", [("completed", 0), ("failed", 1), ("building", 3)])
def test_poll_in_flight_at_the_deadline_is_the_last(
    server: Server, environ: dict[str, str], status: str, code: int
) -> None:
    server.script([5.5, build_status(status)])
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "1s"}, server)
    assert run.code == code, run.stdout
    assert run.outputs["polls"] == "1"
    assert run.outputs["elapsed-seconds"] == "5.5"


@fault
@pytest.mark.parametrize("timeout, seconds", [("0", 5), ("1s", 6), ("11s", 16)])
def test_wait_ends_5_s_after_the_deadline(
    server: Server, environ: dict[str, str], timeout: str, seconds: float
) -> None:
    server.script([math.inf])
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": timeout}, server, uniform=lowest)
    assert run.code == 3, run.stdout
    assert run.seconds == pytest.approx(seconds)


LAST_ERRORS: dict[str, tuple[Step, str]] = {
    "503": (Response(503), "HTTP 503"),
    "cut": (b"", "connection closed"),
    "no response": ([math.inf], "no complete response"),
}


@fault
@pytest.mark.parametrize("answer, cause", LAST_ERRORS.values(), ids=LAST_ERRORS)
def test_error_at_the_deadline_is_named_beside_the_status(
    server: Server, environ: dict[str, str], answer: Step, cause: str
) -> None:
    server.script(BUILDING, answer)
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "1s"}, server)
    assert run.code == 3, run.stdout
    assert "building" in run.outputs["reason"]
    assert cause in run.outputs["reason"]
    assert "longer timeout" in run.stdout  # Twilio has answered


@fault
def test_permanent_error_at_the_deadline_is_rejected(
    server: Server, environ: dict[str, str]
) -> None:
    server.script(BUILDING, twilio_error(401, 20003, "revoked"))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "1s"}, server)
    assert run.code == 4, run.stdout
    assert run.outputs["status"] == "building"
