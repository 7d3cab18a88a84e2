"""The job summary: its exact text, and that nothing foreign in it is more than text."""

import re
from pathlib import Path

import pytest
from hypothesis import given

from tests.unit import hostile
from tests.unit.samples import BUILD_SID, SERVICE_SID
from twilio_build_wait.outcome import DEBUGGER, Ending, Finding, Outcome, Progress
from twilio_build_wait.reporters.summary import append, render

PROGRESS = Progress(BUILD_SID, SERVICE_SID, "", "", "building", 61.26, 7)


def test_a_build_that_has_completed() -> None:
    progress = Progress(BUILD_SID, SERVICE_SID, "", "", "completed", 1.0, 1)
    assert render(Outcome(Ending.COMPLETED, progress)) == (
        "\n### ✅ Twilio build completed\n\n| | |\n| --- | --- |\n"
        "| Outcome | `completed` |\n"
        f"| Build | {BUILD_SID} |\n"
        f"| Service | {SERVICE_SID} |\n"
        "| Last status | completed |\n"
        "| Waited | 1.0 s, 1 read |\n"
        "\n"
    )


def test_a_time_out() -> None:
    assert render(Outcome(Ending.TIMED_OUT, PROGRESS, "no | verdict")) == (
        "\n### ⏱️ Timed out waiting for the Twilio build\n\n| | |\n| --- | --- |\n"
        "| Outcome | `timed-out` |\n"
        f"| Build | {BUILD_SID} |\n"
        f"| Service | {SERVICE_SID} |\n"
        "| Last status | building |\n"
        "| Waited | 61.3 s, 7 reads |\n"
        "| Reason | no &#124; verdict |\n"
        "| Where to look next | Run the step again, which goes on waiting for the same build, "
        "or give it a longer timeout |\n"
        "\n"
    )


@pytest.mark.parametrize(
    "ending, icon",
    [
        (Ending.COMPLETED, "✅"),
        (Ending.FAILED, "❌"),
        (Ending.TIMED_OUT, "⏱️"),
        (Ending.INTERRUPTED, "⚪"),
        (Ending.TERMINATED, "⚪"),
        (Ending.INVALID, "❗"),
        (Ending.REJECTED, "❗"),
        (Ending.ERROR, "❗"),
    ],
)
def test_the_heading(ending: Ending, icon: str) -> None:
    heading = render(Outcome(ending, Progress())).splitlines()[1]
    assert heading == f"### {icon} {ending.title}"


def test_what_is_not_known_has_no_row() -> None:
    rows = render(Outcome(Ending.INVALID, Progress(), "why")).splitlines()[5:]
    assert [row.split(" | ")[0] for row in rows if row] == [
        "| Outcome",
        "| Waited",
        "| Reason",
        "| Where to look next",
    ]


def test_findings_take_the_place_of_the_next_step() -> None:
    failed = Outcome(Ending.FAILED, PROGRESS, "why")
    findings = [
        Finding("Alert", "a|b", "https://www.twilio.com/docs/errors/82003"),
        Finding("C", "d"),
    ]
    assert render(failed, findings).endswith(
        "| Reason | why |\n"
        "| Alert | a&#124;b ([more](https://www.twilio.com/docs/errors/82003)) |\n"
        "| C | d |\n\n"
    )
    assert render(failed).endswith(
        "| Where to look next | Look for the build's errors in Twilio's Debugger "
        f"([more]({DEBUGGER})) |\n\n"
    )


@given(hostile.TEXT)
def test_nothing_foreign_leaves_its_cell(foreign: str) -> None:
    progress = Progress(foreign, foreign, status=foreign)
    written = render(Outcome(Ending.FAILED, progress, foreign), [Finding("Found", foreign)])
    empty = render(
        Outcome(Ending.FAILED, Progress("a", "b", status="c"), "d"), [Finding("Found", "e")]
    )
    # As many rows as without it, or fewer where nothing is left of it; and two cells in each.
    rows, most = written.splitlines(), empty.splitlines()
    assert len(rows) == len(most) or not foreign
    assert all(len(re.findall(r"\|", row)) == 3 for row in rows if row.startswith("| "))


def test_it_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    outcome = Outcome(Ending.COMPLETED, PROGRESS)
    append(str(path), outcome)
    append(str(path), outcome, [Finding("Found", "x")])
    assert path.read_text() == render(outcome) + render(outcome, [Finding("Found", "x")])
