"""What a reply means: the reading in it, or the fault that it is."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import hostile
from tests.unit.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_URL,
    settings,
)
from twilio_build_wait.results import Fault, Kind, Reading
from twilio_build_wait.status import GarbledError, judge, parse, reader, refusal, retry_after
from twilio_build_wait.transport import Reply

HOST = "serverless.twilio.com"
SETTINGS = settings()
FIELDS: Mapping[str, object] = {
    "sid": BUILD_SID,
    "account_sid": ACCOUNT_SID,
    "service_sid": SERVICE_SID,
    "status": "building",
    "url": STATUS_URL,
}


def body(**changes: object) -> bytes:
    """Make the body of a good reply, with fields changed, or left out where they are Ellipsis."""
    fields = {**FIELDS, **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def show(foreign: str) -> str:
    """Mark what has been made safe to show."""
    return f"«{foreign}»"


def judged(**changes: object) -> Reading | Fault:
    return judge(Reply(200, body=body(**changes)), SETTINGS, show)


# -- good replies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["building", "completed", "failed", "queued", "", "Completed"])
def test_a_good_reply(status: str) -> None:
    assert judged(status=status) == Reading(status, ACCOUNT_SID, SERVICE_SID, STATUS_URL)


@given(hostile.TEXT)
def test_the_status_is_handed_on_as_it_is(status: str) -> None:
    assert judged(status=status) == Reading(status, ACCOUNT_SID, SERVICE_SID, STATUS_URL)


def test_only_sid_and_status_are_needed() -> None:
    bare = judged(account_sid=..., service_sid=..., url=...)
    assert bare == Reading("building")
    assert judged(account_sid=None, service_sid=7, url=["x"]) == bare
    assert judged(more={"and": [1, 2.5, None, True]}) == judged()


@pytest.mark.parametrize(
    "wrong",
    [
        *(ACCOUNT_SID[:-1], ACCOUNT_SID + "0", "ac" + ACCOUNT_SID[2:], "AC" + 32 * "g"),
        *(ACCOUNT_SID + "\n", " " + ACCOUNT_SID, "", SERVICE_SID, BUILD_SID, 7, None, [], {}),
    ],
)
def test_an_account_that_has_not_the_form_is_left_out(wrong: object) -> None:
    assert judged(account_sid=wrong) == Reading("building", "", SERVICE_SID, STATUS_URL)


@pytest.mark.parametrize(
    "wrong", [SERVICE_SID + "\n", "my-service", "ZS" + 32 * "g", "", ACCOUNT_SID, 7, None]
)
def test_a_service_that_has_not_the_form_is_left_out(wrong: object) -> None:
    assert judged(service_sid=wrong) == Reading("building", ACCOUNT_SID, "", STATUS_URL)


PATH = f"/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
OTHER_PATH = f"/v1/Services/{OTHER_SERVICE_SID}/Builds/{BUILD_SID}/Status"


@pytest.mark.parametrize(
    "url",
    [
        f"https://serverless.twilio.com{PATH}",
        f"https://serverless.dublin.ie1.twilio.com{PATH}",
        f"https://twilio.com{PATH}",
        f"https://a-1.twilio.com/b/~c._-d{PATH}",
        f"https://serverless.twilio.com{PATH.lower()}",
        f"HTTPS://SERVERLESS.TWILIO.COM{PATH.upper()}",
        "https://serverless.twilio.com/" + (500 - 30 - len(PATH)) * "a" + PATH,
    ],
)
def test_an_address_of_twilio_s_for_this_build(url: str) -> None:
    assert judged(url=url) == Reading("building", ACCOUNT_SID, SERVICE_SID, url)


@pytest.mark.parametrize(
    "url",
    [
        f"http://serverless.twilio.com{PATH}",
        f"https://serverless.twilio.com.evil.test{PATH}",
        f"https://eviltwilio.com{PATH}",
        f"https://serverless.twilioxcom{PATH}",
        f"https://evil.test/twilio.com{PATH}",
        f"https://evil.test/?serverless.twilio.com{PATH}",
        f"https://user@serverless.twilio.com{PATH}",
        f"https://serverless.twilio.com:8443{PATH}",
        f"https://serverless.twilio.com{PATH}/",
        f"https://serverless.twilio.com{PATH}?x=1",
        f"https://serverless.twilio.com{PATH}#x",
        f"https://serverless.twilio.com{PATH}\n",
        f"\nhttps://serverless.twilio.com{PATH}",
        f"https://serverless.twilio.com/x y{PATH}",
        f"https://serverless.twilio.com/../..{PATH}%0A",
        f"https://serverless.twilio.com{PATH.replace(BUILD_SID, OTHER_BUILD_SID)}",
        f"https://serverless.twilio.com{OTHER_PATH}",
        f"https://serverless.twilio.com{PATH.removesuffix('/Status')}",
        f"https://\u017ferverless.twilio.com{PATH}",
        "https://serverless.twilio.com/" + (501 - 30 - len(PATH)) * "a" + PATH,
        "",
        7,
        None,
    ],
)
def test_any_other_address_is_left_out(url: object) -> None:
    assert judged(url=url) == Reading("building", ACCOUNT_SID, SERVICE_SID, "")


def test_the_address_may_name_the_service_as_it_was_given_or_by_its_sid() -> None:
    named = settings(TWILIO_SERVICE_SID="my-service")
    for service in ("my-service", OTHER_SERVICE_SID):
        url = f"https://serverless.twilio.com/v1/Services/{service}/Builds/{BUILD_SID}/Status"
        reply = Reply(200, body=body(service_sid=OTHER_SERVICE_SID, url=url))
        assert judge(reply, named, show) == Reading("building", ACCOUNT_SID, OTHER_SERVICE_SID, url)
    dotted = settings(TWILIO_SERVICE_SID="a-b")
    for service in ("axb", "", SERVICE_SID):
        url = f"https://serverless.twilio.com/v1/Services/{service}/Builds/{BUILD_SID}/Status"
        found = judge(Reply(200, body=body(service_sid=None, url=url)), dotted, show)
        assert found == Reading("building", ACCOUNT_SID, "", "")


# -- replies that do not count ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "sid", [OTHER_BUILD_SID, "", BUILD_SID + "\n", " " + BUILD_SID, 7, None, ..., [BUILD_SID]]
)
def test_another_build(sid: object) -> None:
    expected = Fault(f"{HOST}: a reply that is not about this build")
    assert judged(sid=sid, status="completed") == expected


@pytest.mark.parametrize("sid", [BUILD_SID.upper(), BUILD_SID.lower()])
def test_case_does_not_make_another_build(sid: str) -> None:
    assert judged(sid=sid) == judged()
    upper = settings(TWILIO_BUILD_SID="ZB" + BUILD_SID[2:].upper())
    assert isinstance(judge(Reply(200, body=body(url=None)), upper, show), Reading)


@pytest.mark.parametrize("status", [..., None, 7, True, ["completed"], {"completed": 1}])
def test_no_status(status: object) -> None:
    assert judged(status=status) == Fault(f"{HOST}: a reply without a status")


GARBLED = [
    (b"", "empty"),
    (b" \r\n\t ", "empty"),
    (b"<html>503</html>", "not JSON"),
    (b'{"a": 1', "not JSON"),
    (b'{"a": 1} {"b": 2}', "not JSON"),
    (b"{'a': 1}", "not JSON"),
    (b"\xef\xbb\xbf{}", "not JSON"),
    (b'{"a": "\xff"}', "not UTF-8"),
    ('{"a": "é"}'.encode("utf-16"), "not UTF-8"),
    (b'{"a": NaN}', "not JSON: NaN"),
    (b'{"a": -Infinity}', "not JSON: -Infinity"),
    (b"[]", "not a JSON object"),
    (b'"completed"', "not a JSON object"),
    (b"null", "not a JSON object"),
    (b"5", "not a JSON object"),
    (b'{"a": 1, "a": 1}', "duplicate keys"),
    (b'{"a": {"b": 1, "\\u0062": 2}}', "duplicate keys"),
    (100_000 * b"[", "JSON nested too deeply"),
    (b'{"a":' * 100_000, "JSON nested too deeply"),
]


@pytest.mark.parametrize("raw, problem", GARBLED, ids=[str(n) for n in range(len(GARBLED))])
def test_what_is_not_one_json_object(raw: bytes, problem: str) -> None:
    with pytest.raises(GarbledError) as caught:
        parse(raw)
    assert str(caught.value) == problem
    assert caught.value.__suppress_context__ or problem in {
        "duplicate keys",
        "not a JSON object",
    } | {
        "not JSON: NaN",
        "not JSON: -Infinity",
    }
    assert judge(Reply(200, body=raw), SETTINGS, show) == Fault(
        f"{HOST}: garbled reply ({problem})"
    )


def test_numbers_of_any_length_are_numbers() -> None:
    digits = 5000 * b"9"
    assert parse(b'{"a": %b, "b": -%b, "c": 1e999, "d": 2}' % (digits, digits)) == {
        "a": float("inf"),
        "b": float("-inf"),
        "c": float("inf"),
        "d": 2.0,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | hostile.TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=3), st.booleans())
def test_a_json_object_is_read_as_it_is(
    value: dict[str, object],
    ascii_only: bool,  # noqa: FBT001 (drawn by hypothesis)
) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only or "\\ud800" in json.dumps(value))
    assert parse(written.encode()) == value


@given(st.binary(max_size=30) | st.text('{}[]",:0123.eE-+ntf\\u', max_size=20).map(str.encode))
def test_whatever_comes_is_an_object_or_garbled(raw: bytes) -> None:
    try:
        assert isinstance(parse(raw), dict)
    except GarbledError:
        assert isinstance(judge(Reply(200, body=raw), SETTINGS, show), Fault)


# -- refusals --------------------------------------------------------------------------------------

CREDENTIAL = "Check the SID and the token or secret; those of another region are refused as well"
PERMISSION = (
    "The credential may not read this build: check the API key's permissions and its account"
)
MISSING = (
    "Check service-sid, build-sid, region and the account that the credential is of; Twilio also "
    "deletes builds that were never deployed"
)
REDIRECT = "Redirects are never followed: name the right address in base-url"
OTHER = "Look the status and code up in Twilio's documentation"

PASSING_CODES = {408, 425, 429}
ADVICE = {401: CREDENTIAL, 403: PERMISSION}


def test_what_a_status_line_says_by_itself() -> None:
    for code in (-1, 0, 99, *range(100, 700), 999):
        check_what_a_status_line_says(code)


def check_what_a_status_line_says(code: int) -> None:
    found = judge(Reply(code, {"Retry-After": "7"}), SETTINGS, show)
    cause = f"HTTP {code} from {HOST}"
    if code == 200:
        assert found == Fault(f"{HOST}: garbled reply (empty)")
    elif code == 404:
        assert found == Fault(cause, Kind.MISSING, MISSING)
    elif code == 429 or 500 <= code <= 599:
        assert found == Fault(cause, retry_after=7)
    elif code in PASSING_CODES or not 300 <= code <= 499:
        assert found == Fault(cause)
    elif code <= 399:
        assert found == Fault(cause, Kind.LASTING, REDIRECT)
    else:
        assert found == Fault(cause, Kind.LASTING, ADVICE.get(code, OTHER))


TWILIO = {"code": 20003, "message": "Authenticate", "more_info": "https://x.test", "status": 401}
TWILIO_429 = {"status": 429, "message": "Too Many", "detail": "d", "code": 20429, "moreInfo": "m"}
RFC_9457 = {"type": "t", "title": "Gone", "status": 404, "code": 20404, "detail": "d", "errors": []}


@pytest.mark.parametrize(
    "error, said",
    [
        (TWILIO, " (Twilio error 20003): «Authenticate»"),
        (TWILIO_429, " (Twilio error 20429): «Too Many»"),
        (RFC_9457, " (Twilio error 20404): «Gone»"),
        ({"code": "20003", "detail": "Only this"}, " (Twilio error 20003): «Only this»"),
        ({"code": 1, "message": ""}, " (Twilio error 1)"),
        ({"code": 999_999, "message": "", "title": None, "detail": 3}, " (Twilio error 999999)"),
        ({"message": "m", "title": "t"}, ": «m»"),
        ({"message": 7, "title": "t"}, ": «t»"),
        *(
            ({"code": code, "message": "m"}, ": «m»")
            for code in (0, -1, 1.5, 10**6, 10**400, True, None, "2e4", "1234567", "", "２", [1])
        ),
        ({}, ""),
        ([], ""),
    ],
)
def test_twilio_s_error_bodies(error: object, said: str) -> None:
    reply = Reply(401, body=json.dumps(error).encode())
    assert refusal(reply, HOST, show) == Fault(
        f"HTTP 401 from {HOST}{said}", Kind.LASTING, CREDENTIAL
    )


@pytest.mark.parametrize("raw", [b"", b"<html>", b"\xff", b'{"code": 1, "code": 2}'])
def test_an_error_without_a_body_of_twilio_s(raw: bytes) -> None:
    expected = Fault(f"HTTP 403 from {HOST}", Kind.LASTING, PERMISSION)
    assert refusal(Reply(403, body=raw), HOST, show) == expected


def test_what_twilio_s_support_asks_for() -> None:
    reply = Reply(401, {"Twilio-Request-Id": "RQ1"}, json.dumps(TWILIO).encode())
    assert refusal(reply, HOST, show).cause == (
        f"HTTP 401 from {HOST} (Twilio error 20003, Twilio-Request-Id «RQ1»): «Authenticate»"
    )
    bare = Reply(500, {"Twilio-Request-Id": "RQ1"})
    assert refusal(bare, HOST, show) == Fault(f"HTTP 500 from {HOST} (Twilio-Request-Id «RQ1»)")
    assert refusal(Reply(500, {"Twilio-Request-Id": ""}), HOST, show) == Fault(
        f"HTTP 500 from {HOST}"
    )


# -- Retry-After -----------------------------------------------------------------------------------

NOW = "Wed, 01 Apr 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    "value, now, seconds",
    [
        ("0", None, 0),
        ("7", None, 7),
        (" 30 ", None, 30),
        ("007", None, 7),
        ("999999999", None, 999_999_999),
        ("Wed, 01 Apr 2026 08:01:00 GMT", NOW, 60),
        ("Wed, 01 Apr 2026 08:00:00 GMT", NOW, 0),
        ("Wed, 01 Apr 2026 07:59:00 GMT", NOW, 0),
        ("Wed, 01 Apr 2026 10:01:00 +0200", NOW, 60),
        ("Wed, 01 Apr 2026 08:01:00 -0000", NOW, 60),
        ("Wed, 01 Apr 2026 08:01:00", "Wed, 01 Apr 2026 08:00:30", 30),
        ("Wednesday, 01-Apr-26 08:00:05 GMT", NOW, 5),
        # A skewed clock: theirs is the one that counts.
        ("Fri, 01 Jan 1999 00:00:09 GMT", "Fri, 01 Jan 1999 00:00:00 GMT", 9),
    ],
)
def test_a_usable_retry_after(value: str, now: str | None, seconds: float) -> None:
    headers = {"Retry-After": value} | ({"Date": now} if now else {})
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "soon", "1.5", "-5", "+5", "1e3", "0x10", "1000000000", 5000 * "9", "٣", "７"),
        *("5, 10", "5s", "5;q=1", "\x00", "Wed, 01 Apr 100000000 08:00:00 GMT", "Wed, 99 Foo"),
        *("Wed, 31 Feb 2026 08:00:00 GMT", "Wed, 01 Apr 2026 25:00:00 GMT", "2026-04-01T08:00:00Z"),
        *("Wed, 01 Apr 2026 08:00:00 +9999", "Wed, 01 Apr 10000 08:00:00 GMT", ","),
    ],
)
def test_an_unusable_retry_after(value: str) -> None:
    assert retry_after({"Retry-After": value, "Date": NOW}) is None


@pytest.mark.parametrize("date", [None, "", "today", "Wed, 99 Foo", "1775030400"])
def test_a_date_needs_a_date_to_be_held_against(date: str | None) -> None:
    headers = {"Retry-After": "Wed, 01 Apr 2026 08:01:00 GMT"} | ({"Date": date} if date else {})
    assert retry_after(headers) is None
    assert retry_after({"Date": NOW}) is None


@given(st.integers(0, 999_999_999))
def test_any_number_of_seconds(seconds: int) -> None:
    assert retry_after({"Retry-After": str(seconds)}) == seconds


MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1)).map(  # noqa: DTZ001 (set next)
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(MOMENTS, st.integers(-(10**8), 10**8))
def test_any_date_against_any_clock(now: datetime, seconds: int) -> None:
    until = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
    headers = {"Retry-After": until, "Date": format_datetime(now, usegmt=True)}
    assert retry_after(headers) == max(0, seconds)


@given(
    st.text("0123456789:, +-GMTWedAprJan", max_size=40) | hostile.TEXT,
    st.sampled_from([NOW, "Mon, 01 Jan 0001 00:00:00 +0000"]) | hostile.TEXT,
)
def test_whatever_the_headers_hold(value: str, now: str) -> None:
    seconds = retry_after({"Retry-After": value, "Date": now})
    assert seconds is None or seconds >= 0


# -- the function that the wait calls --------------------------------------------------------------


def test_reading_is_one_get_and_its_judgement() -> None:
    asked: list[tuple[str, float]] = []
    refused = Reply(401, body=json.dumps(TWILIO).encode())
    answers: list[Reply | Fault] = [Reply(200, body=body()), refused, Fault("no answer")]

    def get(url: str, limit: float) -> Reply | Fault:
        asked.append((url, limit))
        return answers[len(asked) - 1]

    read = reader(get, SETTINGS, show)
    assert read(10) == judged()
    assert read(5) == refusal(refused, HOST, show)
    assert judge(refused, SETTINGS, show) == refusal(refused, HOST, show)
    assert "«Authenticate»" in refusal(refused, HOST, show).cause
    assert read(2.5) == Fault("no answer")
    assert asked == [(STATUS_URL, 10), (STATUS_URL, 5), (STATUS_URL, 2.5)]
