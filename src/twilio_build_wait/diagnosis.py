"""Why a build failed, where Twilio keeps a reason: best effort, bounded, and never a verdict.

The Status resource has no reason field. What there is, is scattered: the Build resource says what
was in the build, and Monitor's alerts, which the Debugger shows, may hold what went wrong.

Sources of the shapes: `serverless.v1.service.build` and `monitor.v1.alert` in Twilio's OpenAPI
descriptions (twilio/twilio-oai, spec/json).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from twilio_build_wait.outcome import DEBUGGER, Finding, Progress, count
from twilio_build_wait.results import Fault
from twilio_build_wait.settings import SERVICE_SID, Settings
from twilio_build_wait.signals import Cancelled
from twilio_build_wait.status import GarbledError, parse, refusal
from twilio_build_wait.transport import Reply

#: How long the diagnosis may take in all, and the Build resource of that, in seconds.
LIMIT, BUILD_LIMIT = 10.0, 4.0
#: The most alerts that are shown.
MOST_ALERTS = 5

# A build and a page of alerts list much more than a status.
_BODY_LIMIT = 1024 * 1024
_PAGE_SIZE = 100
_MOST_DEPENDENCIES = 12
# Alerts can carry a time a little before the build's own, and clocks differ.
_BEFORE = timedelta(minutes=5)
# Monitor answers for the last 30 days alone (its OpenAPI description, `StartDate`).
_OLDEST = timedelta(days=29)

_OK = 200
_NO_ALERTS = "Alerts could not be read"

_CODE = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Diagnosis:
    """The one best line, and everything found, in the order in which it is to be read."""

    reason: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Remedy:
    title: str
    advice: str


# The alerts that building raises. Titles, causes and remedies: twilio.com/docs/errors/82003 and
# /82007 (read on 2026-11-23).
_BUILD_CODES = {
    "82003": _Remedy(
        "Deployment Installation Failure",
        "check that every dependency and version exists and installs without a compiler (gcc), and "
        "that all of them are small; if none has changed, npm may be degraded: build again later",
    ),
    "82007": _Remedy(
        "Unsupported Runtime",
        "create the build with a runtime that Twilio supports, such as the newest node it lists",
    ),
}

# Where Twilio keeps no reason, what it most often was for others.
_USUAL_CAUSES = (
    # twilio.com/docs/errors/82003
    "a dependency does not install: check names, versions, and for packages that need a compiler",
    # twilio-labs/serverless-toolkit#390: a build failed with no reason until it was installed
    "@twilio/runtime-handler is missing from the dependencies, or too old for the runtime",
    # twilio.com/docs/errors/82007
    "the runtime is no longer supported: name a current one when creating the build",
)


# What an alert is called, by how much doubt there is that it is about this build: one that only
# shares the time must not be sold as the cause.
_LABELS = ("Alert about this build", "Alert about this service", "Possibly related alert")
_DOUBTFUL = 2


@dataclass(frozen=True)
class _Alert:
    """An alert: how much doubt there is that it is about this build, when, and what it says."""

    doubt: int
    date: datetime
    code: str
    message: str

    @property
    def line(self) -> str:
        title = _BUILD_CODES[self.code].title if self.code in _BUILD_CODES else ""
        return ": ".join(filter(None, (" ".join(filter(None, (self.code, title))), self.message)))


def diagnose(
    get: Callable[[str, float, int], Reply | Fault],
    settings: Settings,
    progress: Progress,
    *,
    clock: Callable[[], float],
    now: Callable[[], float],
    show: Callable[[str], str],
    redact: Callable[[str], str],
) -> Diagnosis:
    """Look for the reason of a failed build, within `LIMIT` seconds; never raises for a bad peer.

    Args:
        get: `Transport.get`.
        settings: tell where to look.
        progress: tells the service's own SID, where Twilio has reported it.
        clock: a monotonic clock, in seconds.
        now: seconds since the epoch.
        show: makes a piece of foreign text safe to show.
        redact: takes credentials out of a text, before it is taken apart.
    """
    end = clock() + LIMIT
    alerts: list[_Alert] = []
    contents: list[Finding] = []
    try:
        build = _parsed(get(settings.build_url, BUILD_LIMIT, _BODY_LIMIT), settings.build_url, show)
        if isinstance(build, Fault):
            contents.append(Finding("The build's contents could not be read", build.cause))
            created = None
        else:
            contents += _contents(build)
            created = _date(build.get("date_created"))
        url = _alerts_url(settings.monitor, created, datetime.fromtimestamp(now(), UTC))
        page = _parsed(get(url, max(0.1, end - clock()), _BODY_LIMIT), url, show)
        if isinstance(page, Fault):
            contents.append(Finding(_NO_ALERTS, page.cause))
        elif isinstance(listed := page.get("alerts"), list):
            alerts = _related(listed, [settings.build_sid, progress.service_sid], redact)
        else:
            contents.append(Finding(_NO_ALERTS, "Twilio sent no list of alerts"))
    except Cancelled:
        contents.append(Finding("Not looked further", "a signal cut the search short"))
    return _told(alerts, contents)


def _parsed(
    result: Reply | Fault, url: str, show: Callable[[str], str]
) -> dict[str, object] | Fault:
    """Return the JSON object that a reply holds, or what went wrong."""
    if isinstance(result, Fault):
        return result
    host = urlsplit(url).netloc
    if result.status != _OK:
        return refusal(result, host, show)
    try:
        return parse(result.body)
    except GarbledError as problem:
        return Fault(f"{host}: garbled reply ({problem})")


def _contents(build: dict[str, object]) -> list[Finding]:
    """Say what was in a build."""
    parts = [runtime] if isinstance(runtime := build.get("runtime"), str) else []
    for key, noun in (("function_versions", "function"), ("asset_versions", "asset")):
        if isinstance(versions := build.get(key), list):
            parts.append(count(len(versions), noun))
    for key, verb in (("date_created", "created"), ("date_updated", "updated")):
        if date := _date(build.get(key)):
            parts.append(f"{verb} {date:%Y-%m-%d %H:%M:%S} UTC")
    found = [Finding("In the build", ", ".join(parts))] if parts else []
    listed = build.get("dependencies")
    names = [
        f"{entry.get('name')}@{entry.get('version')}"
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict)
    ]
    if names:
        more = len(names) - _MOST_DEPENDENCIES
        rest = f" and {more} more" if more > 0 else ""
        found.append(Finding("Dependencies", ", ".join(names[:_MOST_DEPENDENCIES]) + rest))
    return found


def _alerts_url(root: str, created: datetime | None, now: datetime) -> str:
    start = min(max(created or now - timedelta(hours=1), now - _OLDEST), now) - _BEFORE
    window = {"LogLevel": "error", "StartDate": f"{start:%Y-%m-%dT%H:%M:%SZ}"}
    window |= {"EndDate": f"{now:%Y-%m-%dT%H:%M:%SZ}", "PageSize": str(_PAGE_SIZE)}
    return f"{root}/v1/Alerts?{urlencode(window)}"


def _related(alerts: list[object], sids: list[str], redact: Callable[[str], str]) -> list[_Alert]:
    """Choose the alerts that may be about the build: the surest first, then the newest."""
    found = []
    for alert in alerts:
        if not isinstance(alert, dict):
            continue
        texts = [value for value in alert.values() if isinstance(value, str)]
        names_build, names_service = (
            # A unique name is an ordinary word, and would be found anywhere.
            any(sid.lower() in value.lower() for value in texts)
            for sid in (sids[0], sids[1] if SERVICE_SID.fullmatch(sids[1]) else "\0")
        )
        code = str(alert.get("error_code"))
        code = code.removesuffix(".0") if isinstance(alert.get("error_code"), float) else code
        code = code if _CODE.fullmatch(code) else ""
        if names_build:
            doubt = 0
        elif names_service and code in _BUILD_CODES:
            doubt = 1
        elif names_service or code in _BUILD_CODES:
            doubt = _DOUBTFUL
        else:
            continue
        date = _date(alert.get("date_generated")) or _date(alert.get("date_created")) or _EPOCH
        alert_text = alert.get("alert_text")
        message = _message(redact(alert_text)) if isinstance(alert_text, str) else ""
        if code or message:
            found.append(_Alert(doubt, date, code, message))
    found.sort(key=lambda alert: alert.date, reverse=True)
    return sorted(found, key=lambda alert: alert.doubt)[:MOST_ALERTS]


_EPOCH = datetime.fromtimestamp(0, UTC)


def _message(alert_text: str) -> str:
    """Decode an alert's text: a query string with `parserMessage` or `Msg`, or a plain sentence.

    Source: twilio-cli, src/commands/debugger/logs/list.js.
    """
    try:
        fields = parse_qs(alert_text, max_num_fields=100)
    except ValueError:
        fields = {}
    chosen = fields.get("parserMessage") or fields.get("Msg") or [alert_text]
    return chosen[0].strip()


def _told(alerts: list[_Alert], contents: list[Finding]) -> Diagnosis:
    """Put the findings in the order in which a person wants them."""
    findings = []
    for alert in alerts:
        label = _LABELS[alert.doubt]
        page = f"https://www.twilio.com/docs/errors/{alert.code}" if alert.code else ""
        findings.append(Finding(label, alert.line, page))
        if alert.code in _BUILD_CODES:
            findings.append(Finding("What to do", _BUILD_CODES[alert.code].advice))
    if alerts:
        doubtful = (
            "Twilio gives no reason; possibly related: " if alerts[0].doubt == _DOUBTFUL else ""
        )
        reason = f"{doubtful}{alerts[0].line}"
    else:
        reason = (
            "Twilio reports that the build failed, and gives no reason; the log says what to check"
        )
        findings += [Finding("Check", cause) for cause in _USUAL_CAUSES]
    findings += [*contents, Finding("Where to look next", "Twilio's Debugger", DEBUGGER)]
    return Diagnosis(reason, tuple(dict.fromkeys(findings)))


def _date(value: object) -> datetime | None:
    """Read a date in ISO 8601, as UTC."""
    if not isinstance(value, str):
        return None
    try:
        date = datetime.fromisoformat(value)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
