"""The values of the outputs. `test_action_yml.py` holds their names."""

from twilio_build_wait.model import Ending, Outcome, Progress
from twilio_build_wait.outputs import outputs
from twilio_build_wait.safe_text import message

PROGRESS = Progress("ZB1", "ZS2", "AC3", "https://a.test", "building", elapsed=1.26, polls=3)


def test_outputs_of_an_outcome() -> None:
    outcome = Outcome(Ending.REJECTED, PROGRESS, message("a {}", "b" * 600))
    assert outputs(PROGRESS, outcome) == {
        "outcome": "rejected",
        "status": "building",
        "build-sid": "ZB1",
        "service-sid": "ZS2",
        "account-sid": "AC3",
        "url": "https://a.test",
        "elapsed-seconds": "1.3",
        "polls": "3",
        "reason": f"a {'b' * 497}…",
        "changes": "",
    }
