"""What is read after a verdict, word for word: the diagnosis and the changes."""

from collections.abc import Mapping

import pytest

from tests.support import samples
from tests.support.samples import ALERTS_PATH, BUILD_PATH, BUILD_SID, ENVIRONMENT_PATH, NOW
from tests.support.samples import json_response as answer
from tests.support.server import Response as Answer
from twilio_build_wait.model import Changes, Diagnosis, Finding, Progress
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import Settings, read
from twilio_build_wait.text import SafeText
from twilio_build_wait.twilio.changes import read_changes
from twilio_build_wait.twilio.diagnosis import Search
from twilio_build_wait.twilio.polls import Get
from twilio_build_wait.twilio.transport import Response

PROGRESS = Progress(BUILD_SID, samples.SERVICE_SID)
SHOW = Redactor([])


def settings(**changes: str) -> Settings:
    return read(samples.environment(TWILIO_ENVIRONMENT_SID=samples.ENVIRONMENT_SID, **changes))


def getting(answers: Mapping[str, Answer]) -> Get:
    """Answer each path; the headers have no date."""

    def get(url: str, limit: float, max_bytes: int) -> Response:
        assert (limit > 0, max_bytes) == (True, 4 * 2**20)
        found = answers[url.removeprefix("https://").partition("/")[2].partition("?")[0]]
        return Response(found.status, {}, found.body)

    return get


def diagnose(build: Answer, alerts: Answer, **changes: str) -> Diagnosis:
    get = getting({BUILD_PATH[1:]: build, ALERTS_PATH[1:]: alerts})
    return Search(get, settings(**changes), PROGRESS, lambda: 0.0, NOW, SHOW).run()


def finding(label: str, text: str, page: str = "") -> Finding:
    return Finding(label, SafeText(text), page)


DEPENDENCIES = [{"name": f"lib{number}", "version": "1.0.0"} for number in range(12)]
HANDLER = {"name": "@twilio/runtime-handler", "version": "1.3.0"}
DEBUGGER = finding(
    "Where to look next",
    "Twilio's Debugger",
    "https://console.twilio.com/us1/monitor/logs/debugger",
)


def test_possibly_related_alert_and_the_build() -> None:
    created = "2026-10-01T11:58:00Z"
    build = samples.build(
        runtime="node22",
        function_versions=[{"path": "/a"}, {"path": "/b"}],
        asset_versions=[],
        dependencies=[HANDLER, *DEPENDENCIES],
        date_created=created,
        date_updated=created,
    )
    older = {"error_code": "82003", "date_created": "2026-10-01T11:00:00Z", "alert_text": "Msg="}
    newer = {"error_code": "82003", "date_created": "2026-10-01T11:59:00Z", "alert_text": None}
    unknown = {"alert_text": f"about {samples.SERVICE_SID}", "list": [samples.SERVICE_SID]}
    found = diagnose(answer(build), samples.page("alerts", unknown, older, newer))
    title = "82003 Deployment Installation Failure"
    assert found.reason == f"Twilio gives no reason; possibly related: {title}"
    page = "https://www.twilio.com/docs/errors/82003"
    moment = "2026-10-01 11:58:00 UTC"
    names = ", ".join(["@twilio/runtime-handler@1.3.0", *(f"lib{n}@1.0.0" for n in range(11))])
    alert, advice, other, *rest = found.findings
    assert alert == finding("Possibly related alert", title, page)
    assert advice.label == "What to do"
    assert advice.text.startswith("Deploy again after some time: npm may be degraded.")
    assert other == finding("Possibly related alert", f"about {samples.SERVICE_SID}")
    content = f"node22, 2 functions, 0 assets, created {moment}, updated {moment}"
    assert rest == [
        finding("In the build", content),
        finding("Dependencies", f"{names} and 1 more"),
        DEBUGGER,
    ]


def test_likely_cause_without_alerts() -> None:
    build = samples.build(runtime="node18", dependencies=[HANDLER], date_created=None)
    found = diagnose(answer(build), samples.page("alerts"), TWILIO_REGION="ie1")
    assert found.reason == "likely cause: Twilio no longer supports the runtime node18"
    labels = [item.label for item in found.findings]
    assert labels[:3] == ["Likely cause", "What to do", "In the build"]
    assert found.findings[1].text == "Create the build with a newer runtime, such as node22"
    last = "the error logs of region ie1 in Twilio's Console"
    assert found.findings[-1] == finding("Where to look next", last)


def test_what_could_not_be_read_is_named() -> None:
    other = answer(samples.build(sid=samples.OTHER_BUILD_SID))
    found = diagnose(other, answer({"alerts": {}}), TWILIO_BASE_URL="https://a.test")
    gap = "but Twilio's alerts could not be read; the log says what to check"
    assert found.reason == f"Twilio reports that the build failed, {gap}"
    assert [item.label for item in found.findings[:3]] == ["Check"] * 3
    assert found.findings[3:] == (
        finding("The build's contents could not be read", "Twilio sent another build"),
        finding("Alerts could not be read", "Twilio sent no list of alerts"),
        finding("Where to look next", "the error logs in Twilio's Console"),
    )


ENVIRONMENT = samples.environment_resource(unique_name="prod", build_sid=BUILD_SID)
LIVE = "this build is live there already; deploying it again is an error at Twilio"
UNKNOWN = "Twilio does not say which build is live in the environment"
FOREIGN = "the environment could not be read: it belongs to another service"
# Changes of the environment -> verdict, name and note.
NOTES: dict[str, tuple[dict[str, object], str, str, str]] = {
    "live already": ({}, "none", "prod", LIVE),
    "unknown build": ({"build_sid": 1}, "", "prod", UNKNOWN),
    "another service": ({"service_sid": samples.OTHER_SERVICE_SID}, "", "", FOREIGN),
    "no name": ({"unique_name": None, "build_sid": ""}, "", "", UNKNOWN),
}


@pytest.mark.parametrize("changes, verdict, name, note", NOTES.values(), ids=NOTES)
def test_notes_say_what_is_special(
    changes: dict[str, object], verdict: str, name: str, note: str
) -> None:
    get = getting({ENVIRONMENT_PATH[1:]: answer({**ENVIRONMENT, **changes})})
    found = read_changes(get, settings(), PROGRESS, lambda: 0.0, SHOW)
    assert found == Changes(verdict, SafeText(name), notes=(SafeText(note),))
