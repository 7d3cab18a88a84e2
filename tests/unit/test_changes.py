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
DEPENDENCIES, RUNTIME = INCOMPLETE.format("dependencies"), INCOMPLETE.format("runtimes")
NOTHING = "What deploying changes: deploying this build would change nothing"

# What is another in the new build -> the result, and the lines.
RESULTS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "nothing": ({}, "none", [NOTHING]),
    "asset removed": ({"assets": {}}, "removals", ["removed asset: /{c}"]),
    "asset added": ({"assets": {"/{c}": ONE, "/d": UNKNOWN}}, "some", ["added asset: /d"]),
    "function becomes an asset": (
        {"functions": {"/a": ONE}, "assets": {"/{c}": ONE, "/{b}": ONE}},
        "removals",
        ["removed function: /{b}", "added asset: /{b}"],
    ),
    "dependency changed": (
        {"dependencies": {"lib": Entry("2.0.0")}},
        "some",
        ["another version of dependency: lib 1.0.0 → 2.0.0"],
    ),
    "dependencies added": (
        {"dependencies": {"lib": Entry("1.0.0"), "odd": UNKNOWN, "new": Entry("1")}},
        "some",
        ["added dependency: new@1", "added dependency: odd"],
    ),
    "dependency without a version": ({"dependencies": {"lib": UNKNOWN}}, "", [DEPENDENCIES]),
    "other runtime": ({"runtime": "node24"}, "some", ["runtime: {node22} → node24"]),
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
    "assets unknown": (
        {"assets": None, "runtime": "node24"},
        "",
        ["runtime: {node22} → node24", ASSETS],
    ),
    "runtime unknown, an asset changed": (
        {"runtime": None, "assets": {"/{c}": TWO}},
        "some",
        ["another version of asset: /{c}", RUNTIME],
    ),
    "everything": (
        {
            "functions": {"/{b}": TWO, "/z": ONE},
            "assets": {},
            "dependencies": {"new": Entry("1")},
            "runtime": "node24",
        },
        "removals",
        [
            "removed function: /a",
            "removed asset: /{c}",
            "removed dependency: lib@1.0.0",
            "added function: /z",
            "added dependency: new@1",
            "another version of function: /{b}",
            "runtime: {node22} → node24",
        ],
    ),
}

# Visibilities of an asset -> whether it is changed, and whether more people could see it.
VISIBILITIES = {
    ("private", "protected"): (True, True),
    ("private", "public"): (True, True),
    ("protected", "public"): (True, True),
    ("protected", "private"): (True, False),
    ("public", "protected"): (True, False),
    ("public", "public"): (False, False),
    ("", "public"): (False, False),
    ("private", ""): (False, False),
    ("secret", "public"): (True, False),
    ("private", "everybody"): (True, False),
}


def lines(findings: Iterable[Finding]) -> list[str]:
    return [f"{each.label}: {each.text.text()}" for each in findings if not each.warning]


def warnings(findings: Iterable[Finding]) -> list[str]:
    return [f"{each.warning}: {each.text.text()}" for each in findings if each.warning]


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
    expected = ["added asset: /{c}", "added dependency: lib@1.0.0", "runtime: {node22}"]
    assert lines(findings) == expected


def test_removals_are_counted_in_one_warning() -> None:
    _, findings = compare(LIVE, replace(LIVE, functions={}, assets={}, dependencies={}))
    (warning,) = warnings(findings)
    assert warning == (
        "Deploying this build removes functions or assets: 2 functions and 1 asset would be "
        "removed from the environment: /a, /{b}, /{c}. Check that the build was made from a "
        "complete checkout"
    )


@pytest.mark.parametrize("visibilities", VISIBILITIES, ids=" to ".join)
def test_only_what_becomes_more_visible_is_warned_about(visibilities: tuple[str, str]) -> None:
    old, new = (replace(LIVE, assets={"/{c}": Entry("1", each)}) for each in visibilities)
    is_changed, is_exposed = VISIBILITIES[visibilities]
    findings = compare(old, new)[1]
    change = f"/{{c}} ({' → '.join(visibilities)})"
    assert (f"another version of asset: {change}" in lines(findings)) == is_changed
    warning = (
        "Deploying this build makes functions or assets more visible: more people could see asset "
        f"{change}. Check that this is intended"
    )
    assert warnings(findings) == [warning] * is_exposed


def test_at_most_20_of_a_kind_have_a_line() -> None:
    many = {f"/{number:02}": ONE for number in range(25)}
    twenty = dict.fromkeys([*many][:20], ONE)
    old = replace(LIVE, functions=many)
    shown = lines(compare(old, replace(LIVE, functions={}, assets={"/{c}": ONE, **twenty}))[1])
    assert shown[:20] == [f"removed function: {path}" for path in twenty]
    assert shown[20] == "removed function: and 5 more"
    assert shown[21:] == [f"added asset: {path}" for path in twenty]
