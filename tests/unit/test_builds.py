"""What is in a Build."""

from datetime import UTC, datetime

import pytest

from tests.support.samples import CREATED, build
from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio.builds import Build, Entry, parse, shorten

FUNCTION = {"path": "/a", "sid": "ZN0", "visibility": "Public"}

# What a Build lists as its functions -> the entries by path.
LISTS: dict[str, tuple[object, object]] = {
    "empty": ([], {}),
    "one": ([FUNCTION], {"/a": Entry("zn0", "public")}),
    "without a SID": ([FUNCTION | {"sid": 1}], {"/a": Entry("", "public")}),
    "without a visibility": ([{"path": "/a", "sid": "ZN0"}], {"/a": Entry("zn0", "")}),
    "twice": ([FUNCTION, FUNCTION], {"/a": Entry()}),
    "without a path": ([FUNCTION, {"sid": "ZN1"}], None),
    "no object": ([FUNCTION, "text"], None),
    "missing": (..., None),
    "no list": ({}, None),
}


@pytest.mark.parametrize("listed, expected", LISTS.values(), ids=LISTS)
def test_entries_of_a_list(listed: object, expected: object) -> None:
    assert parse(build(function_versions=listed)).functions == expected


def test_contents_of_a_build() -> None:
    dependency = {"name": "lib", "version": "1.0.0-RC"}
    asset = {"path": "/b", "sid": "ZN1", "visibility": "private"}
    resource = build(function_versions=[], asset_versions=[asset], dependencies=[dependency])
    assert parse(resource) == Build(
        functions={},
        assets={"/b": Entry("zn1", "private")},
        dependencies={"lib": Entry("1.0.0-RC")},
        runtime="node22",
        created=datetime.fromisoformat(CREATED).astimezone(UTC),
    )


@pytest.mark.parametrize("runtime", [22.0, "", None])
def test_unknown_runtime_is_none(runtime: object) -> None:
    assert parse({"runtime": runtime}) == Build()


@pytest.mark.parametrize("count, end", [(1, "n0"), (20, "n18, n19"), (21, "n19, and 1 more")])
def test_at_most_20_names_are_listed(count: int, end: str) -> None:
    names = ", ".join(name.text() for name in shorten([message(f"n{n}") for n in range(count)]))
    assert names.startswith("n0")
    assert names.endswith(end)
