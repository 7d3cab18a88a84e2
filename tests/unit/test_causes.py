"""What may explain a failed build: alerts, error codes with remedies, and what a Build shows."""

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
from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio import causes
from twilio_build_wait.twilio.builds import Build, Entry
from twilio_build_wait.twilio.causes import Certainty, Explanation

PROGRESS = Progress(BUILD_SID, SERVICE_SID)
CREATED = NOW - timedelta(minutes=2)
BEFORE, AFTER = CREATED - timedelta(seconds=1), NOW + timedelta(seconds=1)

# Code, date and SIDs of an alert -> how it relates to the build.
RELATIONS: dict[str, tuple[str, datetime | None, list[str], Certainty | None]] = {
    "this build": ("11200", None, [BUILD_SID], Certainty.BUILD),
    "this build and others": ("", NOW, [OTHER_SERVICE_SID, BUILD_SID], Certainty.BUILD),
    "another build of this service": ("82003", NOW, [OTHER_BUILD_SID, SERVICE_SID], None),
    "a longer SID": ("82003", NOW, [f"{BUILD_SID}0"], Certainty.RELATED),
    "this service": ("82003", NOW, [SERVICE_SID.lower()], Certainty.SERVICE),
    "at the build's date": ("82007", CREATED, [SERVICE_SID], Certainty.SERVICE),
    "before the build": ("82003", BEFORE, [SERVICE_SID], Certainty.RELATED),
    "in the future": ("82003", AFTER, [SERVICE_SID], Certainty.RELATED),
    "without a date": ("82003", None, [SERVICE_SID], Certainty.RELATED),
    "names nothing": ("82003", NOW, [], Certainty.RELATED),
    "a code of a live function": ("82002", NOW, [], None),
    "a code of a live function, this service": ("82002", NOW, [SERVICE_SID], None),
}

TEXTS = {
    "Msg=npm+failed&ErrorCode=82003": "npm failed",
    "parserMessage=first&Msg=second": "first",
    "parserMessage=+&Msg=second+": "second",
    "Msg&sourceComponent=12000&ErrorCode=82003": "",
    "a b&ErrorCode=82003": "",
    "?&a%5B0%5D=b&c[0]=d": "",
    "?Msg=npm+failed": "npm failed",
    "LogLevel=ERROR&text=two words": "",
    "a=b": "",
    "  A sentence, x = y. ": "A sentence, x = y.",
    "NODE_ENV=production failed": "NODE_ENV=production failed",
    "one&Msg=two words": "two words",
}

TITLE = "82003 Deployment Installation Failure"
# Fields of an alert about the sample build -> its text.
SHOWN: dict[str, tuple[dict[str, object], str]] = {
    "message": ({}, f"{TITLE}: npm could not install sharp"),
    "no message": ({"alert_text": "Msg&ErrorCode=82003&x=y"}, TITLE),
    "text is no text": ({"alert_text": ["Msg=m"]}, TITLE),
    "another code": ({"error_code": "11200", "alert_text": "Msg=m"}, "11200: m"),
    "no code": ({"error_code": None, "alert_text": "Msg=m"}, "m"),
    "nothing": ({"error_code": "x", "alert_text": ""}, "an alert without a code and a message"),
    "SID in a list": ({"resource_sid": {"list": [1, {"x": BUILD_SID}]}, "alert_text": ""}, TITLE),
}

HANDLER = "@twilio/runtime-handler"
DOCS = "https://www.twilio.com/docs/serverless/functions-assets"

NPM, GCC, SPACE = "Deploy again after some time", "Use packages that install", "Use fewer or small"
PACKAGE, PATH = "Check the name and the version", "Check the path that the alert names"

# What an alert says -> what the advice begins with; the rest is in Twilio's order.
CLUES = {
    "npm failed, make sure that port 4040 is open": [],
    "npm ERR! network read ECONNRESET": [NPM],
    "Error: not found: make": [GCC],
    "gcc: command not found": [GCC],
    "sh: 1: node-gyp: not found": [GCC],
    "it needs a Compiler": [GCC],
    "no space left on device": [SPACE],
    "npm ERR! code E404": [PACKAGE],
    "No matching version found for lodash@99": [PACKAGE],
    "package nope not found": [PACKAGE],
    "ENOENT: no such file or directory, open '../lib'": [PATH],
    "gyp: ENOSPC": [GCC, SPACE],
}

# Runtime, version of the handler -> how certain the cause is, or None.
CAUSES: dict[str, tuple[str | None, str, Certainty | None]] = {
    "unknown": (None, "", None),
    "not announced dead": ("node20", "", None),
    "oldest runtime": ("node8", "", Certainty.POSSIBLE),
    "last unsupported runtime": ("node18", "1.3.1", Certainty.POSSIBLE),
    "an old handler": ("node24", "1.1.9", Certainty.LIKELY),
    "a very old handler": ("node24", "0.9.12", Certainty.LIKELY),
    "the oldest handler": ("node24", "1.2.0", None),
    "a later handler": ("node24", "1.10.0", None),
    "a range": ("node24", "^1.1.0", None),
    "a preview": ("node24", "1.1.0-rc.1", None),
    "an old handler for node22": ("node22", "1.1.9", None),
}


def shown(*alerts: object, created: datetime | None = CREATED) -> list[Explanation]:
    return causes.related(alerts, PROGRESS, created, NOW)


@pytest.mark.parametrize("code, date, sids, certainty", RELATIONS.values(), ids=RELATIONS)
def test_relation_of_an_alert(
    code: str, date: datetime | None, sids: list[str], certainty: Certainty | None
) -> None:
    generated = date and date.isoformat()
    entry = {"error_code": code, "date_generated": generated, "alert_text": " ".join(sids)}
    assert [each.certainty for each in shown(entry)] == ([certainty] if certainty else [])


def test_alert_about_a_service_needs_the_date_of_the_build() -> None:
    (explanation,) = shown(alert(resource_sid=None, date_generated=str(NOW)), created=None)
    assert explanation.certainty is Certainty.RELATED


def test_alert_about_a_service_is_not_shown_if_only_its_name_is_known() -> None:
    entry = alert(resource_sid=None)
    assert causes.related([entry], Progress(BUILD_SID, "my-service"), CREATED, NOW) == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:30]))
def test_message_in_the_text_of_an_alert(text: str) -> None:
    assert causes.decode(text) == TEXTS[text]


@pytest.mark.parametrize("fields, text", SHOWN.values(), ids=SHOWN)
def test_text_of_an_alert(fields: dict[str, object], text: str) -> None:
    (explanation,) = shown(alert(**fields))
    assert explanation.text.text() == text


def test_alert_has_the_page_and_the_advice_of_its_code() -> None:
    alerts = [alert(error_code=code) for code in ("82007", "11200", None)]
    unsupported, other, unknown = shown(*alerts)
    assert unsupported.page == "https://www.twilio.com/docs/errors/82007"
    advice = "Name the runtime when you create the build, such as node22: without one, it takes"
    assert unsupported.advice.text().startswith(advice)
    assert unsupported.advice_page == f"{DOCS}/node-upgrade"
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


@pytest.mark.parametrize("alert", CLUES, ids=CLUES)
def test_advice_begins_with_what_the_alert_names(alert: str) -> None:
    advice = causes.ERROR_CODES["82003"].advice(alert).split(". ")
    rest = [start for start in (NPM, GCC, SPACE) if start not in CLUES[alert]]
    expected = [*CLUES[alert], *rest]
    assert len(advice) == len(expected)
    assert all(map(str.startswith, advice, expected))


@pytest.mark.parametrize("runtime, version, certainty", CAUSES.values(), ids=CAUSES)
def test_certainty_of_a_cause(
    runtime: str | None, version: str, certainty: Certainty | None
) -> None:
    dependencies = {"twilio": Entry("1.1.0"), HANDLER: Entry(version)}
    shown = causes.find_causes(Build(runtime=runtime, dependencies=dependencies))
    assert [cause.certainty for cause in shown] == ([certainty] if certainty else [])


def test_cause_names_a_version_that_twilio_accepts() -> None:
    build = Build(runtime="node24", dependencies={HANDLER: Entry("1.1.0")})
    (cause,) = causes.find_causes(build)
    assert cause.text.text() == f"the runtime node24 needs a newer {HANDLER} than 1.1.0"
    assert cause.advice.text() == f"Set {HANDLER} to exactly 2.1.2"
    assert cause.page == ""
    assert cause.advice_page == f"{DOCS}/handler"


def test_surest_explanation_comes_first_and_otherwise_the_order_is_kept() -> None:
    ranks = [Certainty.RELATED, Certainty.SERVICE, Certainty.BUILD, Certainty.POSSIBLE]
    explanations = [Explanation(rank, message(text)) for text in "ab" for rank in ranks]
    ordered = causes.by_certainty(explanations)
    assert [each.text.text() for each in ordered] == [*"abababab"]
    assert [each.certainty for each in ordered][::2] == [ranks[2], ranks[1], ranks[3], ranks[0]]
