"""The data: the text of an error, and numbers in words."""

import pytest

from twilio_build_wait.model import PollError, count, plural
from twilio_build_wait.safe_text import message

CAUSE = message("HTTP 401 from {}", "a.test")
TEXTS = {
    "cause": (PollError(CAUSE), "HTTP 401 from a.test"),
    "request ID": (
        PollError(CAUSE, request_id="RQ1"),
        "HTTP 401 from a.test (Twilio-Request-Id RQ1)",
    ),
    "request ID and words of the other side": (
        PollError(CAUSE, request_id="RQ1", said="no {}"),
        "HTTP 401 from a.test (Twilio-Request-Id RQ1): no {}",
    ),
}


@pytest.mark.parametrize("error, text", TEXTS.values(), ids=TEXTS)
def test_text_of_an_error(error: PollError, text: str) -> None:
    assert error.text.text() == text


@pytest.mark.parametrize("noun, expected", [("poll", "polls"), ("dependency", "dependencies")])
def test_plural(noun: str, expected: str) -> None:
    assert plural(noun) == expected


@pytest.mark.parametrize("number, expected", [(0, "0 polls"), (1, "1 poll"), (2, "2 polls")])
def test_count(number: int, expected: str) -> None:
    assert count(number, "poll") == expected
