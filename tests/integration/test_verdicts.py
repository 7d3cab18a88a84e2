"""Outcomes of the wait in everything that a run leaves behind, its end, and `latest`.

`tests/unit/test_wait.py` has the rules for the end, `test_status.py` those for `latest`.
"""

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    BUILDS_PATH,
    SERVICE_SID,
    STATUS_PATH,
    STATUS_URL,
    build,
    build_status,
    page,
)
from tests.support.server import Response, Server

BUILDING, COMPLETED = build_status("building"), build_status("completed")


def test_completed_exits_0(tool: Tool) -> None:
    assert tool.run(BUILDING, BUILDING, COMPLETED).outputs == {
        "outcome": "completed",
        "status": "completed",
        "build-sid": BUILD_SID,
        "service-sid": SERVICE_SID,
        "account-sid": ACCOUNT_SID,
        "url": STATUS_URL,
        "elapsed-seconds": "2.0",
        "polls": "3",
        "reason": "",
        "changes": "",
    }


def test_url_is_the_address_that_was_requested_if_twilio_reports_none(tool: Tool) -> None:
    root = f"{tool.server.url}/{'a' * 500}/b::c"
    run = tool.run(build_status("completed", url=...), TWILIO_BASE_URL=root)
    assert run.outputs["url"] == root + STATUS_PATH


def test_failed_exits_1(tool: Tool) -> None:
    run = tool.run(BUILDING, build_status("failed"), code=1)
    assert run.outputs["status"] == "failed"
    assert "failed" in run.outputs["reason"]
    (error,) = run.commands("error")
    assert run.outputs["reason"] in error.data


def test_unknown_status_times_out(tool: Tool) -> None:
    run = tool.run(build_status("verified"), code=3, TWILIO_BUILD_TIMEOUT="2m")
    assert run.outputs["outcome"] == "timed-out"
    assert run.outputs["status"] == "verified"
    assert run.outputs["elapsed-seconds"] == "120.0"
    assert "verified" in run.outputs["reason"]
    assert run.requests[-1].time - run.requests[0].time == pytest.approx(120)


def test_timeout_0_of_a_build_that_is_not_finished_is_a_notice(tool: Tool) -> None:
    run = tool.run(BUILDING, code=3, TWILIO_BUILD_TIMEOUT="0")
    (notice,) = run.commands("notice")
    assert notice.title == "Twilio build is not finished"
    assert "longer timeout" not in run.stdout


def test_sigterm_cancels_the_wait(tool: Tool) -> None:
    run = tool.run(BUILDING, code=143, signal_at=30)
    assert run.outputs["outcome"] == "cancelled"
    (warning,) = run.commands("warning")
    assert warning.title == "Wait cancelled"
    assert "the last status was 'building'" in warning.data
    assert run.outputs["elapsed-seconds"] == "30.0"


def test_signal_takes_precedence_over_invalid_inputs(tool: Tool) -> None:
    tool.run(code=143, signal_at=0, TWILIO_BUILD_TIMEOUT="often")


def test_404_is_retried_every_second_for_10_s(tool: Tool) -> None:
    missing = Response(404, headers={"Retry-After": "60"})  # it is ignored
    run = tool.run(missing, code=4)
    times = [request.time - run.requests[0].time for request in run.requests]
    assert times == pytest.approx(list(range(11)))


def test_build_of_latest_is_polled_and_a_next_page_only_mentioned(tool: Tool) -> None:
    tool.server.script(BUILDING, COMPLETED, path=STATUS_PATH)
    with Server(Response(500)) as elsewhere:
        link = f"{elsewhere.url}/v1/Services/{SERVICE_SID}/Builds?Page=1"
        tool.server.script(page("builds", build("building"), next_page_url=link), path=BUILDS_PATH)
        environ = tool.environ | {"TWILIO_BUILD_SID": "Latest"}
        run = run_inside(environ, tool.server, elsewhere)
    targets = [request.target for request in run.requests]
    assert targets == [f"{BUILDS_PATH}?PageSize=20", STATUS_PATH, STATUS_PATH]
    assert not elsewhere.connections
    assert "only the first 20 builds were read" in run.stdout
    assert "only the first 20 builds were read" in run.summary


def test_reason_of_a_failed_build_says_which_build_latest_is(tool: Tool) -> None:
    tool.server.script(Response(404), path="/Alerts")
    tool |= {"TWILIO_BUILD_SID": "latest", "TWILIO_BUILD_DIAGNOSE": "true"}
    run = tool.run(page("builds", build("failed")), code=1)
    assert run.outputs["reason"].endswith(
        f". About the newest build, {BUILD_SID}, created 2026-10-01 11:58:00 UTC, 2m ago. "
        "If the deployment began later, it created no build: see its own log"
    )
