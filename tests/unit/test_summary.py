"""The job summary: its tables, and foreign text in them."""

import pytest

from tests.support.samples import BUILD_SID, SERVICE_SID
from twilio_build_wait.model import Changes, Difference, Ending, Finding, Outcome, Progress
from twilio_build_wait.reporters.summary import markdown, render
from twilio_build_wait.text import SafeText

PROGRESS = Progress(BUILD_SID, SERVICE_SID, status="failed", elapsed=12.34, polls=1)
FAILED = Outcome(Ending.FAILED, PROGRESS, SafeText("npm failed"), SafeText("Look there"))
HEAD = f"""### ❌ Twilio build failed

| | |
| --- | --- |
| Outcome | `failed` |
| Build | {BUILD_SID} |
| Service | {SERVICE_SID} |
| Last status | failed |
| Waited | 12.3 s, 1 poll |
"""

MARKDOWN = {
    "plain words, 1.5 s; (50 %) a/b 'c' \"d\" e=f? a: b": None,
    "*_`~<>&#[]|\\": "&#42;&#95;&#96;&#126;&#60;&#62;&#38;&#35;&#91;&#93;&#124;&#92;",
    "https://x.test :tada: :+1:": "https&#58;//x.test &#58;tada: &#58;+1:",
    "www.x.test WWW.x.test": "www&#46;x.test WWW&#46;x.test",
    "me@x.test mailto:a.b+c@x-y.TEST": "`me@x.test` mailto:`a.b+c@x-y.TEST`",
    "@all lib@1.0.0 a_b@c_d.test": "&#64;all lib&#64;1.0.0 `a_b@c_d.test`",
}


def names(*texts: str) -> tuple[SafeText, ...]:
    return tuple(map(SafeText, texts))


def test_findings_replace_the_advice_and_the_same_reason() -> None:
    assert render(FAILED) == f"{HEAD}| Reason | npm failed |\n| What to do | Look there |\n\n"
    findings = [
        Finding("Alert", FAILED.reason, "https://page.test"),
        Finding("Where", SafeText("Debugger"), "https://x.test"),
        Finding("Check", SafeText("a|b")),
    ]
    assert render(FAILED, findings) == (
        f"{HEAD}| Reason | npm failed ([more](https://page.test)) |\n"
        "| Where | Debugger ([more](https://x.test)) |\n| Check | a&#124;b |\n\n"
    )


def test_cause_in_the_reason_is_not_repeated() -> None:
    reason = SafeText("likely cause: node18 is old; Twilio's alerts could not be read")
    findings = [Finding("Likely cause", SafeText("node18 is old")), Finding("Check", SafeText("x"))]
    text = render(Outcome(Ending.FAILED, PROGRESS, reason), findings)
    assert text == f"{HEAD}| Reason | {reason} |\n| Check | x |\n\n"


# Ending -> the icon of its heading.
ICONS = {Ending.COMPLETED: "✅", Ending.TIMED_OUT: "⏱️", Ending.TERMINATED: "⚪", Ending.ERROR: "❗"}


@pytest.mark.parametrize("ending", ICONS)
def test_unknown_values_are_left_out(ending: Ending) -> None:
    text = f"### {ICONS[ending]} {ending.title}\n\n| | |\n| --- | --- |\n| Outcome | "
    text += f"`{ending.outcome}` |\n| Waited | 0.0 s, 0 polls |\n\n"
    assert render(Outcome(ending, Progress())) == text


@pytest.mark.parametrize("text", MARKDOWN)
def test_markup_is_escaped(text: str) -> None:
    assert markdown(SafeText(text)) == (MARKDOWN[text] or text)


def test_changes_are_a_table() -> None:
    functions = Difference("function", names("/a", "b|c"), (), names("/d", "/e"))
    libs = Difference("dependency", (), names("lib@1", *"t" * 19))
    assets = Difference("asset", (), names("lib@1", *"t" * 20))
    runtime = Difference("runtime", (), (), names("node20"))
    differences = (functions, libs, assets, runtime)
    changes = Changes("removals", SafeText("pro_d"), differences, names("a note", "b"))
    text = render(FAILED, changes=changes)
    assert text.endswith(
        "\n\n#### What deploying this build changes in pro&#95;d\n\n"
        "| | Removed | Added | Another version |\n| --- | --- | --- | --- |\n"
        "| Functions | **/a**, **b&#124;c** |  | /d, /e |\n"
        f"| Dependencies |  | lib&#64;1{', t' * 19} |  |\n"
        f"| Assets |  | lib&#64;1{', t' * 19}, and 1 more |  |\n"
        "| Runtime |  |  | node20 |\n\n- a note\n- b\n\n"
    )
    assert render(FAILED, changes=Changes("none")).endswith("build changes\n\nNothing.\n\n")
