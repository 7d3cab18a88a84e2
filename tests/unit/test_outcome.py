"""The table of endings and the list of outputs: what users branch on."""

import signal
from dataclasses import fields

import pytest

from twilio_build_wait.outcome import (
    DEBUGGER,
    EXIT_OUTPUT_LOST,
    NUMBERS,
    OUTPUTS,
    Ending,
    Finding,
    Level,
    Outcome,
    Progress,
    count,
    outputs,
)

ENDINGS = {
    Ending.COMPLETED: ("completed", 0, Level.QUIET),
    Ending.FAILED: ("failed", 1, Level.ERROR),
    Ending.INVALID: ("invalid", 2, Level.ERROR),
    Ending.TIMED_OUT: ("timed-out", 3, Level.ERROR),
    Ending.REJECTED: ("rejected", 4, Level.ERROR),
    Ending.INTERRUPTED: ("cancelled", 130, Level.WARNING),
    Ending.TERMINATED: ("cancelled", 143, Level.WARNING),
    Ending.ERROR: ("error", 70, Level.ERROR),
}


def test_the_endings() -> None:
    found = {ending: (ending.outcome, ending.exit_code, ending.level) for ending in Ending}
    assert found == ENDINGS
    assert EXIT_OUTPUT_LOST == 5
    codes = [ending.exit_code for ending in Ending]
    assert len({*codes, EXIT_OUTPUT_LOST}) == len(codes) + 1


def test_every_ending_has_words_of_its_own() -> None:
    assert all(ending.title and ending.meaning for ending in Ending)
    assert len({ending.meaning for ending in Ending}) == len(Ending)


def test_every_ending_but_a_good_one_says_what_to_do_next() -> None:
    label = "Where to look next"
    assert Ending.COMPLETED.next_step == Finding(label, "")
    assert Ending.FAILED.next_step == Finding(
        label, "Look for the build's errors in Twilio's Debugger", DEBUGGER
    )
    for ending in set(Ending) - {Ending.COMPLETED, Ending.FAILED}:
        assert ending.next_step.label == label
        assert ending.next_step.text.endswith(tuple("abcdefghijklmnopqrstuvwxyz"))
        assert ending.next_step.page == ""


@pytest.mark.parametrize(
    "number, ending",
    [(signal.SIGINT, Ending.INTERRUPTED), (signal.SIGTERM, Ending.TERMINATED)],
)
def test_the_ending_of_a_signal(number: int, ending: Ending) -> None:
    assert Ending.of_signal(number) is ending


PROGRESS = Progress("ZB1", "ZS1", "AC1", "https://x.test", "building", 61.26, 7)


def test_every_output_has_a_value_once_it_has_ended() -> None:
    ended = Outcome(Ending.TIMED_OUT, PROGRESS, "why")
    assert outputs(PROGRESS, ended) == {
        "outcome": "timed-out",
        "status": "building",
        "build-sid": "ZB1",
        "service-sid": "ZS1",
        "account-sid": "AC1",
        "url": "https://x.test",
        "elapsed-seconds": "61.3",
        "polls": "7",
        "reason": "why",
    }
    assert list(outputs(PROGRESS, ended)) == list(OUTPUTS)


def test_before_the_end_there_is_neither_outcome_nor_reason() -> None:
    early = outputs(PROGRESS)
    assert (early["outcome"], early["reason"], early["status"]) == ("", "", "building")


def test_nothing_is_known_at_first_but_the_numbers() -> None:
    known = {name: value for name, value in outputs(Progress()).items() if value}
    assert known == {"elapsed-seconds": "0.0", "polls": "0"}
    assert set(known) == NUMBERS
    assert len(fields(Progress)) == len(OUTPUTS) - 2


@pytest.mark.parametrize("number, said", [(0, "0 reads"), (1, "1 read"), (2, "2 reads")])
def test_counting(number: int, said: str) -> None:
    assert count(number, "read") == said
