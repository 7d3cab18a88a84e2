"""The job summary: its table, and untrusted text in it."""

from dataclasses import replace

import pytest

from tests.support.samples import BUILD_SID, SERVICE_SID
from twilio_build_wait.model import Ending, Finding, Latest, Outcome, Progress
from twilio_build_wait.reporters.summary import code_span, render
from twilio_build_wait.safe_text import message

FAILED = Outcome(
    Ending.FAILED,
    Progress(BUILD_SID, SERVICE_SID, status="failed", elapsed=12.34, polls=1),
    message("npm said {}", "no such package"),
    message("Look there"),
)
SUMMARY = f"""### ❌ Twilio build failed

| | |
| --- | --- |
| Outcome | `failed` |
| Build | `{BUILD_SID}` |
| Service | `{SERVICE_SID}` |
| Last status | `failed` |
| Waited | 12.3 s, 1 poll |
| Reason | npm said `no such package` |
| What to do | Look there |
| Alert | `a\\|b` ([more](https://page.test))<br>another |
| Check | the package |

"""


def test_summary_is_one_table_with_a_row_for_each_label() -> None:
    findings = [
        Finding("Alert", message("{}", "a|b"), "https://page.test"),
        Finding("Alert", message("another")),
        Finding("Check", message("the package")),
    ]
    assert render(FAILED, findings) == SUMMARY


def test_build_of_latest_comes_with_its_age_and_a_caution_but_without_unknown_values() -> None:
    latest = Latest(BUILD_SID, "2026-10-01 12:00:00", "2m", message("only the first 20"))
    text = render(replace(FAILED, progress=Progress(latest=latest)))
    build = f"latest: {BUILD_SID}, created 2026-10-01 12:00:00 UTC, 2m ago"
    note = "If the deployment began later, it created no build: see its own log (only the first 20)"
    assert f"| Build | {build} |\n| Note | {note} |\n| Waited | 0.0 s, 0 polls |\n" in text


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
