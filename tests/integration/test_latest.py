"""`build-sid: latest`: the list of builds until one is read, then the status of that build.

`tests/unit/test_status.py` has the rules for the list, for its entries and for their age.
"""

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import (
    BUILD_SID,
    BUILDS_PATH,
    SERVICE_SID,
    STATUS_PATH,
    build,
    build_status,
    page,
)
from tests.support.server import Response, Server

DESCRIPTION = f"{BUILD_SID}, created 2026-10-01 11:58:00 UTC, 2m ago"


@pytest.fixture
def latest(tool: Tool) -> Tool:
    return tool | {"TWILIO_BUILD_SID": "latest"}


def test_build_is_polled_by_its_sid_once_it_is_known(latest: Tool) -> None:
    latest.server.script(build_status("building"), build_status("completed"), path=STATUS_PATH)
    run = latest.run(page("builds", build("building")), TWILIO_BUILD_SID="Latest")
    targets = [request.target for request in run.requests]
    assert targets == [f"{BUILDS_PATH}?PageSize=20", STATUS_PATH, STATUS_PATH]


def test_reason_of_a_failed_build_says_which_build_it_is(latest: Tool) -> None:
    latest.server.script(Response(404), path="/Alerts")
    run = latest.run(page("builds", build("failed")), code=1, TWILIO_BUILD_DIAGNOSE="true")
    caution = "If the deployment began later, it created no build: see its own log"
    assert run.outputs["reason"].endswith(f". About the newest build, {DESCRIPTION}. {caution}")


def test_next_page_is_mentioned_and_never_requested(latest: Tool) -> None:
    with Server(Response(500)) as elsewhere:
        link = f"{elsewhere.url}/v1/Services/{SERVICE_SID}/Builds?Page=1"
        latest.server.script(page("builds", build("completed"), next_page_url=link))
        run = run_inside(latest.environ, latest.server, elsewhere)
    assert not elsewhere.connections
    for text in (run.stdout, run.summary):
        assert "only the first 20 builds were read" in text


def test_age_follows_the_date_of_the_response(latest: Tool) -> None:
    response = page("builds", build("completed"))
    latest.run(Response(200, response.body, {"Date": "Thu, 01 Oct 2026 12:14:00 GMT"}), code=4)
