"""The job summary: its table, and untrusted text in it."""

from dataclasses import replace

import pytest

from tests.support.samples import BUILD_SID, SERVICE_SID
from twilio_build_wait.model import Ending, Finding, Latest, Outcome, Progress
from twilio_build_wait.reporters.summary import code_span, render
from twilio_build_wait.safe_text import message

PROGRESS = Progress(BUILD_SID, SERVICE_SID, status="failed", elapsed=12.34, polls=1)
FAILED = Outcome(
    Ending.FAILED,
    PROGRESS,
    message("npm said {}", "no such package"),
    message("Look there"),
)
HEAD = f"""### ❌ Twilio build failed

| | |
| --- | --- |
| Outcome | `failed` |
| Build | `{BUILD_SID}` |
| Service | `{SERVICE_SID}` |
| Last status | `failed` |
| Waited | 12.3 s, 1 poll |
| Reason | npm said `no such package` |
| What to do | Look there |
"""


def test_summary_is_one_table_with_a_row_for_each_label() -> None:
    findings = [
        Finding("Alert", message("{}", "a|b"), "https://page.test"),
        Finding("Alert", message("another")),
        Finding("Check", message("the package")),
    ]
    assert render(FAILED, findings) == (
        f"{HEAD}| Alert | `a\\|b` ([more](https://page.test))<br>another |\n"
        "| Check | the package |\n\n"
    )


def test_unknown_values_are_left_out() -> None:
    assert render(Outcome(Ending.ERROR, Progress())) == (
        "### ❗ Internal error in twilio-build-wait\n\n| | |\n| --- | --- |\n"
        "| Outcome | `error` |\n| Waited | 0.0 s, 0 polls |\n\n"
    )


def test_build_of_latest_comes_with_its_age_and_a_caution() -> None:
    latest = Latest(BUILD_SID, "2026-10-01 12:00:00", "2m", message("only the first 20"))
    text = render(replace(FAILED, progress=replace(PROGRESS, latest=latest)))
    build = f"latest: {BUILD_SID}, created 2026-10-01 12:00:00 UTC, 2m ago"
    note = "If the deployment began later, it created no build: see its own log (only the first 20)"
    assert f"| Build | {build} |\n| Note | {note} |\n" in text


# Text -> its code span in a cell of a table (GitHub Flavored Markdown, 4.10, 6.1 and 6.3).
SPANS = {
    "*_~<b>#[x](y) @me &amp; www.x.test": "`*_~<b>#[x](y) @me &amp; www.x.test`",
    "a|b": r"`a\|b`",
    r"a\|b": r"`a\\\|b`",
    r"a\\|b": r"`a\\\\\|b`",
    r"a\b": r"`a\b`",
    "a`b``c`": "``` a`b``c` ```",
    "a\nb": "`a b`",
    "": "",
}


@pytest.mark.parametrize("text", SPANS)
def test_untrusted_text_stands_in_a_code_span(text: str) -> None:
    assert code_span(text) == SPANS[text]
