"""What deploying a build would change: the comparison of two builds."""

from dataclasses import replace

import pytest

from twilio_build_wait.redaction import Redactor
from twilio_build_wait.twilio.builds import NOTHING, Build
from twilio_build_wait.twilio.changes import compare

SHOW = Redactor(["sw0rdfish"])
LIVE = Build({"/a": "1", "/b": "1"}, {"/c": "1"}, {"lib": "1.0.0"}, "node22")
AB = LIVE.functions

# The new build -> verdict, sorts that differ, sorts that cannot be compared in full.
VERDICTS: dict[str, tuple[Build, str, str, str]] = {
    "same": (LIVE, "none", "", ""),
    "function changed": (replace(LIVE, functions={"/a": "2", "/b": "1"}), "some", "f", ""),
    "function removed": (replace(LIVE, functions={"/a": "1"}), "removals", "f", ""),
    "asset added": (replace(LIVE, assets={"/c": "1", "/d": None}), "some", "a", ""),
    "asset removed": (replace(LIVE, assets={}), "removals", "a", ""),
    "dependency removed": (replace(LIVE, dependencies={}), "some", "d", ""),
    "other runtime": (replace(LIVE, runtime="node24"), "some", "r", ""),
    "a version unknown": (replace(LIVE, functions={"/a": None, "/b": "1"}), "", "", "f"),
    "functions unknown": (Build(None, {"/c": "2"}, {}, "node22"), "", "ad", "f"),
    "assets unknown": (replace(LIVE, functions={}, assets=None), "removals", "f", "a"),
    "dependencies unknown": (replace(LIVE, dependencies=None), "", "", "d"),
    "runtime unknown": (Build(AB, {"/c": "2"}, {"lib": "1.0.0"}), "some", "a", "r"),
    "nothing": (NOTHING, "removals", "fadr", ""),
}


@pytest.mark.parametrize("new, verdict, sorts, unknown", VERDICTS.values(), ids=VERDICTS)
def test_verdict(new: Build, verdict: str, sorts: str, unknown: str) -> None:
    found, differences, missing = compare(LIVE, new, SHOW)
    differ = "".join(difference.sort[0] for difference in differences)
    assert (found, differ, "".join(sort[0] for sort in missing)) == (verdict, sorts, unknown)
    assert compare(new, LIVE, SHOW)[2] == missing


def test_differences_are_sorted_and_name_the_versions_of_dependencies() -> None:
    new = Build(
        {"/b": "2", "/z": "1", "/y": "1"},
        {"/c": "1"},
        {"lib": "2.0.0", "new": "1.0.0", "odd": None, "sw0rdfish": "1"},
        "node24",
    )
    found = compare(LIVE, new, SHOW)[1]
    assert [(d.sort, d.removed, d.added, d.other_version) for d in found] == [
        ("function", ("/a",), ("/y", "/z"), ("/b",)),
        ("dependency", (), ("new@1.0.0", "odd", "***@1"), ("lib 1.0.0 → 2.0.0",)),
        ("runtime", (), (), ("node22 → node24",)),
    ]
    assert compare(NOTHING, LIVE, SHOW)[1][-1].added == ("node22",)
