"""How Monitor's alerts relate to a build, and what they say."""

from datetime import datetime, timedelta

import pytest

from tests.support.samples import (
    BUILD_SID,
    NOW,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    alert,
)
from twilio_build_wait.model import Progress
from twilio_build_wait.twilio.alerts import decode, related
from twilio_build_wait.twilio.causes import Certainty, Explanation

PROGRESS = Progress(BUILD_SID, SERVICE_SID)
CREATED = NOW - timedelta(minutes=2)
BEFORE, AFTER = CREATED - timedelta(seconds=1), NOW + timedelta(seconds=1)

# Code, date and SIDs of an alert -> how it relates to the build.
RELATIONS: dict[str, tuple[str, datetime | None, list[str], Certainty | None]] = {
    "this build": ("11200", None, [BUILD_SID], Certainty.BUILD),
    "this build, in lower case": ("11200", None, [BUILD_SID.lower()], Certainty.BUILD),
    "this build and others": ("", NOW, [OTHER_SERVICE_SID, BUILD_SID], Certainty.BUILD),
    "another build of this service": ("82003", NOW, [OTHER_BUILD_SID, SERVICE_SID], None),
    "another service": ("82003", NOW, [OTHER_SERVICE_SID], None),
    "a longer SID": ("82003", NOW, [f"{BUILD_SID}0"], Certainty.RELATED),
    "this service": ("82003", NOW, [SERVICE_SID.lower()], Certainty.SERVICE),
    "at the build's date": ("82007", CREATED, [SERVICE_SID], Certainty.SERVICE),
    "before the build": ("82003", BEFORE, [SERVICE_SID], Certainty.RELATED),
    "in the future": ("82003", AFTER, [SERVICE_SID], Certainty.RELATED),
    "without a date": ("82003", None, [SERVICE_SID], Certainty.RELATED),
    "names nothing": ("82003", NOW, [], Certainty.RELATED),
    "names nothing, a code of a live function": ("82002", NOW, [], None),
    "a code of a live function": ("82002", NOW, [SERVICE_SID], None),
}

TEXTS = {
    "Msg=npm+failed&ErrorCode=82003": "npm failed",
    "parserMessage=first&Msg=second": "first",
    "parserMessage=+&Msg=second+": "second",
    "Msg&sourceComponent=12000&ErrorCode=82003": "",
    "a b&ErrorCode=82003": "",
    "LogLevel=ERROR&text=two words": "",
    "a=b": "",
    "  A sentence, x = y. ": "A sentence, x = y.",
    "NODE_ENV=production failed": "NODE_ENV=production failed",
    "one&Msg=two words": "two words",
}

TITLE = "82003 Deployment Installation Failure"
# Fields of an alert about the sample build -> its text, or None if it is not shown.
SHOWN: dict[str, tuple[dict[str, object], str | None]] = {
    "message": ({}, f"{TITLE}: npm could not install sharp"),
    "no message": ({"alert_text": "Msg&ErrorCode=82003&x=y"}, TITLE),
    "text is no text": ({"alert_text": ["Msg=m"]}, TITLE),
    "code is a number": ({"error_code": 82003.0, "alert_text": ""}, TITLE),
    "another code": ({"error_code": "11200", "alert_text": "Msg=m"}, "11200: m"),
    "no code": ({"error_code": None, "alert_text": "Msg=m"}, "m"),
    "nothing": ({"error_code": "x", "alert_text": ""}, "an alert without a code and a message"),
    "SID in a URL": ({"resource_sid": None, "alert_text": f"u=%2FBuilds%2F{BUILD_SID}%2F"}, TITLE),
    "SID in a list": ({"resource_sid": {"list": [1, {"x": BUILD_SID}]}, "alert_text": ""}, TITLE),
    "another build": ({"resource_sid": OTHER_BUILD_SID}, None),
}


def shown(*alerts: object, created: datetime | None = CREATED) -> list[Explanation]:
    return related(alerts, PROGRESS, created, NOW)


@pytest.mark.parametrize("code, date, sids, certainty", RELATIONS.values(), ids=RELATIONS)
def test_relation_of_an_alert(
    code: str, date: datetime | None, sids: list[str], certainty: Certainty | None
) -> None:
    generated = date and date.isoformat()
    entry = {"error_code": code, "date_generated": generated, "alert_text": " ".join(sids)}
    assert [each.certainty for each in shown(entry)] == ([certainty] if certainty else [])


@pytest.mark.parametrize("created", [None, AFTER], ids=["unknown", "in the future"])
def test_alert_about_a_service_needs_the_date_of_the_build(created: datetime | None) -> None:
    (explanation,) = shown(alert(resource_sid=None, date_generated=str(AFTER)), created=created)
    assert explanation.certainty is Certainty.RELATED


def test_alert_about_a_service_is_not_shown_if_only_its_name_is_known() -> None:
    entry = alert(resource_sid=None)
    assert related([entry], Progress(BUILD_SID, "my-service"), CREATED, NOW) == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:30]))
def test_message_in_the_text_of_an_alert(text: str) -> None:
    assert decode(text) == TEXTS[text]


@pytest.mark.parametrize("fields, text", SHOWN.values(), ids=SHOWN)
def test_text_of_an_alert(fields: dict[str, object], text: str | None) -> None:
    texts = [each.text.text() for each in shown(alert(**fields))]
    assert texts == ([text] if text else [])


def test_alert_has_the_page_and_the_advice_of_its_code() -> None:
    alerts = [alert(error_code=code) for code in ("82007", "11200", None)]
    unsupported, other, unknown = shown(*alerts)
    assert unsupported.page == "https://www.twilio.com/docs/errors/82007"
    assert unsupported.advice.text().startswith("Name the runtime when you create the build")
    assert unsupported.advice_page.endswith("/node-upgrade")
    assert other.page == "https://www.twilio.com/docs/errors/11200"
    assert not other.advice
    assert not unknown.page


def dated(text: str, generated: str | None, created: str | None = None) -> dict[str, object]:
    return alert(alert_text=text, date_generated=generated, date_created=created)


def test_newest_alert_comes_first() -> None:
    late, early = "2026-10-01T11:59:00Z", "2026-10-01T11:58:00Z"
    alerts = [
        "no alert",
        dated("undated", "soon"),
        dated("early", early),
        dated("earliest", "2026-10-01T11:57:59Z", late),
        dated("late", None, late),
    ]
    texts = [each.text.text().rpartition(": ")[2] for each in shown(*alerts)]
    assert texts == ["late", "early", "earliest", "undated"]
