"""What deploying a build would change."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twilio_build_wait.api.builds import NOTHING, Build
from twilio_build_wait.api.changes import compare
from twilio_build_wait.model import Difference
from twilio_build_wait.redaction import Redactor

SHOW = Redactor(["sw0rdfish"])
LIVE = Build({"/a": "1", "/b": "1"}, {"/c": "1"}, {"lib": "1.0.0"}, "node22")

# The new build -> verdict, sorts that differ, sorts that could not be compared in full.
VERDICTS: dict[str, tuple[Build, str, str, str]] = {
    "same": (LIVE, "none", "", ""),
    "function added": (replace(LIVE, functions={"/a": "1", "/b": "1", "/d": "1"}), "some", "f", ""),
    "function changed": (replace(LIVE, functions={"/a": "2", "/b": "1"}), "some", "f", ""),
    "function removed": (replace(LIVE, functions={"/a": "1"}), "removals", "f", ""),
    "asset removed": (replace(LIVE, assets={}), "removals", "a", ""),
    "moved": (
        replace(LIVE, functions={"/a": "1"}, assets={"/b": "1", "/c": "1"}),
        "removals",
        "fa",
        "",
    ),
    "dependency removed": (replace(LIVE, dependencies={}), "some", "d", ""),
    "other runtime": (replace(LIVE, runtime="node24"), "some", "r", ""),
    "version unknown": (replace(LIVE, functions={"/a": None, "/b": "1"}), "", "", "f"),
    "functions unknown": (replace(LIVE, functions=None), "", "", "f"),
    "functions unknown, asset added": (
        replace(LIVE, functions=None, assets={"/c": "1", "/d": "1"}),
        *("", "a", "f"),
    ),
    "assets unknown, function removed": (
        replace(LIVE, functions={}, assets=None),
        *("removals", "f", "a"),
    ),
    "dependencies unknown": (replace(LIVE, dependencies=None), "", "", "d"),
    "dependencies unknown, asset changed": (
        replace(LIVE, dependencies=None, assets={"/c": "2"}),
        *("some", "a", "d"),
    ),
    "runtime unknown": (replace(LIVE, runtime=None), "", "", "r"),
    "nothing": (NOTHING, "removals", "fadr", ""),
}

VERSION = st.none() | st.sampled_from("12")
LISTS = st.none() | st.dictionaries(st.sampled_from(["/a", "/b", "/c", "/d"]), VERSION)
BUILDS = st.builds(Build, LISTS, LISTS, LISTS, st.none() | st.sampled_from(["node20", "node22"]))
FEW = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("new, verdict, sorts, unknown", VERDICTS.values(), ids=VERDICTS)
def test_verdict(new: Build, verdict: str, sorts: str, unknown: str) -> None:
    found, differences, missing = compare(LIVE, new, SHOW)
    assert found == verdict
    assert "".join(difference.sort[0] for difference in differences) == sorts
    assert "".join(sort[0] for sort in missing) == unknown
    assert compare(new, LIVE, SHOW)[2] == missing


def test_differences_are_sorted_and_name_versions_of_dependencies() -> None:
    new = Build(
        {"/b": "2", "/z": "1", "/y": "1"},
        {"/c": "1"},
        {"lib": "2.0.0", "new": "1.0.0", "odd": None, "sw0rdfish": "1"},
        "node24",
    )
    texts = [
        (d.sort, *map(list, (d.removed, d.added, d.other_version)))
        for d in compare(LIVE, new, SHOW)[1]
    ]
    assert texts == [
        ("function", ["/a"], ["/y", "/z"], ["/b"]),
        ("dependency", [], ["new@1.0.0", "odd", "***@1"], ["lib 1.0.0 → 2.0.0"]),
        ("runtime", [], [], ["node22 → node24"]),
    ]
    assert compare(NOTHING, LIVE, SHOW)[1][-1] == Difference(
        "runtime", added=(SHOW.line("node22"),)
    )


@FEW
@given(BUILDS)
def test_build_compared_with_itself_shows_no_difference(build: Build) -> None:
    verdict, differences, unknown = compare(build, build, SHOW)
    assert (verdict, differences) == ("" if unknown else "none", ())


@FEW
@given(BUILDS, BUILDS)
def test_added_and_removed_swap_with_the_sides(one: Build, other: Build) -> None:
    def sides(live: Build, new: Build, added: str, removed: str) -> list[tuple[object, ...]]:
        found = compare(live, new, SHOW)[1]
        return [(d.sort, getattr(d, added), getattr(d, removed)) for d in found]

    assert sides(one, other, "added", "removed") == sides(other, one, "removed", "added")


@FEW
@given(BUILDS, BUILDS)
def test_order_of_the_lists_does_not_matter(live: Build, new: Build) -> None:
    def turned(build: Build) -> Build:
        functions, assets = build.functions, build.assets
        return replace(
            build,
            functions=functions and dict(reversed(list(functions.items()))),
            assets=assets and dict(reversed(list(assets.items()))),
        )

    assert compare(live, new, SHOW) == compare(turned(live), turned(new), SHOW)
