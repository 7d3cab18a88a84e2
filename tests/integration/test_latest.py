"""`build-sid: latest`: the list of builds until one is found, then the status of that build.

`tests/unit/test_polls.py` has the rules for the entries of the list and for their age.
"""

import signal
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    BUILD_SID,
    BUILDS_PATH,
    NOW,
    OTHER_ACCOUNT_SID,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_PATH,
    build,
    build_status,
    json_response,
    page,
)
from tests.support.server import Response, Server, Step

COMPLETED = build_status("completed")
FOUND = page("builds", build("completed"))


def ago(**time: float) -> str:
    """A date of the server, so long before the run."""
    return (NOW - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def other(**changes: object) -> dict[str, object]:
    """Another build, five minutes old."""
    return build(**{"sid": OTHER_BUILD_SID, "date_created": ago(minutes=5), **changes})


@pytest.fixture
def latest(tool: Tool) -> Tool:
    return tool | {"TWILIO_BUILD_SID": "latest"}


def rejected(run: Run) -> str:
    """Check that the wait ended without a build; return the reason."""
    empty = ("build-sid", "status", "account-sid", "url")
    assert [name for name in empty if run.outputs[name]] == []
    assert run.outputs["service-sid"] == SERVICE_SID
    return run.outputs["reason"]


def test_latest_is_found_and_then_polled_by_its_sid(latest: Tool) -> None:
    latest.server.script(build_status("building"), COMPLETED, path=STATUS_PATH)
    run = latest.run(page("builds", other(), build("building")), TWILIO_BUILD_SID="Latest")
    targets = [request.target for request in run.requests]
    assert targets == [f"{BUILDS_PATH}?PageSize=20", STATUS_PATH, STATUS_PATH]
    assert run.outputs["polls"] == "3"
    # The outputs are written again once it is known.
    names = [name for name, value in run.pairs if name == "outcome" or value == BUILD_SID]
    assert names == ["build-sid", "outcome", "build-sid"]
    assert "2026-10-01 11:58:00 UTC, 2m ago" in run.stdout
    assert run.output_file["build-sid"] == BUILD_SID


@pytest.mark.parametrize("status, code", [("completed", 0), ("failed", 1), ("queued", 3)])
def test_status_in_the_list_counts(latest: Tool, status: str, code: int) -> None:
    reported = {"account_sid": OTHER_ACCOUNT_SID, "service_sid": OTHER_SERVICE_SID}
    answer = page("builds", build(status, **reported))
    run = latest.run(answer, code=code, TWILIO_BUILD_TIMEOUT="0")
    assert run.outputs["polls"] == "1"
    assert run.outputs["status"] == status
    assert {name: run.outputs[name.replace("_", "-")] for name in reported} == reported
    assert run.outputs["url"] == latest.server.url + STATUS_PATH


def test_unusable_entries_are_ignored(latest: Tool) -> None:
    unusable = [BUILD_SID, other(sid=...), other(sid=SERVICE_SID), other() | {"status": 1}]
    unusable += [other(date_created=date) for date in (None, "yesterday", 1790000000)]
    older = build("completed", date_created=ago(minutes=50))
    run = latest.run(page("builds", *unusable, older))
    assert run.outputs["build-sid"] == BUILD_SID


def test_first_of_two_equal_dates_wins(latest: Tool) -> None:
    ahead = ago(hours=-7)  # as Twilio's dates were for years: it counts as now
    run = latest.run(
        page("builds", build("completed", date_created=ahead), other(date_created=ahead))
    )
    assert run.outputs["build-sid"] == BUILD_SID


def test_next_page_is_mentioned_and_never_requested(latest: Tool) -> None:
    with Server(Response(500)) as elsewhere:
        link = f"{elsewhere.url}/v1/Services/{SERVICE_SID}/Builds?Page=1"
        latest.server.script(page("builds", build("building"), next_page_url=link))
        latest.server.script(COMPLETED, path=STATUS_PATH)
        run = run_inside(latest.environ, latest.server, elsewhere)
    assert run.code == 0, run.stdout
    assert not elsewhere.connections
    for text in (run.stdout, run.summary):
        assert "only the first 20 builds were read" in text


def test_older_build_is_rejected_at_once(latest: Tool) -> None:
    old = build("completed", date_created=ago(hours=1, seconds=1))
    run = latest.run(page("builds", old), code=4)
    reason = rejected(run)
    assert BUILD_SID in reason
    assert "1h1s ago" in reason
    assert run.outputs["polls"] == "1"


@pytest.mark.parametrize("hours, code", [(2, 4), (-2, 0)])
def test_age_follows_the_date_of_the_response(latest: Tool, hours: int, code: int) -> None:
    date = format_datetime(NOW + timedelta(hours=hours))
    latest.run(Response(200, FOUND.body, {"Date": date}), code=code)


def test_service_without_a_build_is_rejected_at_once(latest: Tool) -> None:
    run = latest.run(page("builds"), code=4)
    assert "no build" in rejected(run)
    assert run.outputs["polls"] == "1"


TRANSIENT: dict[str, Step] = {
    "503": Response(503, FOUND.body),
    "cut": FOUND.raw[:-5],
    "no list": json_response({"builds": {"sid": BUILD_SID}}),
    "over 4 MiB": Response(200, FOUND.body.ljust(4 * 1024 * 1024 + 1)),
}


@pytest.mark.parametrize("answer", TRANSIENT.values(), ids=TRANSIENT)
def test_list_that_cannot_be_read_is_retried(latest: Tool, answer: Step) -> None:
    run = latest.run(answer, FOUND)
    assert run.outputs["polls"] == "2"
    assert run.outputs["elapsed-seconds"] == "0.5"


def test_cancelled_before_it_is_known_names_no_build(latest: Tool) -> None:
    latest.server.script(Response(503))
    run = run_inside(latest.environ, latest.server, signal_at=5, number=signal.SIGINT)
    assert run.code == 130, run.stdout
    assert run.outputs["build-sid"] == run.outputs["url"] == ""
