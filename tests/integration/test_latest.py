"""`build-sid: latest`: the list of builds until one is read, then the status of that build.

`tests/unit/test_status.py` has the rules for the entries of the list and for their age.
"""

import signal
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    BUILD_SID,
    BUILDS_PATH,
    NOW,
    OTHER_ACCOUNT_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_PATH,
    TOKEN,
    build,
    build_status,
    json_response,
    page,
)
from tests.support.server import Response, Server, Step

BUILDING = page("builds", build("building"))
COMPLETED = page("builds", build("completed"))
TOO_LARGE = Response(200, COMPLETED.body.ljust(4 * 1024 * 1024 + 1))
DESCRIPTION = f"{BUILD_SID}, created 2026-10-01 11:58:00 UTC, 2m ago"
CAUTION = "If the deployment began later, it created no build: see its own log"


@pytest.fixture
def latest(tool: Tool) -> Tool:
    return tool | {"TWILIO_BUILD_SID": "latest"}


def test_build_is_polled_by_its_sid_once_it_is_known(latest: Tool) -> None:
    latest.server.script(build_status("building"), build_status("completed"), path=STATUS_PATH)
    run = latest.run(BUILDING, TWILIO_BUILD_SID="Latest")
    targets = [request.target for request in run.requests]
    assert targets == [f"{BUILDS_PATH}?PageSize=20", STATUS_PATH, STATUS_PATH]
    # The early outputs are written again once it is known.
    names = [name for name, value in run.pairs if name == "outcome" or value == BUILD_SID]
    assert names == ["build-sid", "outcome", "build-sid"]


@pytest.mark.parametrize("status, code", [("completed", 0), ("failed", 1), ("queued", 3)])
def test_entry_of_the_list_is_a_status(latest: Tool, status: str, code: int) -> None:
    reported = {"account_sid": OTHER_ACCOUNT_SID, "service_sid": OTHER_SERVICE_SID}
    answer = page("builds", build(status, **reported))
    run = latest.run(answer, code=code, TWILIO_BUILD_TIMEOUT="0")
    outputs = {name: run.outputs[name.replace("_", "-")] for name in (*reported, "status", "polls")}
    assert outputs == {**reported, "status": status, "polls": "1"}
    assert run.outputs["url"] == latest.server.url + STATUS_PATH


# The status of the newest build, and the exit code of each outcome.
OUTCOMES = {"completed": 0, "failed": 1, "building": 3}


@pytest.mark.parametrize("status", OUTCOMES)
def test_log_and_summary_say_which_build_it_is(latest: Tool, status: str) -> None:
    answer = page("builds", build(status))
    run = latest.run(answer, code=OUTCOMES[status], TWILIO_BUILD_TIMEOUT="0")
    for text in (run.stdout, run.summary):
        assert DESCRIPTION in text.replace("`", "")
        assert CAUTION in text


def test_log_and_summary_of_a_cancelled_wait_say_which_build_it_is(latest: Tool) -> None:
    latest.server.script(build_status("building"), path=STATUS_PATH)
    run = latest.run(BUILDING, code=143, signal_at=5)
    for text in (run.stdout, run.summary):
        assert CAUTION in text
        assert f"Run the step again with build-sid: {BUILD_SID}" in text.replace("`", "")


@pytest.mark.parametrize("diagnose", ["true", "false"])
def test_reason_of_a_failed_build_says_which_build_it_is(latest: Tool, diagnose: str) -> None:
    latest.server.script(Response(404), path="/Alerts")
    answer = page("builds", build("failed"))
    run = latest.run(answer, code=1, TWILIO_BUILD_DIAGNOSE=diagnose)
    assert run.outputs["reason"].endswith(f". About the newest build, {DESCRIPTION}. {CAUTION}")


def test_completed_build_is_not_celebrated(latest: Tool) -> None:
    run = latest.run(COMPLETED)
    assert "### ❔ The newest build has completed\n" in run.summary
    assert (
        "The newest build has completed after 0s, 1 poll. A deployment that failed did so before "
        "it created a build, or after this one had completed: see its own log"
    ) in run.stdout


def test_next_page_is_mentioned_and_never_requested(latest: Tool) -> None:
    with Server(Response(500)) as elsewhere:
        link = f"{elsewhere.url}/v1/Services/{SERVICE_SID}/Builds?Page=1"
        latest.server.script(page("builds", build("completed"), next_page_url=link))
        run = run_inside(latest.environ, latest.server, elsewhere)
    assert not elsewhere.connections
    for text in (run.stdout, run.summary):
        assert "only the first 20 builds were read" in text


def test_older_build_is_rejected_at_once(latest: Tool) -> None:
    run = latest.run(page("builds", build(date_created="2026-10-01T11:44:59Z")), code=4)
    (error,) = run.commands("error")
    assert error.title == "The Twilio service has no recent build"
    assert error.data == (
        "latest accepts only builds from the last 15 minutes, and the newest is "
        f"{BUILD_SID}, created 2026-10-01 11:44:59 UTC, 15m1s ago. A deployment that has just "
        "failed created no build: see its own log"
    )
    empty = ("build-sid", "status", "account-sid", "url")
    assert [name for name in empty if run.outputs[name]] == []


@pytest.mark.parametrize("minutes, code", [(14, 4), (13, 0), (-120, 0)])
def test_age_follows_the_date_of_the_response(latest: Tool, minutes: int, code: int) -> None:
    zone = NOW.astimezone().tzinfo
    date = format_datetime((NOW + timedelta(minutes=minutes)).astimezone(zone))
    latest.run(Response(200, COMPLETED.body, {"Date": date}), code=code)


def test_age_follows_the_local_clock_if_the_date_is_malformed(latest: Tool) -> None:
    run = latest.run(Response(200, COMPLETED.body, {"Date": "yesterday"}))
    assert DESCRIPTION in run.stdout


def test_sid_with_a_credential_is_not_taken(latest: Tool) -> None:
    token = TOKEN.encode().hex()[:32]
    run = latest.run(page("builds", build(sid=f"ZB{token}")), code=4, TWILIO_AUTH_TOKEN=token)
    assert run.outputs["build-sid"] == ""


def test_list_that_is_too_large_is_requested_again_at_once(latest: Tool) -> None:
    run = latest.run(TOO_LARGE, COMPLETED)
    targets = [request.target for request in run.requests]
    assert targets == [f"{BUILDS_PATH}?PageSize=20", f"{BUILDS_PATH}?PageSize=5"]
    assert run.outputs["polls"] == "1"


TRANSIENT: dict[str, Step] = {
    "503": Response(503, COMPLETED.body),
    "cut": COMPLETED.raw[:-5],
    "no list": json_response({"builds": {"sid": BUILD_SID}}),
}


@pytest.mark.parametrize("answer", TRANSIENT.values(), ids=TRANSIENT)
def test_list_that_cannot_be_read_is_retried(latest: Tool, answer: Step) -> None:
    run = latest.run(answer, COMPLETED)
    assert run.outputs["polls"] == "2"
    assert run.outputs["elapsed-seconds"] == "0.5"


def test_cancelled_before_it_is_known_names_no_build(latest: Tool) -> None:
    latest.server.script(Response(503))
    run = run_inside(latest.environ, latest.server, signal_at=5, number=signal.SIGINT)
    assert run.code == 130
    assert run.outputs["build-sid"] == run.outputs["url"] == ""
