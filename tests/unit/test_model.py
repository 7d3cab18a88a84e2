"""The table of outcomes, and the outputs that come from it."""

import signal

from twilio_build_wait.model import Ending, Outcome, Progress, outputs
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
    assert Ending.of_signal(signal.SIGINT).exit_code == 130
    assert Ending.of_signal(signal.SIGTERM).exit_code == 143


def test_outputs_at_the_end() -> None:
    progress = Progress("ZB", "ZS", "AC", "https", "failed", 12.34, 5)
    outcome = Outcome(Ending.FAILED, progress, SafeText("npm"))
    values = [*outputs(progress, outcome).values()]
    assert values == ["failed", "failed", "ZB", "ZS", "AC", "https", "12.3", "5", "npm", ""]
