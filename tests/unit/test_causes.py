"""What makes builds fail: error codes with remedies, and causes that a Build shows."""

import pytest

from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio import causes
from twilio_build_wait.twilio.builds import Build, Entry
from twilio_build_wait.twilio.causes import Certainty, Explanation

HANDLER = "@twilio/runtime-handler"
DOCS = "https://www.twilio.com/docs/serverless/functions-assets"

NPM, GCC, SPACE = "Deploy again after some time", "Use packages that install", "Use fewer or small"
PACKAGE, PATH = "Check the name and the version", "Check the path that the alert names"

# What an alert says -> what the advice begins with; the rest is in Twilio's order.
CLUES = {
    "npm failed, make sure that port 4040 is open": [],
    "npm ERR! network read ECONNRESET": [NPM],
    "Error: not found: make": [GCC],
    "gcc: command not found": [GCC],
    "sh: 1: node-gyp: not found": [GCC],
    "g++ exited with 1": [GCC],
    "prebuild-install WARN": [GCC],
    "it needs a Compiler": [GCC],
    "no space left on device": [SPACE],
    "npm ERR! code E404": [PACKAGE],
    "npm ERR! code ETARGET": [PACKAGE],
    "No matching version found for lodash@99": [PACKAGE],
    "package nope not found": [PACKAGE],
    "ENOENT: no such file or directory, open '../lib'": [PATH],
    "gyp: ENOSPC": [GCC, SPACE],
}

# Runtime, version of the handler -> how certain the cause is, or None.
CAUSES: dict[str, tuple[str | None, str, Certainty | None]] = {
    "unknown": (None, "", None),
    "not announced dead": ("node20", "", None),
    "oldest runtime": ("node8", "", Certainty.POSSIBLE),
    "last unsupported runtime": ("node18", "1.3.1", Certainty.POSSIBLE),
    "odd runtime": ("node19", "", None),
    "other runtime": ("node18x", "", None),
    "an old handler": ("node24", "1.1.9", Certainty.LIKELY),
    "a very old handler": ("node24", "0.9.12", Certainty.LIKELY),
    "the oldest handler": ("node24", "1.2.0", None),
    "a later handler": ("node24", "1.10.0", None),
    "a range": ("node24", "^1.1.0", None),
    "two numbers": ("node24", "1.1", None),
    "a preview": ("node24", "1.1.0-rc.1", None),
    "an old handler for node22": ("node22", "1.1.9", None),
}


@pytest.mark.parametrize("alert", CLUES, ids=CLUES)
def test_advice_begins_with_what_the_alert_names(alert: str) -> None:
    advice = causes.ERROR_CODES["82003"].advice(alert).split(". ")
    rest = [start for start in (NPM, GCC, SPACE) if start not in CLUES[alert]]
    expected = [*CLUES[alert], *rest]
    assert len(advice) == len(expected)
    assert all(map(str.startswith, advice, expected))


def test_advice_for_an_unsupported_runtime_is_its_first_documented_cause() -> None:
    code = causes.ERROR_CODES["82007"]
    start = "Name the runtime when you create the build, such as node22: without one, it takes"
    assert code.advice("gcc").startswith(start)
    assert code.advice_page == f"{DOCS}/node-upgrade"


@pytest.mark.parametrize("runtime, version, certainty", CAUSES.values(), ids=CAUSES)
def test_certainty_of_a_cause(
    runtime: str | None, version: str, certainty: Certainty | None
) -> None:
    dependencies = {"twilio": Entry("1.1.0"), HANDLER: Entry(version)}
    shown = causes.find_causes(Build(runtime=runtime, dependencies=dependencies))
    assert [cause.certainty for cause in shown] == ([certainty] if certainty else [])


def test_cause_names_a_version_that_twilio_accepts() -> None:
    build = Build(runtime="node24", dependencies={HANDLER: Entry("1.1.0")})
    (cause,) = causes.find_causes(build)
    assert cause.text.text() == f"the runtime node24 needs a newer {HANDLER} than 1.1.0"
    assert cause.advice.text() == f"Set {HANDLER} to exactly 2.1.2"
    assert cause.page == ""
    assert cause.advice_page == f"{DOCS}/handler"


def test_surest_explanation_comes_first_and_otherwise_the_order_is_kept() -> None:
    ranks = [Certainty.RELATED, Certainty.SERVICE, Certainty.BUILD, Certainty.POSSIBLE]
    explanations = [Explanation(rank, message(text)) for text in "ab" for rank in ranks]
    ordered = causes.by_certainty(explanations)
    assert [each.text.text() for each in ordered] == [*"abababab"]
    assert [each.certainty for each in ordered][::2] == [ranks[2], ranks[1], ranks[3], ranks[0]]
