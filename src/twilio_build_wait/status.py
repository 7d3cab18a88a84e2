"""The Build Status resource: one GET becomes a reading or a fault.

Source of the resource's shape: `serverless.v1.service.build.build_status` in Twilio's OpenAPI
description of Serverless v1 (twilio/twilio-oai, spec/json/twilio_serverless_v1.json).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeGuard

from twilio_build_wait import text
from twilio_build_wait.results import Fault, Kind, Reading
from twilio_build_wait.settings import ACCOUNT_SID, SERVICE_SID, Settings
from twilio_build_wait.transport import Reply

_OK, _NOT_FOUND, _TOO_MANY_REQUESTS = 200, 404, 429
_REDIRECTS, _LASTING_CODES, _SERVER_ERRORS = range(300, 400), range(300, 500), range(500, 600)
_PASSING_CODES = frozenset({408, 425, _TOO_MANY_REQUESTS})

_CODE = re.compile(r"[1-9][0-9]{0,5}")
_SECONDS = re.compile(r"[0-9]{1,9}")

_ADVICE = {
    401: "Check the SID and the token or secret; those of another region are refused as well",
    403: "The credential may not read this build: check the API key's permissions and its account",
    _NOT_FOUND: "Check service-sid, build-sid, region and the account that the credential is of; "
    "Twilio also deletes builds that were never deployed",
}
_REDIRECT_ADVICE = "Redirects are never followed: name the right address in base-url"
_REFUSED_ADVICE = "Look the status and code up in Twilio's documentation"


class GarbledError(Exception):
    """A body that is not one JSON object."""


def reader(
    get: Callable[[str, float], Reply | Fault], settings: Settings, show: Callable[[str], str]
) -> Callable[[float], Reading | Fault]:
    """Make the function that reads the status once, within a number of seconds.

    Args:
        get: `Transport.get`.
        settings: whose build is read.
        show: makes a piece of foreign text safe to show.
    """

    def read(limit: float) -> Reading | Fault:
        reply = get(settings.status_url, limit)
        return reply if isinstance(reply, Fault) else judge(reply, settings, show)

    return read


def judge(reply: Reply, settings: Settings, show: Callable[[str], str]) -> Reading | Fault:
    """Tell what a reply means for the wait."""
    if reply.status != _OK:
        return refusal(reply, settings.host, show)
    try:
        body = parse(reply.body)
    except GarbledError as problem:
        return Fault(f"{settings.host}: garbled reply ({problem})")
    status, sid = body.get("status"), body.get("sid")
    if not isinstance(sid, str) or sid.lower() != settings.build_sid.lower():
        return Fault(f"{settings.host}: a reply that is not about this build")
    if not isinstance(status, str):
        return Fault(f"{settings.host}: a reply without a status")
    account, service = body.get("account_sid"), body.get("service_sid")
    service_sid = service if _is(service, SERVICE_SID) else ""
    return Reading(
        status,
        account if _is(account, ACCOUNT_SID) else "",
        service_sid,
        _own_url(body.get("url"), settings, service_sid),
    )


def parse(body: bytes) -> dict[str, object]:
    """Parse one JSON object, strictly: UTF-8, no duplicate keys, no NaN.

    Raises:
        GarbledError: it is anything else; the message says what, in our words alone.
    """
    try:
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            # Numbers play no part here, and int() refuses those of more than 4,300 digits.
            parse_int=float,
        )
    except UnicodeDecodeError:
        raise GarbledError("not UTF-8") from None
    except json.JSONDecodeError:
        raise GarbledError("not JSON" if body.strip() else "empty") from None
    except RecursionError:
        raise GarbledError("JSON nested too deeply") from None
    if not isinstance(parsed, dict):
        raise GarbledError("not a JSON object")
    return parsed


def refusal(reply: Reply, host: str, show: Callable[[str], str]) -> Fault:
    """Make the fault of a reply other than 200, naming all that Twilio's support asks for.

    What the reply says is shown piece by piece: cut before it is redacted, a credential in it
    would lose its end and be known no more.
    """
    code, message = _error(reply.body)
    named = [f"Twilio error {code}"] if code else []
    if request_id := reply.headers.get("Twilio-Request-Id", ""):
        named.append(f"Twilio-Request-Id {show(request_id)}")
    cause = f"HTTP {reply.status} from {host}" + (f" ({', '.join(named)})" if named else "")
    if message:
        cause += f": {show(message)}"
    if reply.status == _NOT_FOUND:
        return Fault(cause, Kind.MISSING, _ADVICE[_NOT_FOUND])
    if reply.status in _PASSING_CODES or reply.status not in _LASTING_CODES:
        limited = reply.status == _TOO_MANY_REQUESTS or reply.status in _SERVER_ERRORS
        return Fault(cause, retry_after=retry_after(reply.headers) if limited else None)
    advice = _ADVICE.get(reply.status, _REFUSED_ADVICE)
    return Fault(cause, Kind.LASTING, _REDIRECT_ADVICE if reply.status in _REDIRECTS else advice)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, or None if it is of no use.

    It is a number of seconds, or a date (RFC 9110, 10.2.3), which is held against the reply's own
    `Date`, so that a clock that is wrong, theirs or ours, makes no difference.
    """
    value = (headers.get("Retry-After") or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until, now = _date(value), _date(headers.get("Date") or "")
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _error(body: bytes) -> tuple[str, str]:
    """Return code and message of one of Twilio's three shapes of error body; empty if absent.

    `{code, message, more_info, status}` (twilio-cli#252), `{code, message, detail, moreInfo}`
    (serverless-api#37), and RFC 9457's `{code, title, detail}` (twilio-python, base/version.py).
    """
    try:
        error = parse(body)
    except GarbledError:
        return "", ""
    code = error.get("code")
    texts = (error.get(key) for key in ("message", "title", "detail"))
    message = next((found for found in texts if isinstance(found, str) and found), "")
    if isinstance(code, float) and code.is_integer():
        code = f"{code:.0f}"
    return (code if isinstance(code, str) and _CODE.fullmatch(code) else ""), message


def _own_url(url: object, settings: Settings, service_sid: str) -> str:
    """Return `url` if it is https, under twilio.com, and the address of this very resource."""
    if not isinstance(url, str):
        return ""
    services = "|".join(re.escape(name) for name in (settings.service_sid, service_sid) if name)
    path = rf"/v1/Services/(?:{services})/Builds/{settings.build_sid}/Status"
    host = r"https://(?:[a-z0-9-]+\.)*twilio\.com"
    own = re.fullmatch(rf"{host}(?:/[a-z0-9._~-]+)*{path}", url, re.ASCII | re.IGNORECASE)
    return url if own and len(url) <= text.LIMIT else ""


def _is(value: object, form: re.Pattern[str]) -> TypeGuard[str]:
    return isinstance(value, str) and bool(form.fullmatch(value))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        # Which of two values is meant, parsers disagree about.
        raise GarbledError("duplicate keys")
    return unique


def _no_constant(name: str) -> object:
    raise GarbledError(f"not JSON: {name}")
