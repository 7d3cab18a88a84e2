"""After `failed`: how the reason is read in Twilio, and that the verdict stands.

`tests/unit` has what follows from it: `test_causes.py` and `test_diagnosis.py`.
"""

import math
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.conftest import Tool
from tests.support import samples
from tests.support.run import Run
from tests.support.samples import ALERTS_PATH, BUILD_PATH, alert, build, json_response, page
from tests.support.server import Response, Step

FAILED = samples.build_status("failed")
FOUND = "82003 Deployment Installation Failure: npm could not install sharp"
FAILED_BUT = "Twilio reports that the build failed; "
NONE_YET = (
    "Twilio has no alert about this build yet. Run the step again with build-sid: "
    + samples.BUILD_SID
)
CAUSE = "possible cause: Twilio no longer supports the runtime node16; "
LOOK = "Look for the build's errors in Twilio's Console"
UNREAD = f"Twilio's alerts could not be read. {LOOK}"
NOT_ALL = f"Twilio's alerts could not all be read. {LOOK}"
POSSIBLE = alert(resource_sid=None, service_sid=None)
REFUSED = samples.twilio_error(403)
NODE16 = json_response(build(runtime="node16"))


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """The tool with the diagnosis, and a build whose contents show no cause."""
    tool.server.script(json_response(build()), path=BUILD_PATH)
    return tool | {"TWILIO_BUILD_DIAGNOSE": "true"}


def diagnose(tool: Tool, *alerts: Step, signal_at: float = math.inf) -> Run:
    """Run to a failed build, with these answers of Monitor."""
    tool.server.script(*alerts, path=ALERTS_PATH)
    run = tool.run(FAILED, code=1, signal_at=signal_at)
    assert run.outputs["status"] == "failed"
    assert run.outputs["elapsed-seconds"] == "0.0"  # the search is outside the deadline
    assert {request.method for request in run.requests} == {"GET"}
    assert run.seconds < 20.001
    return run


def queries(run: Run) -> list[dict[str, list[str]]]:
    """Return the parameters of each request for alerts."""
    urls = [urlsplit(request.target) for request in run.requests]
    return [parse_qs(url.query) for url in urls if url.path.endswith(ALERTS_PATH)]


def test_alert_about_the_build_is_the_reason(tool: Tool) -> None:
    run = diagnose(tool, page("alerts", alert()))
    reasons = [value for name, value in run.pairs if name == "reason"]
    assert reasons == ["Twilio reports that the build failed", FOUND]
    assert run.output_file["reason"] == FOUND
    assert run.commands("error")[0].data == FOUND
    line = f"  Alert about this build: {FOUND} https://www.twilio.com/docs/errors/82003"
    start = run.lines.index(line)
    assert run.lines[start + 1].startswith("  What to do: Deploy again after some time")
    assert run.lines[start + 2].startswith("  In the build: node22, 1 function, 1 asset, ")
    assert run.lines[start + 3] == "  Dependencies: @twilio/runtime-handler@2.0.1"
    assert run.lines[start + 4] == "  Where to look next: the error logs in Twilio's Console"
    assert "| Alert about this build | 82003 Deployment Installation Failure: `npm" in run.summary
    assert queries(run) == [
        {"LogLevel": ["error"], "StartDate": ["2026-10-01T11:53:00Z"], "PageSize": ["1000"]}
    ]


@pytest.mark.parametrize("status, code, switch", [("failed", 1, "false"), ("completed", 0, "true")])
def test_nothing_is_read_unless_the_build_failed(
    tool: Tool, status: str, code: int, switch: str
) -> None:
    run = tool.run(samples.build_status(status), code=code, TWILIO_BUILD_DIAGNOSE=switch)
    assert len(run.requests) == 1


@pytest.mark.parametrize("dependencies", [[], [{"name": "twilio", "version": "5.3.0"}]], ids=repr)
def test_alerts_are_read_for_20_s_until_one_is_there(tool: Tool, dependencies: object) -> None:
    tool.server.script(json_response(build(dependencies=dependencies)), path=BUILD_PATH)
    run = diagnose(tool, page("alerts"))
    assert run.outputs["reason"] == FAILED_BUT + NONE_YET
    assert len(queries(run)) == 7
    causes = "npm is degraded, a package needs a compiler (gcc), or the packages are large"
    line = f"  Common causes: {causes} https://www.twilio.com/docs/errors/82003"
    assert (line in run.lines) == bool(dependencies)


def test_cause_that_the_build_shows_comes_before_a_possibly_related_alert(tool: Tool) -> None:
    tool.server.script(NODE16, path=BUILD_PATH)
    run = diagnose(tool, page("alerts", POSSIBLE))
    assert run.outputs["reason"] == CAUSE + NONE_YET
    assert run.seconds == pytest.approx(18)
    assert run.stdout.index("  Possible cause: ") < run.stdout.index("  Possibly related alert: ")
    assert "  What to do: Create the build with a newer runtime, such as node22 ht" in run.stdout
    assert "Common causes" not in run.stdout


def test_at_most_5_alerts_are_shown(tool: Tool) -> None:
    alerts = [alert(error_code="11200", alert_text=f"Msg=n{number}") for number in range(6)]
    run = diagnose(tool, page("alerts", POSSIBLE, *alerts))
    shown = [line.split()[-2] for line in run.lines if line.endswith("errors/11200")]
    assert shown == ["n0", "n1", "n2", "n3", "n4"]
    assert "What to do" not in run.stdout  # nothing is known of this code


def test_alert_that_comes_late_is_the_reason(tool: Tool) -> None:
    no_list = json_response({"alerts": None})
    run = diagnose(tool, no_list, page("alerts"), page("alerts", POSSIBLE, alert()))
    assert run.outputs["reason"] == FOUND
    assert run.seconds == pytest.approx(6)
    assert "could not be read" not in run.stdout


def test_list_that_is_too_large_is_read_in_smaller_pages(tool: Tool) -> None:
    too_large = json_response({"alerts": ["x" * 2**22]})
    run = diagnose(tool, too_large, page("alerts", alert()))
    assert [query["PageSize"] for query in queries(run)] == [["1000"], ["100"]]


def test_resources_are_read_again_after_errors_for_20_s_in_total(tool: Tool) -> None:
    tool.server.script(Response(500), [math.inf], NODE16, path=BUILD_PATH)
    run = diagnose(tool, [math.inf])
    assert run.outputs["reason"] == CAUSE + UNREAD
    assert run.seconds == pytest.approx(19.5)


# Answers -> what the reason says of the alerts, the seconds, and what the log says of them.
GAPS: dict[str, tuple[list[Step], str, float, str]] = {
    "refused": ([REFUSED], UNREAD, 0, r"HTTP 403 .*: no\. Check that the credential is a"),
    "no list": ([json_response({"alerts": {}})], UNREAD, 18, "Twilio sent no list of alerts\n"),
    "unavailable": ([Response(503)], UNREAD, 19, r"HTTP 503 from [^ ]*\n"),
    "an error after all were read": ([page("alerts"), REFUSED], NONE_YET, 3, "HTTP 403 from"),
    "a next page": ([page("alerts", next_page_url="https://x.test/")], NOT_ALL, 18, ""),
    "an entry that is no alert": ([page("alerts", 7)], NOT_ALL, 18, ""),
}


@pytest.mark.parametrize("answers, state, seconds, problem", GAPS.values(), ids=GAPS)
def test_no_alert_is_claimed_only_when_all_were_read(
    tool: Tool, answers: list[Step], state: str, seconds: float, problem: str
) -> None:
    run = diagnose(tool, *answers)
    assert run.outputs["reason"] == FAILED_BUT + state
    assert run.seconds == pytest.approx(seconds, abs=0.1)
    assert not problem or re.search(f"\n  Alerts could not be read: {problem}", run.stdout)


# When the signal comes, and what the reason says then. Each reading takes 2 s.
SIGNALS = {
    "while the build is read": (1, FAILED_BUT + UNREAD),
    "while the alerts are read": (3, CAUSE + UNREAD),
    "while they are read again": (8, CAUSE + NONE_YET),
}


@pytest.mark.parametrize("second, reason", SIGNALS.values(), ids=SIGNALS)
def test_signal_ends_the_search_only(tool: Tool, second: float, reason: str) -> None:
    tool.server.script([2.0, NODE16], path=BUILD_PATH)
    run = diagnose(tool, [2.0, page("alerts")], signal_at=second)
    assert run.seconds == pytest.approx(second)
    assert run.outputs["reason"] == reason
    assert "  Search stopped: a signal arrived" in run.lines


OTHER_BUILD = build(sid=samples.OTHER_BUILD_SID, runtime="node16")
# Why something is not this build's contents -> the answer.
CONTENTS = {"HTTP 403": REFUSED, "Twilio sent another build": json_response(OTHER_BUILD)}


@pytest.mark.parametrize("why", CONTENTS)
def test_contents_that_could_not_be_read_are_named(tool: Tool, why: str) -> None:
    tool.server.script(CONTENTS[why], path=BUILD_PATH)
    run = diagnose(tool, page("alerts", alert()))
    assert f"  The build's contents could not be read: {why}" in run.stdout
    assert "node16" not in run.stdout


def test_window_and_proof_follow_the_servers_clock(tool: Tool) -> None:
    headers = {"Date": "Wed, 30 Sep 2026 12:00:00 GMT"}
    tool.server.script(replace(json_response(build()), headers=headers), path=BUILD_PATH)
    run = diagnose(tool, replace(page("alerts", alert(resource_sid=None)), headers=headers))
    assert queries(run)[0]["StartDate"] == ["2026-09-30T10:55:00Z"]
    assert run.outputs["reason"].startswith("possibly related alert: ")
