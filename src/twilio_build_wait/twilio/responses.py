"""What an HTTP response means: a JSON object, or an error with its kind, message and advice."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import SafeText
from twilio_build_wait.twilio.transport import Response, http_date

_REDIRECTS, _SERVER_ERRORS = range(300, 400), range(500, 600)
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_PERMANENT = {*range(300, 500)} - _TRANSIENT

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
    if result.status != HTTPStatus.OK:
        return http_error(result, _host(url, show), show)
    try:
        return parse(result.body)
    except InvalidBodyError as problem:
        return invalid(url, str(problem), show)


def invalid(url: str, problem: str, show: Redactor) -> PollError:
    """Return the error of a 200 that is not what was asked for."""
    return PollError(SafeText(f"{_host(url, show)}: invalid response ({problem})"))


def _host(url: str, show: Redactor) -> SafeText:
    return show.piece(urlsplit(url).netloc, _QUOTED)


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
    request_id = show.piece(response.headers.get("Twilio-Request-Id", ""), _QUOTED)
    named = [f"Twilio error {code}"] if code else []
    named += [f"Twilio-Request-Id {request_id}"] if request_id else []
    cause = f"HTTP {status} from {host}" + (f" ({', '.join(named)})" if named else "")
    if status not in _PERMANENT:
        if status in _TRANSIENT and not is_twilio:
            doubt = "the response does not look like Twilio's"
            message = f"{message}; {doubt}" if message else doubt
        is_limit = status == HTTPStatus.TOO_MANY_REQUESTS or status in _SERVER_ERRORS
        seconds = retry_after(response.headers) if is_limit else None
        return PollError(SafeText(cause), message=show.piece(message), retry_after=seconds)
    advice = _ADVICE.get(status, _OTHER_ADVICE) if is_twilio else _NOT_TWILIO
    if status in _REDIRECTS:
        cause += _target(response, show)
        advice = _REDIRECT_ADVICE if is_twilio else f"{_NOT_TWILIO}. {_REDIRECT_ADVICE}"
    kind = ErrorKind.NOT_FOUND if status == HTTPStatus.NOT_FOUND else ErrorKind.PERMANENT
    return PollError(SafeText(cause), kind, show.piece(message), SafeText(advice))


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
    code = error_code(error.get("code"))
    is_twilio = bool(message) and (bool(code) or isinstance(error.get("status"), float))
    return is_twilio, code, message


def error_code(value: object) -> str:
    """Return one of Twilio's error codes as text; empty if the value is none."""
    is_whole = isinstance(value, float) and value.is_integer()
    return formatted(f"{value:.0f}" if is_whole else value, _CODE)


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


def formatted(value: object, form: re.Pattern[str]) -> str:
    """Return a value that is a text of this format; otherwise an empty text."""
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def has_next_page(body: Mapping[str, object]) -> bool:
    """Return whether a list says that it goes on; its link must not be requested."""
    meta = body.get("meta")
    return isinstance(meta, dict) and bool(meta.get("next_page_url"))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        # Parsers disagree on which duplicate wins.
        raise InvalidBodyError("duplicate keys")
    return unique


def _no_constant(name: str) -> object:
    raise InvalidBodyError(f"not JSON: {name}")
