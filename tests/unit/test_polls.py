"""One poll: the status of a build, and the newest build for `latest`."""

from datetime import timedelta
from unittest import mock

import pytest

from tests.support import samples, server
from tests.support.samples import BUILD_SID, NOW, OTHER_BUILD_SID, STATUS_URL, build_status
from twilio_build_wait.api.polls import Poller
from twilio_build_wait.api.transport import Response
from twilio_build_wait.model import BuildStatus, ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import read
from twilio_build_wait.text import SafeText

PATH = STATUS_URL.removeprefix("https://serverless.twilio.com")
NOON = "Thu, 01 Oct 2026 12:00:00 GMT"


def poller(*answers: server.Response | PollError, **changes: str) -> tuple[Poller, mock.Mock]:
    """Return a poller, and the `get` that it uses. The local clock is 10 minutes fast."""
    responses = [
        each if isinstance(each, PollError) else Response(each.status, each.headers, each.body)
        for each in answers
    ]
    get, settings = mock.Mock(side_effect=responses), read(samples.environment(**changes))
    return Poller(get, settings, lambda: NOW.timestamp() + 600, Redactor([])), get


def poll(answer: server.Response, **changes: str) -> BuildStatus:
    found = poller(answer, **changes)[0].poll(5)
    assert isinstance(found, BuildStatus), found
    return found


def failed(answer: server.Response, **changes: str) -> PollError:
    found = poller(answer, **changes)[0].poll(5)
    assert isinstance(found, PollError), found
    return found


def test_status_is_read() -> None:
    polling, get = poller(build_status("building", sid=BUILD_SID.upper()))
    expected = BuildStatus("building", "", samples.ACCOUNT_SID, samples.SERVICE_SID, STATUS_URL)
    assert polling.poll(5) == expected
    get.assert_called_once_with(STATUS_URL, 5, 64 * 1024)


@pytest.mark.parametrize("value", [OTHER_BUILD_SID, ..., None, 1])
def test_status_of_another_build_or_without_status_is_transient(value: object) -> None:
    for error in (failed(build_status(sid=value)), failed(build_status(status=value and 1))):
        assert error.kind is ErrorKind.TRANSIENT
        assert "invalid response" in error.cause


@pytest.mark.parametrize("value", [None, 1.0, "", "AC0", f"{samples.ACCOUNT_SID}\n"])
def test_sids_without_their_format_are_not_taken(value: object) -> None:
    found = poll(build_status(account_sid=value, service_sid=value))
    assert found == BuildStatus("building", url=STATUS_URL)


OURS = [STATUS_URL, f"https://a.b-c.twilio.com/v2/x{PATH}".lower()]
OURS += [STATUS_URL.replace(samples.SERVICE_SID, "my-name")]
NOT_OURS = [f"http://serverless.twilio.com{PATH}", f"https://twilio.com.test{PATH}"]
NOT_OURS += [f"https://nottwilio.com{PATH}", f"https://user@twilio.com{PATH}", f"{STATUS_URL}/"]
NOT_OURS += [
    f"https://twilio.com:8{PATH}",
    f"{STATUS_URL}?a",
    f"https://twilio.com/{'a' * 500}{PATH}",
]
NOT_OURS += [STATUS_URL.replace(BUILD_SID, OTHER_BUILD_SID)]
NOT_OURS += [STATUS_URL.replace(samples.SERVICE_SID, samples.OTHER_SERVICE_SID)]


@pytest.mark.parametrize("url", OURS + NOT_OURS)
def test_url_is_taken_only_if_it_is_this_resource_at_twilio(url: str) -> None:
    found = poll(build_status(url=url), TWILIO_SERVICE_SID="my-name")
    assert found.url == (url if url in OURS else "")


def page(*builds: object, date: str = NOON, more: str | None = None) -> server.Response:
    answer = samples.page("builds", *builds, next_page_url=more)
    return server.Response(200, answer.body, {"Date": date})


def at(minutes: float, sid: str = OTHER_BUILD_SID, **changes: object) -> dict[str, object]:
    """A build that was created so many minutes before the response."""
    created = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return samples.build(**{"sid": sid, "date_created": created, "status": "building"} | changes)


LATEST = {"TWILIO_BUILD_SID": "latest"}


def test_latest_is_the_newest_build_from_then_on() -> None:
    newest = page(at(3), at(1.5, BUILD_SID), at(1.5), at(59))
    polling, get = poller(newest, build_status("completed"), **LATEST)
    text = SafeText(f"{BUILD_SID}, created 2026-10-01 11:58:30 UTC, 1m30s ago")
    sids = (BUILD_SID, samples.ACCOUNT_SID, samples.SERVICE_SID)
    assert polling.poll(5) == BuildStatus("building", *sids, STATUS_URL, text)
    url = f"https://serverless.twilio.com{samples.BUILDS_PATH}?PageSize=20"
    get.assert_called_once_with(url, 5, 4 * 1024 * 1024)
    assert getattr(polling.poll(5), "status", None) == "completed"
    get.assert_called_with(STATUS_URL, 5, 64 * 1024)
    assert polling.server_date == NOW  # the later response had none


def test_invalid_entries_of_the_list_are_ignored() -> None:
    invalid = [at(0, "ZB0"), at(0, status=None), at(0, date_created="x"), at(0) | {"sid": 1}, "a"]
    found = poll(page(*invalid, at(5, BUILD_SID, account_sid="x", service_sid=None)), **LATEST)
    assert (found.build_sid, found.account_sid, found.service_sid) == (BUILD_SID, "", "")


# Minutes -> what the log says of it.
YOUNG: dict[float, str] = {-60: "0s ago", 0.5: "30s ago", 60: "1h ago"}
OLD: dict[float, str] = {61: "1h1m ago", 24 * 60 - 1: "23h59m ago", 3 * 24 * 60 + 5: "3 d ago"}


@pytest.mark.parametrize("minutes", YOUNG)
def test_age_of_latest(minutes: float) -> None:
    assert poll(page(at(minutes)), **LATEST).found.endswith(YOUNG[minutes])


@pytest.mark.parametrize("minutes", OLD)
def test_latest_must_not_be_older_than_1_h(minutes: float) -> None:
    error = failed(page(at(minutes)), **LATEST)
    assert error.kind is ErrorKind.PERMANENT
    assert [w for w in (OTHER_BUILD_SID, OLD[minutes], "1h") if w not in error.cause] == []
    assert "build-sid" in error.advice


def test_age_is_measured_against_the_local_clock_without_a_date() -> None:
    assert failed(page(at(51), date="yesterday"), **LATEST).kind is ErrorKind.PERMANENT
    assert poll(page(at(49), date=""), **LATEST).found.endswith("59m ago")


def test_empty_list_is_rejected_and_none_is_transient() -> None:
    assert failed(page(), **LATEST).kind is ErrorKind.PERMANENT
    assert failed(samples.json_response({"builds": {}}), **LATEST).kind is ErrorKind.TRANSIENT


def test_error_is_passed_on() -> None:
    error = PollError(SafeText("cut"))
    for sid in (BUILD_SID, "latest"):
        assert poller(error, TWILIO_BUILD_SID=sid)[0].poll(5) is error


def test_next_page_is_mentioned() -> None:
    assert "only the first 20" in poll(page(at(1), more="https://a.test"), **LATEST).found
    assert "first 20" not in poll(page(at(1)), **LATEST).found
