"""The table of outcomes, and the outputs that come from it."""

import signal

from tests.support.samples import ACCOUNT_SID, BUILD_SID, SERVICE_SID, STATUS_URL
from twilio_build_wait.model import (
    NUMBERS,
    OUTPUTS,
    Ending,
    Level,
    Outcome,
    PollError,
    Progress,
    count,
    outputs,
    plural,
    variable,
)
from twilio_build_wait.text import SafeText

OUTCOMES = {
    0: ("completed", Level.NOTICE),
    1: ("failed", Level.ERROR),
    2: ("invalid", Level.ERROR),
    3: ("timed-out", Level.ERROR),
    4: ("rejected", Level.ERROR),
    5: ("completed", Level.ERROR),
    70: ("error", Level.ERROR),
    130: ("cancelled", Level.WARNING),
    143: ("cancelled", Level.WARNING),
}


def test_exit_codes() -> None:
    assert {ending.exit_code: (ending.outcome, ending.level) for ending in Ending} == OUTCOMES


def test_every_ending_but_success_says_what_to_do() -> None:
    assert [ending.name for ending in Ending if not ending.advice] == ["COMPLETED"]
    assert all(ending.title and ending.meaning for ending in Ending)


def test_each_signal_has_its_ending() -> None:
    assert Ending.of_signal(signal.SIGINT).exit_code == 130
    assert Ending.of_signal(signal.SIGTERM).exit_code == 143


def test_outputs_before_the_end() -> None:
    values = outputs(Progress())
    expected = dict.fromkeys(OUTPUTS, "") | {"elapsed-seconds": "0.0", "polls": "0"}
    assert list(values.items()) == list(expected.items())
    assert set(expected) >= NUMBERS


def test_outputs_at_the_end() -> None:
    progress = Progress(BUILD_SID, SERVICE_SID, ACCOUNT_SID, STATUS_URL, "failed", 12.34, 5)
    outcome = Outcome(Ending.FAILED, progress, SafeText("npm"), changes="some")
    assert outputs(progress, outcome) == {
        "outcome": "failed",
        "status": "failed",
        "build-sid": BUILD_SID,
        "service-sid": SERVICE_SID,
        "account-sid": ACCOUNT_SID,
        "url": STATUS_URL,
        "elapsed-seconds": "12.3",
        "polls": "5",
        "reason": "npm",
        "changes": "some",
    }


def test_output_variables() -> None:
    assert variable("elapsed-seconds") == "TWILIO_BUILD_WAIT_ELAPSED_SECONDS"


def test_text_of_an_error_is_its_cause_and_message() -> None:
    assert PollError(SafeText("HTTP 500")).text == "HTTP 500"
    assert PollError(SafeText("HTTP 500"), message=SafeText("busy")).text == "HTTP 500: busy"


def test_numbers_of_things() -> None:
    assert [count(number, "poll") for number in (0, 1, 2)] == ["0 polls", "1 poll", "2 polls"]
    assert count(2, "dependency") == "2 dependencies"
    assert plural("asset") == "assets"
