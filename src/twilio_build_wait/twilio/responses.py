"""What an HTTP response means: a JSON object, or an error with its kind, message and advice."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import NOTHING, Message, join, message
from twilio_build_wait.twilio.route import Route

# The statuses with which `Retry-After` counts.
_LIMITS = {429, *range(500, 600)}
# Every other status is transient.
_KINDS = {
    **dict.fromkeys(range(300, 500), ErrorKind.PERMANENT),
    **dict.fromkeys([408, 425, 429], ErrorKind.TRANSIENT),
    404: ErrorKind.NOT_FOUND,
}
_CODE = re.compile(r"[1-9][0-9]{0,5}")
# The host and port of a URL, without a login.
_HOST = r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#\\]*@)?([^/?#\\]+)"
# The parts of a JSON text: a string (one without an end, too), a bracket, and what is between.
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|[^"\[\]{}]+', re.DOTALL)
# The deepest nesting that is parsed: json needs the C stack, which may be small.
_DEEPEST = 100
# For Twilio's errors that end the wait. After the others, only the advice of a route is shown.
_FINAL_ADVICE = {
    401: "Check that the SID and the token or secret belong together; those of "
    "another region are refused as well",
    403: "Check that the credential is a standard API key of this account",
    404: "Check service-sid, build-sid, region and the credential's account; "
    "Twilio may also have deleted a build that was never deployed",
}
_OTHER_ADVICE = "Look up the status and the code in Twilio's documentation"
_NOT_TWILIO = "Something in between may have answered, such as a gateway or a web filter. {}"


class InvalidBodyError(Exception):
    """A body that is not one JSON object; the message says why, in our words only."""


@dataclass(frozen=True)
class Response:
    """An HTTP response. The case of a header's name does not matter; the body may be cut."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def date(self) -> datetime | None:
        """The server's clock by the `Date` header; None if it is missing or malformed."""
        return date(self.headers.get("Date"), parsedate_to_datetime)


def parse(body: bytes, redactor: Redactor) -> dict[str, Any]:
    """Parse one JSON object strictly: UTF-8, no duplicate keys, no NaN. Numbers become floats.

    A value that is nested too deeply becomes null; what is wrong inside it does not matter.
    Credentials are replaced. Raises InvalidBodyError.
    """
    try:
        text = _prune(body.decode("utf-8-sig"))
        # int() refuses numbers of more than 4,300 digits, and the constants NaN and Infinity.
        parsed = json.loads(text, object_pairs_hook=_unique, parse_int=float, parse_constant=int)
    except ValueError:
        raise InvalidBodyError("not JSON" if body.strip() else "empty") from None
    if not isinstance(parsed, dict):
        raise InvalidBodyError("not a JSON object")
    redactor.redact_json(parsed)
    return parsed


def _prune(text: str) -> str:
    kept, depth = [], 0
    for token in _TOKENS.findall(text):
        is_opening = token in {"[", "{"}
        depth += is_opening
        if depth <= _DEEPEST:
            kept.append(token)
        elif depth == _DEEPEST + 1 and is_opening:
            kept.append("null")
        depth -= token in {"]", "}"}
    return "".join(kept)


def http_error(response: Response, route: Route, redactor: Redactor) -> PollError:
    """Return the error of a response other than 200, with everything that Twilio's support asks."""
    status, peer, target = response.status, message("{}", route.host), NOTHING
    is_twilio, code, said = _twilio_error(response.body, redactor)
    reach = Reach.TWILIO if is_twilio else Reach.ANSWERED
    kind, advice = _KINDS.get(status, ErrorKind.TRANSIENT), route.advice(reach)
    note = f" (Twilio error {code})" if code else ""
    if status in _KINDS and not is_twilio:
        peer, note = route.peer, " (it does not look like Twilio's)"
        advice = message(_NOT_TWILIO, advice)
    elif kind is not ErrorKind.TRANSIENT:
        advice = message(_FINAL_ADVICE.get(status, _OTHER_ADVICE))
    if status in range(300, 400):
        # Redacted first: a credential that is cut in two would not be recognized.
        match = re.match(_HOST, redactor.redact(response.headers.get("Location", "")))
        target = message(", a redirect to {}", match[1]) if match else message(", a redirect")
        rule = message("Redirects are never followed: set base-url to the final address")
        advice = join(". ", advice, rule)
    cause = message(f"HTTP {status} from {{}}{{}}{note}", peer, target)
    request_id = redactor.redact(response.headers.get("Twilio-Request-Id", ""))
    seconds = retry_after(response) if status in _LIMITS else None
    return PollError(cause, kind, said, advice, reach, seconds, request_id)


def retry_after(response: Response) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3); None if it is invalid."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    # By the response's own `Date`, so a wrong clock makes no difference.
    until, now = date(value, parsedate_to_datetime), response.date
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _twilio_error(body: bytes, redactor: Redactor) -> tuple[bool, str, Message]:
    """Return whether a body has one of Twilio's three shapes of error, its code and its message.

    `{code, message, more_info, status}` (twilio-cli#252), `{code, message, detail, moreInfo,
    status}` (serverless-api#37), and RFC 9457's `{type, title, status, code, detail}`
    (twilio-python, base/version.py). Code and status are numbers.
    """
    try:
        error = parse(body, redactor)
    except InvalidBodyError:
        return False, "", NOTHING
    texts = [error.get(name) for name in ("message", "title", "detail")]
    said = dict.fromkeys(text for text in texts if isinstance(text, str) and text)
    is_twilio = bool(said) and all(isinstance(error.get(key), float) for key in ("code", "status"))
    code = error_code(error.get("code")) if is_twilio else ""
    return is_twilio, code, join("; ", *(message("{}", text) for text in said))


def error_code(value: object) -> str:
    """Return one of Twilio's error codes as text; empty if the value is none."""
    return formatted(f"{value:g}" if isinstance(value, float) else value, _CODE)


def date(
    value: object, parse_date: Callable[[Any], datetime] = datetime.fromisoformat
) -> datetime | None:
    """Parse a date, in ISO 8601 if it is a resource's; it is in UTC if it names no zone."""
    try:
        parsed = parse_date(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
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
    if len(unique) != len(pairs):  # parsers disagree on which of them wins
        raise InvalidBodyError("duplicate keys")
    return unique
