"""What goes live: the difference between the build and what is live in an environment.

It changes neither the verdict nor the exit code, and it does not guess: what is unknown in one of
the two builds makes the verdict weaker.

Source of an environment's shape: `serverless.v1.service.environment` in Twilio's OpenAPI
description of Serverless v1 (twilio/twilio-oai, spec/json/twilio_serverless_v1.json).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twilio_build_wait.inputs import BUILD_SID_FORM, SERVICE_SID_FORM
from twilio_build_wait.model import Changes, Difference, PollError, Progress, plural
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import Settings
from twilio_build_wait.text import NO_TEXT, SafeText
from twilio_build_wait.twilio.builds import NOTHING, Build, Version, parse_build
from twilio_build_wait.twilio.polls import MAX_BYTES, Get
from twilio_build_wait.twilio.responses import formatted, is_same, json_object

#: How long all requests may take in total, in seconds.
LIMIT = 10.0

_FILES = ("function", "asset")


class NotReadError(Exception):
    """A resource could not be read; the message says which one and why."""


def read_changes(
    get: Get,
    settings: Settings,
    progress: Progress,
    clock: Callable[[], float],
    show: Redactor,
) -> Changes:
    """Compare the build with what is live, for at most `LIMIT` seconds. Raises `Cancelled`.

    `get` is `Transport.get`, `clock` monotonic and in seconds. `progress` has the SIDs of the build
    and, if Twilio reported it, of the service.
    """
    service_sid = formatted(progress.service_sid, SERVICE_SID_FORM)
    reader = _Reader(get, settings, clock, show, clock() + LIMIT, service_sid)
    try:
        live_sid = reader.live_build_sid()
        if is_same(live_sid, progress.build_sid):
            note = "this build is live there already; deploying it again is an error at Twilio"
            return Changes("none", reader.name, notes=(SafeText(note),))
        live = reader.build(live_sid, "the build that is live") if live_sid else NOTHING
        new = reader.build(progress.build_sid, "the new build")
    except NotReadError as problem:
        return Changes(environment=reader.name, notes=(show.piece(str(problem)),))
    verdict, differences, unknown = compare(live, new, show)
    notes = [] if live_sid else ["nothing is live there yet"]
    notes += [f"the {plural(sort)} of the two builds cannot all be compared" for sort in unknown]
    return Changes(verdict, reader.name, differences, tuple(map(SafeText, notes)))


@dataclass
class _Reader:
    """Reads the resources of one service until `end`; `name` is the environment's unique name."""

    get: Get
    settings: Settings
    clock: Callable[[], float]
    show: Redactor
    end: float
    service_sid: str
    name: SafeText = NO_TEXT

    def live_build_sid(self) -> str:
        """Return the SID of the build that is live; empty if there is none yet."""
        sid = self.settings.environment_sid
        url = f"{self.settings.service_url}/Environments/{sid}"
        environment = self._resource(url, sid, "the environment")
        name = environment.get("unique_name")
        self.name = self.show.piece(name) if isinstance(name, str) else NO_TEXT
        live = environment.get("build_sid", "")
        if live is not None and not formatted(live, BUILD_SID_FORM):
            raise NotReadError("Twilio does not say which build is live in the environment")
        return formatted(live, BUILD_SID_FORM)

    def build(self, sid: str, name: str) -> Build:
        return parse_build(self._resource(self.settings.build_url(sid), sid, name))

    def _resource(self, url: str, sid: str, name: str) -> dict[str, object]:
        """Return a resource that has this SID and belongs to the service."""
        left = max(0.1, self.end - self.clock())
        body = json_object(self.get(url, left, MAX_BYTES), url, self.show)
        if isinstance(body, PollError):
            raise NotReadError(f"{name} could not be read: {body.text}")
        if not is_same(body.get("sid"), sid):
            raise NotReadError(f"{name} could not be read: Twilio sent another one")
        service = body.get("service_sid") or self.service_sid
        # If the input is a name, the first resource that has a SID settles it.
        if not is_same(service, self.service_sid or str(service)):
            raise NotReadError(f"{name} could not be read: it belongs to another service")
        self.service_sid = str(service)
        return body


def compare(
    live: Build, new: Build, show: Redactor
) -> tuple[str, tuple[Difference, ...], tuple[str, ...]]:
    """Compare two builds.

    Returns the verdict (`none`, `some`, `removals` or empty), the differences, and the sorts of
    things that could not be compared in full.
    """
    sorts = {
        "function": (live.functions, new.functions),
        "asset": (live.assets, new.assets),
        "dependency": (live.dependencies, new.dependencies),
        "runtime": (_as_versions(live.runtime), _as_versions(new.runtime)),
    }
    differences, unknown = [], []
    for sort, (before, after) in sorts.items():
        if before is None or after is None:
            unknown.append(sort)
            continue
        difference, is_certain = _difference(sort, before, after, show)
        if difference != Difference(sort):
            differences.append(difference)
        if not is_certain:
            unknown.append(sort)
    if any(difference.removed for difference in differences if difference.sort in _FILES):
        verdict = "removals"
    elif any(None in sorts[sort] for sort in _FILES):
        verdict = ""
    elif differences:
        verdict = "some"
    else:
        verdict = "" if unknown else "none"
    return verdict, tuple(differences), tuple(unknown)


def _difference(
    sort: str, before: Mapping[str, Version], after: Mapping[str, Version], show: Redactor
) -> tuple[Difference, bool]:
    """Return the difference, and whether every version in both could be compared."""
    # The version of a file is a SID, which tells nobody anything.
    has_versions = sort not in _FILES

    def only_in(one: Mapping[str, Version], other: Mapping[str, Version]) -> tuple[SafeText, ...]:
        names = sorted(one.keys() - other.keys())
        parts = ((name, one[name] if has_versions else None) for name in names)
        labels = ("@".join(filter(None, pair)) for pair in parts)
        return tuple(map(show.piece, labels))

    both = sorted(before.keys() & after.keys())
    known = [name for name in both if before[name] is not None and after[name] is not None]
    changed = [name for name in known if before[name] != after[name]]
    if has_versions:
        changed = [f"{name} {before[name]} → {after[name]}".lstrip() for name in changed]
    difference = Difference(
        sort, only_in(before, after), only_in(after, before), tuple(map(show.piece, changed))
    )
    return difference, len(known) == len(both)


def _as_versions(runtime: str | None) -> Mapping[str, Version] | None:
    """Return a runtime as a list of one without a name, so that it is compared like the rest."""
    if runtime is None:
        return None
    return {"": runtime} if runtime else {}
