"""What is in a Build, and what it shows of why it failed."""

from datetime import UTC, datetime

import pytest

from tests.support.samples import CREATED, build
from twilio_build_wait.twilio.builds import Build, parse_build
from twilio_build_wait.twilio.causes import causes, hints

HANDLER = "@twilio/runtime-handler"
ENTRY = {"path": "/a", "sid": "ZN0", "visibility": "Public", "name": "/a", "version": "1"}

# Listed in the Build -> the version of each path or name.
LISTS: dict[str, tuple[object, object]] = {
    "empty": ([], {}),
    "without a version": ([{"path": "/a", "name": "/a", "sid": 1.0}], {"/a": None}),
    "twice": ([ENTRY, ENTRY], {"/a": None}),
    "without a path": ([ENTRY, {}], None),
    "path is no text": ([{"path": 1, "name": 1}], None),
    "no object": ([ENTRY, "text"], None),
    "null": (None, None),
    "missing": (..., None),
    "no list": ({}, None),
}
KEYS = ["function_versions", "asset_versions", "dependencies"]

# Runtime, dependencies -> words of each cause.
CAUSES: dict[str, tuple[str | None, dict[str, str | None] | None, list[str]]] = {
    "unknown": (None, None, []),
    "fine": ("node22", {HANDLER: "2.0.1"}, []),
    "old runtime": ("node18", {}, ["likely cause: Twilio no longer supports the runtime node18"]),
    "newer runtime": ("node20", {}, []),
    "other runtime": ("node18x", {}, []),
    "node24 with an old handler": ("node24", {HANDLER: "1.1.9"}, ["likely cause: node24 needs"]),
    "node24 with a new handler": ("node24", {HANDLER: "1.2.0"}, []),
    "node24 with a range": ("node24", {HANDLER: "^1.0.0"}, []),
    "node22 with an old handler": ("node22", {HANDLER: "1.1.9"}, []),
    "no handler": ("node22", {"a": "1", "b": "2"}, ["possible cause: the build has 2 dependen"]),
    "two causes": ("node16", {"a": None}, ["likely cause", "possible cause: the build has 1 "]),
}

# Build -> first words of each hint.
HINTS: dict[str, tuple[Build, list[str]]] = {
    "unknown": (Build(), ["every dependency", HANDLER, "Twilio still"]),
    "no dependencies": (Build(dependencies={}, runtime="node22"), []),
    "new handler": (Build(dependencies={HANDLER: "1.2.0"}), ["every dependency", "Twilio still"]),
    "old handler": (Build(dependencies={HANDLER: "1.1.0"}, runtime="node24"), ["every", HANDLER]),
}


@pytest.mark.parametrize("listed, expected", LISTS.values(), ids=LISTS)
def test_what_is_unknown_is_none(listed: object, expected: object) -> None:
    parsed = parse_build(build(**dict.fromkeys(KEYS, listed)))
    assert parsed.functions == parsed.assets == parsed.dependencies == expected


def test_contents_of_a_build() -> None:
    created = datetime(2026, 10, 1, 11, 58, tzinfo=UTC)
    parsed = parse_build(build(date_updated=CREATED, **{key: [ENTRY] for key in KEYS}))
    versions = {"/a": "zn0 public"}
    assert parsed == Build(versions, versions, {"/a": "1"}, "node22", created, created)
    assert parse_build({"runtime": 22.0}) == Build()


@pytest.mark.parametrize("runtime, dependencies, expected", CAUSES.values(), ids=CAUSES)
def test_causes(
    runtime: str | None, dependencies: dict[str, str | None] | None, expected: list[str]
) -> None:
    found = causes(Build(runtime=runtime, dependencies=dependencies))
    assert len(found) == len(expected)
    for cause, words in zip(found, expected, strict=True):
        assert words in str(cause)
        assert cause.advice


@pytest.mark.parametrize("shown, expected", HINTS.values(), ids=HINTS)
def test_hints(shown: Build, expected: list[str]) -> None:
    found = hints(shown)
    assert [hint[: len(words)] for hint, words in zip(found, expected, strict=True)] == expected
