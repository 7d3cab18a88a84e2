"""One poll: what is taken from a status, and how old the newest build may be for `latest`."""

from datetime import timedelta
from unittest import mock

import pytest

from tests.support import samples, server
from tests.support.samples import BUILD_SID, NOW, OTHER_BUILD_SID, STATUS_URL, build_status
from twilio_build_wait.model import BuildStatus, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import read
from twilio_build_wait.twilio.polls import Poller
from twilio_build_wait.twilio.transport import Response

PATH = STATUS_URL.removeprefix("https://serverless.twilio.com")


def poll(answer: server.Response, **changes: str) -> BuildStatus | PollError:
    """Return the result of one poll. The local clock is 10 minutes fast."""
    get = mock.Mock(return_value=Response(answer.status, answer.headers, answer.body))
    settings = read(samples.environment(**changes))
    return Poller(get, settings, lambda: NOW.timestamp() + 600, Redactor([])).poll(5)


OURS = [STATUS_URL, f"https://a.b-c.twilio.com/v2/x{PATH}".lower()]
OURS += [STATUS_URL.replace(samples.SERVICE_SID, "my-name")]
NOT_OURS = [f"http://serverless.twilio.com{PATH}", f"https://twilio.com.test{PATH}"]
NOT_OURS += [f"https://nottwilio.com{PATH}", f"https://user@twilio.com{PATH}", f"{STATUS_URL}/"]
NOT_OURS += [f"https://twilio.com:8{PATH}", f"{STATUS_URL}?a"]
NOT_OURS += [f"https://twilio.com/{'a' * 500}{PATH}"]
NOT_OURS += [STATUS_URL.replace(BUILD_SID, OTHER_BUILD_SID)]
NOT_OURS += [STATUS_URL.replace(samples.SERVICE_SID, samples.OTHER_SERVICE_SID)]


@pytest.mark.parametrize("url", OURS + NOT_OURS)
def test_url_is_taken_only_if_it_is_this_resource_at_twilio(url: str) -> None:
    found = poll(build_status(url=url), TWILIO_SERVICE_SID="my-name")
    assert isinstance(found, BuildStatus)
    assert found.url == (url if url in OURS else "")


# Minutes before the response -> what the log says of it.
YOUNG: dict[float, str] = {-60: "0s ago", 0.5: "30s ago", 60: "1h ago"}
OLD: dict[float, str] = {61: "1h1m ago", 24 * 60 - 1: "23h59m ago", 3 * 24 * 60 + 5: "3 d ago"}


@pytest.mark.parametrize("date", ["Thu, 01 Oct 2026 12:00:00 GMT", "yesterday"])
@pytest.mark.parametrize("minutes", [*YOUNG, *OLD])
def test_latest_must_not_be_older_than_1_h(minutes: float, date: str) -> None:
    now = NOW if date.endswith("GMT") else NOW + timedelta(minutes=10)  # the local clock
    created = (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    listed = samples.page("builds", samples.build("building", date_created=created))
    found = poll(server.Response(200, listed.body, {"Date": date}), TWILIO_BUILD_SID="latest")
    if isinstance(found, BuildStatus):
        assert found.found.endswith(YOUNG[minutes])
    else:
        assert OLD[minutes] in found.cause


def test_list_of_builds_must_be_a_list() -> None:
    found = poll(samples.json_response({"builds": {}}), TWILIO_BUILD_SID="latest")
    assert isinstance(found, PollError)
    assert found.cause == "serverless.twilio.com: invalid response (it has no list of builds)"
