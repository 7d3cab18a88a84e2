"""What goes live: the difference between the build and what is live in an environment.

It changes neither the verdict nor the exit code, and it does not guess: what is unknown in one of
the two builds makes the result weaker.

Source of an environment's shape: `serverless.v1.service.environment` in Twilio's OpenAPI
description of Serverless v1 (twilio/twilio-oai, spec/json/twilio_serverless_v1.json).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twilio_build_wait.inputs import BUILD_SID_FORM, ENVIRONMENT_SID, SERVICE_SID_FORM
from twilio_build_wait.model import Finding, PollError, Progress, count, plural
from twilio_build_wait.safe_text import NOTHING, Message, message
from twilio_build_wait.settings import Settings
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.twilio.builds import (
    EMPTY_BUILD,
    SHOWN_NAMES,
    Build,
    Entries,
    Entry,
    list_names,
    name_dependency,
    parse_build,
)
from twilio_build_wait.twilio.client import Client
from twilio_build_wait.twilio.responses import formatted, is_same

#: How long all requests may take in total, in seconds.
LIMIT = 10.0

_LABEL = "What deploying changes"
# Who can see a file, from nobody to everybody (twilio.com/docs/serverless/functions-assets).
_VISIBILITIES = ("private", "protected", "public")


class NotReadError(Exception):
    """A resource could not be read. Its one argument is a message that says which one and why."""


@dataclass(frozen=True)
class Difference:
    """What deploying a build changes for one kind of thing, by name.

    `exposed` are those that more people could see. `is_complete` is False if something is unknown.
    """

    noun: str
    removed: Sequence[Message] = ()
    added: Sequence[Message] = ()
    changed: Sequence[Message] = ()
    exposed: Sequence[Message] = ()
    is_complete: bool = True


def read_changes(
    client: Client, settings: Settings, progress: Progress
) -> tuple[str, tuple[Finding, ...]]:
    """Compare the build with what is live, for at most `LIMIT` seconds.

    `progress` has the SIDs of the build and, if Twilio reported it, of the service. Returns the
    output (`none`, `some`, `removals` or empty) and what a person has to know.
    """
    service_sid = formatted(progress.service_sid, SERVICE_SID_FORM)
    reader = _Reader(client, settings, client.clock() + LIMIT, service_sid)
    try:
        live_sid = reader.live_build_sid()
        if is_same(live_sid, progress.build_sid):
            note = "this build is live there already; deploying it again is an error at Twilio"
            return "none", (Finding(_LABEL, message(note)),)
        live = reader.build(live_sid, "the build that is live") if live_sid else EMPTY_BUILD
        new = reader.build(progress.build_sid, "the new build")
    except NotReadError as error:
        text = message("{}. Check environment-sid, or run the step again", *error.args)
        return "", (Finding(_LABEL, text, warning="The changes are unknown"),)
    except Cancelled:
        return "", (Finding(_LABEL, message("the comparison was stopped: a signal arrived")),)
    result, findings = compare(live, new)
    first = () if live_sid else (Finding(_LABEL, message("nothing is live there yet")),)
    return result, (*first, *findings)


@dataclass
class _Reader:
    """Reads the resources of one service until `end` on the client's clock."""

    client: Client
    settings: Settings
    end: float
    service_sid: str

    def live_build_sid(self) -> str:
        """Return the SID of the build that is live; empty if there is none yet."""
        sid = self.settings[ENVIRONMENT_SID]
        url = f"{self.settings.service_url}/Environments/{sid}"
        live = self._resource(url, sid, f"the environment {sid}").get("build_sid", "")
        if live is not None and not formatted(live, BUILD_SID_FORM):
            raise NotReadError(message("Twilio does not say which build is live"))
        return formatted(live, BUILD_SID_FORM)

    def build(self, sid: str, name: str) -> Build:
        return parse_build(self._resource(self.settings.build_url(sid), sid, name))

    def _resource(self, url: str, sid: str, name: str) -> dict[str, object]:
        """Return a resource that has this SID and belongs to the service."""
        body = self.client.read_until(url, self.end)
        if isinstance(body, PollError):
            why = body.text
        elif not is_same(body.get("sid"), sid):
            why = message("Twilio sent another one")
        elif not self._is_ours(body.get("service_sid")):
            why = message("it belongs to another service")
        else:
            return body
        raise NotReadError(message(f"{name} could not be read: {{}}", why))

    def _is_ours(self, owner: object) -> bool:
        """Return whether a resource with this owner may belong to the service.

        If only the service's name is known, the first owner that is named is its SID.
        """
        self.service_sid = self.service_sid or formatted(owner, SERVICE_SID_FORM)
        return not owner or is_same(owner, self.service_sid)


def compare(live: Build, new: Build) -> tuple[str, list[Finding]]:
    """Compare two builds: return `none`, `some`, `removals` or empty, and every change."""
    files = [
        _compare("function", live.functions, new.functions),
        _compare("asset", live.assets, new.assets),
    ]
    differences = [
        *files,
        _compare("dependency", live.dependencies, new.dependencies),
        _compare_runtimes(live.runtime, new.runtime),
    ]
    findings = [*_lines(differences), *_warnings(files)]
    if any(each.removed for each in files):
        return "removals", findings
    if None in (live.functions, live.assets, new.functions, new.assets):
        return "", findings
    if any(each.removed or each.added or each.changed for each in differences):
        return "some", findings
    if not all(each.is_complete for each in differences):
        return "", findings
    return "none", [Finding(_LABEL, message("deploying this build would change nothing"))]


def _compare(noun: str, live: Entries, new: Entries) -> Difference:
    if live is None or new is None:
        return Difference(noun, is_complete=False)
    both = {name: (live[name], new[name]) for name in sorted(live.keys() & new.keys())}
    changes = {name: _change(noun, name, *pair) for name, pair in both.items()}
    return Difference(
        noun,
        [_name(noun, name, live[name]) for name in sorted(live.keys() - new.keys())],
        [_name(noun, name, new[name]) for name in sorted(new.keys() - live.keys())],
        [change for change in changes.values() if change],
        [
            message(f"{noun} {{}}", changes[name])
            for name, (old, entry) in both.items()
            if 0 <= _visibility(old) < _visibility(entry)
        ],
        is_complete=all(old.version and entry.version for old, entry in both.values()),
    )


def _compare_runtimes(live: str | None, new: str | None) -> Difference:
    if live is None or new is None:
        return Difference("runtime", is_complete=False)
    change = message("{} → {}", live, new) if live else message("{}", new)
    return Difference("runtime", changed=[change] if live != new else [])


def _name(noun: str, name: str, entry: Entry) -> Message:
    return name_dependency(name, entry) if noun == "dependency" else message("{}", name)


def _change(noun: str, name: str, old: Entry, entry: Entry) -> Message:
    """Describe the difference between two entries; nothing if none is certain."""
    if old.visibility and entry.visibility and old.visibility != entry.visibility:
        return message("{} ({} → {})", name, old.visibility, entry.visibility)
    if not (old.version and entry.version) or old.version == entry.version:
        return NOTHING
    if noun == "dependency":
        return message("{} {} → {}", name, old.version, entry.version)
    return message("{}", name)


def _visibility(entry: Entry) -> int:
    """Return how many people can see an entry, as a rank; -1 if it is unknown."""
    return _VISIBILITIES.index(entry.visibility) if entry.visibility in _VISIBILITIES else -1


def _lines(differences: Sequence[Difference]) -> Iterator[Finding]:
    """Yield a line for each change, removals first, and for what could not be compared."""
    kinds = [
        *(("removed", each.noun, each.removed) for each in differences),
        *(("added", each.noun, each.added) for each in differences),
        *(("another version of", each.noun, each.changed) for each in differences),
    ]
    for verb, noun, names in kinds:
        label = noun if noun == "runtime" else f"{verb} {noun}"
        for name in names[:SHOWN_NAMES]:
            yield Finding(label, name)
        if len(names) > SHOWN_NAMES:
            yield Finding(label, message(f"and {len(names) - SHOWN_NAMES} more"))
    for difference in differences:
        if not difference.is_complete:
            text = f"the {plural(difference.noun)} of the two builds cannot all be compared"
            yield Finding(_LABEL, message(text))


def _warnings(files: Sequence[Difference]) -> Iterator[Finding]:
    """Yield what somebody has to know who does not read the log."""
    if removed := [name for each in files for name in each.removed]:
        counts = " and ".join(count(len(each.removed), each.noun) for each in files if each.removed)
        text = message(
            f"{counts} would be removed from the environment: {{}}. Check that the build was made "
            "from a complete checkout",
            list_names(removed),
        )
        yield Finding(_LABEL, text, warning="Deploying this build removes functions or assets")
    if exposed := [name for each in files for name in each.exposed]:
        text = message("more people could see {}. Check that this is intended", list_names(exposed))
        title = "Deploying this build makes functions or assets more visible"
        yield Finding(_LABEL, text, warning=title)
