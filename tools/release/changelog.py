"""CHANGELOG.md in the form of Keep a Changelog 1.1.0 (keepachangelog.com)."""

import re
from dataclasses import dataclass
from datetime import date

from tools.release.problems import ReleaseError
from tools.release.versions import Version

UNRELEASED = "Unreleased"
#: The kinds of change that Keep a Changelog names.
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")

_HEADING = re.compile(r"\[(?P<name>[^\]]+)\](?: - (?P<day>\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True)
class Section:
    """One `## [name] - day` with all that stands below it; `version` is None for Unreleased."""

    version: Version | None
    day: date | None
    body: str

    def kind(self, name: str) -> str:
        """Return the text under `### name` (one of KINDS), or an empty string."""
        parts = _split(r"^### (.*)$", self.body)
        return "\n".join(body for title, body in parts if title == name)


def sections(text: str) -> list[Section]:
    """Read every section, newest first as in the file; ReleaseError names each bad heading."""
    found: list[Section] = []
    problems: list[str] = []
    for heading, body in _split(r"^## (.*)$", text):
        try:
            found.append(_section(heading, body))
        except ReleaseError as error:
            problems += error.problems
    if problems:
        raise ReleaseError(*problems)
    return found


def notes(text: str, version: Version) -> str:
    """Return what the changelog says of a version; ReleaseError where it says nothing."""
    bodies = [section.body for section in sections(text) if section.version == version]
    if len(bodies) != 1 or not bodies[0]:
        raise ReleaseError(
            f"CHANGELOG.md has {len(bodies)} sections for {version}, of which one with text in it"
            f" is expected: write `## [{version}] - YYYY-MM-DD` and what changes for users below."
        )
    return bodies[0]


def problems(text: str, version: Version) -> list[str]:
    """Say what keeps this version from being released with this changelog; empty if nothing."""
    try:
        notes(text, version)
        found = sections(text)
    except ReleaseError as error:
        return list(error.problems)
    problems = []
    if not found or found[0].version is not None:
        problems.append(f"CHANGELOG.md does not begin with `## [{UNRELEASED}]`: add the heading.")
    elif found[0].body:
        problems.append(
            f"CHANGELOG.md still has entries under {UNRELEASED}, which would be released unlisted:"
            f" move them to {version}."
        )
    order = [section.version for section in found if section.version is not None]
    if order[0] != version:
        problems.append(
            f"{version} is not the newest version in CHANGELOG.md: {order[0]} stands above it."
        )
    if order != sorted(set(order), reverse=True):
        problems.append("The versions in CHANGELOG.md do not go down from the newest, each once.")
    return problems


def _split(heading: str, text: str) -> list[tuple[str, str]]:
    """Cut a text at its headings: a title and what stands below it, for each of them."""
    parts: list[str] = re.split(heading, text, flags=re.MULTILINE)[1:]
    return [
        (title.strip(), body.strip()) for title, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def _section(heading: str, body: str) -> Section:
    match = _HEADING.fullmatch(heading)
    if match and match["name"] == UNRELEASED and not match["day"]:
        return Section(None, None, body)
    if not match or not match["day"]:
        raise ReleaseError(
            f"CHANGELOG.md: `## {heading}` is neither `## [{UNRELEASED}]` nor"
            " `## [1.2.3] - YYYY-MM-DD`."
        )
    unknown = [
        title for title in re.findall(r"^### (.*)$", body, re.MULTILINE) if title not in KINDS
    ]
    if unknown:
        raise ReleaseError(
            f"CHANGELOG.md: {match['name']} has `### {unknown[0]}`; the kinds are"
            f" {', '.join(KINDS)}."
        )
    try:
        day = date.fromisoformat(match["day"])
    except ValueError:
        raise ReleaseError(
            f"CHANGELOG.md: {match['day']} in `## {heading}` is not a day of the calendar."
        ) from None
    return Section(Version.parse(match["name"]), day, body)
