from datetime import date

import pytest

from tests.unit.release_project import CHANGELOG
from tools.release import changelog
from tools.release.problems import ReleaseError
from tools.release.versions import Version

FIRST = Version(1, 0, 0)


@pytest.mark.parametrize("text", ["0.0.1", "1.0.0", "10.200.3000"])
def test_a_version_reads_and_shows_the_same(text: str) -> None:
    assert str(Version.parse(text)) == text
    assert Version.parse(text).tag == f"v{text}"


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.0-rc.1", "1.0.0+b", "1.0.0\n", "١.0.0"],
)
def test_what_is_not_three_plain_numbers_is_no_version(text: str) -> None:
    with pytest.raises(ReleaseError, match="is not a release version"):
        Version.parse(text)


def test_versions_compare_as_numbers() -> None:
    assert Version.parse("1.10.0") > Version.parse("1.9.9")
    assert Version.parse("2.0.0").major_tag == "v2"


def test_sections_are_read_in_order_with_their_kinds() -> None:
    text = (
        "intro\n\n## [Unreleased]\n\n"
        "## [1.1.0] - 2026-12-24\n\n### Added\n\n- New.\n\n### Fixed\n- Old.\n"
    )
    unreleased, section = changelog.sections(text)
    assert (unreleased.version, unreleased.body) == (None, "")
    assert (section.version, section.day) == (Version(1, 1, 0), date(2026, 12, 24))
    assert section.kind("Added") == "- New."
    assert section.kind("Fixed") == "- Old."
    assert section.kind("Removed") == ""


def test_the_notes_are_the_section_and_nothing_else() -> None:
    text = CHANGELOG + "\n## [0.9.0] - 2026-01-01\n\n### Added\n\n- Older.\n"
    assert changelog.notes(text, FIRST) == "### Added\n\n- It waits."


def test_a_changelog_that_is_ready_has_no_problems() -> None:
    assert changelog.problems(CHANGELOG, FIRST) == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("## [1.0.0] - 2026-11-23", "## [1.0.1] - 2026-11-23", "0 sections for 1.0.0"),
        ("### Added\n\n- It waits.\n", "", "1 sections for 1.0.0, of which one with text"),
        ("## [1.0.0] - 2026-11-23", "## [1.0.0]", "is neither"),
        ("## [1.0.0] - 2026-11-23", "## 1.0.0 - 2026-11-23", "is neither"),
        ("## [1.0.0] - 2026-11-23", "## [1.0.0] - 2026-11-31", "not a day of the calendar"),
        ("## [1.0.0] - 2026-11-23", "## [1.0] - 2026-11-23", "is not a release version"),
        ("### Added", "### New", "has `### New`"),
        ("## [Unreleased]\n", "", "does not begin with"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- Left behind.\n", "still has entries"),
        ("## [1.0.0]", "## [1.2.0] - 2026-12-01\n\nx\n\n## [1.0.0]", "1.2.0 stands above it"),
        ("- It waits.\n", "- It waits.\n\n## [1.3.0] - 2026-10-01\n\nx\n", "do not go down"),
        ("- It waits.\n", "- It waits.\n\n## [1.0.0] - 2026-10-01\n\nx\n", "2 sections"),
    ],
)
def test_what_stands_against_a_release_is_named(old: str, new: str, problem: str) -> None:
    text = CHANGELOG.replace(old, new)
    assert text != CHANGELOG
    assert problem in "\n".join(changelog.problems(text, FIRST))
