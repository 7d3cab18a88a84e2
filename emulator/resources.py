"""The shapes of Twilio's replies.

Fields, patterns and types are those of Twilio's OpenAPI descriptions of Serverless v1 and
Monitor v1 (twilio/twilio-oai, spec/json); error bodies are as their sources below show them.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from emulator.wire import Reply

if TYPE_CHECKING:
    from emulator.builds import Build

SERVERLESS = "https://serverless.twilio.com"
MONITOR = "https://monitor.twilio.com"

# HTTP status → Twilio's code and message (twilio.com/docs/api/errors, the 20xxx range). Any other
# status comes from something in front of the API, and so with a gateway's page, unless a code
# is given.
ERRORS = {
    400: (20001, "Unknown parameters"),
    401: (20003, "Authenticate"),
    403: (20403, "403 Forbidden"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "Method not allowed"),
    429: (20429, "Too many requests"),
    500: (20500, "An internal server error has occurred"),
    503: (20503, "Service is unavailable. Please try again"),
}
SHAPES = ("plain", "detail", "problem", "html")

_TOO_MANY_REQUESTS = 429


def timestamp(moment: datetime) -> str:
    """Return the time as Twilio writes it, in GMT and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def json_reply(status: int, content: Any) -> Reply:  # noqa: ANN401 - any JSON value
    """Return a reply with a JSON body."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return Reply(status, body, {"Content-Type": "application/json"})


def error(
    status: int, *, code: int | None = None, message: str | None = None, shape: str | None = None
) -> Reply:
    """Return an error in one of the shapes that Twilio's APIs answer with.

    ``plain`` is the usual one (twilio-cli issue 252), ``detail`` that of a real 429
    (twilio-labs/serverless-api issue 37), and the default for 429; ``problem`` is RFC 9457 as
    twilio-python's base/version.py reads it; ``html`` is a gateway's page.
    """
    usual_code, usual_message = ERRORS.get(status, (None, f"HTTP {status}"))
    code = usual_code if code is None else code
    message = usual_message if message is None else message
    more = f"https://www.twilio.com/docs/errors/{code}"
    if shape is None:
        usual = "detail" if status == _TOO_MANY_REQUESTS else "plain"
        shape = "html" if code is None else usual
    if shape == "plain":
        content = {"code": code, "message": message, "more_info": more, "status": status}
    elif shape == "detail":
        detail = "Too many requests for the associated account being sent."
        content = {
            "status": status,
            "message": message,
            "detail": detail if status == _TOO_MANY_REQUESTS else message,
            "code": code,
            "moreInfo": more,
        }
    elif shape == "problem":
        content = {"type": more, "title": message, "status": status, "code": code}
        reply = json_reply(status, content)
        return Reply(status, reply.body, {"Content-Type": "application/problem+json"})
    elif shape == "html":
        page = f"<html><head><title>{status}</title></head><body><h1>{message}</h1></body></html>"
        return Reply(status, page.encode(), {"Content-Type": "text/html"})
    else:
        raise ValueError(f"{shape!r} is not a shape of error: {', '.join(SHAPES)}")
    return json_reply(status, content)


def build_url(build: Build) -> str:
    """Return the address of the Build resource at Twilio."""
    return f"{SERVERLESS}/v1/Services/{build.service_sid}/Builds/{build.sid}"


def build_status(build: Build, account_sid: str, now: float) -> dict[str, Any]:
    """Return the Status resource of a build (``serverless.v1.service.build.build_status``)."""
    return {
        "sid": build.sid,
        "account_sid": account_sid,
        "service_sid": build.service_sid,
        "status": build.status(now),
        "url": f"{build_url(build)}/Status",
    }


def build_resource(build: Build, account_sid: str, now: float) -> dict[str, Any]:
    """Return the Build resource (``serverless.v1.service.build``)."""
    created, updated = build.created, build.updated(now)
    return {
        "sid": build.sid,
        "account_sid": account_sid,
        "service_sid": build.service_sid,
        "asset_versions": [
            _version(build, account_sid, f"/asset-{n}.html") for n in range(build.assets)
        ],
        "function_versions": [
            _version(build, account_sid, f"/function-{n}") for n in range(build.functions)
        ],
        "dependencies": build.dependencies,
        "runtime": build.runtime,
        "status": build.status(now),
        "date_created": created and timestamp(created),
        "date_updated": updated and timestamp(updated),
        "url": build_url(build),
        "links": {"build_status": f"{build_url(build)}/Status"},
    }


def _version(build: Build, account_sid: str, path: str) -> dict[str, Any]:
    kind = "asset_sid" if path.startswith("/asset") else "function_sid"
    return {
        "sid": _sid("ZN", build.sid, path),
        "account_sid": account_sid,
        "service_sid": build.service_sid,
        kind: _sid("ZH", build.sid, path),
        "date_created": build.created and timestamp(build.created),
        "path": path,
        "visibility": "public",
    }


def _sid(prefix: str, *parts: str) -> str:
    """Return a SID that is always the same for the same parts."""
    return prefix + hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]


def alerts_of(build: Build, account_sid: str, now: float) -> list[dict[str, Any]]:
    """Return the alerts that a build has raised by now (``monitor.v1.alert``)."""
    ended = build.updated(now)
    if ended is None or build.status(now) != "failed":
        return []
    return [
        _alert(build, account_sid, ended, kind, number)
        for number, kind in enumerate(build.alerts)
        if kind != "none"
    ]


def _alert(
    build: Build, account_sid: str, ended: datetime, kind: str | dict[str, Any], number: int
) -> dict[str, Any]:
    """Return one alert, its text encoded as a query string like Twilio's.

    twilio-cli's debugger/logs/list.js decodes `alert_text` with `querystring` and shows its
    `parserMessage`, or its `Msg`; its tests hold a text of this form. Which SIDs a real 82003
    carries is not known: here it is the build's and the service's, and neither if ``nameless``.
    """
    worst = build.dependencies[-1] if build.dependencies else {"name": "?", "version": "?"}
    package = f"{worst.get('name')}@{worst.get('version')}"
    code, text = "82003", f"npm could not install {package}: node-gyp needs gcc, which is missing"
    resource_sid, service_sid = build.sid, build.service_sid
    if kind == "82007":
        code, text = "82007", f"{build.runtime} is not a supported runtime"
    elif kind == "nameless":
        resource_sid, service_sid = _sid("RQ", build.sid), None
    elif kind == "unrelated":
        code, text = "11200", "HTTP retrieval failure"
        resource_sid, service_sid = _sid("CA", build.sid), _sid("ZS", build.sid)
    sid, moment = _sid("NO", build.sid, str(number)), timestamp(ended)
    alert = {
        "account_sid": account_sid,
        "alert_text": urlencode({
            "Msg": text,
            "parserMessage": text,
            "ErrorCode": code,
            "LogLevel": "ERROR",
            "EmailNotification": "false",
        }),
        "api_version": "2010-04-01",
        "date_created": moment,
        "date_generated": moment,
        "date_updated": moment,
        "error_code": code,
        "log_level": "error",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "request_method": "POST",
        "request_url": f"{SERVERLESS}/v1/Services/{build.service_sid}/Builds",
        "resource_sid": resource_sid,
        "sid": sid,
        "url": f"{MONITOR}/v1/Alerts/{sid}",
        "service_sid": service_sid,
    }  # fmt: skip
    return alert | kind if isinstance(kind, dict) else alert


def alerts_page(
    alerts: list[dict[str, Any]], filters: dict[str, str], page: int, page_size: int
) -> dict[str, Any]:
    """Return one page of alerts with its ``meta`` block; `page` counts from 0."""

    def url(number: int) -> str:
        query = urlencode({**filters, "PageSize": page_size, "Page": number})
        return f"{MONITOR}/v1/Alerts?{query}"

    first = page * page_size
    more = first + page_size < len(alerts)
    return {
        "alerts": alerts[first : first + page_size],
        "meta": {
            "first_page_url": url(0),
            "key": "alerts",
            "next_page_url": url(page + 1) if more else None,
            "page": page,
            "page_size": page_size,
            "previous_page_url": url(page - 1) if page else None,
            "url": url(page),
        },
    }
