"""The table of outcomes, and the outputs that come from it."""

import signal

from twilio_build_wait.model import (
    NUMBERS,
    OUTPUTS,
    Ending,
    Outcome,
    PollError,
    Progress,
    count,
    outputs,
    plural,
)
from twilio_build_wait.text import SafeText

OUTCOMES = {
    0: "completed",
    1: "failed",
    2: "invalid",
    3: "timed-out",
    4: "rejected",
    5: "completed",
    70: "error",
    130: "cancelled",
    143: "cancelled",
}


def test_exit_codes() -> None:
    found = {ending.exit_code: ending.outcome for ending in Ending}
    assert found == OUTCOMES


def test_each_signal_has_its_ending() -> None:
    assert Ending.of_signal(signal.SIGINT).exit_code == 130
    assert Ending.of_signal(signal.SIGTERM).exit_code == 143


def test_outputs_before_the_end() -> None:
    values = outputs(Progress())
    expected = dict.fromkeys(OUTPUTS, "") | {"elapsed-seconds": "0.0", "polls": "0"}
    assert list(values.items()) == list(expected.items())
    assert set(expected) >= NUMBERS


def test_outputs_at_the_end() -> None:
    progress = Progress("ZB", "ZS", "AC", "https", "failed", 12.34, 5)
    outcome = Outcome(Ending.FAILED, progress, SafeText("npm"))
    values = [*outputs(progress, outcome).values()]
    assert values == ["failed", "failed", "ZB", "ZS", "AC", "https", "12.3", "5", "npm", ""]


def test_text_of_an_error_is_its_cause_and_message() -> None:
    assert PollError(SafeText("HTTP 500")).text == "HTTP 500"
    assert PollError(SafeText("HTTP 500"), message=SafeText("busy")).text == "HTTP 500: busy"


def test_numbers_of_things() -> None:
    assert [count(number, "poll") for number in (0, 1, 2)] == ["0 polls", "1 poll", "2 polls"]
    assert count(2, "dependency") == "2 dependencies"
    assert plural("asset") == "assets"
