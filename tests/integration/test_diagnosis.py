"""After `failed`: what Twilio shows of the reason, how sure it is, and that the verdict stands."""

import math
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Authority
from tests.support.run import Run, run_inside
from tests.support.samples import (
    ALERTS_PATH,
    BUILD_PATH,
    BUILD_SID,
    NOW,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    alert,
    build,
    build_status,
    json_response,
    page,
    twilio_error,
)
from tests.support.server import Connection, Response, Server, Step

FAILED = build_status("failed")
FOUND = "82003 Deployment Installation Failure: npm could not install sharp"
NO_REASON = "Twilio reports that the build failed and gives no reason; the log says what to check"
DEBUGGER = "https://console.twilio.com/us1/monitor/logs/debugger"
ON = {"TWILIO_BUILD_DIAGNOSE": "true"}
HANDLER = "@twilio/runtime-handler"


def diagnose(
    server: Server, environ: dict[str, str], alerts: Step, resource: Step | None = None
) -> Run:
    """Run to a failed build, with the response of Monitor and that of the Build resource."""
    server.script(FAILED)
    server.script(json_response(build()) if resource is None else resource, path=BUILD_PATH)
    server.script(alerts, path=ALERTS_PATH)
    run = run_inside(environ | ON, server)
    assert run.code == 1
    assert run.outputs["outcome"] == run.outputs["status"] == "failed"
    assert {request.method for request in run.requests} <= {"GET", "CONNECT"}
    return run


def versions(**exact: str) -> list[dict[str, str]]:
    names = {"handler": HANDLER, "twilio": "twilio"}
    return [{"name": names[name], "version": version} for name, version in exact.items()]


def test_alert_about_the_build_is_the_reason(server: Server, environ: dict[str, str]) -> None:
    resource = json_response(build(dependencies=versions(handler="2.0.1", twilio="5.3.0")))
    run = diagnose(server, environ, page("alerts", alert()), resource)
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


def test_nothing_is_read_unless_the_build_failed(server: Server, environ: dict[str, str]) -> None:
    for status, on in (("failed", {}), ("completed", ON), ("building", ON)):
        server.requests.clear()
        server.script(build_status(status))
        run = run_inside(environ | on | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
        assert len(run.requests) == 1


# --- how an alert relates to the build ------------------------------------------------------------

ABOUT_SERVICE = "Alert about this service"
POSSIBLE = "Possibly related alert"


SERVICE_ONLY: dict[str, object] = {"resource_sid": None}
IN_TEXT = f"Msg=m&u=%2FBuilds%2F{OTHER_BUILD_SID}"
RELATIONS: dict[str, tuple[dict[str, object], str]] = {
    "names the build": ({"resource_sid": BUILD_SID.upper()}, "Alert about this build"),
    "names the build and another": ({"alert_text": IN_TEXT}, "Alert about this build"),
    "names the service": (SERVICE_ONLY, ABOUT_SERVICE),
    "is older": (SERVICE_ONLY | {"date_generated": "2026-10-01T11:57:59Z"}, POSSIBLE),
    "is of the future": (SERVICE_ONLY | {"date_generated": "2026-10-01T12:00:01Z"}, POSSIBLE),
    "is of another code": (SERVICE_ONLY | {"error_code": "11200"}, POSSIBLE),
    "names nothing": (SERVICE_ONLY | {"service_sid": None}, POSSIBLE),
    "names another build as well": (SERVICE_ONLY | {"alert_text": IN_TEXT}, ""),
    "names another service as well": ({"resource_sid": OTHER_SERVICE_SID}, ""),
}


@pytest.mark.parametrize("changes, label", RELATIONS.values(), ids=RELATIONS)
def test_only_what_is_proven_becomes_the_reason(
    server: Server, environ: dict[str, str], changes: dict[str, object], label: str
) -> None:
    run = diagnose(server, environ, page("alerts", alert(**changes)))
    lines = [line.strip() for line in run.lines if " alert" in line.lower()]
    assert [line.partition(":")[0] for line in lines] == [label][: bool(label)]
    reason = run.outputs["reason"]
    if label == POSSIBLE:
        assert reason.startswith("Twilio gives no reason; possibly related: ")
    elif label:
        assert reason == lines[0].removeprefix(f"{label}: ").partition(" https:")[0]
    else:
        assert reason == NO_REASON


def test_build_without_a_valid_date_is_no_proof(server: Server, environ: dict[str, str]) -> None:
    for created in (None, "yesterday", "2026-10-01T12:00:01Z"):
        resource = json_response(build(date_created=created))
        run = diagnose(server, environ, page("alerts", alert(resource_sid=None)), resource)
        assert "possibly related: 82003" in run.outputs["reason"]
        assert "&StartDate=2026-10-01T10%3A55%3A00Z&" in run.requests[-1].target


def test_best_five_alerts_are_shown(server: Server, environ: dict[str, str]) -> None:
    def dated(minute: int) -> dict[str, object]:
        at = f"2026-10-01T11:0{minute}:00Z"
        return alert(resource_sid=None, alert_text=f"Msg=n{minute}", date_generated=at)

    about = [alert(resource_sid=None, alert_text="Msg=service"), alert(alert_text="Msg=build")]
    run = diagnose(server, environ, page("alerts", *map(dated, range(6)), *about))
    shown = [line.split()[-2] for line in run.lines if line.endswith("errors/82003")]
    assert shown == ["build", "service", "n5", "n4", "n3"]
    assert run.outputs["reason"].endswith("Failure: build")


def test_alert_without_a_message_is_its_title(server: Server, environ: dict[str, str]) -> None:
    for text in ("Msg&sourceComponent=12000&ErrorCode=82003", "a=b&c=d", None):
        run = diagnose(server, environ, page("alerts", alert(alert_text=text)))
        assert run.outputs["reason"] == "82003 Deployment Installation Failure"


def test_odd_shapes_do_no_harm(server: Server, environ: dict[str, str]) -> None:
    odd = {"error_code": 82003, "x": [[{"y": 1}]], "date_generated": "9999-12-31T23:59:59-14:00"}
    dates = {"date_created": "0001-01-01T00:00:00Z", "date_updated": "9999-12-31T23:59:59-14:00"}
    resource = build(runtime=22, dependencies=[None], function_versions=None, **dates)
    run = diagnose(server, environ, page("alerts", alert(**odd)), json_response(resource))
    assert run.outputs["reason"] == FOUND


# --- what could not be read -----------------------------------------------------------------------

UNREAD: dict[str, tuple[Step, str]] = {
    "403": (twilio_error(403, 20003, "no"), "could not be read"),
    "reset": (Connection.reset, "could not be read"),
    "no answer": ([math.inf], "could not be read"),
    "too large": (json_response({"alerts": ["x" * 2**22]}), "could not be read"),
    "no list": (json_response({"alerts": None}), "could not be read"),
    "a next page": (page("alerts", next_page_url="https://x.test/"), "could not all be read"),
    "an entry that is no alert": (page("alerts", 7), "could not all be read"),
}


@pytest.mark.parametrize("alerts, gap", UNREAD.values(), ids=UNREAD)
def test_no_reason_is_claimed_unless_all_alerts_were_read(
    server: Server, environ: dict[str, str], alerts: Step, gap: str
) -> None:
    run = diagnose(server, environ, alerts)
    problem = f"Twilio reports that the build failed, but Twilio's alerts {gap}"
    assert run.outputs["reason"] == f"{problem}; the log says what to check"
    old = json_response(build(runtime="node16"))
    run = diagnose(server, environ, alerts, old)
    assert run.outputs["reason"].startswith("likely cause: ")
    assert run.outputs["reason"].endswith(f"; Twilio's alerts {gap}")


def test_no_reason_is_claimed_after_a_signal(server: Server, environ: dict[str, str]) -> None:
    server.script(FAILED)
    server.script([2.0, json_response(build())], path=BUILD_PATH)
    server.script([math.inf], path=ALERTS_PATH)
    for second in (1, 5):
        run = run_inside(environ | ON, server, signal_at=second)
        assert run.code == 1
        assert run.seconds == pytest.approx(second)
        assert "Twilio's alerts could not be read" in run.outputs["reason"]
        assert "  Search stopped: a signal arrived" in run.lines


def test_search_takes_at_most_10_seconds(server: Server, environ: dict[str, str]) -> None:
    run = diagnose(server, environ, [math.inf], [math.inf])
    assert run.seconds == pytest.approx(10)
    assert run.outputs["elapsed-seconds"] == "0.0"  # outside the deadline
    assert run.stdout.count("could not be read: no complete response") == 2
    assert DEBUGGER not in run.stdout  # with a base-url, who knows
    assert "  Where to look next: the error logs in Twilio's Console" in run.lines


def test_another_build_is_not_this_builds_contents(server: Server, environ: dict[str, str]) -> None:
    for resource in (json_response(build(sid=OTHER_BUILD_SID, runtime="node16")), Response(404)):
        run = diagnose(server, environ, page("alerts"), resource)
        assert run.stdout.count("The build's contents could not be read: ") == 1
        assert run.outputs["reason"] == NO_REASON
        assert run.stdout.count("  Check: ") == 3  # nothing disproves a hint


# --- what the build itself shows ------------------------------------------------------------------

CAUSES: dict[str, tuple[dict[str, object], str]] = {
    "node18": ({"runtime": "node18"}, "likely cause: Twilio no longer supports the runtime node18"),
    "no handler": (
        {"dependencies": versions(twilio="5.3.0")},
        f"possible cause: the build has 1 dependency without {HANDLER}",
    ),
    "nothing": ({"dependencies": []}, NO_REASON),
}


@pytest.mark.parametrize("changes, reason", CAUSES.values(), ids=CAUSES)
def test_cause_that_the_build_shows_is_called_likely_or_possible(
    server: Server, environ: dict[str, str], changes: dict[str, object], reason: str
) -> None:
    resource = json_response(build(**changes))
    run = diagnose(server, environ, page("alerts"), resource)
    assert run.outputs["reason"] == reason
    assert ("  What to do: " in run.stdout) == (reason != NO_REASON)
    assert "  Check: " not in run.stdout  # the build disproves the other hints
    # It comes before a possibly related alert, and behind one about this build.
    possible = alert(resource_sid=None, service_sid=None)
    run = diagnose(server, environ, page("alerts", possible), resource)
    start = "Twilio gives no reason; possibly related: " if reason == NO_REASON else reason
    assert run.outputs["reason"].startswith(start)
    assert POSSIBLE in run.stdout
    assert diagnose(server, environ, page("alerts", alert()), resource).outputs["reason"] == FOUND


# --- clocks and links -----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-600, 3 * 86400])
def test_window_follows_the_servers_clock(
    server: Server, environ: dict[str, str], seconds: int
) -> None:
    headers = {"Date": format_datetime(NOW, usegmt=True)}
    dated = Response(200, FAILED.body, headers)
    resource = Response(200, json_response(build()).body, headers)
    server.script(page("alerts", alert(resource_sid=None)), path=ALERTS_PATH)
    cases = ((FAILED, resource, "11:53"), (dated, Response(404), "10:55"))
    for status, answer, start in cases:
        server.script(status)
        server.script(answer, path=BUILD_PATH)
        run = run_inside(environ | ON, server, wall=NOW.timestamp() + seconds)
        query = parse_qs(urlsplit(run.requests[-1].target).query)
        assert query["StartDate"] == [f"2026-10-01T{start}:00Z"]
        assert query["EndDate"] == ["2026-10-01T12:00:00Z"]
        assert (query["LogLevel"], query["PageSize"]) == (["error"], ["1000"])
        # Without the build's own date nothing is proven about the service.
        assert (run.outputs["reason"] == FOUND) == (start == "11:53")


PLACES = {"": DEBUGGER, "dublin.ie1.": "the error logs of region ie1 in Twilio's Console"}


@pytest.mark.parametrize("place", PLACES)
def test_debugger_is_linked_only_for_us1(
    server: Server, environ: dict[str, str], authority: Authority, place: str
) -> None:
    hosts = [f"{product}.{place}twilio.com" for product in ("serverless", "monitor")]
    context = authority.context(*hosts)

    def tunnel(connection: Connection) -> None:
        connection.answer(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.start_tls(context)

    del environ["TWILIO_BASE_URL"]
    environ |= {"HTTPS_PROXY": server.url, "REQUESTS_CA_BUNDLE": str(authority.bundle)}
    environ["TWILIO_EDGE"], _, environ["TWILIO_REGION"] = place.rstrip(".").partition(".")
    for host in hosts:
        server.script(tunnel, path=f"{host}:443")
    run = diagnose(server, environ, page("alerts"))
    tunnels = [each.target for each in run.requests if each.method == "CONNECT"]
    assert tunnels == [f"{host}:443" for host in hosts]
    assert PLACES[place] in run.stdout
    assert (DEBUGGER in run.summary) == (DEBUGGER in run.stdout) == (PLACES[place] == DEBUGGER)
