"""Each outcome of the wait once, in everything that a run leaves behind."""

import math

import pytest

from tests.support.run import run_inside, run_process
from tests.support.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    STATUS_PATH,
    STATUS_URL,
    TOKEN,
    build_status,
    twilio_error,
)
from tests.support.server import Server

BUILDING, COMPLETED, FAILED = (
    build_status(status) for status in ("building", "completed", "failed")
)


def test_completed_exits_0(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, BUILDING, COMPLETED)
    run = run_inside(environ, server)
    assert run.code == 0
    assert run.outputs == {
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


def test_failed_exits_1(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, FAILED)
    run = run_inside(environ, server)
    assert run.code == 1
    assert run.outputs["outcome"] == "failed"
    assert run.outputs["status"] == "failed"
    assert "failed" in run.outputs["reason"]
    (error,) = run.commands("error")
    assert run.outputs["reason"] in error.data


def test_unknown_status_times_out(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status("verified"))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "2m"}, server)
    assert run.code == 3
    assert run.outputs["status"] == "verified"
    assert run.outputs["elapsed-seconds"] == "120.0"
    assert "verified" in run.outputs["reason"]
    assert run.requests[-1].time - run.requests[0].time == pytest.approx(120)


def test_unanswered_polls_time_out(server: Server, environ: dict[str, str]) -> None:
    server.script([math.inf])
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "1m"}, server)
    assert run.code == 3
    assert run.outputs["status"] == ""
    assert run.seconds == pytest.approx(65)  # the last poll, at the deadline, takes 5 s


def test_wrong_credentials_are_rejected(server: Server, environ: dict[str, str]) -> None:
    server.script(twilio_error(401, 20003, f"Authenticate: {TOKEN}"))
    run = run_inside(environ, server)
    assert run.code == 4
    assert run.outputs["outcome"] == "rejected"
    assert "20003" in run.outputs["reason"]


def test_invalid_inputs_send_no_request(server: Server, environ: dict[str, str]) -> None:
    run = run_inside(environ | {"TWILIO_BUILD_SID": "ZB1"}, server)
    assert run.code == 2
    assert run.outputs["outcome"] == "invalid"
    assert not run.requests


def test_sigterm_cancels_the_wait(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING)
    run = run_inside(environ, server, signal_at=30)
    assert run.code == 143
    assert run.outputs["outcome"] == "cancelled"
    assert run.outputs["elapsed-seconds"] == "30.0"


def test_process_reports_the_same(server: Server, environ: dict[str, str]) -> None:
    server.script(BUILDING, COMPLETED)
    run = run_process(environ | {"TWILIO_BUILD_INTERVAL": "100ms"}, server)
    assert run.code == 0
    assert run.outputs["polls"] == "2"
    assert [request.path for request in run.requests] == [STATUS_PATH, STATUS_PATH]
