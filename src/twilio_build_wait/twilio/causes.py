"""What may explain a failed build: Monitor's alerts, and what the Build itself shows."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import parse_qs

from twilio_build_wait.model import Progress
from twilio_build_wait.safe_text import NOTHING, Message, join, message
from twilio_build_wait.twilio.builds import Build, Entry
from twilio_build_wait.twilio.responses import date, error_code

# The page that lists the runtimes that Twilio accepts.
_RUNTIME_PAGE = "https://www.twilio.com/docs/serverless/functions-assets/node-upgrade"
_HANDLER = "@twilio/runtime-handler"
_SID = re.compile(r"Z[BS][0-9a-f]{32}(?![0-9a-f])", re.IGNORECASE)
# An alert's text is a query string if it has one of these fields, or looks like one.
_FIELDS = {"parserMessage", "Msg", "ErrorCode", "sourceComponent"}
_QUERY_STRING = re.compile(r"\s*[?&]*[\w.%\[\]-]+=\S*(?:&|\s*$)")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Certainty(Enum):
    """How sure an explanation is, the surest first. The value is its label."""

    BUILD = "Alert about this build"
    SERVICE = "Alert about this service"
    LIKELY = "Likely cause"
    POSSIBLE = "Possible cause"
    RELATED = "Possibly related alert"


#: With these, Twilio itself names the build or its service.
PROVEN = {Certainty.BUILD, Certainty.SERVICE}


@dataclass(frozen=True)
class Explanation:
    """What may explain a failed build, what to do about it, and a page about each or none."""

    certainty: Certainty
    text: Message
    page: str = ""
    advice: Message = NOTHING
    advice_page: str = ""


def by_certainty(explanations: Iterable[Explanation]) -> list[Explanation]:
    """Put the surest first, and otherwise keep the order."""
    return sorted(explanations, key=lambda each: [*Certainty].index(each.certainty))


@dataclass(frozen=True)
class ErrorCode:
    """A code, and what to do by a pattern of an alert's words: `always`, or only `if_named`."""

    title: str
    always: Mapping[str, str]
    if_named: Mapping[str, str]
    advice_page: str = ""

    def advice(self, alert: str) -> str:
        """Return what to do, beginning with what the alert itself points to."""
        clues = {**self.always, **self.if_named}
        named = [clues[clue] for clue in clues if re.search(clue, alert, re.IGNORECASE)]
        return ". ".join(dict.fromkeys([*named, *self.always.values()]))


_REMEDIES = {
    "ECONNRESET|ETIMEDOUT|EAI_AGAIN": "Deploy again after some time: npm may be degraded",
    r"\bgcc\b|\bg\+\+|\bgyp\b|\bmake\b(?! sure)|compil|prebuild": (
        "Use packages that install without a compiler (gcc)"
    ),
    "ENOSPC|(no|of|disk) space": "Use fewer or smaller packages: the space is limited",
}
_FURTHER_REMEDIES = {
    r"\bE?404\b|ETARGET|no matching version|does not exist|could not find"
    r"|(?<!command )(?<!: )not found(?!:)": (
        "Check the name and the version of the package that the alert names"
    ),
    "ENOENT|no such file": (
        "Check the path that the alert names: a build has only uploaded files and packages from npm"
    ),
}
_NAME_THE_RUNTIME = (
    "Name the runtime when you create the build, such as node22: without one, it takes that of the "
    "last successful build"
)
#: The codes that Twilio documents for builds (twilio.com/docs/errors/82003, /82007). A package that
#: does not exist is refused before (twilio-labs/serverless-toolkit#538), so few alerts name one.
#: An alert that does not name the build is shown only with one of these: live code raises others.
ERROR_CODES = {
    "82003": ErrorCode("Deployment Installation Failure", _REMEDIES, _FURTHER_REMEDIES),
    "82007": ErrorCode("Unsupported Runtime", {"": _NAME_THE_RUNTIME}, {}, _RUNTIME_PAGE),
}

# Certainty, runtime and version of the handler (patterns), cause, what to do, and a page about it.
_CAUSES = (
    (  # twilio.com/en-us/changelog/node-js-v24-is-now-available-for-twilio-functions (2026-07-08)
        Certainty.LIKELY,
        "node24",
        r"(0\.[0-9]+|1\.[01])\.[0-9]+",
        f"the runtime {{0}} needs a newer {_HANDLER} than {{1}}",
        f"Set {_HANDLER} to exactly 2.1.2",
        "https://www.twilio.com/docs/serverless/functions-assets/handler",
    ),
    (  # twilio.com/en-us/changelog/node-js-v18-support-ending-for-twilio-functions-and-assets
        # (2025-05-29). It does not say that a build is created, and then fails.
        Certainty.POSSIBLE,
        "node([0-9]|1[0-8])",
        ".*",
        "Twilio no longer supports the runtime {0}",
        "Create the build with a newer runtime, such as node22",
        _RUNTIME_PAGE,
    ),
)


def find_causes(build: Build) -> list[Explanation]:
    """Return what a Build itself shows: nothing of it is proven."""
    runtime = build.runtime or ""
    handler = (build.dependencies or {}).get(_HANDLER, Entry()).version
    return [
        Explanation(certainty, message(cause, runtime, handler), "", message(advice), page)
        for certainty, runtimes, handlers, cause, advice, page in _CAUSES
        if re.fullmatch(runtimes, runtime) and re.fullmatch(handlers, handler)
    ]


def page_about(code: str) -> str:
    """Return the address of Twilio's page about an error code."""
    return f"https://www.twilio.com/docs/errors/{code}"


def related(
    entries: Iterable[object], progress: Progress, created: datetime | None, now: datetime
) -> list[Explanation]:
    """Return the alerts that may be about a build, newest first; `now` is the server's clock."""
    alerts = sorted((each for each in entries if isinstance(each, dict)), key=_date, reverse=True)
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
    return Explanation(
        certainty,
        join(": ", title, message("{}", said) if said else NOTHING)
        or message("an alert without a code and a message"),
        page_about(code) if code else "",
        message(error.advice(said)),
        error.advice_page,
    )


def _date(alert: Mapping[str, object]) -> datetime:
    return date(alert.get("date_generated")) or date(alert.get("date_created")) or _LONG_AGO


def decode(alert_text: str) -> str:
    """Return the message in an alert's text (twilio-cli, src/commands/debugger/logs/list.js)."""
    fields = parse_qs(alert_text.strip().lstrip("?&"))
    if not (_FIELDS & fields.keys() or _QUERY_STRING.match(alert_text)):
        return alert_text.strip()
    messages = [*fields.get("parserMessage", []), *fields.get("Msg", [])]
    return next((message.strip() for message in messages if message.strip()), "")
