"""The data: the text of an error, the table of outcomes, and numbers in words."""

from dataclasses import replace
from typing import Any

import pytest

from twilio_build_wait.model import (
    Ending,
    Latest,
    PollError,
    Reach,
    count,
    plural,
)
from twilio_build_wait.safe_text import message

CAUSE = message("HTTP 401 from {}", "a.test")

TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "cause": ({}, "HTTP 401 from a.test"),
    "request ID": ({"request_id": "RQ1"}, "HTTP 401 from a.test (Twilio-Request-Id RQ1)"),
    "words of the other side": ({"said": "no {}"}, "HTTP 401 from a.test: no {}"),
    "both": (
        {"request_id": "RQ1", "said": "no"},
        "HTTP 401 from a.test (Twilio-Request-Id RQ1): no",
    ),
}


@pytest.mark.parametrize("changes, text", TEXTS.values(), ids=TEXTS)
def test_text_of_an_error(changes: dict[str, Any], text: str) -> None:
    assert replace(PollError(CAUSE), **changes).text.text() == text


LATEST = Latest("ZB1", "2026-10-01 11:58:00", "2m")
CAUTION = "If the deployment began later, it created no build: see its own log"


def test_description_of_the_newest_build() -> None:
    assert LATEST.description.text() == "ZB1, created 2026-10-01 11:58:00 UTC, 2m ago"


def test_caution_about_the_newest_build() -> None:
    assert LATEST.caution.text() == CAUTION


def test_caution_says_that_not_all_builds_were_read() -> None:
    latest = replace(LATEST, note=message("only the first 5 builds were read"))
    assert latest.caution.text() == f"{CAUTION} (only the first 5 builds were read)"


def test_reach_grows_with_what_has_arrived() -> None:
    assert sorted(Reach) == [
        Reach.LOCAL,
        Reach.NOWHERE,
        Reach.SENT,
        Reach.ANSWERED,
        Reach.TWILIO,
    ]


# `test_action_yml.py` holds the words and the exit codes of the outcomes.
LEVELS = {Ending.COMPLETED: "", Ending.INTERRUPTED: "warning", Ending.TERMINATED: "warning"}


@pytest.mark.parametrize("ending", Ending)
def test_how_loudly_an_ending_is_announced(ending: Ending) -> None:
    assert ending.headline.level == LEVELS.get(ending, "error")


@pytest.mark.parametrize("ending", Ending)
def test_only_completed_celebrates(ending: Ending) -> None:
    assert ("✅" in ending.headline.icon) == (ending is Ending.COMPLETED)


@pytest.mark.parametrize("number, ending", [(2, Ending.INTERRUPTED), (15, Ending.TERMINATED)])
def test_ending_of_a_signal(number: int, ending: Ending) -> None:
    assert Ending.of_signal(number) is ending


@pytest.mark.parametrize("noun, expected", [("poll", "polls"), ("dependency", "dependencies")])
def test_plural(noun: str, expected: str) -> None:
    assert plural(noun) == expected


@pytest.mark.parametrize("number, expected", [(0, "0 polls"), (1, "1 poll"), (2, "2 polls")])
def test_count(number: int, expected: str) -> None:
    assert count(number, "poll") == expected
