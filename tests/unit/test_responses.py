"""What each HTTP response means."""

import json
from datetime import UTC, datetime

import pytest

from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.twilio import responses
from twilio_build_wait.twilio.responses import InvalidBodyError, Response, parse
from twilio_build_wait.twilio.route import Proxy, Route

SECRET = "821009"
REDACTOR = Redactor([SECRET, "half/other"])
TWILIOS = '{"code": 20404, "message": "no", "more_info": "page", "status": 404}'
HTML = "<html>blocked</html>"

DIRECT = Route("twilio.test")
PROXIED = Route("twilio.test", proxy=Proxy("HTTPS_PROXY", "http", "p", 3128))


def error_of(
    status: int, body: str = TWILIOS, *, route: Route = DIRECT, **headers: str
) -> PollError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return responses.http_error(Response(status, named, body.encode()), route, REDACTOR)


@pytest.mark.parametrize("body", [TWILIOS, HTML], ids=["Twilio's", "HTML"])
def test_kind_follows_from_the_status_code(body: str) -> None:
    expected = dict.fromkeys(range(1000), ErrorKind.TRANSIENT)
    expected |= dict.fromkeys(range(300, 500), ErrorKind.PERMANENT) | {404: ErrorKind.NOT_FOUND}
    expected |= dict.fromkeys((408, 425, 429), ErrorKind.TRANSIENT)
    assert {status: error_of(status, body).kind for status in range(1000)} == expected


TWILIO = "twilio.test (Twilio error 20404)"
NOT_TWILIO = "twilio.test through proxy http://p:3128 (it does not look like Twilio's)"
BETWEEN = "Something in between may have answered"
# Status and body -> from whom it is, and the beginning of the advice.
ERRORS = {
    (400, TWILIOS): (TWILIO, "Look up the status and the code"),
    (401, TWILIOS): (TWILIO, "Check that the SID and the token or secret belong together"),
    (403, TWILIOS): (TWILIO, "Check that the credential is a standard API key"),
    (404, TWILIOS): (TWILIO, "Check service-sid, build-sid, region"),
    (503, TWILIOS): (TWILIO, "Check HTTPS_PROXY"),
    (404, HTML): (NOT_TWILIO, BETWEEN),
    (429, HTML): (NOT_TWILIO, f"{BETWEEN}, such as a gateway or a web filter. Check HTTPS_PROXY"),
    (204, ""): ("twilio.test", "Check HTTPS_PROXY"),
    (503, HTML): ("twilio.test", "Check HTTPS_PROXY"),
}


@pytest.mark.parametrize("status, body", ERRORS)
def test_error_says_who_answered_and_what_to_check(status: int, body: str) -> None:
    error = error_of(status, body, route=PROXIED)
    sender, advice = ERRORS[status, body]
    assert error.cause.text() == f"HTTP {status} from {sender}"
    assert error.advice.text().startswith(advice)


TARGETS = {
    "https://a.test/b": " to a.test",
    "https://u:p@a.test:8/b?c": " to a.test:8",
    "https://u@p@a.test#c": " to a.test",
    f"//{SECRET}.test": " to ***.test",
    "//half/other": " to ***",
    "/path": "",
}


@pytest.mark.parametrize("location", TARGETS)
def test_host_of_a_redirect_is_named(location: str) -> None:
    error = error_of(302, Location=location)
    cause = f"HTTP 302 from twilio.test, a redirect{TARGETS[location]} (Twilio error 20404)"
    assert error.cause.text() == cause
    rule = ". Redirects are never followed: set base-url to the final address"
    assert error.advice.text().endswith(rule)


LONG = f'{{"code": 1, "message": "{"a" * 999}", "detail": "b", "status": 400}}'
# A body, the code that the cause names, and what Twilio says.
SHAPES = {
    "more_info": ('{"code": 20003, "message": "a", "more_info": "u", "status": 401}', "20003", "a"),
    "detail": ('{"status": 429, "message": "a", "detail": "b", "code": 20429}', "20429", "a; b"),
    "RFC 9457": ('{"title": "a", "status": 400, "code": 20001, "detail": "a"}', "20001", "a"),
    "long code": ('{"code": 1234567, "message": "a", "status": 400}', "", "a"),
    "long message": (LONG, "1", f"{'a' * 499}…; b"),
    "secret": (f'{{"code": 1, "message": "a {SECRET}", "status": 400}}', "1", "a ***"),
}


@pytest.mark.parametrize("body, code, said", SHAPES.values(), ids=SHAPES)
def test_error_in_one_of_twilios_shapes(body: str, code: str, said: str) -> None:
    error = error_of(400, body)
    assert error.reach is Reach.TWILIO
    assert error.said.text() == said
    named = f" (Twilio error {code})" if code else ""
    assert error.cause.text() == f"HTTP 400 from twilio.test{named}"


OTHERS = {
    "no code": '{"message": "a", "status": 403}',
    "code is text": '{"code": "20003", "message": "a", "status": 403}',
    "no status": '{"code": 7, "message": "a", "details": []}',
    "no message": '{"code": 20003, "message": "", "status": 401}',
    "message is a list": '{"code": 20003, "message": ["a"], "status": 401}',
    "cut": TWILIOS[:-1],
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_any_other_error_is_not_twilios(body: str) -> None:
    assert error_of(403, body).reach is Reach.ANSWERED


def test_retry_after_counts_on_429_and_5xx() -> None:
    counted = [status for status in range(1000) if error_of(status, Retry_After="7").retry_after]
    assert counted == [429, *range(500, 600)]


RETRY_AFTER: dict[str, float | None] = {
    "0": 0,
    "120": 120,
    " 5 ": 5,
    "999999999": 999_999_999,
    "Thu, 01 Oct 2026 12:01:30 GMT": 90,
    "Thu Oct  1 12:00:10 2026": 10,
    "Thu, 01 Oct 2026 14:00:10 +0200": 10,
    "Thu, 01 Oct 2026 11:00:00 GMT": 0,
    **dict.fromkeys(["1234567890", "1.5", "-1", "1e3", "٣", "", "soon", "5, 5"]),
    **dict.fromkeys(["2026-10-01T12:00:10Z", "Thu, 01 Oct 99999999999 12:00:00 GMT"]),
}


@pytest.mark.parametrize("value", RETRY_AFTER, ids=ascii)
def test_retry_after(value: str) -> None:
    error = error_of(503, Retry_After=value, Date="Thu, 01 Oct 2026 14:00:00 +0200")
    assert error.retry_after == RETRY_AFTER[value]


def test_retry_after_as_a_date_needs_the_date_of_the_response() -> None:
    until = "Thu, 01 Oct 2026 12:00:00 GMT"
    assert error_of(503, Retry_After=until, Date="yesterday").retry_after is None


def nested(depth: int, opening: str = "[", closing: str = "]", inside: str = "") -> str:
    return opening * depth + inside + closing * depth


INVALID = {
    "empty": (b" \n", "empty"),
    "two values": (b'{"a": 1} x', "not JSON"),
    "list": (b"[]", "not a JSON object"),
    "NaN": (b'{"a": NaN}', "not JSON"),
    "duplicate keys": (b'{"a": {"b": 1, "b": 2}}', "duplicate keys"),
    "latin-1": (b'{"a": "\xff"}', "not JSON"),
    "string without an end": (b'{"a": "[]', "not JSON"),
    "backslash before the end": (b'{"a": "\\"}', "not JSON"),
    "backslash at the end": (b'{"a": "\\', "not JSON"),
    "deep, then mismatched": (f'{{"a": {nested(101)}]'.encode(), "not JSON"),
    "deep, then cut": (f'{{"a": {nested(200)[:-1]}'.encode(), "not JSON"),
}


@pytest.mark.parametrize("body, why", INVALID.values(), ids=INVALID)
def test_body_that_is_not_one_json_object(body: bytes, why: str) -> None:
    with pytest.raises(InvalidBodyError, match=f"^{why}$"):
        parse(body, REDACTOR)


HOSTILE = {
    "escaped quotes": b'"' + b'\\"' * 128_000,
    "opening brackets": b"[" * 256_000,
    "backslashes": b'"' + b"\\" * 255_999,
    "strings without an end": b'"a\n' * 85_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_body_is_refused_in_linear_time(body: bytes) -> None:
    with pytest.raises(InvalidBodyError):  # in quadratic time, it takes minutes
        parse(body, REDACTOR)


OBJECTS = nested(10_000, '{"c":', "}", "1")
BRACKETS_IN_A_STRING = nested(200, inside='"]]"')
VALID = {
    "secret": (f'{{"a": ["{SECRET}", 1]}}', ["***", 1]),
    "byte order mark": ('\ufeff{"a": 1}', 1),
    "number of 5,000 digits": (f'{{"a": {"9" * 5000}}}', float("inf")),
    "brackets in a string": ('{"a": "]}[{\\"]\\\\"}', ']}[{"]\\'),
    "100 levels": (f'{{"a": {nested(99)}}}', json.loads(nested(99))),
    "101 levels": (f'{{"a": {nested(100)}}}', json.loads(nested(99, inside="null"))),
    "beside 10,000 levels": (f'{{"b": {OBJECTS}, "a": 1}}', 1),
    "beside deep values": (f'{{"b": {nested(200)}, "a": 1, "c": {nested(200)}}}', 1),
    "beside a deep string": (f'{{"b": {BRACKETS_IN_A_STRING}, "a": 1}}', 1),
}


@pytest.mark.parametrize("text, value", VALID.values(), ids=VALID)
def test_valid_json_object(text: str, value: object) -> None:
    assert parse(text.encode(), REDACTOR)["a"] == value


NOON_UTC = datetime(2026, 10, 1, 12, tzinfo=UTC)
DATES = {
    "2026-10-01T12:00:00Z": NOON_UTC,
    "2026-10-01T12:00:00": NOON_UTC,
    "2026-10-01T14:00:00+02:00": NOON_UTC,
    "Thu, 01 Oct 2026": None,
    "0001-01-01T00:00:00+14:00": None,
    20261001: None,
}


@pytest.mark.parametrize("value", DATES)
def test_date_of_a_resource_in_utc(value: object) -> None:
    # Repr: two dates are also equal in different zones.
    assert repr(responses.date(value)) == repr(DATES[value])


ERROR_CODES = {82003.0: "82003", "82003": "82003", 1.5: "", 0.0: "", "x": ""}


@pytest.mark.parametrize("value", ERROR_CODES)
def test_error_code(value: object) -> None:
    assert responses.error_code(value) == ERROR_CODES[value]
