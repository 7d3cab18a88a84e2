"""What each HTTP response means."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.samples import REQUEST_ID
from twilio_build_wait.api.responses import (
    InvalidBodyError,
    date,
    http_error,
    is_same,
    json_object,
    matches,
    parse,
    retry_after,
)
from twilio_build_wait.api.transport import Response
from twilio_build_wait.inputs import BUILD_SID_FORM
from twilio_build_wait.model import ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import SafeText

SHOW = Redactor(["sw0rdfish"])
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


# Status, whether the body is Twilio's -> words of the advice.
ADVICE: dict[tuple[int, bool], list[str]] = {
    (400, True): ["documentation"],
    (401, True): ["belong together", "another region"],
    (403, True): ["standard API key"],
    (404, True): ["service-sid, build-sid, region", "deleted"],
    (301, True): ["base-url"],
    (401, False): ["does not look like Twilio's"],
    (404, False): ["does not look like Twilio's"],
    (302, False): ["does not look like Twilio's", "never followed", "base-url"],
}


@pytest.mark.parametrize("status, is_twilio", ADVICE)
def test_advice(status: int, is_twilio: object) -> None:
    advice = meaning(status, BODY if is_twilio else b"<html>").advice
    assert [word for word in ADVICE[status, bool(is_twilio)] if word not in advice] == []
    assert ("look like" in advice) is not is_twilio


# Body -> code and message; None for a body that is none of Twilio's.
ERROR_BODIES: dict[str, tuple[object, tuple[str, str] | None]] = {
    "usual": (
        {"code": 20003, "message": "Denied", "more_info": "u", "status": 401},
        ("20003", "Denied"),
    ),
    "with detail": ({"code": 1, "message": "a", "detail": "b", "status": 400}, ("1", "a; b")),
    "RFC 9457": (
        {"type": "t", "title": "a", "status": 400, "code": "22", "detail": "b"},
        ("22", "a; b"),
    ),
    "same twice": ({"message": "a", "detail": "a", "status": 400}, ("", "a")),
    "no message": ({"code": 20003, "status": 401, "message": ""}, None),
    "neither code nor status": ({"message": "a", "code": None}, None),
    "status as text": ({"message": "a", "status": "400"}, None),
    "odd code": ({"message": "a", "code": 1.5, "status": 400}, ("", "a")),
    "long code": ({"message": "a", "code": "1234567", "status": 400}, ("", "a")),
    "zero code": ({"message": "a", "code": 0}, None),
    "list": ([], None),
}


@pytest.mark.parametrize("body, expected", ERROR_BODIES.values(), ids=ERROR_BODIES)
def test_shapes_of_errors(body: object, expected: tuple[str, str] | None) -> None:
    error = meaning(400, json.dumps(body).encode())
    assert ("look like" in error.advice) is (expected is None)
    code, message = expected or ("", "")
    assert error.message == message
    assert error.cause == "HTTP 400 from twilio.test" + (f" (Twilio error {code})" if code else "")


def test_request_id_is_named_and_foreign_text_is_safe() -> None:
    error = meaning(500, Twilio_Request_Id=REQUEST_ID)
    assert error.cause.endswith(f"(Twilio error 20404, Twilio-Request-Id {REQUEST_ID})")
    assert meaning(500, b"", Twilio_Request_Id="x" * 81).cause.endswith(f"{'x' * 79}…)")
    hostile = json.dumps({"status": 500, "message": f"::error::sw0rdfish\n{'x' * 600}"}).encode()
    message = meaning(500, hostile).message
    assert message.startswith(": :error::*** xxx")
    assert len(message) == 500


LOCATIONS = {
    "https://elsewhere.test/path": "a redirect to elsewhere.test",
    "//me:pass@elsewhere.test:8": "a redirect to elsewhere.test:8",
    "/path": "a redirect",
    "https://[": "a redirect",
    "": "a redirect",
    f"https://{'a' * 90}": f"a redirect to {'a' * 79}…",
}


@pytest.mark.parametrize("location", LOCATIONS)
def test_target_of_a_redirect_is_named(location: str) -> None:
    assert meaning(302, b"", Location=location).cause.endswith(f"test, {LOCATIONS[location]}")
    assert "redirect" not in meaning(400, b"", Location=location).cause


NOW = "Thu, 01 Oct 2026 12:00:00 GMT"
RETRY_AFTER: dict[str, float | None] = {
    "0": 0,
    "120": 120,
    " 5 ": 5,
    "999999999": 999999999,
    "1000000000": None,
    "1.5": None,
    "-1": None,
    "٣": None,
    "": None,
    "soon": None,
    "Thu, 01 Oct 2026 12:01:30 GMT": 90,
    "Thu, 01 Oct 2026 11:00:00 GMT": 0,
    "Thursday, 01-Oct-26 12:00:10 GMT": 10,
    "Thu, 41 Oct 2026 12:00:00 GMT": None,
    "Thu, 01 Oct 99999999999 12:00:00 GMT": None,
}


@pytest.mark.parametrize("value", RETRY_AFTER)
def test_retry_after(value: str) -> None:
    assert retry_after({"Retry-After": value, "Date": NOW}) == RETRY_AFTER[value]


def test_retry_after_as_a_date_needs_the_date_of_the_response() -> None:
    assert retry_after({"Retry-After": NOW}) is None
    assert retry_after({"Retry-After": NOW, "Date": "yesterday"}) is None
    assert retry_after({}) is None


BODIES: dict[bytes, str] = {
    b"": "empty",
    b" \n": "empty",
    b"<html>": "not JSON",
    b'{"a": 1} x': "not JSON",
    b"[]": "not a JSON object",
    b"null": "not a JSON object",
    b'{"a": NaN}': "not JSON: NaN",
    b'{"a": 1, "a": 1}': "duplicate keys",
    b'{"a": {"b": 1, "b": 2}}': "duplicate keys",
    b'{"a": "\xff"}': "not UTF-8",
    b"[" * 100_000: "JSON nested too deeply",
}


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
    assert json_object(Response(200, {}, b'{"a": null}'), "", SHOW) == {"a": None}
    error = PollError(SafeText("cut"))
    assert json_object(error, "", SHOW) is error
    found = json_object(Response(503, {}, b""), f"https://{'a' * 90}/b", SHOW)
    assert isinstance(found, PollError)
    assert found.cause == f"HTTP 503 from {'a' * 79}…"


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.text() | st.lists(st.text())))
def test_every_json_object_is_parsed(value: dict[str, object]) -> None:
    assert parse(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
DATES: dict[str, tuple[object, datetime | None]] = {
    "UTC": ("2026-10-01T12:00:00Z", NOON),
    "without zone": ("2026-10-01T12:00:00", NOON),
    "other zone": ("2026-10-01T14:00:00+02:00", NOON),
    "other form": ("Thu, 01 Oct 2026", None),
    "beyond the calendar": ("0001-01-01T00:00:00+14:00", None),
    "number": (20261001, None),
    "null": (None, None),
}


@pytest.mark.parametrize("value, expected", DATES.values(), ids=DATES)
def test_date_of_a_resource(value: object, expected: datetime | None) -> None:
    assert date(value) == expected
    assert expected is None or getattr(date(value), "tzinfo", None) is UTC


def test_date_of_a_response() -> None:
    assert Response(200, {"Date": NOW}).date == NOON
    east = timezone(timedelta(hours=2))
    assert Response(200, {"Date": "Thu, 01 Oct 2026 14:00:00 +0200"}).date == NOON.astimezone(east)
    assert Response(200, {"Date": "Thu, 01 Oct 2026 12:00:00 -0000"}).date == NOON
    assert Response(200).date is None


def test_sids_are_compared_in_any_case() -> None:
    sid = "ZB" + "aB" * 16
    assert is_same(sid.upper(), sid.lower())
    assert is_same(sid.lower(), sid.upper())
    assert not is_same(sid + "0", sid)
    assert not is_same(None, sid)
    assert matches(sid, BUILD_SID_FORM)
    assert not matches(sid + "\n", BUILD_SID_FORM)
    assert not matches(1.0, BUILD_SID_FORM)
