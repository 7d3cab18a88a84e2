"""What deploying a build would change: the comparison of two builds."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from twilio_build_wait.model import Finding
from twilio_build_wait.twilio.builds import EMPTY, Build, Entry
from twilio_build_wait.twilio.changes import compare

ONE, TWO, UNKNOWN = Entry("1", "public"), Entry("2", "public"), Entry()
LIVE = Build({"/a": ONE, "/{b}": ONE}, {"/{c}": ONE}, {"lib": Entry("1.0.0")}, "{node22}")
INCOMPLETE = "What deploying changes: the {} of the two builds cannot all be compared"
FUNCTIONS, ASSETS = INCOMPLETE.format("functions"), INCOMPLETE.format("assets")
DEPENDENCIES, RUNTIMES = INCOMPLETE.format("dependencies"), INCOMPLETE.format("runtimes")
OTHER_RUNTIME = "runtime: {node22} → node24"
NOTHING = "What deploying changes: deploying this build would change nothing"

# What is another in the new build -> the result, and the lines.
RESULTS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "nothing": ({}, "none", [NOTHING]),
    "asset added": ({"assets": {"/{c}": ONE, "/d": UNKNOWN}}, "some", ["added asset: /d"]),
    "dependency without a version": ({"dependencies": {"lib": UNKNOWN}}, "", [DEPENDENCIES]),
    "dependency removed": ({"dependencies": {}}, "some", ["removed dependency: lib@1.0.0"]),
    "other runtime": ({"runtime": "node24"}, "some", [OTHER_RUNTIME]),
    "a version unknown": ({"functions": {"/a": UNKNOWN, "/{b}": ONE}}, "", [FUNCTIONS]),
    "a version unknown, another changed": (
        {"functions": {"/a": UNKNOWN, "/{b}": TWO}},
        "some",
        ["another version of function: /{b}", FUNCTIONS],
    ),
    "functions unknown, an asset removed": (
        {"functions": None, "assets": {}},
        "removals",
        ["removed asset: /{c}", FUNCTIONS],
    ),
    "assets unknown": ({"assets": None, "runtime": "node24"}, "", [OTHER_RUNTIME, ASSETS]),
    "runtime unknown": ({"runtime": None}, "", [RUNTIMES]),
    "everything": (
        {
            "functions": {"/{b}": TWO, "/z": ONE},
            "assets": {"/a": ONE},
            "dependencies": {"lib": Entry("2.0.0"), "new": Entry("1")},
            "runtime": "node24",
        },
        "removals",
        [
            "removed function: /a",
            "removed asset: /{c}",
            "added function: /z",
            "added asset: /a",
            "added dependency: new@1",
            "another version of function: /{b}",
            "another version of dependency: lib 1.0.0 → 2.0.0",
            OTHER_RUNTIME,
        ],
    ),
}

# Visibilities of an asset -> whether more people could see it.
CHANGED = {
    ("private", "protected"): True,
    ("private", "public"): True,
    ("protected", "public"): True,
    ("protected", "private"): False,
}


def lines(findings: Iterable[Finding]) -> list[str]:
    return [f"{each.label}: {each.text.text()}" for each in findings if not each.warning]


def warnings(findings: Iterable[Finding]) -> list[str]:
    """Return label, title and text of each warning."""
    warned = [each for each in findings if each.warning]
    return [f"{each.label} - {each.warning}: {each.text.text()}" for each in warned]


@pytest.mark.parametrize("changes, result, expected", RESULTS.values(), ids=RESULTS)
def test_changes_of_a_build(changes: dict[str, Any], result: str, expected: list[str]) -> None:
    output, findings = compare(LIVE, replace(LIVE, **changes))
    assert output == result
    assert lines(findings) == expected


@pytest.mark.parametrize("part", ["functions", "assets", "dependencies", "runtime"])
def test_what_is_unknown_in_the_live_build_is_not_guessed(part: str) -> None:
    unknown: dict[str, Any] = {part: None}
    output, findings = compare(replace(LIVE, **unknown), LIVE)
    assert output == ""
    assert lines(findings)[-1].endswith("of the two builds cannot all be compared")


def test_first_deployment_adds_everything() -> None:
    output, findings = compare(EMPTY, replace(LIVE, functions={}))
    assert output == "some"
    assert lines(findings) == [
        "What deploying changes: nothing is live there yet",
        "added asset: /{c}",
        "added dependency: lib@1.0.0",
        "runtime: {node22}",
    ]


def test_removals_are_counted_in_one_warning() -> None:
    _, findings = compare(LIVE, replace(LIVE, functions={}, assets={}, dependencies={}))
    (warning,) = warnings(findings)
    assert warning == (
        "What deploying changes - Deploying this build removes functions or assets: 2 functions "
        "and 1 asset would be removed from the environment: /a, /{b}, /{c}. Check that the build "
        "was made from a complete checkout"
    )


@pytest.mark.parametrize("visibilities", CHANGED, ids=" to ".join)
def test_only_what_becomes_more_visible_is_warned_about(visibilities: tuple[str, str]) -> None:
    old, new = (replace(LIVE, assets={"/{c}": Entry("1", each)}) for each in visibilities)
    findings = compare(old, new)[1]
    change = f"/{{c}} ({' → '.join(visibilities)})"
    assert lines(findings) == [f"another version of asset: {change}"]
    warning = (
        "What deploying changes - Deploying this build makes functions or assets more visible: "
        f"more people could see asset {change}. Check that this is intended"
    )
    assert warnings(findings) == [warning] * CHANGED[visibilities]


@pytest.mark.parametrize("visibilities", [("", "public"), ("private", ""), ("public", "public")])
def test_visibility_that_is_unknown_or_the_same_is_no_change(visibilities: tuple[str, str]) -> None:
    old, new = (replace(LIVE, assets={"/{c}": Entry("1", each)}) for each in visibilities)
    assert compare(old, new)[0] == "none"


def test_at_most_20_of_a_kind_have_a_line() -> None:
    many = {f"/{number:02}": ONE for number in range(25)}
    shown = lines(compare(replace(LIVE, functions=many), replace(LIVE, functions={}))[1])
    assert len(shown) == 21
    assert shown[19:] == ["removed function: /19", "removed function: and 5 more"]
