"""What makes builds fail: error codes with remedies, and causes that a Build shows."""

import pytest

from twilio_build_wait.safe_text import NOTHING, message
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
    "make: *** [Makefile:2] Error 1": [GCC],
    "gcc: command not found": [GCC],
    "sh: 1: node-gyp: not found": [GCC],
    "g++ exited with 1": [GCC],
    "prebuild-install WARN": [GCC],
    "it needs a Compiler": [GCC],
    "npm ERR! code ENOSPC": [SPACE],
    "no space left on device": [SPACE],
    "it ran out of space": [SPACE],
    "npm ERR! 404 Not Found - GET https://registry.test/nope": [PACKAGE],
    "npm ERR! code E404": [PACKAGE],
    "npm ERR! code ETARGET": [PACKAGE],
    "No matching version found for lodash@99": [PACKAGE],
    "the package nope does not exist": [PACKAGE],
    "package nope not found": [PACKAGE],
    "ENOENT: no such file or directory, open '../lib'": [PATH],
    "gyp: ENOSPC": [GCC, SPACE],
}

# Runtime, version of the handler -> how certain the cause is, or None.
CAUSES: dict[str, tuple[str | None, str, Certainty | None]] = {
    "unknown": (None, "", None),
    "fine": ("node22", "2.0.1", None),
    "not announced dead": ("node20", "", None),
    "oldest runtime": ("node8", "", Certainty.POSSIBLE),
    "last unsupported runtime": ("node18", "1.3.1", Certainty.POSSIBLE),
    "odd runtime": ("node19", "", None),
    "other runtime": ("node18x", "", None),
    "an old handler": ("node24", "1.1.9", Certainty.LIKELY),
    "a very old handler": ("node24", "0.9.12", Certainty.LIKELY),
    "the oldest handler": ("node24", "1.2.0", None),
    "a later handler": ("node24", "1.10.0", None),
    "a new handler": ("node24", "2.0.1", None),
    "a range": ("node24", "^1.1.0", None),
    "a wildcard": ("node24", "1.1.x", None),
    "two numbers": ("node24", "1.1", None),
    "a preview": ("node24", "1.1.0-rc.1", None),
    "handler without a version": ("node24", "", None),
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


def test_advice_names_a_version_and_a_runtime_that_twilio_accepts() -> None:
    handler = causes.find_causes(Build(runtime="node24", dependencies={HANDLER: Entry("1.1.0")}))
    assert handler == [
        Explanation(
            Certainty.LIKELY,
            message(f"the runtime {{0}} needs a newer {HANDLER} than {{1}}", "node24", "1.1.0"),
            advice=message(f"Set {HANDLER} to exactly 2.1.2"),
            advice_page=f"{DOCS}/handler",
        )
    ]
    runtime = causes.find_causes(Build(runtime="node18"))
    assert runtime == [
        Explanation(
            Certainty.POSSIBLE,
            message("Twilio no longer supports the runtime {0}", "node18", ""),
            advice=message("Create the build with a newer runtime, such as node22"),
            advice_page=f"{DOCS}/node-upgrade",
        )
    ]


def test_surest_explanation_comes_first_and_otherwise_the_order_is_kept() -> None:
    ranks = [Certainty.RELATED, Certainty.POSSIBLE, Certainty.LIKELY, Certainty.SERVICE]
    explanations = [Explanation(each, NOTHING) for each in (*ranks, Certainty.BUILD)]
    first, second = (Explanation(Certainty.RELATED, message(text)) for text in ("b", "a"))
    assert causes.by_certainty([first, *explanations[1:], second]) == [
        *reversed(explanations[1:]),
        first,
        second,
    ]
