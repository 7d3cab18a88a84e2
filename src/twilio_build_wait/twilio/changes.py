"""What deploying would change. What is unknown in one of the two builds is not guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twilio_build_wait.inputs import BUILD_SID_FORM, ENVIRONMENT_SID, SERVICE_SID_FORM
from twilio_build_wait.model import Finding, PollError, Progress, count, plural
from twilio_build_wait.safe_text import NOTHING, Message, join, message
from twilio_build_wait.settings import Settings
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.twilio import builds
from twilio_build_wait.twilio.builds import Build, Entries, Entry
from twilio_build_wait.twilio.client import Client
from twilio_build_wait.twilio.responses import formatted, is_same

#: How long all requests may take in total, in seconds.
LIMIT = 10.0
_LABEL = "What deploying changes"
# Changes of a visibility that let more people see a file: from nobody over those with a signature
# to everybody (twilio.com/docs/serverless/functions-assets).
_EXPOSURES = {("private", "protected"), ("private", "public"), ("protected", "public")}
# What deploying a build changes for one kind of thing: names by a verb; `exposed` are those that
# more people could see. If not everything can be compared, `unknown` is not empty.
_Difference = Mapping[str, Sequence[Message]]
_UNKNOWN: _Difference = {"unknown": [message("everything")]}


class NotReadError(Exception):
    """A resource could not be read. Its one argument is a message that says which one and why."""


def read_changes(
    client: Client, settings: Settings, progress: Progress
) -> tuple[str, tuple[Finding, ...]]:
    """Compare the build with what is live; return the output `changes`, and what was found."""
    service_sid = formatted(progress.service_sid, SERVICE_SID_FORM)
    reader = _Reader(client, settings, client.clock() + LIMIT, service_sid)
    try:
        live_sid = reader.live_build_sid()
        if is_same(live_sid, progress.build_sid):
            note = "this build is live there already; deploying it again is an error at Twilio"
            return "none", (Finding(_LABEL, message(note)),)
        live = reader.build(live_sid, "the build that is live") if live_sid else builds.EMPTY
        return compare(live, reader.build(progress.build_sid, "the new build"))
    except NotReadError as error:
        text = message("{}. Check environment-sid, or run the step again", *error.args)
        return "", (Finding(_LABEL, text, warning="The changes are unknown"),)
    except Cancelled:
        return "", (Finding(_LABEL, message("the comparison was stopped: a signal arrived")),)


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
        return builds.parse(self._resource(self.settings.build_url(sid), sid, name))

    def _resource(self, url: str, sid: str, name: str) -> dict[str, object]:
        body = self.client.read_until(url, self.end)
        problem = f"{name} could not be read: {{}}"
        if isinstance(body, PollError):
            raise NotReadError(message(problem, body.text))
        if not is_same(body.get("sid"), sid):
            raise NotReadError(message(problem, "Twilio sent another one"))
        owner = body.get("service_sid")
        # If only the service's name is known, the first owner that is named is its SID.
        self.service_sid = self.service_sid or formatted(owner, SERVICE_SID_FORM)
        if owner and not is_same(owner, self.service_sid):
            raise NotReadError(message(problem, "it belongs to another service"))
        return body


def compare(live: Build, new: Build) -> tuple[str, tuple[Finding, ...]]:
    """Compare two builds: return `none`, `some`, `removals` or empty, and every change."""
    differences = {noun: _compare(noun, live.lists[noun], new.lists[noun]) for noun in live.lists}
    differences["runtime"] = _compare_runtimes(live.runtime, new.runtime)
    lines = [*_lines(differences)]
    if not lines:
        return "none", (Finding(_LABEL, message("deploying this build would change nothing")),)
    is_some = any(line.label != _LABEL for line in lines)
    if live is builds.EMPTY:
        lines.insert(0, Finding(_LABEL, message("nothing is live there yet")))
    files = {noun: differences[noun] for noun in ("function", "asset")}
    findings = (*lines, *_warnings(files))
    if any(each.get("removed") for each in files.values()):
        return "removals", findings
    has_all_files = None not in (live.functions, live.assets, new.functions, new.assets)
    return "some" if is_some and has_all_files else "", findings


def _compare(noun: str, live: Entries, new: Entries) -> _Difference:
    if live is None or new is None:
        return _UNKNOWN
    both = {name: (live[name], new[name]) for name in sorted(live.keys() & new.keys())}
    changes = {name: _change(noun, name, *pair) for name, pair in both.items()}
    return {
        "removed": [
            builds.name(noun, name, live[name]) for name in sorted(live.keys() - new.keys())
        ],
        "added": [builds.name(noun, name, new[name]) for name in sorted(new.keys() - live.keys())],
        "another version of": [change for change in changes.values() if change],
        "exposed": [
            message(f"{noun} {{}}", changes[name])
            for name, (old, entry) in both.items()
            if (old.visibility, entry.visibility) in _EXPOSURES
        ],
        "unknown": [
            changes[name]
            for name, (old, entry) in both.items()
            if not (old.version and entry.version)
        ],
    }


def _compare_runtimes(live: str | None, new: str | None) -> _Difference:
    if live is None or new is None:
        return _UNKNOWN
    change = message("{} → {}", live, new) if live else message("{}", new)
    return {"another version of": [change]} if live != new else {}


def _change(noun: str, name: str, old: Entry, entry: Entry) -> Message:
    """Describe the difference between two entries; nothing if none is certain."""
    if old.visibility and entry.visibility and old.visibility != entry.visibility:
        return message("{} ({} → {})", name, old.visibility, entry.visibility)
    if not (old.version and entry.version) or old.version == entry.version:
        return NOTHING
    versions = message(" {} → {}", old.version, entry.version)
    return message("{}{}", name, versions if noun == "dependency" else NOTHING)


def _lines(differences: Mapping[str, _Difference]) -> Iterator[Finding]:
    """Yield a line for each change, removals first, and for what could not be compared."""
    for verb in ("removed", "added", "another version of"):
        for noun, difference in differences.items():
            label = noun if noun == "runtime" else f"{verb} {noun}"
            for name in builds.shorten(difference.get(verb, [])):
                yield Finding(label, name)
    for noun, difference in differences.items():
        if difference.get("unknown"):
            text = f"the {plural(noun)} of the two builds cannot all be compared"
            yield Finding(_LABEL, message(text))


def _warnings(files: Mapping[str, _Difference]) -> Iterator[Finding]:
    """Yield what somebody has to know who does not read the log."""
    removed = {noun: each["removed"] for noun, each in files.items() if each.get("removed")}
    if removed:
        counts = " and ".join(count(len(names), noun) for noun, names in removed.items())
        text = message(
            f"{counts} would be removed from the environment: {{}}. Check that the build was made "
            "from a complete checkout",
            join(", ", *builds.shorten([name for names in removed.values() for name in names])),
        )
        yield Finding(_LABEL, text, warning="Deploying this build removes functions or assets")
    if exposed := [name for each in files.values() for name in each.get("exposed", [])]:
        names = join(", ", *builds.shorten(exposed))
        text = message("more people could see {}. Check that this is intended", names)
        title = "Deploying this build makes functions or assets more visible"
        yield Finding(_LABEL, text, warning=title)
