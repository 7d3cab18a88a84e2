"""What each HTTP response means."""

import json
import os
from datetime import UTC, datetime
from unittest import mock

import pytest

from tests.support.samples import REQUEST_ID
from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.twilio import responses
from twilio_build_wait.twilio.responses import InvalidBodyError, Response, parse
from twilio_build_wait.twilio.route import Route, find_route

SECRET = "821009"
REDACTOR = Redactor([SECRET, "half/other"])
TWILIOS = '{"code": 20404, "message": "no", "more_info": "page", "status": 404}'
HTML = "<html>blocked</html>"


def make_route(**environ: str) -> Route:
    with mock.patch.dict(os.environ, environ, clear=True):
        return find_route("https://twilio.test/v1", environ, REDACTOR)


DIRECT, PROXIED = make_route(), make_route(HTTPS_PROXY="http://p:3128")


def error_of(
    status: int, body: str = TWILIOS, *, route: Route = DIRECT, **headers: str
) -> PollError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return responses.http_error(Response(status, named, body.encode()), route, REDACTOR)


# --- status codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [TWILIOS, HTML], ids=["Twilio's", "HTML"])
def test_kind_follows_from_the_status_code(body: str) -> None:
    expected = dict.fromkeys(range(1000), ErrorKind.TRANSIENT)
    expected |= dict.fromkeys(range(300, 500), ErrorKind.PERMANENT) | {404: ErrorKind.NOT_FOUND}
    expected |= dict.fromkeys((408, 425, 429), ErrorKind.TRANSIENT)
    assert {status: error_of(status, body).kind for status in range(1000)} == expected


DOCUMENTATION = "Look up the status and the code in Twilio's documentation"
BETWEEN = "Something in between may have answered: a proxy, a gateway or a web filter"
NEVER = "Redirects are never followed: set base-url to the final address"
ADVICE = {
    (400, TWILIOS): DOCUMENTATION,
    (401, TWILIOS): "Check that the SID and the token or secret belong together; those of another "
    "region are refused as well",
    (403, TWILIOS): "Check that the credential is a standard API key of this account",
    (404, TWILIOS): "Check service-sid, build-sid, region and the credential's account; Twilio may "
    "also have deleted a build that was never deployed",
    (301, TWILIOS): f"{DOCUMENTATION}. {NEVER}",
    (401, HTML): BETWEEN,
    (404, HTML): BETWEEN,
    (429, HTML): BETWEEN,
    (302, HTML): f"{BETWEEN}. {NEVER}",
    (204, ""): DIRECT.advice(Reach.ANSWERED).text(),
    (503, HTML): DIRECT.advice(Reach.ANSWERED).text(),
}


@pytest.mark.parametrize("status, body", ADVICE)
def test_advice_follows_from_the_status_and_who_answered(status: int, body: str) -> None:
    assert error_of(status, body).advice.text() == ADVICE[status, body]


CAUSES = {
    (404, TWILIOS): "HTTP 404 from twilio.test (Twilio error 20404)",
    (503, HTML): "HTTP 503 from twilio.test",
    (403, HTML): "HTTP 403 from twilio.test through proxy http://p:3128 (it does not look like "
    "Twilio's)",
    (429, HTML): "HTTP 429 from twilio.test through proxy http://p:3128 (it does not look like "
    "Twilio's)",
}


@pytest.mark.parametrize("status, body", CAUSES)
def test_cause_says_who_answered(status: int, body: str) -> None:
    assert error_of(status, body, route=PROXIED).cause.text() == CAUSES[status, body]


def test_request_id_is_kept_without_credentials() -> None:
    error = error_of(500, Twilio_Request_Id=f"{REQUEST_ID}-{SECRET}")
    assert error.request_id == f"{REQUEST_ID}-***"


TARGETS = {
    "https://a.test/b": " to a.test",
    "https://u:p@a.test:8/b?c": " to a.test:8",
    "https://u@p@a.test#c": " to a.test",
    f"//{SECRET}.test": " to ***.test",
    "//half/other": " to ***",
    "/path": "",
    "": "",
}


@pytest.mark.parametrize("location", TARGETS)
def test_host_of_a_redirect_is_named(location: str) -> None:
    cause = error_of(302, Location=location).cause.text()
    assert cause == f"HTTP 302 from twilio.test, a redirect{TARGETS[location]} (Twilio error 20404)"


# --- errors in Twilio's shapes --------------------------------------------------------------------

# A body, the code that the cause names, and what Twilio says.
SHAPES = {
    "more_info": ('{"code": 20003, "message": "a", "more_info": "u", "status": 401}', "20003", "a"),
    "detail": ('{"status": 429, "message": "a", "detail": "b", "code": 20429}', "20429", "a; b"),
    "RFC 9457": ('{"title": "a", "status": 400, "code": 20001, "detail": "a"}', "20001", "a"),
    "long code": ('{"code": 1234567, "message": "a", "status": 400}', "", "a"),
    "code is a secret": (f'{{"code": {SECRET}, "message": "a", "status": 400}}', "", "a"),
    "secret": (f'{{"code": 1, "message": "a {SECRET}", "status": 400}}', "1", "a ***"),
}
each_shape = pytest.mark.parametrize("body, code, said", SHAPES.values(), ids=SHAPES)


@each_shape
def test_error_in_one_of_twilios_shapes(body: str, code: str, said: str) -> None:
    error = error_of(400, body)
    assert error.reach is Reach.TWILIO
    assert error.said == said
    named = f" (Twilio error {code})" if code else ""
    assert error.cause.text() == f"HTTP 400 from twilio.test{named}"


OTHERS = {
    "no code": '{"message": "a", "status": 403}',
    "code is text": '{"code": "20003", "message": "a", "status": 403}',
    "no status": '{"code": 7, "message": "a", "details": []}',
    "no message": '{"code": 20003, "message": "", "status": 401}',
    "message is a list": '{"code": 20003, "message": ["a"], "status": 401}',
    "list": f"[{TWILIOS}]",
    "cut": TWILIOS[:-1],
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_any_other_error_is_not_twilios(body: str) -> None:
    error = error_of(403, body)
    assert error.reach is Reach.ANSWERED
    assert error.cause.text() == "HTTP 403 from twilio.test (it does not look like Twilio's)"


# --- Retry-After ----------------------------------------------------------------------------------


def test_retry_after_counts_on_429_and_5xx() -> None:
    counted = [status for status in range(1000) if error_of(status, Retry_After="7").retry_after]
    assert counted == [429, *range(500, 600)]


NOON = "Thu, 01 Oct 2026 12:00:00 GMT"
RETRY_AFTER = {
    "0": 0,
    "120": 120,
    " 5 ": 5,
    "999999999": 999_999_999,
    "Thu, 01 Oct 2026 12:01:30 GMT": 90,
    "Thursday, 01-Oct-26 12:00:10 GMT": 10,
    "Thu Oct  1 12:00:10 2026": 10,
    "Thu, 01 Oct 2026 14:00:10 +0200": 10,
    "Thu, 01 Oct 2026 11:00:00 GMT": 0,
}
NO_RETRY_AFTER = ["1234567890", "1.5", "-1", "+1", "1e3", "٣", "", "soon", "5, 5"]
NO_RETRY_AFTER += ["2026-10-01T12:00:10Z", "Thu, 41 Oct 2026 12:00:00 GMT"]
NO_RETRY_AFTER += ["Thu, 01 Oct 99999999999 12:00:00 GMT"]


@pytest.mark.parametrize("value", [*RETRY_AFTER, *NO_RETRY_AFTER], ids=ascii)
def test_retry_after(value: str) -> None:
    error = error_of(503, Retry_After=value, Date="Thu, 01 Oct 2026 14:00:00 +0200")
    assert error.retry_after == RETRY_AFTER.get(value)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_retry_after_as_a_date_needs_the_date_of_the_response(date: str) -> None:
    assert error_of(503, Retry_After=NOON, Date=date).retry_after is None


# --- bodies of a 200 ------------------------------------------------------------------------------


def nested(depth: int, opening: str = "[", closing: str = "]", inside: str = "") -> str:
    return opening * depth + inside + closing * depth


INVALID = {
    "empty": (b" \n", "empty"),
    "HTML": (HTML.encode(), "not JSON"),
    "two values": (b'{"a": 1} x', "not JSON"),
    "list": (b"[]", "not a JSON object"),
    "NaN": (b'{"a": NaN}', "not JSON: NaN"),
    "control character": (b'{"a": "\n"}', "not JSON"),
    "duplicate keys": (b'{"a": {"b": 1, "b": 2}}', "duplicate keys"),
    "latin-1": (b'{"a": "\xff"}', "not UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "two byte order marks": ('\ufeff\ufeff{"a": 1}'.encode(), "not JSON"),
    "closed too often": (b'{"a": 1}]', "not JSON"),
    "string without an end": (b'{"a": "[]', "not JSON"),
    "backslash before the end": (b'{"a": "\\"}', "not JSON"),
    "backslash at the end": (b'{"a": "\\', "not JSON"),
    "mismatched": (b'{"a": [}]', "not JSON"),
    "deep, then mismatched": (f'{{"a": {nested(101)}]'.encode(), "not JSON"),
    "deep, then cut": (f'{{"a": {nested(200)[:-1]}'.encode(), "not JSON"),
}


@pytest.mark.parametrize("body, why", INVALID.values(), ids=INVALID)
def test_body_that_is_not_one_json_object(body: bytes, why: str) -> None:
    with pytest.raises(InvalidBodyError) as raised:
        parse(body)
    assert str(raised.value) == why


HOSTILE = {
    "escaped quotes": b'"' + b'\\"' * 128_000,
    "quotes": b'"' * 256_000,
    "opening brackets": b"[" * 256_000,
    "closing brackets": b"]" * 256_000,
    "backslashes": b'"' + b"\\" * 255_999,
    "strings without an end": b'"a\n' * 85_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_body_is_refused_in_linear_time(body: bytes) -> None:
    with pytest.raises(InvalidBodyError):  # in quadratic time, it takes minutes
        parse(body)


OBJECTS = nested(10_000, '{"c":', "}", "1")
BRACKETS_IN_A_STRING = nested(200, inside='"]]"')
VALID = {
    "byte order mark": ('\ufeff{"a": 1}', 1),
    "number of 5,000 digits": (f'{{"a": {"9" * 5000}}}', float("inf")),
    "brackets in a string": ('{"a": "]}[{\\"]\\\\"}', ']}[{"]\\'),
    "100 levels": (f'{{"a": {nested(99)}}}', json.loads(nested(99))),
    "101 levels": (f'{{"a": {nested(100)}}}', json.loads(nested(99, inside="null"))),
    "beside 10,000 levels of lists": (f'{{"b": {nested(10_000)}, "a": 1}}', 1),
    "beside 10,000 levels of objects": (f'{{"b": {OBJECTS}, "a": 1}}', 1),
    "beside deep values": (f'{{"b": {nested(200)}, "a": 1, "c": {nested(200)}}}', 1),
    "beside a deep string": (f'{{"b": {BRACKETS_IN_A_STRING}, "a": 1}}', 1),
}


@pytest.mark.parametrize("text, value", VALID.values(), ids=VALID)
def test_valid_json_object(text: str, value: object) -> None:
    assert parse(text.encode())["a"] == value


def test_json_object_is_returned_without_credentials() -> None:
    body = f'{{"a": ["{SECRET}", 1]}}'.encode()
    resource = responses.json_object(Response(200, {}, body), DIRECT, REDACTOR)
    assert resource == {"a": ["***", 1]}


COMPRESSED = "compressed, which was not asked for"
INVALID_200 = {
    "HTML": (Response(200, {}, HTML.encode()), "not JSON"),
    "not encoded": (Response(200, {"Content-Encoding": "Identity"}, HTML.encode()), "not JSON"),
    "gzip": (Response(200, {}, b"\x1f\x8b\x08"), COMPRESSED),
    "Brotli": (Response(200, {"Content-Encoding": "br"}, b"\x0b\x02\x80"), COMPRESSED),
}


@pytest.mark.parametrize("response, why", INVALID_200.values(), ids=INVALID_200)
def test_invalid_200_is_a_transient_error(response: Response, why: str) -> None:
    error = responses.json_object(response, DIRECT, REDACTOR)
    assert isinstance(error, PollError)
    assert error.cause.text() == f"twilio.test: invalid response ({why})"
    assert error.kind is ErrorKind.TRANSIENT
    assert error.reach is Reach.ANSWERED
    assert error.advice == DIRECT.advice(Reach.ANSWERED)


# --- values ---------------------------------------------------------------------------------------

NOON_UTC = datetime(2026, 10, 1, 12, tzinfo=UTC)
DATES: dict[object, datetime | None] = {
    "2026-10-01T12:00:00Z": NOON_UTC,
    "2026-10-01T12:00:00": NOON_UTC,
    "2026-10-01T14:00:00+02:00": NOON_UTC,
    "Thu, 01 Oct 2026": None,
    "0001-01-01T00:00:00+14:00": None,
    20261001: None,
    None: None,
}


@pytest.mark.parametrize("value", DATES)
def test_date_of_a_resource_in_utc(value: object) -> None:
    # Repr: two dates are also equal in different zones.
    assert repr(responses.date(value)) == repr(DATES[value])


ERROR_CODES: dict[object, str] = {
    82003.0: "82003",
    "82003": "82003",
    1.5: "",
    0.0: "",
    "x": "",
    None: "",
}


@pytest.mark.parametrize("value", ERROR_CODES)
def test_error_code(value: object) -> None:
    assert responses.error_code(value) == ERROR_CODES[value]
