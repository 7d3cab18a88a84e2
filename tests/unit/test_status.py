"""One poll: what counts as this build's status, and which build `latest` stands for."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support import samples, server
from tests.support.clocks import VirtualClock
from tests.support.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    NOW,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_URL,
    build,
    build_status,
)
from twilio_build_wait.model import BuildStatus, ErrorKind, Latest, PollError, PollResult, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.settings import read
from twilio_build_wait.twilio.client import MAX_BYTES, Client, Resource
from twilio_build_wait.twilio.status import Poller


class ScriptedClient(Client):
    """Returns what a test gives it. Each read takes 4 s; the server's clock says NOW."""

    def __init__(self, *results: Resource) -> None:
        self.time = VirtualClock()
        self.clock = self.time.now
        self.requests: list[tuple[str, float, int]] = []
        self._results = [*results]

    @property
    def now(self) -> datetime:
        return NOW

    def read(self, url: str, limit: float, max_bytes: int = MAX_BYTES) -> Resource:
        self.requests.append((url, round(limit, 3), max_bytes))
        self.time.sleep(4)
        return self._results.pop(0)

    def invalid(self, problem: str) -> PollError:
        return PollError(message(problem))


def content(response: server.Response) -> dict[str, Any]:
    return dict(json.loads(response.body))


def poll(*results: Resource, **changes: str) -> PollResult:
    return Poller(ScriptedClient(*results), read(samples.environment(**changes))).poll(10)


def poll_latest(*results: Resource) -> PollResult:
    return poll(*results, TWILIO_BUILD_SID="latest")


def error_of(result: PollResult) -> PollError:
    assert isinstance(result, PollError), result
    return result


# --- the status -----------------------------------------------------------------------------------


def test_status_owner_and_url_are_read() -> None:
    result = poll(content(build_status("queued", sid=BUILD_SID.upper())))
    assert result == BuildStatus("queued", ACCOUNT_SID, SERVICE_SID, STATUS_URL)


def test_owner_and_url_may_be_missing_or_of_another_form() -> None:
    body = content(build_status(account_sid=f"{ACCOUNT_SID}0", service_sid=7, url=...))
    assert poll(body) == BuildStatus("building")


# Fields of the resource -> what is wrong with it.
INVALID: dict[str, tuple[dict[str, object], str]] = {
    "sid is a number": ({"sid": 7}, "it is not about this build"),
    "another build's": ({"sid": OTHER_BUILD_SID}, "it is not about this build"),
    "status is a list": ({"status": ["completed"]}, "it has no status"),
}


@pytest.mark.parametrize("fields, problem", INVALID.values(), ids=INVALID)
def test_resource_that_is_not_this_builds_status(fields: dict[str, object], problem: str) -> None:
    assert error_of(poll(content(build_status()) | fields)).cause.text() == problem


PATH = STATUS_URL.removeprefix("https://serverless.twilio.com")
OURS = [
    STATUS_URL,
    f"https://a.b-c.twilio.com/v2/x{PATH}".lower(),
    STATUS_URL.replace(SERVICE_SID, "my_name"),
]
NOT_OURS = [
    f"http://serverless.twilio.com{PATH}",
    f"https://nottwilio.com{PATH}",
    f"https://twilio.com.test{PATH}",
    f"https://user@twilio.com{PATH}",
    f"https://twilio.com/::error::{PATH}",
    f"{STATUS_URL}?a",
    STATUS_URL.replace(BUILD_SID, OTHER_BUILD_SID),
    STATUS_URL.replace(SERVICE_SID, OTHER_SERVICE_SID),
]


@pytest.mark.parametrize("url", OURS + NOT_OURS, ids=ascii)
def test_url_is_taken_if_it_is_this_resource_at_twilio(url: str) -> None:
    result = poll(content(build_status(url=url)), TWILIO_SERVICE_SID="my_name")
    assert isinstance(result, BuildStatus)
    assert result.url == (url if url in OURS else "")


# --- latest ---------------------------------------------------------------------------------------


def ago(**time: float) -> str:
    """A date, so long before NOW."""
    return (NOW - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def page(*entries: object, next_page_url: str | None = None) -> dict[str, Any]:
    return content(samples.page("builds", *entries, next_page_url=next_page_url))


def newest(*results: Resource) -> Latest:
    """Return the build that `latest` stands for."""
    result = poll_latest(*results)
    assert isinstance(result, BuildStatus), result
    assert result.latest
    return result.latest


def test_entry_of_the_list_is_a_status() -> None:
    latest = Latest(BUILD_SID, "2026-10-01 11:58:00", "2m")
    expected = BuildStatus("queued", ACCOUNT_SID, SERVICE_SID, STATUS_URL, latest)
    assert poll_latest(page(build("queued"))) == expected


OLD = build(sid=OTHER_BUILD_SID, date_created=ago(minutes=4))
AHEAD = OLD | {"date_created": ago(hours=-7)}
LISTS: dict[str, Sequence[object]] = {
    "newest last": [OLD, build()],
    "newest first": [build(), OLD],
    "newest by its offset": [OLD | {"date_created": "2026-10-01T13:57:00+02:00"}, build()],
    "first of two equal dates": [AHEAD | {"sid": BUILD_SID}, AHEAD],
    "newest of two in the future": [AHEAD, build(date_created=ago(hours=-8))],
    "no object": [OTHER_BUILD_SID, build()],
    "sid of a service": [AHEAD | {"sid": SERVICE_SID}, build()],
    "no status": [AHEAD | {"status": 1}, build()],
    "not a date": [OLD | {"date_created": "yesterday"}, build()],
}


@pytest.mark.parametrize("entries", LISTS.values(), ids=LISTS)
def test_latest_is_the_newest_usable_entry(entries: Sequence[object]) -> None:
    assert newest(page(*entries)).build_sid == BUILD_SID


@pytest.mark.parametrize("date, age", [(ago(minutes=15), "15m"), (ago(hours=-7), "0s")])
def test_latest_may_be_15_minutes_old(date: str, age: str) -> None:
    assert newest(page(build(date_created=date))).age == age


TOO_OLD = build(date_created=ago(minutes=15, seconds=1))
OLD_CAUSE = (
    "latest accepts only builds from the last 15 minutes, and the newest is "
    f"{BUILD_SID}, created 2026-10-01 11:44:59 UTC, 15m1s ago"
)
NOT_RECENT = {
    "too old": (page(TOO_OLD), OLD_CAUSE),
    "none on the first page": (
        page(next_page_url="https://x"),
        "Twilio lists no valid build of this service; only the first 20 builds were read",
    ),
}


@pytest.mark.parametrize("body, cause", NOT_RECENT.values(), ids=NOT_RECENT)
def test_service_without_a_recent_build_is_a_permanent_error(body: Resource, cause: str) -> None:
    error = error_of(poll_latest(body))
    assert error.cause.text() == cause
    assert error.kind is ErrorKind.PERMANENT
    assert error.ending.name == "NO_RECENT_BUILD"
    assert error.reach is Reach.TWILIO
    advice = "A deployment that has just failed created no build: see its own log"
    assert error.advice.text() == advice


def test_list_of_builds_must_be_a_list() -> None:
    error = error_of(poll_latest({"builds": {}}))
    assert error.cause.text() == "it has no list of builds"


OVERSIZED = PollError(message("too large"), is_oversized=True)
BUSY = PollError(message("HTTP 503"))


def test_smaller_page_is_requested_at_once_and_within_the_same_poll() -> None:
    client = ScriptedClient(OVERSIZED, page())
    Poller(client, read(samples.environment(TWILIO_BUILD_SID="latest"))).poll(10)
    url = f"https://serverless.twilio.com{samples.BUILDS_PATH}?PageSize="
    assert client.requests == [(f"{url}20", 10, MAX_BYTES), (f"{url}5", 6, MAX_BYTES)]


def test_note_names_the_size_of_the_smaller_page() -> None:
    note = newest(OVERSIZED, page(build(), next_page_url="https://x")).note
    assert note.text() == "only the first 5 builds were read"


def test_list_that_is_too_large_twice_is_a_permanent_error() -> None:
    error = error_of(poll_latest(OVERSIZED, OVERSIZED))
    assert error.kind is ErrorKind.PERMANENT
    assert error.advice.text() == "Set build-sid to the SID of the build"


def test_other_error_of_a_list_is_returned_as_it_is() -> None:
    assert poll_latest(BUSY) is BUSY


# --- 404 ------------------------------------------------------------------------------------------

LATEST = {"TWILIO_BUILD_SID": "latest"}
BASE_URL = {"TWILIO_BASE_URL": "https://x/v1"}
LIST_ADVICE = "Check service-sid, region and the credential's account"
BASE_ADVICE = "Check base-url first: it must end before /v1"
# How far the request got, the inputs, and the advice.
ADVICE: dict[str, tuple[Reach, dict[str, str], str]] = {
    "the build": (Reach.TWILIO, {}, "Check it"),
    "the build, base-url": (Reach.ANSWERED, BASE_URL, f"{BASE_ADVICE}. Check it"),
    "latest": (Reach.TWILIO, LATEST, LIST_ADVICE),
    "latest, not Twilio's": (Reach.ANSWERED, LATEST, "Check it"),
    "latest, base-url": (Reach.TWILIO, LATEST | BASE_URL, f"{BASE_ADVICE}. {LIST_ADVICE}"),
}


@pytest.mark.parametrize("reach, inputs, advice", ADVICE.values(), ids=ADVICE)
def test_advice_on_a_404(reach: Reach, inputs: dict[str, str], advice: str) -> None:
    check = message("Check it")
    error = PollError(message("HTTP 404"), ErrorKind.NOT_FOUND, advice=check, reach=reach)
    assert error_of(poll(error, **inputs)).advice.text() == advice
