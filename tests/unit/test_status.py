"""One poll: what counts as this build's status, and which build `latest` stands for."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.support import samples
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
    page,
)
from tests.support.server import Response
from twilio_build_wait.model import BuildStatus, ErrorKind, Latest, PollError, PollResult, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.settings import read
from twilio_build_wait.twilio.client import MAX_BYTES, Client, Resource
from twilio_build_wait.twilio.status import Poller

LATEST = {"TWILIO_BUILD_SID": "latest"}


class ScriptedClient(Client):
    """Returns what a test gives it. Each read takes 4 s; the server's clock says NOW."""

    def __init__(self, *results: Response | PollError) -> None:
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
        result = self._results.pop(0)
        return result if isinstance(result, PollError) else dict(json.loads(result.body))

    def invalid(self, problem: str, *, is_oversized: bool = False) -> PollError:
        return PollError(message(problem), is_oversized=is_oversized)


def poll(*results: Response | PollError, **changes: str) -> PollResult:
    return Poller(ScriptedClient(*results), read(samples.environment(**changes))).poll(10)


def failure(*results: Response | PollError, **changes: str) -> PollError:
    result = poll(*results, **changes)
    assert isinstance(result, PollError), result
    return result


def test_status_owner_and_url_are_read() -> None:
    result = poll(build_status("queued", sid=BUILD_SID.upper()))
    assert result == BuildStatus("queued", ACCOUNT_SID, SERVICE_SID, STATUS_URL)


def test_owner_and_url_may_be_missing_or_of_another_form() -> None:
    response = build_status(account_sid=f"{ACCOUNT_SID}0", service_sid=7, url=...)
    assert poll(response) == BuildStatus("building")


# What is wrong with a resource, and its fields.
INVALID: dict[str, dict[str, object]] = {
    "it is not about this build": {"sid": OTHER_BUILD_SID},
    "it has no status": {"status": ["completed"]},
}


@pytest.mark.parametrize("problem", INVALID)
def test_resource_that_is_not_this_builds_status(problem: str) -> None:
    response = build_status(**{"status": "building", **INVALID[problem]})
    assert failure(response).cause.text() == problem


PATH = STATUS_URL.removeprefix("https://serverless.twilio.com")
OURS = [
    STATUS_URL,
    f"https://a.b-c.twilio.com/v2/x{PATH}".lower(),
    STATUS_URL.replace(SERVICE_SID, "my_name"),
]
NOT_OURS = [
    f"http://serverless.twilio.com{PATH}",
    f"https://nottwilio.com{PATH}",
    f"https://\u017ferverless.twilio.com{PATH}",
    f"https://twilio.com.test{PATH}",
    f"https://user@twilio.com{PATH}",
    f"https://twilio.com/::error::{PATH}",
    f"{STATUS_URL}?a",
    STATUS_URL.replace(BUILD_SID, OTHER_BUILD_SID),
    STATUS_URL.replace(SERVICE_SID, OTHER_SERVICE_SID),
]


@pytest.mark.parametrize("url", OURS + NOT_OURS, ids=ascii)
def test_url_is_taken_if_it_is_this_resource_at_twilio(url: str) -> None:
    result = poll(build_status(url=url), TWILIO_SERVICE_SID="my_name")
    assert isinstance(result, BuildStatus)
    assert result.url == (url if url in OURS else "")


def ago(**time: float) -> str:
    """A date, so long before NOW."""
    return (NOW - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def newest(*entries: object) -> Latest:
    """Return the build that `latest` stands for in a list."""
    result = poll(page("builds", *entries), **LATEST)
    assert isinstance(result, BuildStatus), result
    assert result.latest
    return result.latest


def test_entry_of_the_list_is_a_status() -> None:
    latest = Latest(BUILD_SID, "2026-10-01 11:58:00", "2m")
    expected = BuildStatus("queued", ACCOUNT_SID, SERVICE_SID, STATUS_URL, latest)
    assert poll(page("builds", build("queued")), **LATEST) == expected


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
    assert newest(*entries).build_sid == BUILD_SID


@pytest.mark.parametrize("date, age", [(ago(minutes=15), "15m"), (ago(hours=-7), "0s")])
def test_latest_may_be_15_minutes_old(date: str, age: str) -> None:
    assert newest(build(date_created=date)).age == age


def test_newest_build_that_is_too_old_is_a_permanent_error() -> None:
    too_old = build(date_created=ago(minutes=15, seconds=1))
    error = failure(page("builds", too_old), **LATEST)
    assert error.cause.text() == (
        "latest accepts only builds from the last 15 minutes, and the newest is "
        f"{BUILD_SID}, created 2026-10-01 11:44:59 UTC, 15m1s ago"
    )
    assert error.kind is ErrorKind.PERMANENT
    assert error.ending.name == "NO_RECENT_BUILD"
    assert error.reach is Reach.TWILIO
    advice = "A deployment that has just failed created no build: see its own log"
    assert error.advice.text() == advice


def test_list_of_builds_without_a_valid_one_is_an_error() -> None:
    error = failure(page("builds", next_page_url="https://x"), **LATEST)
    cause = "Twilio lists no valid build of this service; only the first 20 builds were read"
    assert error.cause.text() == cause
    error = failure(samples.json_response({"builds": {}}), **LATEST)
    assert error.cause.text() == "it has no list of builds"


OVERSIZED = PollError(message("too large"), is_oversized=True)


def test_smaller_page_is_requested_at_once_and_within_the_same_poll() -> None:
    client = ScriptedClient(OVERSIZED, page("builds", build(), next_page_url="https://x"))
    result = Poller(client, read(samples.environment(**LATEST))).poll(10)
    url = f"https://serverless.twilio.com{samples.BUILDS_PATH}?PageSize="
    assert client.requests == [(f"{url}20", 10, MAX_BYTES), (f"{url}5", 6, MAX_BYTES)]
    assert isinstance(result, BuildStatus)
    assert result.latest
    assert result.latest.note.text() == "only the first 5 builds were read"


def test_list_that_is_too_large_twice_is_a_permanent_error() -> None:
    error = failure(OVERSIZED, OVERSIZED, **LATEST)
    assert error.kind is ErrorKind.PERMANENT
    assert error.advice.text() == "Set build-sid to the SID of the build"


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
    assert failure(error, **inputs).advice.text() == advice
