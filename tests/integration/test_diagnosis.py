"""After a failed build: what is found in Twilio, how it is told, and that the verdict stands."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest

from emulator.api import ACCOUNT_SID, AUTH_TOKEN
from emulator.server import Emulator, Options
from tests.integration.harness import Finished, Tool, base_env

BUILD_SID = "ZB" + "3b" * 16
SERVICE_SID = "ZS" + "5c" * 16
PAGE = "https://www.twilio.com/docs/errors/"
DEBUGGER = "https://console.twilio.com/us1/monitor/logs/debugger"
FOUND = "82003 Deployment Installation Failure: npm could not install sharp@0.33.5"
NOT_FOUND = "gives no reason"


@pytest.fixture
def twilio() -> Iterator[Emulator]:
    with Emulator(Options(default=None, services={SERVICE_SID: "shop"})) as emulator:
        yield emulator


@pytest.fixture
def env(twilio: Emulator, tmp_path: Path) -> dict[str, str]:
    return base_env(
        twilio.url,
        tmp_path,
        TWILIO_ACCOUNT_SID=ACCOUNT_SID,
        TWILIO_AUTH_TOKEN=AUTH_TOKEN,
        TWILIO_SERVICE_SID=SERVICE_SID,
        TWILIO_BUILD_SID=BUILD_SID,
        TWILIO_BUILD_DIAGNOSE=None,
    )


def fail(twilio: Emulator, alerts: list[object], **more: object) -> None:
    twilio.add_build(
        BUILD_SID,
        "failed",
        after="0s",
        service=SERVICE_SID,
        alerts=alerts,
        dependencies=[
            {"name": "twilio", "version": "5.3.0"},
            {"name": "sharp", "version": "0.33.5"},
        ],
        **more,
    )


def assert_failed(run: Finished) -> None:
    assert run.code == 1
    assert run.outputs["outcome"] == "failed"
    assert run.outputs["status"] == "failed"
    assert "Traceback" not in run.stdout


def reasons(run: Finished) -> list[str]:
    return [value for name, value in run.output_pairs if name == "reason"]


def routes(twilio: Emulator) -> list[str]:
    return [entry["route"] for entry in twilio.requests()]


def test_an_alert_about_the_build_is_the_reason(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, ["82003"])
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"].startswith(FOUND)
    (error,) = run.named("error")
    assert error.data.startswith(FOUND)
    for text in (run.visible, run.summary):
        assert "Alert about this build" in text
        assert PAGE + "82003" in text
        assert "compiler" in text
        assert "node22, 2 functions, 1 asset, created " in text
        assert DEBUGGER in text
    assert "Dependencies: twilio@5.3.0, sharp@0.33.5" in run.visible
    assert routes(twilio) == ["status", "build", "alerts"]


def test_the_reason_is_written_twice_and_the_rest_before_the_search(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, ["82003"])
    run = tool.run(env)
    first, second = reasons(run)
    assert "failed" in first
    assert second.startswith(FOUND)
    assert run.output_pairs[-1][0] == "reason"


def test_an_unsupported_runtime_is_told_with_its_remedy(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, ["82007"], runtime="node8")
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"].startswith("82007 Unsupported Runtime: ")
    assert "create the build with a runtime that Twilio supports" in run.visible


def test_an_alert_that_only_shares_the_time_is_possibly_related(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    other = {
        "resource_sid": "RQ" + "0" * 32,
        "service_sid": None,
        "request_url": "https://serverless.twilio.com/v1/Services/other/Builds",
    }
    fail(twilio, [other])
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"].startswith("Twilio gives no reason; possibly related: 82003 ")
    assert "Possibly related alert" in run.visible
    assert "Alert about this" not in run.visible


def test_an_alert_of_another_kind_and_resource_is_not_shown(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    other = {
        "error_code": "11200",
        "alert_text": "Msg=HTTP+retrieval+failure",
        "resource_sid": "CA" + "0" * 32,
        "service_sid": None,
        "request_url": "https://example.com/",
    }
    fail(twilio, [other])
    run = tool.run(env)
    assert_failed(run)
    assert "11200" not in run.visible
    assert NOT_FOUND in run.outputs["reason"]


def test_an_unknown_code_is_shown_with_its_page(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, [{"error_code": "82099", "alert_text": "Msg=something+new"}])
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"] == "82099: something new"
    assert PAGE + "82099" in run.visible


def test_with_several_alerts_the_surest_comes_first_and_five_are_shown(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    doubtful = {"resource_sid": "RQ" + "0" * 32, "error_code": "82003"}
    sure = {"resource_sid": BUILD_SID, "alert_text": "Msg=sure"}
    many = [
        doubtful | {"alert_text": f"Msg=doubt+{n}", "date_generated": f"2026-01-0{n}T00:00:00Z"}
        for n in range(1, 8)
    ]
    fail(twilio, [])
    twilio.play({"on": "alerts", "json": {"alerts": [*many, sure]}})
    run = tool.run(env)
    assert run.outputs["reason"] == "sure"
    shown = [
        line for line in run.visible.splitlines() if " alert: " in line or "this build: " in line
    ]
    assert [line.partition(PAGE)[0].strip().rpartition(": ")[2] for line in shown] == [
        "sure",
        "doubt 7",
        "doubt 6",
        "doubt 5",
        "doubt 4",
    ]


def test_with_nothing_found_the_usual_causes_are_named(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, [])
    run = tool.run(env)
    assert_failed(run)
    assert NOT_FOUND in run.outputs["reason"]
    for text in (run.visible, run.summary):
        assert text.count("Check") == 3
    assert "@twilio/runtime-handler" in run.visible


@pytest.mark.parametrize(
    "fault",
    ["alerts:403*", "alerts:500*", "alerts:reset*", "alerts:html*", "alerts:empty*", "alerts:429*"],
)
def test_a_monitor_that_does_not_answer_costs_one_line(
    tool: Tool, env: dict[str, str], twilio: Emulator, fault: str
) -> None:
    fail(twilio, ["82003"])
    twilio.play(fault)
    run = tool.run(env)
    assert_failed(run)
    assert NOT_FOUND in run.outputs["reason"]
    assert run.visible.count("Alerts could not be read") == 1
    assert "node22" in run.visible


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"alerts": None},
        {"alerts": "none"},
        {"alerts": [None, 7, "x", [], {}]},
        {"alerts": [{"error_code": None, "alert_text": None, "resource_sid": None}]},
        {"alerts": [{"error_code": 82003, "alert_text": 7, "date_generated": "yesterday"}]},
        {"alerts": [{"error_code": "82003", "alert_text": "&" * 500}]},
        {"alerts": [{"error_code": "82003", "alert_text": "Msg=%FF%00&parserMessage="}]},
        {"alerts": [{"error_code": {"a": 1}, "sid": BUILD_SID, "alert_text": ""}]},
    ],
    ids=str,
)
def test_an_alert_of_an_odd_shape_changes_nothing(
    tool: Tool, env: dict[str, str], twilio: Emulator, body: object
) -> None:
    fail(twilio, ["82003"])
    twilio.play({"on": "alerts", "times": None, "json": body})
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"runtime": 22, "dependencies": "x", "function_versions": None, "date_created": "soon"},
        {"dependencies": [None, {"name": None}, {"name": "a" * 9999, "version": []}]},
        {"date_created": "0001-01-01T00:00:00Z", "date_updated": "9999-12-31T23:59:59-14:00"},
        {"date_created": "2026-11-23T10:00:00"},
    ],
    ids=lambda body: str(body)[:50],
)
def test_a_build_of_an_odd_shape_changes_nothing(
    tool: Tool, env: dict[str, str], twilio: Emulator, body: object
) -> None:
    fail(twilio, ["82003"])
    twilio.play({"on": "build", "times": None, "json": body})
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"].startswith(FOUND)


@pytest.mark.parametrize("fault", ["build:404*", "build:403*", "build:close*", "build:garbage*"])
def test_alerts_are_looked_for_without_the_build_resource(
    tool: Tool, env: dict[str, str], twilio: Emulator, fault: str
) -> None:
    fail(twilio, ["82003"])
    twilio.play(fault)
    run = tool.run(env)
    assert_failed(run)
    assert run.outputs["reason"].startswith(FOUND)
    assert run.visible.count("The build's contents could not be read") == 1


def test_the_window_begins_five_minutes_before_the_build(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, ["82003"])
    twilio.play({"on": "build", "json": {"date_created": "2026-11-20T12:03:04Z"}})
    tool.run(env)
    (query,) = [entry["query"] for entry in twilio.requests() if entry["route"] == "alerts"]
    asked = dict(parse_qsl(query))
    assert asked["LogLevel"] == "error"
    assert asked["StartDate"] == "2026-11-20T11:58:04Z"
    assert asked["EndDate"] > asked["StartDate"]


def test_hostile_text_in_alerts_and_build_stays_text(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    hostile = "\r\n::error::x\n##[error]y ##vso[z] | <img src=x> [a](b) \x1b[31m\u2028" + AUTH_TOKEN
    fail(twilio, [{"alert_text": "Msg=" + quote(hostile)}], runtime=hostile)
    run = tool.run(env)  # whose invariants hold the log, the outputs and the summary
    assert_failed(run)
    assert "<img" not in run.summary
    assert "[a](b)" not in run.summary
    assert "\x1b" not in run.summary


def test_not_asked_for_nothing_is_looked_up(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, ["82003"])
    run = tool.run(env | {"TWILIO_BUILD_DIAGNOSE": "false"})
    assert_failed(run)
    assert routes(twilio) == ["status"]
    assert len(reasons(run)) == 1


def test_a_completed_build_is_not_looked_into(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    twilio.add_build(BUILD_SID, "completed", after="0s", service=SERVICE_SID)
    assert tool.run(env).code == 0
    assert routes(twilio) == ["status"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cuts_the_search_short_and_the_verdict_stays(
    tool: Tool, env: dict[str, str], twilio: Emulator, number: int
) -> None:
    fail(twilio, ["82003"])
    twilio.play("alerts:hang*")
    running = tool.start(env)
    running.wait_until(lambda: "alerts" in routes(twilio))
    sent = running.send_signal(number)
    run = running.finish()
    assert time.monotonic() - sent < 1
    assert_failed(run)
    assert "a signal cut the search short" in run.visible


def test_whatever_hangs_the_search_ends_within_ten_seconds(
    tool: Tool, env: dict[str, str], twilio: Emulator
) -> None:
    fail(twilio, ["82003"])
    twilio.play("build:hang*", "alerts:drip-body*")
    running = tool.start(env)
    running.wait_for_text("looking for the reason")
    begun = time.monotonic()
    run = running.finish()
    assert time.monotonic() - begun < 10.7
    assert_failed(run)
    assert "The build's contents could not be read" in run.visible
    assert "Alerts could not be read" in run.visible
