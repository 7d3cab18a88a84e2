"""Where a reason for a failed build may stand, and that nothing found there does any harm."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import hostile
from tests.unit.samples import BUILD_SID, BUILD_URL, OTHER_SERVICE_SID, SERVICE_SID, settings
from twilio_build_wait.diagnosis import MOST_ALERTS, Diagnosis, diagnose
from twilio_build_wait.outcome import DEBUGGER, Finding, Progress
from twilio_build_wait.results import Fault
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.transport import Reply

NOW = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
SETTINGS = settings()
LAST = Finding("Where to look next", "Twilio's Debugger", DEBUGGER)
NO_REASON = "Twilio reports that the build failed, and gives no reason; the log says what to check"

Answer = Reply | Fault | Exception


class Twilio:
    """Answers the two requests of a diagnosis in turn, each after `each` seconds."""

    def __init__(self, build: Answer, alerts: Answer, each: float = 0.0) -> None:
        self._answers = [build, alerts]
        self._each = each
        self.now = 50.0
        self.asked: list[tuple[str, float, int]] = []

    def get(self, url: str, limit: float, most: int) -> Reply | Fault:
        self.asked.append((url, limit, most))
        self.now += self._each
        answer = self._answers[len(self.asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def found(
    twilio: Twilio,
    progress: Progress | None = None,
    redact: Callable[[str], str] = str,
) -> Diagnosis:
    return diagnose(
        twilio.get,
        SETTINGS,
        progress or Progress(BUILD_SID, SERVICE_SID),
        clock=lambda: twilio.now,
        now=NOW.timestamp,
        show=str,
        redact=redact,
    )


def page(*alerts: object) -> Reply:
    return Reply(200, body=json.dumps({"alerts": alerts}).encode())


def resource(**fields: object) -> Reply:
    return Reply(200, body=json.dumps(fields).encode())


EMPTY = resource()


def alert(**fields: object) -> dict[str, object]:
    return {"error_code": "82003", "resource_sid": BUILD_SID, **fields}


# -- where it looks --------------------------------------------------------------------------------


def test_two_requests_within_ten_seconds() -> None:
    twilio = Twilio(EMPTY, page(), each=4)
    found(twilio)
    build, (_, limit, most) = twilio.asked
    assert build == (BUILD_URL, 4.0, 1024 * 1024)
    assert (limit, most) == (6, 1024 * 1024)


def test_the_second_has_a_chance_even_when_the_first_took_all_the_time() -> None:
    late = Twilio(EMPTY, page(), each=12)
    found(late)
    assert [limit for _, limit, _ in late.asked] == [4, 0.1]


@pytest.mark.parametrize(
    "created, start",
    [
        ("2026-04-01T07:30:00Z", "2026-04-01T07:25:00Z"),
        ("2026-04-01T09:30:00+02:00", "2026-04-01T07:25:00Z"),
        ("2026-04-01T07:30:00", "2026-04-01T07:25:00Z"),
        (None, "2026-04-01T06:55:00Z"),
        ("soon", "2026-04-01T06:55:00Z"),
        ("2025-01-01T00:00:00Z", "2026-03-03T07:55:00Z"),  # Monitor keeps thirty days
        ("2027-01-01T00:00:00Z", "2026-04-01T07:55:00Z"),
        ("0001-01-01T00:00:00+14:00", "2026-04-01T06:55:00Z"),
    ],
)
def test_the_window_begins_a_little_before_the_build(created: object, start: str) -> None:
    twilio = Twilio(resource(date_created=created), page())
    found(twilio)
    asked = urlsplit(twilio.asked[1][0])
    assert f"{asked.scheme}://{asked.netloc}{asked.path}" == "https://monitor.twilio.com/v1/Alerts"
    assert parse_qs(asked.query) == {
        "LogLevel": ["error"],
        "StartDate": [start],
        "EndDate": ["2026-04-01T08:00:00Z"],
        "PageSize": ["100"],
    }


# -- what it makes of it ---------------------------------------------------------------------------


def test_nothing_is_found() -> None:
    diagnosis = found(Twilio(EMPTY, page()))
    assert diagnosis.reason == NO_REASON
    assert [finding.label for finding in diagnosis.findings] == [*(3 * ["Check"]), LAST.label]


def test_an_alert_about_the_build() -> None:
    said = alert(alert_text="parserMessage=npm%20failed&Msg=no", error_code="82003")
    diagnosis = found(Twilio(EMPTY, page(said)))
    assert diagnosis.reason == "82003 Deployment Installation Failure: npm failed"
    first, then, last = diagnosis.findings
    address = "https://www.twilio.com/docs/errors/82003"
    assert first == Finding("Alert about this build", diagnosis.reason, address)
    assert then.label == "What to do"
    assert last == LAST


@pytest.mark.parametrize(
    "fields, label, reason",
    [
        (
            {"error_code": 82003.0},
            "Alert about this build",
            "82003 Deployment Installation Failure",
        ),
        ({"error_code": 82007}, "Alert about this build", "82007 Unsupported Runtime"),
        ({"error_code": "11200"}, "Alert about this build", "11200"),
        ({"error_code": None, "alert_text": " what "}, "Alert about this build", "what"),
        ({"error_code": "x", "alert_text": "Msg=a+b"}, "Alert about this build", "a b"),
        (
            {"resource_sid": OTHER_SERVICE_SID},
            "Alert about this service",
            "82003 Deployment Installation Failure",
        ),
        (
            {"resource_sid": OTHER_SERVICE_SID.upper(), "error_code": "11200"},
            "Possibly related alert",
            "Twilio gives no reason; possibly related: 11200",
        ),
        (
            {"resource_sid": "elsewhere"},
            "Possibly related alert",
            "Twilio gives no reason; possibly related: 82003 Deployment Installation Failure",
        ),
    ],
)
def test_how_sure_it_is(fields: Mapping[str, object], label: str, reason: str) -> None:
    progress = Progress(BUILD_SID, OTHER_SERVICE_SID)
    diagnosis = found(Twilio(EMPTY, page(alert(**fields))), progress)
    assert (diagnosis.findings[0].label, diagnosis.reason) == (label, reason)


@pytest.mark.parametrize(
    "other",
    [
        alert(resource_sid="elsewhere", error_code="11200"),
        alert(error_code=None),
        alert(error_code="1234567", alert_text=7),
        "an alert",
        None,
    ],
)
def test_what_is_not_about_it(other: object) -> None:
    assert found(Twilio(EMPTY, page(other))).reason == NO_REASON


def test_a_unique_name_is_no_mark_of_the_service() -> None:
    said = alert(resource_sid="x", alert_text="the default service", error_code="11200")
    assert found(Twilio(EMPTY, page(said)), Progress(BUILD_SID, "default")).reason == NO_REASON


def test_the_surest_and_then_the_newest_come_first() -> None:
    listed = [
        alert(resource_sid="x", alert_text="doubtful", date_generated="2026-04-01T07:59:00Z"),
        alert(alert_text="undated"),
        alert(alert_text="old", date_created="2026-04-01T07:00:00Z"),
        alert(alert_text="new", date_generated="2026-04-01T07:30:00Z"),
        alert(alert_text="newer", date_generated="2026-04-01T07:31:00+00:00"),
        alert(resource_sid="x", alert_text="more doubtful", date_generated="2026-04-01T07:58:00Z"),
    ]
    diagnosis = found(Twilio(EMPTY, page(*listed)))
    texts = [finding.text for finding in diagnosis.findings if "lert" in finding.label]
    assert [text.rpartition(": ")[2] for text in texts] == [
        *("newer", "new", "old", "undated", "doubtful")
    ]
    assert len(texts) == MOST_ALERTS


def test_a_credential_is_taken_out_before_a_text_is_taken_apart() -> None:
    said = alert(alert_text="Msg=a%3Bsecret")
    diagnosis = found(Twilio(EMPTY, page(said)), redact=lambda text: text.replace("secret", "***"))
    assert diagnosis.reason.endswith(": a;***")


def test_a_text_of_very_many_fields_is_left_as_it_is() -> None:
    text = "&".join(["Msg=x"] * 101)
    assert found(Twilio(EMPTY, page(alert(alert_text=text)))).reason.endswith(text)


def test_what_was_in_the_build() -> None:
    build = resource(
        runtime="node22",
        function_versions=[{}],
        asset_versions=[{}, {}],
        date_created="2026-04-01T07:30:00Z",
        date_updated="2026-04-01T07:31:02Z",
        dependencies=[{"name": f"p{n}", "version": "1.0"} for n in range(13)] + ["odd"],
    )
    findings = found(Twilio(build, page())).findings
    assert findings[-3:-1] == (
        Finding(
            "In the build",
            "node22, 1 function, 2 assets, created 2026-04-01 07:30:00 UTC, "
            "updated 2026-04-01 07:31:02 UTC",
        ),
        Finding("Dependencies", ", ".join(f"p{n}@1.0" for n in range(12)) + " and 1 more"),
    )


def test_all_dependencies_where_they_are_few() -> None:
    build = resource(dependencies=[{"name": f"p{n}", "version": "1.0"} for n in range(12)])
    findings = found(Twilio(build, page())).findings
    assert findings[-2] == Finding("Dependencies", ", ".join(f"p{n}@1.0" for n in range(12)))


# -- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, cause",
    [
        (Fault("no answer"), "no answer"),
        (Reply(503), "HTTP 503 from {}"),
        (Reply(200, body=b"<html>"), "{}: garbled reply (not JSON)"),
    ],
)
def test_what_cannot_be_read(answer: Answer, cause: str) -> None:
    diagnosis = found(Twilio(answer, page(alert())))
    assert diagnosis.reason.startswith("82003")
    named = cause.format("serverless.twilio.com")
    assert Finding("The build's contents could not be read", named) in diagnosis.findings
    diagnosis = found(Twilio(EMPTY, answer))
    assert diagnosis.reason == NO_REASON
    named = cause.format("monitor.twilio.com")
    assert Finding("Alerts could not be read", named) in diagnosis.findings


def test_a_page_without_a_list() -> None:
    findings = found(Twilio(EMPTY, resource(alerts={}))).findings
    assert Finding("Alerts could not be read", "Twilio sent no list of alerts") in findings


@pytest.mark.parametrize("first", [True, False])
def test_a_signal_cuts_it_short(first: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    cut = Cancelled(15)
    diagnosis = found(Twilio(cut, page()) if first else Twilio(EMPTY, cut))
    assert diagnosis.reason == NO_REASON
    assert Finding("Not looked further", "a signal cut the search short") in diagnosis.findings


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | hostile.TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
FIELDS = (
    "error_code",
    "resource_sid",
    "service_sid",
    "alert_text",
    "date_generated",
    "date_created",
)
DATES = st.sampled_from(["2026-04-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
ALERTS = st.dictionaries(st.sampled_from(FIELDS), VALUES | DATES | st.just(BUILD_SID)) | VALUES
BUILDS = st.dictionaries(
    st.sampled_from(["runtime", "function_versions", "dependencies", "date_created"]),
    VALUES | DATES | st.lists(st.dictionaries(st.sampled_from(["name", "version"]), VALUES)),
)


@given(BUILDS, st.lists(ALERTS, max_size=7) | VALUES)
def test_whatever_twilio_says_there_is_a_reason(
    build: Mapping[str, object], alerts: object
) -> None:
    diagnosis = found(Twilio(resource(**build), resource(alerts=alerts)))
    assert diagnosis.reason
    assert diagnosis.findings[-1] == LAST
    shown = [finding for finding in diagnosis.findings if "lert about" in finding.label]
    assert len(shown) <= MOST_ALERTS
    pages = {finding.page.rpartition("/")[0] for finding in diagnosis.findings[:-1]}
    assert pages <= {"", "https://www.twilio.com/docs/errors"}
