"""How Monitor's alerts relate to a build, and what they say."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support import samples
from tests.support.samples import BUILD_SID, NOW, alert
from twilio_build_wait.twilio.alerts import Context, decode, related
from twilio_build_wait.twilio.causes import Certainty

BUILD, SERVICE, OTHER_BUILD, OTHER_SERVICE = "zb1", "zs1", "zb2", "zs2"
CREATED = NOW - timedelta(minutes=2)
BEFORE, AFTER = CREATED - timedelta(seconds=1), NOW + timedelta(seconds=1)
SHORT = Context(BUILD, SERVICE, CREATED, NOW)
CONTEXT = Context(BUILD_SID.lower(), samples.SERVICE_SID.lower(), CREATED, NOW)

# SIDs, code and date of an alert -> how it relates to the build.
RELATIONS: dict[str, tuple[set[str], str, datetime, Certainty | None]] = {
    "this build": ({BUILD}, "11200", BEFORE, Certainty.BUILD),
    "this build and others": ({BUILD, OTHER_BUILD, OTHER_SERVICE}, "", BEFORE, Certainty.BUILD),
    "another build of this service": ({OTHER_BUILD, SERVICE}, "82003", NOW, None),
    "another service": ({OTHER_SERVICE}, "82003", NOW, None),
    "this service": ({SERVICE}, "82003", NOW, Certainty.SERVICE),
    "at the build's date": ({SERVICE}, "82007", CREATED, Certainty.SERVICE),
    "before the build": ({SERVICE}, "82003", BEFORE, Certainty.RELATED),
    "in the future": ({SERVICE}, "82003", AFTER, Certainty.RELATED),
    "names nothing": (set(), "82003", NOW, Certainty.RELATED),
    "names nothing, a code of a live function": (set(), "82002", NOW, None),
    "a code of a live function": ({SERVICE}, "82002", NOW, None),
}
# What is another in the context -> how an alert about the service relates to the build.
CONTEXTS = {
    "no date of the build": (replace(SHORT, created=None), Certainty.RELATED),
    "build in the future": (replace(SHORT, created=AFTER), Certainty.RELATED),
    "only the name of the service": (replace(SHORT, service_sid=""), None),
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
    "SID in another case": ({"resource_sid": BUILD_SID.lower(), "alert_text": None}, TITLE),
    "SID in a URL": ({"resource_sid": None, "alert_text": f"u=%2FBuilds%2F{BUILD_SID}%2F"}, TITLE),
    "SID in a list": ({"resource_sid": {"list": [1, {"x": BUILD_SID}]}, "alert_text": ""}, TITLE),
    "longer SID": ({"resource_sid": f"{samples.OTHER_BUILD_SID}0", "alert_text": ""}, TITLE),
    "another build": ({"resource_sid": samples.OTHER_BUILD_SID}, None),
}


@pytest.mark.parametrize("sids, code, date, certainty", RELATIONS.values(), ids=RELATIONS)
def test_relation_of_an_alert(
    sids: set[str], code: str, date: datetime, certainty: Certainty | None
) -> None:
    assert SHORT.relate(sids, code, date) is certainty


@pytest.mark.parametrize("context, certainty", CONTEXTS.values(), ids=CONTEXTS)
def test_alert_about_a_service_needs_the_date_of_the_build(
    context: Context, certainty: Certainty | None
) -> None:
    assert context.relate({SERVICE}, "82003", AFTER) is certainty


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:30]))
def test_message_in_the_text_of_an_alert(text: str) -> None:
    assert decode(text) == TEXTS[text]


@pytest.mark.parametrize("fields, text", SHOWN.values(), ids=SHOWN)
def test_text_of_an_alert(fields: dict[str, object], text: str | None) -> None:
    alerts = related([alert(**fields)], CONTEXT)
    assert [each.text.text() for each in alerts] == ([text] if text else [])


def test_alert_has_the_page_and_the_advice_of_its_code() -> None:
    unsupported, other, unknown = related(
        [alert(error_code=code) for code in ("82007", "11200", None)], CONTEXT
    )
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
    texts = [each.text.text().rpartition(": ")[2] for each in related(alerts, CONTEXT)]
    assert texts == ["late", "early", "earliest", "undated"]
