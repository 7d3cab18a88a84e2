"""The data: the text of an error, and numbers in words."""

import pytest

from twilio_build_wait.model import PollError, count
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


COUNTS = {"0 polls": (0, "poll"), "1 poll": (1, "poll"), "2 dependencies": (2, "dependency")}


@pytest.mark.parametrize("text", COUNTS)
def test_count(text: str) -> None:
    assert count(*COUNTS[text]) == text
