"""`build-sid: latest`: the list of builds until one is found, then the status of that build."""

import signal
from datetime import timedelta
from email.utils import format_datetime

import pytest

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
    twilio_error,
)
from tests.support.server import Response, Server, Step

fault = pytest.mark.fault

LIMIT = 4 * 1024 * 1024
COMPLETED = build_status("completed")


def ago(**time: float) -> str:
    """A date of the server, so long before the run."""
    return (NOW - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def other(status: str = "failed", **changes: object) -> dict[str, object]:
    """Another build, five minutes old."""
    return build(status, **{"sid": OTHER_BUILD_SID, "date_created": ago(minutes=5), **changes})


@pytest.fixture
def latest(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"TWILIO_BUILD_SID": "latest"}


def rejected(run: Run) -> str:
    """Check that the wait ended without a build; return the reason."""
    assert run.code == 4, run.stdout
    empty = ("build-sid", "status", "account-sid", "url")
    assert [name for name in empty if run.outputs[name]] == []
    assert run.outputs["service-sid"] == SERVICE_SID
    return run.outputs["reason"]


# --- the build that is found ----------------------------------------------------------------------


@pytest.mark.parametrize("word", ["latest", "Latest", "LATEST"])
def test_latest_is_found_and_then_polled_by_its_sid(
    server: Server, latest: dict[str, str], word: str
) -> None:
    server.script(page("builds", other(), build("building")), path=BUILDS_PATH)
    server.script(build_status("building"), COMPLETED, path=STATUS_PATH)
    run = run_inside(latest | {"TWILIO_BUILD_SID": word}, server)
    assert run.code == 0, run.stdout
    targets = [request.target for request in run.requests]
    assert targets == [f"{BUILDS_PATH}?PageSize=20", STATUS_PATH, STATUS_PATH]
    assert run.outputs["build-sid"] == BUILD_SID
    assert run.outputs["polls"] == "3"


@pytest.mark.parametrize("status, code", [("completed", 0), ("failed", 1), ("queued", 3)])
def test_status_in_the_list_counts(
    server: Server, latest: dict[str, str], status: str, code: int
) -> None:
    entry = build(status, account_sid=OTHER_ACCOUNT_SID, service_sid=OTHER_SERVICE_SID)
    server.script(page("builds", entry))
    run = run_inside(latest | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
    assert run.code == code, run.stdout
    assert run.outputs["polls"] == "1"
    assert run.outputs["status"] == status
    assert run.outputs["account-sid"] == OTHER_ACCOUNT_SID
    assert run.outputs["service-sid"] == OTHER_SERVICE_SID
    assert run.outputs["url"] == server.url + STATUS_PATH


def test_first_of_two_equal_dates_wins(server: Server, latest: dict[str, str]) -> None:
    date = ago(minutes=2)
    server.script(page("builds", build("completed", date_created=date), other(date_created=date)))
    assert run_inside(latest, server).outputs["build-sid"] == BUILD_SID


def test_dates_are_compared_as_given(server: Server, latest: dict[str, str]) -> None:
    ahead = ago(hours=-7)  # as Twilio's dates were for years
    server.script(page("builds", other(), build("completed", date_created=ahead)))
    run = run_inside(latest, server)
    assert run.outputs["build-sid"] == BUILD_SID
    assert "0s ago" in run.stdout  # a date in the future counts as now


UNUSABLE: list[object] = [
    BUILD_SID,
    {name: value for name, value in other().items() if name != "status"},
    other() | {"status": 1},
    other(sid=...),
    other(sid=SERVICE_SID),
    other(date_created=None),
    other(date_created="yesterday"),
    other(date_created=1790000000),
]


@fault
def test_unusable_entries_are_ignored(server: Server, latest: dict[str, str]) -> None:
    older = build("completed", date_created=ago(minutes=50))
    server.script(page("builds", *UNUSABLE, older))
    run = run_inside(latest, server)
    assert run.code == 0, run.stdout
    assert run.outputs["build-sid"] == BUILD_SID


def test_outputs_are_written_again_once_it_is_known(server: Server, latest: dict[str, str]) -> None:
    server.script(page("builds", build("building")))
    server.script(COMPLETED, path=STATUS_PATH)
    run = run_inside(latest, server)
    assert [value for name, value in run.pairs if name == "build-sid"] == [BUILD_SID] * 2
    names = [name for name, _ in run.pairs]
    assert names.index("build-sid") < names.index("outcome")
    assert run.output_file["build-sid"] == BUILD_SID


def test_log_and_summary_say_what_was_found(server: Server, latest: dict[str, str]) -> None:
    server.script(page("builds", build("completed", date_created=ago(minutes=2, seconds=5))))
    run = run_inside(latest, server)
    for text in (run.stdout, run.summary):
        for piece in (BUILD_SID, "2026-10-01 11:57:55 UTC", "2m5s ago"):
            assert piece in text
        assert "first 20" not in text


@fault
def test_next_page_is_mentioned_and_never_requested(server: Server, latest: dict[str, str]) -> None:
    with Server(Response(500)) as elsewhere:
        link = f"{elsewhere.url}/v1/Services/{SERVICE_SID}/Builds?Page=1"
        server.script(page("builds", build("building"), next_page_url=link))
        server.script(COMPLETED, path=STATUS_PATH)
        run = run_inside(latest, server, elsewhere)
    assert run.code == 0, run.stdout
    assert not elsewhere.connections
    assert "only the first 20 builds were read" in run.stdout
    assert "only the first 20 builds were read" in run.summary


# --- its age --------------------------------------------------------------------------------------

OLD = build("completed", date_created=ago(hours=1))
OLD = build("completed", date_created=ago(hours=1, seconds=1))
DAYS_OLD = build("completed", date_created=ago(days=3))


@fault
@pytest.mark.parametrize("entry, age", [(OLD, "1h1s ago"), (DAYS_OLD, "3 d ago")])
def test_older_build_is_rejected_at_once(
    server: Server, latest: dict[str, str], entry: dict[str, object], age: str
) -> None:
    server.script(page("builds", entry))
    run = run_inside(latest, server)
    reason = rejected(run)
    assert BUILD_SID in reason
    assert age in reason
    assert run.outputs["polls"] == "1"


DATES: dict[str, tuple[dict[str, str], int]] = {
    "server's clock is later": ({"Date": format_datetime(NOW + timedelta(hours=2))}, 4),
    "server's clock is earlier": ({"Date": format_datetime(NOW - timedelta(hours=2))}, 0),
    "malformed: the local clock": ({"Date": "yesterday"}, 0),
}


@fault
@pytest.mark.parametrize("headers, code", DATES.values(), ids=DATES)
def test_age_follows_the_date_of_the_response(
    server: Server, latest: dict[str, str], headers: dict[str, str], code: int
) -> None:
    body = page("builds", build("completed")).body
    server.script(Response(200, body, headers))
    assert run_inside(latest, server).code == code


# --- no build -------------------------------------------------------------------------------------


@fault
@pytest.mark.parametrize("answer", [page("builds"), page("builds", {}, None)], ids=["none", "odd"])
def test_service_without_a_build_is_rejected_at_once(
    server: Server, latest: dict[str, str], answer: Response
) -> None:
    server.script(answer)
    run = run_inside(latest, server)
    assert "no build" in rejected(run)
    assert run.outputs["polls"] == "1"


FOUND = page("builds", build("completed"))
TRANSIENT: dict[str, Step] = {
    "503": Response(503, FOUND.body),
    "cut": FOUND.raw[:-5],
    "no list": json_response({"builds": {"sid": BUILD_SID}}),
    "a status": COMPLETED,
    "bare list": json_response([build("completed")]),
    "duplicate keys": Response(200, FOUND.body[:-1] + b', "builds": []}'),
    "over 4 MiB": Response(200, FOUND.body.ljust(LIMIT + 1)),
}


@fault
@pytest.mark.parametrize("answer", TRANSIENT.values(), ids=TRANSIENT)
def test_list_that_cannot_be_read_is_retried(
    server: Server, latest: dict[str, str], answer: Step
) -> None:
    server.script(answer, FOUND)
    run = run_inside(latest, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert run.outputs["elapsed-seconds"] == "0.5"


@fault
def test_missing_service_is_rejected_after_10_s(server: Server, latest: dict[str, str]) -> None:
    server.script(twilio_error(404, 20404, "No such service"))
    run = run_inside(latest, server)
    assert "20404" in rejected(run)
    assert run.seconds == pytest.approx(10)


@fault
def test_cancelled_before_it_is_known_names_no_build(
    server: Server, latest: dict[str, str]
) -> None:
    server.script(Response(503))
    run = run_inside(latest, server, signal_at=5, number=signal.SIGINT)
    assert run.code == 130, run.stdout
    assert run.outputs["build-sid"] == ""
    assert run.outputs["url"] == ""
