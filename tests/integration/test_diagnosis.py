"""After `failed`: what Twilio shows of the reason, how sure it is, and that the verdict stands.

`tests/unit/test_diagnosis.py` and `test_builds.py` have the tables of relations and of causes.
"""

import math
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    ALERTS_PATH,
    BUILD_PATH,
    BUILD_SID,
    NOW,
    OTHER_BUILD_SID,
    alert,
    build,
    build_status,
    json_response,
    page,
)
from tests.support.server import Connection, Response, Step

FAILED = build_status("failed")
FOUND = "82003 Deployment Installation Failure: npm could not install sharp"
NO_REASON = "Twilio reports that the build failed and gives no reason; the log says what to check"
HANDLER = "@twilio/runtime-handler"


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """The tool with the diagnosis."""
    return tool | {"TWILIO_BUILD_DIAGNOSE": "true"}


def diagnose(tool: Tool, alerts: Step, resource: Step | None = None) -> Run:
    """Run to a failed build, with the response of Monitor and that of the Build resource."""
    resource = json_response(build()) if resource is None else resource
    tool.server.script(resource, path=BUILD_PATH)
    tool.server.script(alerts, path=ALERTS_PATH)
    run = tool.run(FAILED, code=1)
    assert run.outputs["outcome"] == run.outputs["status"] == "failed"
    assert {request.method for request in run.requests} <= {"GET", "CONNECT"}
    return run


def test_alert_about_the_build_is_the_reason(tool: Tool) -> None:
    versions = [{"name": HANDLER, "version": "2.0.1"}, {"name": "twilio", "version": "5.3.0"}]
    run = diagnose(tool, page("alerts", alert()), json_response(build(dependencies=versions)))
    reasons = [value for name, value in run.pairs if name == "reason"]
    assert reasons == ["Twilio reports that the build failed", FOUND]
    assert run.pairs[-1] == ("reason", FOUND)
    assert run.output_file["reason"] == FOUND
    assert run.commands("error")[0].data == FOUND
    label = "Alert about this build"
    assert f"  {label}: {FOUND} https://www.twilio.com/docs/errors/82003" in run.lines
    assert f"  Dependencies: {HANDLER}@2.0.1, twilio@5.3.0" in run.lines
    for shown in ("What to do", "Deploy again after some time", "node22, 1 function, 1 asset"):
        assert shown in run.stdout
        assert shown in run.summary


def test_nothing_is_read_unless_the_build_failed(tool: Tool) -> None:
    for status, code, on in (("failed", 1, "false"), ("completed", 0, "true")):
        tool.server.requests.clear()
        run = tool.run(build_status(status), code=code, TWILIO_BUILD_DIAGNOSE=on)
        assert len(run.requests) == 1


POSSIBLE = "Possibly related alert"
SERVICE_ONLY: dict[str, object] = {"resource_sid": None}
IN_TEXT = f"Msg=m&u=%2FBuilds%2F{OTHER_BUILD_SID}"
RELATIONS: dict[str, tuple[dict[str, object], str]] = {
    "names the build and another": (
        {"resource_sid": BUILD_SID.upper(), "alert_text": IN_TEXT},
        "Alert about this build",
    ),
    "names the service": (SERVICE_ONLY, "Alert about this service"),
    "names another build as well": (SERVICE_ONLY | {"alert_text": IN_TEXT}, ""),
}


@pytest.mark.parametrize("changes, label", RELATIONS.values(), ids=RELATIONS)
def test_only_what_is_proven_becomes_the_reason(
    tool: Tool, changes: dict[str, object], label: str
) -> None:
    run = diagnose(tool, page("alerts", alert(**changes)))
    lines = [line.strip() for line in run.lines if " alert" in line.lower()]
    assert [line.partition(":")[0] for line in lines] == [label][: bool(label)]
    reason = run.outputs["reason"]
    if label == POSSIBLE:
        assert reason.startswith("Twilio gives no reason; possibly related: ")
    elif label:
        assert reason == lines[0].removeprefix(f"{label}: ").partition(" https:")[0]
    else:
        assert reason == NO_REASON


def test_build_with_a_date_in_the_future_is_no_proof(tool: Tool) -> None:
    resource = json_response(build(date_created="2026-10-01T12:00:01Z"))
    run = diagnose(tool, page("alerts", alert(resource_sid=None)), resource)
    assert "possibly related: 82003" in run.outputs["reason"]
    assert "&StartDate=2026-10-01T10%3A55%3A00Z&" in run.requests[-1].target


def test_best_five_alerts_are_shown(tool: Tool) -> None:
    def dated(minute: int) -> dict[str, object]:
        at = f"2026-10-01T11:0{minute}:00Z"
        return alert(resource_sid=None, alert_text=f"Msg=n{minute}", date_generated=at)

    about = [alert(resource_sid=None, alert_text="Msg=service"), alert(alert_text="Msg=build")]
    run = diagnose(tool, page("alerts", *map(dated, range(6)), *about))
    shown = [line.split()[-2] for line in run.lines if line.endswith("errors/82003")]
    assert shown == ["build", "service", "n5", "n4", "n3"]
    assert run.outputs["reason"].endswith("Failure: build")


UNREAD: dict[str, tuple[Step, str]] = {
    "reset": (Connection.reset, "could not be read"),
    "too large": (json_response({"alerts": ["x" * 2**22]}), "could not be read"),
    "no list": (json_response({"alerts": None}), "could not be read"),
    "a next page": (page("alerts", next_page_url="https://x.test/"), "could not all be read"),
    "an entry that is no alert": (page("alerts", 7), "could not all be read"),
}


@pytest.mark.parametrize("alerts, gap", UNREAD.values(), ids=UNREAD)
def test_no_reason_is_claimed_unless_all_alerts_were_read(
    tool: Tool, alerts: Step, gap: str
) -> None:
    run = diagnose(tool, alerts)
    problem = f"Twilio reports that the build failed, but Twilio's alerts {gap}"
    assert run.outputs["reason"] == f"{problem}; the log says what to check"
    run = diagnose(tool, alerts, json_response(build(runtime="node16")))
    assert run.outputs["reason"].startswith("likely cause: ")
    assert run.outputs["reason"].endswith(f"; Twilio's alerts {gap}")


def test_no_reason_is_claimed_after_a_signal(tool: Tool) -> None:
    tool.server.script([2.0, json_response(build())], path=BUILD_PATH)
    tool.server.script([math.inf], path=ALERTS_PATH)
    for second in (1, 5):
        run = tool.run(FAILED, code=1, signal_at=second)
        assert run.seconds == pytest.approx(second)
        assert "Twilio's alerts could not be read" in run.outputs["reason"]
        assert "  Search stopped: a signal arrived" in run.lines


def test_search_takes_at_most_10_seconds(tool: Tool) -> None:
    run = diagnose(tool, [math.inf], [math.inf])
    assert run.seconds == pytest.approx(10)
    assert run.outputs["elapsed-seconds"] == "0.0"  # outside the deadline
    assert run.stdout.count("could not be read: no complete response") == 2
    assert "  Where to look next: the error logs in Twilio's Console" in run.lines


def test_another_build_is_not_this_builds_contents(tool: Tool) -> None:
    resource = json_response(build(sid=OTHER_BUILD_SID, runtime="node16"))
    run = diagnose(tool, page("alerts"), resource)
    assert run.stdout.count("The build's contents could not be read: ") == 1
    assert run.outputs["reason"] == NO_REASON
    assert run.stdout.count("  Check: ") == 3  # nothing disproves a hint


def test_cause_comes_before_a_possibly_related_alert_and_behind_one_about_the_build(
    tool: Tool,
) -> None:
    resource = json_response(build(runtime="node18"))
    possible = alert(resource_sid=None, service_sid=None)
    run = diagnose(tool, page("alerts", possible), resource)
    reason = "likely cause: Twilio no longer supports the runtime node18"
    assert run.outputs["reason"].startswith(reason)
    assert POSSIBLE in run.stdout
    assert diagnose(tool, page("alerts", alert()), resource).outputs["reason"] == FOUND


@pytest.mark.parametrize("seconds", [-600, 3 * 86400])
def test_window_follows_the_servers_clock(tool: Tool, seconds: int) -> None:
    headers = {"Date": format_datetime(NOW, usegmt=True)}
    dated = Response(200, FAILED.body, headers)
    resource = Response(200, json_response(build()).body, headers)
    tool.server.script(page("alerts", alert(resource_sid=None)), path=ALERTS_PATH)
    for status, answer, start in ((FAILED, resource, "11:53"), (dated, Response(404), "10:55")):
        tool.server.script(status)
        tool.server.script(answer, path=BUILD_PATH)
        run = run_inside(tool.environ, tool.server, now=lambda: NOW.timestamp() + seconds)
        query = parse_qs(urlsplit(run.requests[-1].target).query)
        assert query["StartDate"] == [f"2026-10-01T{start}:00Z"]
        assert query["EndDate"] == ["2026-10-01T12:00:00Z"]
        assert (query["LogLevel"], query["PageSize"]) == (["error"], ["1000"])
        # Without the build's own date nothing is proven about the service.
        assert (run.outputs["reason"] == FOUND) == (start == "11:53")
