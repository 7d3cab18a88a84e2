"""The Build resource; its lists are as in zingdevlimited/actions-helpers, deploy scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from twilio_build_wait.safe_text import Message, message
from twilio_build_wait.twilio.responses import date

#: How many names of a kind are shown.
SHOWN_NAMES = 20


@dataclass(frozen=True)
class Entry:
    """What a build lists; SIDs of versions and visibilities are in lower case."""

    version: str = ""
    visibility: str = ""


#: The entries of a list by path, or by name for dependencies; None if the list is unknown.
Entries = Mapping[str, Entry] | None


@dataclass(frozen=True)
class Build:
    """What is in a build; None stands for what is unknown."""

    functions: Entries = None
    assets: Entries = None
    dependencies: Entries = None
    runtime: str | None = None
    created: datetime | None = None

    @property
    def lists(self) -> Mapping[str, Entries]:
        """The lists by what is in them."""
        return {"function": self.functions, "asset": self.assets, "dependency": self.dependencies}


#: What is live in an environment before its first deployment.
EMPTY = Build(functions={}, assets={}, dependencies={}, runtime="")


def parse(resource: Mapping[str, object]) -> Build:
    """Return what is in a Build resource. Whose it is, the caller has to check."""
    return Build(
        _entries(resource.get("function_versions"), "path"),
        _entries(resource.get("asset_versions"), "path"),
        _entries(resource.get("dependencies"), "name"),
        _text(resource, "runtime") or None,
        date(resource.get("date_created")),
    )


def _entries(listed: object, key: str) -> Entries:
    if not isinstance(listed, list):
        return None
    entries: dict[str, Entry] = {}
    for item in listed:
        name, version = _text(item, key), _text(item, "sid").lower() or _text(item, "version")
        entry = Entry(version, _text(item, "visibility").lower())
        # Nothing says which of two entries counts.
        entries[name] = Entry() if name in entries else entry
    return None if "" in entries else entries


def _text(resource: object, key: str) -> str:
    value = resource.get(key) if isinstance(resource, dict) else None
    return value if isinstance(value, str) else ""


def name(noun: str, key: str, entry: Entry) -> Message:
    """Name an entry of one of the lists; a dependency with its version, if it is known."""
    has_version = noun == "dependency" and entry.version
    return message("{}", f"{key}@{entry.version}" if has_version else key)


def shorten(names: Sequence[Message]) -> Sequence[Message]:
    """Return at most `SHOWN_NAMES` names, and how many more there are."""
    more = len(names) - SHOWN_NAMES
    return [*names[:SHOWN_NAMES], message(f"and {more} more")] if more > 0 else names
