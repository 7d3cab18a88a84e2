"""Why a build failed: best effort, bounded in time, and never a verdict.

The Status resource has no reason. The Build resource says what is in the build, and Monitor's
alerts, which Twilio's Debugger shows, may hold what went wrong.

Source of an alert's shape: `monitor.v1.alert` in Twilio's OpenAPI description of Monitor v1
(twilio/twilio-oai, spec/json/twilio_monitor_v1.json).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from urllib.parse import parse_qs, unquote_plus, urlencode

from twilio_build_wait.inputs import SERVICE_SID_FORM
from twilio_build_wait.model import Diagnosis, Finding, PollError, Progress, count
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import Settings
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.text import SafeText, fit
from twilio_build_wait.twilio.builds import Build, parse_build
from twilio_build_wait.twilio.causes import ERROR_CODES, causes, hints
from twilio_build_wait.twilio.polls import MAX_BYTES, Get
from twilio_build_wait.twilio.responses import (
    date,
    error_code,
    formatted,
    has_next_page,
    is_same,
    json_object,
)
from twilio_build_wait.twilio.transport import Response

#: How long the diagnosis may take in total, and the Build resource of that, in seconds.
LIMIT, BUILD_LIMIT = 10.0, 4.0
#: How many alerts are shown.
SHOWN_ALERTS = 5

# The longest page that Monitor allows.
_PAGE_SIZE = 1000
_SHOWN_DEPENDENCIES = 12
# An alert can be dated a little before its build.
_MARGIN = timedelta(minutes=5)
# How far back to look without the build's own date.
_RECENT = timedelta(hours=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# Monitor answers for the last 30 days (its OpenAPI description, `StartDate`).
_OLDEST = timedelta(days=29)

#: Where Twilio's Console shows errors of the region US1 (twilio-labs/serverless-toolkit,
#: packages/twilio-run/src/printers/utils.ts).
DEBUGGER = "https://console.twilio.com/us1/monitor/logs/debugger"

_SID = re.compile(r"(?i)Z[BS][0-9a-f]{32}(?![0-9a-f])")
# The fields of an alert's text when it is a query string.
_FIELDS = {"parserMessage", "Msg", "ErrorCode", "sourceComponent"}


class Relation(Enum):
    """How an alert relates to the build; only the first two may become the reason as they are."""

    BUILD = "Alert about this build"
    SERVICE = "Alert about this service"
    POSSIBLE = "Possibly related alert"


@dataclass(frozen=True)
class Context:
    """What an alert is compared with: the SIDs, the build's date, and the server's clock.

    `service_sid` is empty if only the unique name is known.
    """

    build_sid: str
    service_sid: str
    created: datetime | None
    now: datetime


@dataclass(frozen=True)
class _Alert:
    relation: Relation
    date: datetime
    code: str
    line: str


@dataclass
class Search:
    """One search for the reason of a failed build. What it has found survives a signal.

    `get` is `Transport.get`, `clock` monotonic and in seconds, `now` the server's clock by the last
    poll, or the local one. `progress` has the SIDs of the build and, if Twilio reported it, of the
    service.
    """

    get: Get
    settings: Settings
    progress: Progress
    clock: Callable[[], float]
    now: datetime
    show: Redactor
    _build: Build = field(default=Build(), init=False)
    _alerts: list[_Alert] = field(default_factory=list, init=False)
    _problems: list[Finding] = field(default_factory=list, init=False)
    # Why the alerts are not known in full; empty if they are.
    _gap: str = field(default="Twilio's alerts could not be read", init=False)

    def run(self) -> Diagnosis:
        """Search for at most `LIMIT` seconds; never raises for a bad response."""
        end = self.clock() + LIMIT
        try:
            self._read_build()
            self._read_alerts(max(0.1, end - self.clock()))
        except Cancelled:
            self._problem("Search stopped", "a signal arrived")
        return Diagnosis(self._reason(), tuple(dict.fromkeys(self._findings())))

    def _problem(self, label: str, text: str) -> None:
        self._problems.append(Finding(label, self.show.piece(text)))

    def _read(self, url: str, limit: float, problem: str) -> dict[str, object] | None:
        response = self.get(url, limit, MAX_BYTES)
        if isinstance(response, Response):
            self.now = response.date or self.now
        body = json_object(response, url, self.show)
        if isinstance(body, PollError):
            self._problem(problem, body.text)
            return None
        return body

    def _read_build(self) -> None:
        problem = "The build's contents could not be read"
        body = self._read(self.settings.build_url(self.progress.build_sid), BUILD_LIMIT, problem)
        if body is None:
            return
        if is_same(body.get("sid"), self.progress.build_sid):
            self._build = parse_build(body)
        else:
            self._problem(problem, "Twilio sent another build")

    def _read_alerts(self, limit: float) -> None:
        problem = "Alerts could not be read"
        created, now = self._build.created, self.now
        # Twilio's timestamps were hours ahead for years: a date in the future is no date.
        start = created if created and created <= now else now - _RECENT
        start = max(start, now - _OLDEST) - _MARGIN
        window = {
            "LogLevel": "error",
            "StartDate": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "EndDate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "PageSize": str(_PAGE_SIZE),
        }
        body = self._read(f"{self.settings.monitor}/v1/Alerts?{urlencode(window)}", limit, problem)
        if body is None:
            return
        listed = body.get("alerts")
        if not isinstance(listed, list):
            self._problem(problem, "Twilio sent no list of alerts")
            return
        service_sid = formatted(self.progress.service_sid, SERVICE_SID_FORM).lower()
        context = Context(self.progress.build_sid.lower(), service_sid, created, now)
        alerts = [alert for alert in listed if isinstance(alert, dict)]
        is_whole = len(alerts) == len(listed) and not has_next_page(body)
        self._gap = "" if is_whole else "Twilio's alerts could not all be read"
        related = [found for alert in alerts if (found := self._related(alert, context))]
        related.sort(key=lambda alert: alert.date, reverse=True)
        related.sort(key=lambda alert: [*Relation].index(alert.relation))
        self._alerts = related[:SHOWN_ALERTS]

    def _related(self, alert: dict[str, object], context: Context) -> _Alert | None:
        """Return an alert that is or may be about the build, else None."""
        code = error_code(alert.get("error_code"))
        generated = date(alert.get("date_generated")) or date(alert.get("date_created"))
        relation = relate(set(_sids(alert)), code, generated, context)
        text = alert.get("alert_text")
        # Redacted before it is decoded: a credential may be URL-encoded in it.
        message = decoded(self.show.redact(text)) if isinstance(text, str) else ""
        if relation is None or not (code or message):
            return None
        title = ERROR_CODES[code].title if code in ERROR_CODES else ""
        line = ": ".join(filter(None, (f"{code} {title}".strip(), message)))
        return _Alert(relation, generated or _LONG_AGO, code, line)

    def _reason(self) -> SafeText:
        """Return the one best line: what is proven, else what is likely, else what is possible."""
        best = self._alerts[0] if self._alerts else None
        if best and best.relation is not Relation.POSSIBLE:
            return self.show.piece(best.line)
        if found := causes(self._build):
            return self.show.piece("; ".join(filter(None, (str(found[0]), self._gap))))
        if best:
            start = self._gap or "Twilio gives no reason"
            return fit(f"{start}; possibly related", self.show.line(best.line))
        known = f", but {self._gap}" if self._gap else " and gives no reason"
        return fit(f"Twilio reports that the build failed{known}; the log says what to check")

    def _findings(self) -> Iterator[Finding]:
        show = self.show.piece
        for alert in self._alerts:
            page = f"https://www.twilio.com/docs/errors/{alert.code}" if alert.code else ""
            yield Finding(alert.relation.value, show(alert.line), page)
            if alert.code in ERROR_CODES:
                yield Finding("What to do", show(ERROR_CODES[alert.code].advice))
        found = causes(self._build)
        for cause in found:
            yield Finding(f"{cause.certainty} cause".capitalize(), show(cause.text))
            yield Finding("What to do", show(cause.advice))
        if not self._alerts and not found:
            for hint in hints(self._build):
                yield Finding("Check", show(hint))
        yield from self._contents(self._build)
        yield from self._problems
        label, region = "Where to look next", self.settings.region
        if region == "us1":
            yield Finding(label, SafeText("Twilio's Debugger"), DEBUGGER)
        else:
            where = f" of region {region}" if region else ""
            yield Finding(label, SafeText(f"the error logs{where} in Twilio's Console"))

    def _contents(self, build: Build) -> Iterator[Finding]:
        parts = [build.runtime] if build.runtime else []
        for versions, noun in ((build.functions, "function"), (build.assets, "asset")):
            if versions is not None:
                parts.append(count(len(versions), noun))
        for moment, verb in ((build.created, "created"), (build.updated, "updated")):
            if moment:
                parts.append(f"{verb} {moment:%Y-%m-%d %H:%M:%S} UTC")
        if parts:
            yield Finding("In the build", self.show.piece(", ".join(parts)))
        if build.dependencies:
            names = [f"{name}@{version}" for name, version in build.dependencies.items()]
            more = len(names) - _SHOWN_DEPENDENCIES
            rest = f" and {more} more" if more > 0 else ""
            shown = self.show.piece(", ".join(names[:_SHOWN_DEPENDENCIES]))
            yield Finding("Dependencies", self.show.piece(shown + rest))


def relate(
    sids: set[str], code: str, generated: datetime | None, context: Context
) -> Relation | None:
    """Return how an alert relates to the build, or None if it does not.

    `sids` are those of builds and services that the alert names, in lower case.
    """
    if context.build_sid in sids:
        return Relation.BUILD
    if sids - {context.service_sid}:
        return None  # it names another build or another service
    is_build_code = code in ERROR_CODES
    if is_build_code and sids and generated and context.created:
        is_dated = context.created <= generated <= context.now
        return Relation.SERVICE if is_dated else Relation.POSSIBLE
    return Relation.POSSIBLE if is_build_code or sids else None


def _sids(value: object) -> Iterator[str]:
    """Find the SIDs of builds and services in an alert, URL-encoded ones included."""
    if isinstance(value, str):
        for text in (value, unquote_plus(value)):
            yield from (found.lower() for found in _SID.findall(text))
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _sids(inner)


def decoded(alert_text: str) -> str:
    """Return the message in an alert's text: a query string with a message, or a sentence.

    A query string without `parserMessage` and `Msg` has no message.
    Source: twilio-cli, src/commands/debugger/logs/list.js.
    """
    try:
        fields = parse_qs(alert_text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return ""
    has_spaces = any(character.isspace() for character in alert_text.strip())
    is_query = bool(_FIELDS & fields.keys()) or (not has_spaces and "=" in alert_text)
    if not is_query:
        return alert_text.strip()
    messages = [*fields.get("parserMessage", []), *fields.get("Msg", [])]
    return next((message.strip() for message in messages if message.strip()), "")
