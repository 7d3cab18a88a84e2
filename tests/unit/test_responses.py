"""What each HTTP response means."""

import json
import re
from datetime import UTC, datetime

import pytest

from tests.support.samples import REQUEST_ID
from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import SafeText
from twilio_build_wait.twilio import responses
from twilio_build_wait.twilio.responses import (
    InvalidBodyError,
    date,
    http_error,
    json_object,
    parse,
)
from twilio_build_wait.twilio.transport import Response

SHOW = Redactor(["sw0rdfish", "half/other"])
HOST = SafeText("twilio.test")
BODY = json.dumps({"code": 20404, "message": "no", "status": 404}).encode()


def meaning(status: int, body: bytes = BODY, **headers: str) -> PollError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_error(Response(status, named, body), HOST, SHOW)


def test_every_status_code() -> None:
    for status in range(600):
        expected = ErrorKind.TRANSIENT
        if 300 <= status < 500 and status not in {408, 425, 429}:
            expected = ErrorKind.NOT_FOUND if status == 404 else ErrorKind.PERMANENT
        error = meaning(status, Retry_After="7")
        assert error.kind is expected, status
        is_limit = status == 429 or status >= 500
        assert error.retry_after == (7 if is_limit else None), status
        assert error.cause.startswith(f"HTTP {status} from twilio.test (Twilio error 20404)")
        assert (error.message, error.is_answer, error.is_unreachable) == ("no", True, False)
        assert bool(error.advice) is (expected is not ErrorKind.TRANSIENT), status
    assert meaning(600, Retry_After="7").retry_after is None


# Status, body -> words of the advice, in order.
NOT_TWILIO = "does not look like Twilio's"
ADVICE = {
    (400, BODY): "documentation",
    (401, BODY): "belong together.*another region",
    (403, BODY): "standard API key",
    (404, BODY): "service-sid, build-sid, region.*deleted",
    (301, BODY): "^Redirects are never followed.*base-url",
    (401, b"<html>"): NOT_TWILIO,
    (404, b"[]"): NOT_TWILIO,
    (302, b""): f"{NOT_TWILIO}.*never followed.*base-url",
}


@pytest.mark.parametrize("status, body", ADVICE)
def test_advice(status: int, body: bytes) -> None:
    advice = meaning(status, body).advice
    assert re.search(ADVICE[status, body], advice), advice
    assert (NOT_TWILIO in advice) is (body != BODY)


@pytest.mark.parametrize("status", [408, 425, 429])
def test_transient_4xx_is_said_not_to_be_twilio_s(status: int) -> None:
    assert NOT_TWILIO in meaning(status, b"<html>").message
    assert meaning(status).message == "no"
    assert meaning(500, b"<html>").message == ""


# JSON of a body -> whether it has one of Twilio's shapes, code, message.
ERRORS = {
    '{"code": 20003, "message": "a", "more_info": "u", "status": 401}': (True, "20003", "a"),
    '{"code": 1, "message": "a", "detail": "b", "status": 400}': (True, "1", "a; b"),
    '{"type": "t", "title": "a", "status": 400, "code": "22", "detail": "a"}': (True, "22", "a"),
    '{"message": "a", "code": 1.5, "status": 400}': (True, "", "a"),
    '{"message": "a", "code": "1234567", "status": 400}': (True, "", "a"),
    '{"message": "", "code": 20003, "status": 401}': (False, "20003", ""),
    '{"message": "a", "code": 0, "status": "400"}': (False, "", "a"),
}


@pytest.mark.parametrize("body", ERRORS)
def test_shapes_of_errors(body: str) -> None:
    error, (is_twilio, code, message) = meaning(400, body.encode()), ERRORS[body]
    assert (NOT_TWILIO not in error.advice, error.message) == (is_twilio, message)
    assert error.cause == "HTTP 400 from twilio.test" + (f" (Twilio error {code})" if code else "")


def test_request_id_is_named_and_foreign_text_is_safe() -> None:
    error = meaning(500, Twilio_Request_Id=REQUEST_ID)
    assert error.cause.endswith(f"(Twilio error 20404, Twilio-Request-Id {REQUEST_ID})")
    assert meaning(500, b"", Twilio_Request_Id="x" * 81).cause.endswith(f"{'x' * 79}…)")
    hostile = json.dumps({"status": 500, "message": f"::error::sw0rdfish\n{'x' * 600}"}).encode()
    message = meaning(500, hostile).message
    assert message.startswith(": :error::*** xxx")
    assert len(message) == 500


# Location -> the host that the cause ends in.
LOCATIONS = {"https://u:p@a.test:8/b": " to a.test:8", f"//{'a' * 90}": f" to {'a' * 79}…"}
LOCATIONS |= {"//sw0rdfish.test": " to ***.test", "//half/other": " to ***"}
LOCATIONS |= {"/path": "", "https://[": "", "": ""}


@pytest.mark.parametrize("location", LOCATIONS)
def test_target_of_a_redirect_is_named(location: str) -> None:
    cause = meaning(302, b"", Location=location).cause
    assert cause == f"HTTP 302 from twilio.test, a redirect{LOCATIONS[location]}"


NOW = "Thu, 01 Oct 2026 12:00:00 GMT"
RETRY_AFTER = {"0": 0, "120": 120, " 5 ": 5, "9" * 9: 999_999_999}
RETRY_AFTER |= {"Thu, 01 Oct 2026 12:01:30 GMT": 90, "Thu, 01 Oct 2026 11:00:00 GMT": 0}
RETRY_AFTER |= {"Thursday, 01-Oct-26 12:00:10 GMT": 10, "Thu, 01 Oct 2026 14:00:10 +0200": 10}
RETRY_AFTER |= {"Thu, 01 Oct 2026 12:00:10 -0000": 10}
NO_RETRY_AFTER = ["1" * 10, "1.5", "-1", "٣", "", "soon", "Thu, 41 Oct 2026 12:00:00 GMT"]
NO_RETRY_AFTER += ["Thu, 01 Oct 99999999999 12:00:00 GMT"]


@pytest.mark.parametrize("value", [*RETRY_AFTER, *NO_RETRY_AFTER], ids=ascii)
def test_retry_after(value: str) -> None:
    assert responses.retry_after({"Retry-After": value, "Date": NOW}) == RETRY_AFTER.get(value)


def test_retry_after_as_a_date_needs_the_date_of_the_response() -> None:
    for headers in ({"Retry-After": NOW}, {"Retry-After": NOW, "Date": "yesterday"}, {}):
        assert responses.retry_after(headers) is None


BODIES = {b"": "empty", b" \n": "empty", b"<html>": "not JSON", b'{"a": 1} x': "not JSON"}
BODIES |= {b"[]": "not a JSON object", b"null": "not a JSON object", b"NaN": "not JSON: NaN"}
BODIES |= {b'{"a": {"b": 1, "b": 2}}': "duplicate keys", b'{"a": "\xff"}': "not UTF-8"}
BODIES |= {b"[" * 100_000: "JSON nested too deeply"}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
def test_body_that_is_not_one_json_object(body: bytes) -> None:
    with pytest.raises(InvalidBodyError, match=BODIES[body]):
        parse(body)
    error = json_object(Response(200, {}, body), "https://twilio.test/a", SHOW)
    assert isinstance(error, PollError)
    assert error.cause == f"twilio.test: invalid response ({BODIES[body]})"
    assert error.kind is ErrorKind.TRANSIENT


def test_json_object_is_returned() -> None:
    assert parse(b'{"n": 1, "big": ' + b"9" * 5000 + b"}") == {"n": 1.0, "big": float("inf")}
    found = json_object(Response(503, {}, b""), f"https://{'a' * 90}/b", SHOW)
    assert isinstance(found, PollError)
    assert found.cause == f"HTTP 503 from {'a' * 79}…"


NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
DATES: dict[object, datetime | None] = {
    **dict.fromkeys(("2026-10-01T12:00:00Z", "2026-10-01T12:00:00"), NOON),
    "2026-10-01T14:00:00+02:00": NOON,
    "Thu, 01 Oct 2026": None,
    "0001-01-01T00:00:00+14:00": None,
    20261001: None,
    None: None,
}


@pytest.mark.parametrize("value", DATES)
def test_date_of_a_resource(value: object) -> None:
    found = date(value)
    assert found == DATES[value]
    assert not found or found.tzinfo is UTC
