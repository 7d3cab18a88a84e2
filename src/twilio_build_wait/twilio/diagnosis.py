"""Why a build failed: best effort, bounded in time, and never a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from twilio_build_wait.model import Ending, ErrorKind, Finding, PollError, Progress, count
from twilio_build_wait.safe_text import NOTHING, Message, join, message
from twilio_build_wait.settings import Settings
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.twilio import builds, causes
from twilio_build_wait.twilio.builds import Build
from twilio_build_wait.twilio.causes import Certainty, Explanation
from twilio_build_wait.twilio.client import Client, Resource, read_page
from twilio_build_wait.twilio.responses import has_next_page, is_same

#: How long the diagnosis may take in total, and the Build resource of that, in seconds.
LIMIT, BUILD_LIMIT = 20.0, 8.0
#: How long after a read without an alert about the build the alerts are read again, in seconds.
AGAIN_AFTER = 3.0
#: How many alerts are shown.
SHOWN_ALERTS = 5
# The longest page that Monitor allows, and the one for alerts that are long.
_PAGE_SIZES = (1000, 100)
# An alert can be dated a little before its build.
_MARGIN = timedelta(minutes=5)
# How far back to look without the build's own date.
_RECENT = timedelta(hours=1)
# Monitor answers for the last 30 days (its OpenAPI description, `StartDate`).
_OLDEST = timedelta(days=29)
# Where Twilio shows more, by region, and a page: the Debugger is that of US1
# (twilio-labs/serverless-toolkit, packages/twilio-run/src/printers/utils.ts).
_PLACES = {
    "us1": ("Twilio's Debugger", "https://console.twilio.com/us1/monitor/logs/debugger"),
    "": ("the error logs in Twilio's Console", ""),
}


@dataclass
class Diagnosis:
    """One search for the reason of a failed build. What it has read survives a signal."""

    client: Client
    settings: Settings
    progress: Progress
    _build: Build = field(default=Build(), init=False)
    _alerts: Sequence[Explanation] = field(default=(), init=False)
    _problems: dict[str, Message] = field(default_factory=dict, init=False)
    # Why the alerts are not known in full; empty if they are.
    _gap: str = field(default="Twilio's alerts could not be read", init=False)

    def run(self) -> tuple[Message, tuple[Finding, ...]]:
        """Search for at most `LIMIT` seconds; return the reason, and all that was found."""
        end = self.client.clock() + LIMIT
        try:
            self._read_build(self.client.clock() + BUILD_LIMIT)
            # Alerts arrive late ("due to buffering", twilio_monitor_v1.json, `date_generated`).
            while self._read_alerts(end) and self.client.clock() + AGAIN_AFTER < end:
                self.client.signals.sleep(AGAIN_AFTER)
        except Cancelled:
            self._problems["Search stopped"] = message("a signal arrived")
        explanations = causes.by_certainty([*self._alerts, *causes.find_causes(self._build)])
        reason = give_reason(explanations, self._gap, self.progress.build_sid)
        return reason, tuple(dict.fromkeys(self._findings(explanations)))

    def _read_build(self, end: float) -> None:
        label, sid = "The build's contents could not be read", self.progress.build_sid
        body = self.client.read_until(self.settings.build_url(sid), end)
        if isinstance(body, PollError):
            self._problems[label] = _explain(body)
        elif is_same(body.get("sid"), sid):
            self._build = builds.parse(body)
        else:
            self._problems[label] = message("Twilio sent another build")

    def _read_alerts(self, end: float) -> bool:
        """Read the alerts once; return whether to read them again."""

        def read(page_size: int) -> Resource:
            query = alerts_query(self._build.created, self.client.now, page_size)
            return self.client.read_until(f"{self.settings.monitor}/v1/Alerts?{query}", end)

        label = "Alerts could not be read"
        body, _ = read_page(read, _PAGE_SIZES)
        if isinstance(body, PollError):  # transient ones have been repeated
            self._problems[label] = _explain(body)
            return False
        entries = body.get("alerts")
        if not isinstance(entries, list):
            self._problems[label] = message("Twilio sent no list of alerts")
            return True
        self._problems.pop(label, None)
        alerts = causes.related(entries, self.progress, self._build.created, self.client.now)
        self._alerts = causes.by_certainty(alerts)[:SHOWN_ALERTS]
        is_whole = all(isinstance(entry, dict) for entry in entries) and not has_next_page(body)
        self._gap = "" if is_whole else "Twilio's alerts could not all be read"
        return not any(alert.certainty in causes.PROVEN for alert in self._alerts)

    def _findings(self, explanations: Sequence[Explanation]) -> Iterator[Finding]:
        for each in explanations:
            yield Finding(each.certainty.value, each.text, each.page)
            if each.advice:
                yield Finding("What to do", each.advice, each.advice_page)
        is_unexplained = all(each.certainty is Certainty.RELATED for each in explanations)
        if is_unexplained and self._build.dependencies != {}:
            text = "npm is degraded, a package needs a compiler (gcc), or the packages are large"
            yield Finding("Common causes", message(text), causes.page_about("82003"))
        yield from describe(self._build)
        for label, problem in self._problems.items():
            yield Finding(label, problem)
        yield where_to_look(self.settings.region)


def _explain(error: PollError) -> Message:
    """Say what went wrong, with the advice that is not about the status alone."""
    return join(". ", error.text, error.advice if error.kind is ErrorKind.PERMANENT else NOTHING)


def alerts_query(created: datetime | None, now: datetime, page_size: int) -> str:
    """Return the query for the alerts since a build was created; `now` is the server's clock."""
    # Twilio's timestamps were hours ahead for years: a date in the future is no date.
    start = created if created and created <= now else now - _RECENT
    date = f"{max(start, now - _OLDEST) - _MARGIN:%Y-%m-%dT%H:%M:%SZ}"
    # Without an end: an alert that arrives late is dated by the server's clock, not by ours.
    return urlencode({"LogLevel": "error", "StartDate": date, "PageSize": page_size})


def give_reason(explanations: Sequence[Explanation], gap: str, build_sid: str) -> Message:
    """Return the reason: the surest explanation, and why the alerts are not known in full."""
    none_yet = "Twilio has no alert about this build yet. Run the step again with build-sid"
    state = f"{gap}. {Ending.FAILED.advice}" if gap else f"{none_yet}: {build_sid}"
    if not explanations:
        return message(f"Twilio reports that the build failed; {state}")
    surest = explanations[0]
    if surest.certainty in causes.PROVEN:
        return surest.text
    return message(f"{surest.certainty.value.lower()}: {{}}; {state}", surest.text)


def describe(build: Build) -> Iterator[Finding]:
    """Describe what is in a build, as far as it is known."""
    counts = [count(len(each), noun) for noun, each in build.lists.items() if each is not None]
    if build.created:
        counts.append(f"created {build.created:%Y-%m-%d %H:%M:%S} UTC")
    runtime = message("{}", build.runtime) if build.runtime else NOTHING
    if contents := join(", ", runtime, *map(message, counts)):
        yield Finding("In the build", contents)
    if build.dependencies:
        names = [builds.name("dependency", *item) for item in build.dependencies.items()]
        yield Finding("Dependencies", join(", ", *builds.shorten(names)))


def where_to_look(region: str) -> Finding:
    """Say where Twilio shows more; `region` is empty if another API root was read."""
    place, page = _PLACES.get(region, ("the error logs of region {} in Twilio's Console", ""))
    return Finding("Where to look next", message(place, region), page)
