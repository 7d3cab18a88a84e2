"""Monitor's alerts: which of them are about a build, and what they say.

Source of an alert's shape: `monitor.v1.alert` in Twilio's OpenAPI description of Monitor v1
(twilio/twilio-oai, spec/json/twilio_monitor_v1.json).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from twilio_build_wait.model import Progress
from twilio_build_wait.safe_text import NOTHING, join, message
from twilio_build_wait.twilio.causes import ERROR_CODES, Certainty, ErrorCode, Explanation
from twilio_build_wait.twilio.responses import date, error_code

_SID = re.compile(r"Z[BS][0-9a-f]{32}(?![0-9a-f])", re.IGNORECASE)
# An alert's text is a query string if it has one of these fields, or looks like one.
_FIELDS = {"parserMessage", "Msg", "ErrorCode", "sourceComponent"}
_QUERY_STRING = re.compile(r"\s*[\w.-]+=\S*(?:&|\s*$)")
# The date of an alert without one.
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def page_about(code: str) -> str:
    """Return the address of Twilio's page about an error code."""
    return f"https://www.twilio.com/docs/errors/{code}"


def related(
    entries: Iterable[object], progress: Progress, created: datetime | None, now: datetime
) -> list[Explanation]:
    """Return the alerts that are or may be about the build, the newest first.

    `created` is the date of the build, `now` the server's clock.
    """
    alerts = [entry for entry in entries if isinstance(entry, dict)]
    alerts.sort(key=_date, reverse=True)
    return [*filter(None, (_explain(alert, progress, created, now) for alert in alerts))]


def _explain(
    alert: Mapping[str, object], progress: Progress, created: datetime | None, now: datetime
) -> Explanation | None:
    """Return what an alert says, or None if it must not be shown."""
    code, text = error_code(alert.get("error_code")), alert.get("alert_text")
    # All builds and services that it names, in whichever field.
    sids = {sid.lower() for sid in _SID.findall(str(alert))}
    if progress.build_sid.lower() in sids:
        certainty = Certainty.BUILD
    elif sids - {progress.service_sid.lower()} or code not in ERROR_CODES:
        return None  # about another build or service, or written by live code
    elif sids and created and created <= _date(alert) <= now:
        certainty = Certainty.SERVICE
    else:
        certainty = Certainty.RELATED
    said = decode(text) if isinstance(text, str) else ""
    error = ERROR_CODES.get(code, ErrorCode("", {}, {}))
    title = message(f"{code} {error.title}".strip())
    shown = join(": ", title, message("{}", said) if said else NOTHING)
    return Explanation(
        certainty,
        shown or message("an alert without a code and a message"),
        page_about(code) if code else "",
        message(error.advice(said)),
        error.advice_page,
    )


def _date(alert: Mapping[str, object]) -> datetime:
    return date(alert.get("date_generated")) or date(alert.get("date_created")) or _LONG_AGO


def decode(alert_text: str) -> str:
    """Return the message in an alert's text: a query string with a message, or a sentence.

    A query string without `parserMessage` and `Msg` has no message.
    Source: twilio-cli, src/commands/debugger/logs/list.js.
    """
    fields = parse_qs(alert_text)
    if not (_FIELDS & fields.keys() or _QUERY_STRING.match(alert_text)):
        return alert_text.strip()
    messages = [*fields.get("parserMessage", []), *fields.get("Msg", [])]
    return next((message.strip() for message in messages if message.strip()), "")
