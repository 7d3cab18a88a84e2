"""How Monitor's alerts relate to a build, and what they say."""

from datetime import datetime, timedelta

import pytest

from tests.support.samples import NOW
from twilio_build_wait.twilio.diagnosis import Context, Relation, decoded, relate

BUILD, SERVICE, OTHER_BUILD, OTHER_SERVICE = "zb1", "zs1", "zb2", "zs2"
CREATED = NOW - timedelta(minutes=2)
BEFORE, AFTER = CREATED - timedelta(seconds=1), NOW + timedelta(seconds=1)

# SIDs, code and date of an alert -> how it relates to the build.
RELATIONS: dict[str, tuple[set[str], str, datetime | None, Relation | None]] = {
    "this build": ({BUILD}, "1", None, Relation.BUILD),
    "this build and others": ({BUILD, OTHER_BUILD, OTHER_SERVICE}, "", BEFORE, Relation.BUILD),
    "another build": ({OTHER_BUILD, SERVICE}, "82003", NOW, None),
    "another service": ({OTHER_SERVICE}, "82003", NOW, None),
    "this service": ({SERVICE}, "82003", NOW, Relation.SERVICE),
    "at the build's date": ({SERVICE}, "82007", CREATED, Relation.SERVICE),
    "before the build": ({SERVICE}, "82003", BEFORE, Relation.POSSIBLE),
    "in the future": ({SERVICE}, "82003", AFTER, Relation.POSSIBLE),
    "without a date": ({SERVICE}, "82003", None, Relation.POSSIBLE),
    "another code": ({SERVICE}, "11200", NOW, Relation.POSSIBLE),
    "names nothing": (set(), "82003", NOW, Relation.POSSIBLE),
    "names nothing, another code": (set(), "11200", NOW, None),
}

TEXTS = {
    "Msg=npm+failed&ErrorCode=82003": "npm failed",
    "parserMessage=first&Msg=second": "first",
    "parserMessage=+&Msg=second+": "second",
    "ErrorCode=82003&sourceComponent=1": "",
    "a=b&c": "",
    "": "",
    "  A sentence, x = y. ": "A sentence, x = y.",
    "word": "word",
    "one&Msg=two words": "two words",
    "x=&" * 200: "",
}


@pytest.mark.parametrize("sids, code, date, relation", RELATIONS.values(), ids=RELATIONS)
def test_relation_of_an_alert(
    sids: set[str], code: str, date: datetime | None, relation: Relation | None
) -> None:
    assert relate(sids, code, date, Context(BUILD, SERVICE, CREATED, NOW)) is relation


def test_service_is_proven_only_with_its_sid_and_the_build_s_date() -> None:
    undated = Context(BUILD, SERVICE, None, NOW)
    assert relate({SERVICE}, "82003", NOW, undated) is Relation.POSSIBLE
    assert relate({SERVICE}, "82003", NOW, Context(BUILD, "", CREATED, NOW)) is None


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:30]))
def test_message_in_the_text_of_an_alert(text: str) -> None:
    assert decoded(text) == TEXTS[text]
