"""What an HTTP response means: a JSON object, or an error with its kind, message and advice."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeGuard
from urllib.parse import urlsplit

from twilio_build_wait.api.transport import Response, http_date
from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import NO_TEXT, SafeText

_REDIRECTS, _CLIENT_ERRORS, _SERVER_ERRORS = range(300, 400), range(400, 500), range(500, 600)
_TRANSIENT_CODES = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)

_CODE = re.compile(r"[1-9][0-9]{0,5}")
_SECONDS = re.compile(r"[0-9]{1,9}")

# The longest request ID or host that is quoted, in characters.
_QUOTED = 80

_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check that the SID and the token or secret belong together; those of "
    "another region are refused as well",
    HTTPStatus.FORBIDDEN: "Check that the credential is a standard API key of this account",
    HTTPStatus.NOT_FOUND: "Check service-sid, build-sid, region and the credential's account; "
    "Twilio may also have deleted a build that was never deployed",
}
_OTHER_ADVICE = "Look up the status and the code in Twilio's documentation"
_NOT_TWILIO = (
    "The response does not look like Twilio's: a proxy, a gateway or a web filter on the way may "
    "have answered"
)
_REDIRECT_ADVICE = "Redirects are never followed: set base-url to the final address"


class InvalidBodyError(Exception):
    """A body that is not one JSON object; the message says why, in our words only."""


def json_object(
    result: Response | PollError, url: str, show: Redactor
) -> dict[str, object] | PollError:
    """Return the JSON object that a 200 holds, or what went wrong."""
    if isinstance(result, PollError):
        return result
    host = show.piece(urlsplit(url).netloc, _QUOTED)
    if result.status != HTTPStatus.OK:
        return http_error(result, host, show)
    try:
        return parse(result.body)
    except InvalidBodyError as problem:
        return PollError(SafeText(f"{host}: invalid response ({problem})"))


def parse(body: bytes) -> dict[str, object]:
    """Parse one JSON object strictly: UTF-8, no duplicate keys, no NaN. Numbers become floats.

    Raises:
        InvalidBodyError: it is anything else.
    """
    try:
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            # int() refuses numbers of more than 4,300 digits.
            parse_int=float,
        )
    except UnicodeDecodeError:
        raise InvalidBodyError("not UTF-8") from None
    except json.JSONDecodeError:
        raise InvalidBodyError("not JSON" if body.strip() else "empty") from None
    except RecursionError:
        raise InvalidBodyError("JSON nested too deeply") from None
    if not isinstance(parsed, dict):
        raise InvalidBodyError("not a JSON object")
    return parsed


def http_error(response: Response, host: SafeText, show: Redactor) -> PollError:
    """Return the error of a response other than 200, with everything that Twilio's support asks."""
    status = response.status
    is_twilio, code, message = _error_body(response.body)
    named = [f"Twilio error {code}"] if code else []
    if request_id := response.headers.get("Twilio-Request-Id", ""):
        named.append(f"Twilio-Request-Id {show.piece(request_id, _QUOTED)}")
    cause = f"HTTP {status} from {host}" + (f" ({', '.join(named)})" if named else "")
    if status in _REDIRECTS:
        cause += _target(response, show)
    error = PollError(SafeText(cause), message=show.piece(message) if message else NO_TEXT)
    if status in _TRANSIENT_CODES or status not in (*_REDIRECTS, *_CLIENT_ERRORS):
        is_limit = status == HTTPStatus.TOO_MANY_REQUESTS or status in _SERVER_ERRORS
        if status in _CLIENT_ERRORS and not message:
            error = replace(error, message=SafeText("the response does not look like Twilio's"))
        return replace(error, retry_after=retry_after(response.headers) if is_limit else None)
    advice = _ADVICE.get(status, _OTHER_ADVICE) if is_twilio else _NOT_TWILIO
    if status in _REDIRECTS:
        advice = _REDIRECT_ADVICE if is_twilio else f"{_NOT_TWILIO}. {_REDIRECT_ADVICE}"
    is_missing = status == HTTPStatus.NOT_FOUND
    kind = ErrorKind.NOT_FOUND if is_missing else ErrorKind.PERMANENT
    return replace(error, kind=kind, advice=SafeText(advice))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, or None if it is invalid.

    It is a number of seconds or a date (RFC 9110, 10.2.3). A date is relative to the response's
    own `Date`, so a wrong clock makes no difference.
    """
    value = (headers.get("Retry-After") or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until, now = http_date(value), http_date(headers.get("Date"))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _target(response: Response, show: Redactor) -> str:
    """Say where a redirect leads."""
    try:
        # Redacted first: a credential that is cut in two would not be recognized.
        location = show.redact(response.headers.get("Location") or "")
        host = urlsplit(location).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f", a redirect to {show.piece(host, _QUOTED)}" if host else ", a redirect"


def _error_body(body: bytes) -> tuple[bool, str, str]:
    """Return whether a body has one of Twilio's three shapes of error, its code and its message.

    `{code, message, more_info, status}` (twilio-cli#252), `{code, message, detail, moreInfo,
    status}` (serverless-api#37), and RFC 9457's `{type, title, status, code, detail}`
    (twilio-python, base/version.py).
    """
    try:
        error = parse(body)
    except InvalidBodyError:
        return False, "", ""
    texts = [error.get(key) for key in ("message", "title", "detail")]
    message = "; ".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
    code = error.get("code")
    if isinstance(code, float) and code.is_integer():
        code = f"{code:.0f}"
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    is_twilio = bool(message) and (bool(code) or isinstance(error.get("status"), float))
    return is_twilio, code, message


def date(value: object) -> datetime | None:
    """Parse a date of a resource (ISO 8601, UTC unless it says otherwise); None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def is_same(value: object, sid: str) -> bool:
    """Return whether a value is this SID; case does not matter."""
    return isinstance(value, str) and value.lower() == sid.lower()


def matches(value: object, form: re.Pattern[str]) -> TypeGuard[str]:
    """Return whether a value is a text of this format."""
    return isinstance(value, str) and bool(form.fullmatch(value))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        # Parsers disagree on which duplicate wins.
        raise InvalidBodyError("duplicate keys")
    return unique


def _no_constant(name: str) -> object:
    raise InvalidBodyError(f"not JSON: {name}")
