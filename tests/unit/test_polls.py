"""One poll: the status of a build, and the newest build for `latest`."""

from datetime import timedelta

import pytest

from tests.support import samples
from tests.support.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    BUILDS_PATH,
    NOW,
    OTHER_BUILD_SID,
    SERVICE_SID,
    STATUS_URL,
    build,
    build_status,
    environment,
    page,
)
from tests.support.server import Response as Scripted
from twilio_build_wait.api.polls import Poller
from twilio_build_wait.api.transport import Response
from twilio_build_wait.model import BuildStatus, ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import read
from twilio_build_wait.text import SafeText

ROOT = "https://serverless.twilio.com"
DATE = "Thu, 01 Oct 2026 12:00:00 GMT"


class Twilio:
    """Answers every request with one response, and notes what was asked for."""

    def __init__(self, answer: Scripted | PollError, **changes: str) -> None:
        self.requests: list[tuple[str, float, int]] = []
        self.answer = answer
        wall = NOW.timestamp() + 600  # a local clock that is 10 minutes fast
        self.poller = Poller(
            self.get, read(environment(**changes)), lambda: wall, Redactor(["sw0rdfish"])
        )

    def get(self, url: str, limit: float, max_bytes: int) -> Response | PollError:
        self.requests.append((url, limit, max_bytes))
        if isinstance(self.answer, PollError):
            return self.answer
        return Response(self.answer.status, self.answer.headers, self.answer.body)

    def poll(self) -> BuildStatus | PollError:
        return self.poller.poll(5)

    def latest(self) -> BuildStatus:
        found = self.poll()
        assert isinstance(found, BuildStatus), found
        return found


def test_status_is_read() -> None:
    twilio = Twilio(build_status("building", sid=BUILD_SID.upper().replace("ZB", "Zb")))
    assert twilio.poll() == BuildStatus("building", "", ACCOUNT_SID, SERVICE_SID, STATUS_URL)
    assert twilio.requests == [(STATUS_URL, 5, 64 * 1024)]


INVALID = {"another build": {"sid": OTHER_BUILD_SID}, "no sid": {"sid": ...}, "null": {"sid": None}}
INVALID |= {"no status": {"status": ...}, "status is no text": {"status": 1}}


@pytest.mark.parametrize("changes", INVALID.values(), ids=INVALID)
def test_status_of_another_build_or_without_status_is_transient(changes: dict[str, object]) -> None:
    error = Twilio(build_status(**changes)).poll()
    assert isinstance(error, PollError)
    assert error.kind is ErrorKind.TRANSIENT
    assert "invalid response" in error.cause


@pytest.mark.parametrize("value", [None, 1.0, "", "AC0", f"{ACCOUNT_SID}\n"])
def test_sids_without_their_format_are_not_taken(value: object) -> None:
    changes = {"account_sid": value, "service_sid": value}
    assert Twilio(build_status(**changes)).poll() == BuildStatus("building", url=STATUS_URL)


PATH = STATUS_URL.removeprefix(ROOT)
URLS = {f"{ROOT}{PATH}": True, f"https://a.b-c.TWILIO.com/v2/x{PATH}".lower(): True}
URLS |= dict.fromkeys(
    (
        f"http://serverless.twilio.com{PATH}",
        f"https://serverless.twilio.com.test{PATH}",
        f"https://nottwilio.com{PATH}",
        f"https://user@twilio.com{PATH}",
        f"{ROOT}:8{PATH}",
        f"{ROOT}{PATH}/",
        f"{ROOT}{PATH}?a",
        f"{ROOT}{PATH.replace(BUILD_SID, OTHER_BUILD_SID)}",
        f"{ROOT}{PATH.replace(SERVICE_SID, samples.OTHER_SERVICE_SID)}",
        f"{ROOT}/{'a' * 500}{PATH}",
    ),
    False,
)


@pytest.mark.parametrize("url", URLS)
def test_url_is_taken_only_if_it_is_this_resource_at_twilio(url: str) -> None:
    found = Twilio(build_status(url=url), TWILIO_SERVICE_SID="my-name").latest()
    assert found.url == (url if URLS[url] else "")


def test_url_may_have_the_service_s_unique_name() -> None:
    url = STATUS_URL.replace(SERVICE_SID, "my-name")
    assert Twilio(build_status(url=url), TWILIO_SERVICE_SID="my-name").latest().url == url
    assert Twilio(build_status(url=None)).latest().url == ""


def test_error_is_passed_on() -> None:
    error = PollError(SafeText("cut"))
    for sid in (BUILD_SID, "latest"):
        assert Twilio(error, TWILIO_BUILD_SID=sid).poll() is error


def listed(*builds: object, date: str = DATE, more: str | None = None) -> Twilio:
    answer = page("builds", *builds, next_page_url=more)
    headers = {**answer.headers, "Date": date}
    return Twilio(Scripted(200, answer.body, headers), TWILIO_BUILD_SID="latest")


def at(minutes: float, sid: str = OTHER_BUILD_SID, **changes: object) -> dict[str, object]:
    """A build that was created so many minutes before the response."""
    created = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return build(**{"sid": sid, "date_created": created, "status": "building"} | changes)


def test_latest_is_the_newest_build() -> None:
    twilio = listed(at(3), at(1.5, BUILD_SID), at(1.5), at(59))
    found = twilio.latest()
    assert found == BuildStatus(
        "building", BUILD_SID, ACCOUNT_SID, SERVICE_SID, STATUS_URL, found.found
    )
    assert found.found == f"{BUILD_SID}, created 2026-10-01 11:58:30 UTC, 1m30s ago"
    assert twilio.requests == [(f"{ROOT}{BUILDS_PATH}?PageSize=20", 5, 4 * 1024 * 1024)]
    twilio.answer = build_status("completed")
    assert twilio.latest().status == "completed"
    assert twilio.requests[1][0] == STATUS_URL
    assert twilio.poller.server_date == NOW  # the later response had none


def test_invalid_entries_of_the_list_are_ignored() -> None:
    invalid = [
        at(0, "ZB0"),
        at(0, status=None),
        at(0, date_created="x"),
        at(0) | {"sid": 1.0},
        "text",
    ]
    found = listed(*invalid, at(5, BUILD_SID, account_sid="x", service_sid=None)).latest()
    assert (found.build_sid, found.account_sid, found.service_sid) == (BUILD_SID, "", "")


AGES = {-60.0: "0s ago", 0.5: "30s ago", 60.0: "1h ago"}
OLD = {61.0: "1h1m ago", 24 * 60 - 1.0: "23h59m ago", 3 * 24 * 60 + 5.0: "3 d ago"}


@pytest.mark.parametrize("minutes", AGES)
def test_age_of_latest(minutes: float) -> None:
    assert AGES[minutes] in listed(at(minutes)).latest().found


@pytest.mark.parametrize("minutes", OLD)
def test_latest_must_not_be_older_than_1_h(minutes: float) -> None:
    error = listed(at(minutes)).poll()
    assert isinstance(error, PollError)
    assert error.kind is ErrorKind.PERMANENT
    assert [w for w in (OTHER_BUILD_SID, OLD[minutes], "1h") if w not in error.cause] == []
    assert "build-sid" in error.advice


def test_age_is_measured_against_the_local_clock_without_a_date() -> None:
    assert isinstance(listed(at(55), date="yesterday").poll(), PollError)
    assert "now" not in listed(at(45), date="").latest().found


def test_service_without_builds_is_rejected() -> None:
    error = listed().poll()
    assert isinstance(error, PollError)
    assert error.kind is ErrorKind.PERMANENT


def test_response_without_a_list_is_transient() -> None:
    twilio = Twilio(samples.json_response({"builds": {}}), TWILIO_BUILD_SID="latest")
    error = twilio.poll()
    assert isinstance(error, PollError)
    assert (error.kind, twilio.poller.build_sid) == (ErrorKind.TRANSIENT, "")


def test_next_page_is_mentioned_and_not_requested() -> None:
    twilio = listed(at(1), more="https://evil.test")
    assert "only the first 20 builds" in twilio.latest().found
    assert "first 20" not in listed(at(1)).latest().found
    assert len(twilio.requests) == 1
