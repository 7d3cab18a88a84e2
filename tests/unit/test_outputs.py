"""The outputs: their values, before an outcome and with one."""

from twilio_build_wait.model import Ending, Outcome, Progress
from twilio_build_wait.outputs import OUTPUTS, outputs, variable
from twilio_build_wait.safe_text import message

PROGRESS = Progress("ZB1", "ZS2", "AC3", "https://a.test", "building", elapsed=1.26, polls=3)
EXPECTED = {
    "outcome": "",
    "status": "building",
    "build-sid": "ZB1",
    "service-sid": "ZS2",
    "account-sid": "AC3",
    "url": "https://a.test",
    "elapsed-seconds": "1.3",
    "polls": "3",
    "reason": "",
    "changes": "",
}


def test_outputs_before_an_outcome() -> None:
    assert outputs(PROGRESS) == EXPECTED


def test_outputs_with_an_outcome() -> None:
    ending = Ending.REJECTED
    reason = message("a {}", "b" * 600)
    outcome = Outcome(ending, PROGRESS, ending.headline, reason)
    expected = EXPECTED | {"outcome": "rejected", "reason": f"a {'b' * 497}…"}
    assert outputs(PROGRESS, outcome) == expected


def test_outputs_are_in_the_order_of_their_table() -> None:
    assert [*outputs(PROGRESS)] == [*OUTPUTS]


def test_variable_of_an_output() -> None:
    assert variable("build-sid") == "TWILIO_BUILD_WAIT_BUILD_SID"
