"""What users rely on, as data, and what a change of it asks of the next version.

An interface is one JSON object:

    {"version": "1.0.0",
     "inputs":  {"timeout": {"environment": "TWILIO_BUILD_TIMEOUT", "default": "15m"}, …},
     "outputs": {"outcome": {"environment": "TWILIO_BUILD_WAIT_OUTCOME"}, …},
     "exits":   {"completed": [0, 5], …}}

The one of the newest version is committed (SNAPSHOT). What has been removed or now means something
else can break a user's workflow and asks for a new major version; what has been added, for a new
minor one. Each change has to be named, `in backticks`, in the changelog.
"""

import json
from dataclasses import dataclass
from typing import TypeAlias

from tools.release import changelog
from tools.release.versions import Version

SNAPSHOT = "tests/unit/upgrade_snapshot.json"

#: What json.loads returns for the object above.
Interface: TypeAlias = dict[str, object]

_PARTS = ("inputs", "outputs", "exits")


@dataclass(frozen=True)
class Change:
    """One difference: `kind` is the changelog's heading for it, `where` such as `input timeout`."""

    kind: str
    where: str
    name: str

    @property
    def breaking(self) -> bool:
        """Whether a workflow that was right before can be wrong now."""
        return self.kind != "Added"

    def __str__(self) -> str:
        return f"{self.where} `{self.name}` is {self.kind.lower()}"


def compare(old: Interface, new: Interface) -> list[Change]:
    """List what differs between two interfaces, their versions aside."""
    changes: list[Change] = []
    for part in _PARTS:
        before, after = _part(old, part), _part(new, part)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                kind = (
                    "Added" if name not in before else "Removed" if name not in after else "Changed"
                )
                changes.append(Change(kind, part.removesuffix("s"), name))
    return changes


def problems(old: Interface, new: Interface, changelog_text: str) -> list[str]:
    """Say which changes between two interfaces lack their changelog entry or their version.

    While both have the same version, the entry stands under Unreleased. Once `new` has a higher
    one, the entry stands in a section newer than `old`'s, and the version has to go up far enough.
    """
    before, after = Version.parse(str(old["version"])), Version.parse(str(new["version"]))
    newer = [
        section
        for section in changelog.sections(changelog_text)
        if section.version is None or section.version > before
    ]
    found: list[str] = []
    for change in compare(old, new):
        if not any(f"`{change.name}`" in section.kind(change.kind) for section in newer):
            found.append(
                f"{change}, and CHANGELOG.md does not say so: name `{change.name}` under"
                f" `### {change.kind}` in {changelog.UNRELEASED} or in the version to come."
            )
        enough = after.major > before.major or (
            not change.breaking and (after.major, after.minor) > (before.major, before.minor)
        )
        if after != before and not enough:
            needed = "major" if change.breaking else "minor"
            found.append(
                f"{change}: that asks for a new {needed} version, and {after} is none after"
                f" {before}."
            )
    return found


def render(interface: Interface) -> str:
    """Return the text of the snapshot's file."""
    return json.dumps(interface, indent=2) + "\n"


def _part(interface: Interface, name: str) -> dict[str, object]:
    part = interface[name]
    if not isinstance(part, dict):
        raise TypeError(f"{name} of an interface is an object, not {part!r}")
    return part
