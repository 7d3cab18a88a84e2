"""Twilio's own Python client reads from the emulator what it reads from Twilio.

The client is the real one; only the scheme and host of its requests are changed on their way out.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

# Twilio's client is annotated but has no py.typed, so that mypy takes none of it for typed.
from twilio.base.exceptions import (  # type: ignore[import-untyped] # as above
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped] # as above
from twilio.http.response import Response  # type: ignore[import-untyped] # as above
from twilio.rest import Client  # type: ignore[import-untyped] # as above

from emulator.api import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN
from tests.integration.emulator_process import EmulatorProcess, emulator

COMPLETED, FAILED, LATE = (f"ZB{digit * 32}" for digit in "123")
SERVICE = "ZS" + "0" * 32
# What Twilio's OpenAPI description of Serverless v1 and Monitor v1 says of each field: the pattern
# of a string, or the type. Null passes as an empty string where the pattern allows one.
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
STATUS_FIELDS: dict[str, object] = {
    "sid": r"ZB[0-9a-fA-F]{32}",
    "account_sid": r"AC[0-9a-fA-F]{32}",
    "service_sid": r"ZS[0-9a-fA-F]{32}",
    "status": r"building|completed|failed",
    "url": r"https://serverless\.twilio\.com/v1/Services/ZS\w{32}/Builds/ZB\w{32}/Status",
}
BUILD_FIELDS: dict[str, object] = STATUS_FIELDS | {
    "asset_versions": list,
    "function_versions": list,
    "dependencies": list,
    "runtime": r"node(8|10|12|14|16|18|20|22)",
    "date_created": TIME,
    "date_updated": TIME,
    "url": r"https://serverless\.twilio\.com/v1/Services/ZS\w{32}/Builds/ZB\w{32}",
    "links": dict,
}
ALERT_FIELDS: dict[str, object] = {
    "account_sid": r"AC[0-9a-fA-F]{32}",
    "alert_text": r"[\x21-\x7e]+",
    "api_version": r"\d{4}-\d\d-\d\d",
    "date_created": TIME,
    "date_generated": TIME,
    "date_updated": TIME,
    "error_code": r"\d{5}",
    "log_level": r"error|warning|notice|debug",
    "more_info": r"https://www\.twilio\.com/docs/errors/\d{5}",
    "request_method": r"GET|POST",
    "request_url": r"https://\S+",
    "resource_sid": r"[a-zA-Z]{2}[0-9a-fA-F]{32}",
    "sid": r"NO[0-9a-fA-F]{32}",
    "url": r"https://monitor\.twilio\.com/v1/Alerts/NO[0-9a-fA-F]{32}",
    "service_sid": r"([a-zA-Z]{2}[0-9a-fA-F]{32})?",
}


class Redirected(TwilioHttpClient):  # type: ignore[misc] # its base is untyped, as above
    """Twilio's HTTP client, all of whose requests go to one other address."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=60)
        self.address = urlsplit(url)
        self.last: Response | None = None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - the client's own
        address = self.address
        moved = urlsplit(url)._replace(scheme=address.scheme, netloc=address.netloc)
        self.last = super().request(method, urlunsplit(moved), *args, **kwargs)
        return self.last


def client(process: EmulatorProcess, user: str = ACCOUNT_SID, secret: str = AUTH_TOKEN) -> Client:
    return Client(user, secret, http_client=Redirected(process.url))


@pytest.fixture(scope="module")
def process() -> Iterator[EmulatorProcess]:
    with emulator(
        *("--default", "none"),
        *("--service", f"{SERVICE}=demo"),
        *("--build", f"{COMPLETED}:completed:0"),
        *("--build", f"{FAILED}:failed:0:alert=82003+82007+nameless+unrelated:dep=sharp@0.33.5"),
        *("--build", f"{LATE}:completed:400ms"),
    ) as process:
        yield process


def assert_fields(resource: dict[str, Any], fields: dict[str, object]) -> None:
    assert set(resource) == set(fields)
    for name, expected in fields.items():
        if isinstance(expected, str):
            assert re.fullmatch(expected, resource[name] or ""), (name, resource[name])
        else:
            assert type(resource[name]) is expected, (name, resource[name])


@pytest.mark.parametrize("service", [SERVICE, "demo"])
@pytest.mark.parametrize("credentials", [(ACCOUNT_SID, AUTH_TOKEN), (API_KEY, API_SECRET)])
def test_status_is_read_with_either_pair_of_credentials(
    process: EmulatorProcess, service: str, credentials: tuple[str, str]
) -> None:
    builds = client(process, *credentials).serverless.v1.services(service).builds
    completed, failed = (builds(sid).build_status().fetch() for sid in (COMPLETED, FAILED))
    assert (completed.status, failed.status) == ("completed", "failed")
    assert (completed.sid, completed.service_sid) == (COMPLETED, SERVICE)
    assert completed.account_sid == ACCOUNT_SID


def test_a_build_is_building_until_its_time_has_come(process: EmulatorProcess) -> None:
    process.control("builds", {"sid": LATE, "after": "400ms"})
    before = len(process.control("requests", build=LATE)["requests"])
    build = client(process).serverless.v1.services(SERVICE).builds(LATE).build_status()
    seen = [build.fetch().status]
    while seen[-1] != "completed":
        seen.append(build.fetch().status)
        assert len(seen) < 10_000
    assert seen == ["building"] * (len(seen) - 1) + ["completed"]
    log = process.control("requests", build=LATE)
    entries = log["requests"][before:]
    assert [entry["build_status"] for entry in entries] == seen
    (times,) = log["builds"]
    assert times["ends_at"] - times["started"] == pytest.approx(0.4, abs=1e-6)
    assert entries[-2]["time"] < times["ends_at"] <= entries[-1]["ended"]


def test_the_build_resource(process: EmulatorProcess) -> None:
    started = datetime.now(UTC) - timedelta(seconds=60)
    build = client(process).serverless.v1.services(SERVICE).builds(FAILED).fetch()
    assert (build.sid, build.service_sid, build.status) == (FAILED, SERVICE, "failed")
    assert build.runtime == "node22"
    assert build.dependencies == [{"name": "sharp", "version": "0.33.5"}]
    assert build.function_versions is not None
    assert [version["path"] for version in build.function_versions] == [
        "/function-0",
        "/function-1",
    ]
    assert build.asset_versions is not None
    assert len(build.asset_versions) == 1
    assert build.date_created is not None
    assert build.date_updated is not None
    assert started < build.date_created <= build.date_updated
    assert build.links == {"build_status": f"{build.url}/Status"}


def test_alerts_of_a_failed_build(process: EmulatorProcess) -> None:
    twilio = client(process)
    twilio.serverless.v1.services(SERVICE).builds(FAILED).build_status().fetch()
    now = datetime.now(UTC)
    window = {"start_date": now - timedelta(minutes=5), "end_date": now + timedelta(seconds=5)}
    alerts = twilio.monitor.v1.alerts.list(log_level="error", **window)
    assert [alert.error_code for alert in alerts] == ["82003", "82007", "82003", "11200"]
    named, runtime, nameless, unrelated = alerts
    assert (named.resource_sid, named.service_sid) == (FAILED, SERVICE)
    text = parse_qs(named.alert_text or "")
    assert text["Msg"] == text["parserMessage"]
    assert "npm could not install sharp@0.33.5" in text["Msg"][0]
    assert runtime.resource_sid == FAILED
    assert parse_qs(runtime.alert_text or "")["Msg"] == ["node22 is not a supported runtime"]
    assert FAILED not in {nameless.resource_sid, unrelated.resource_sid}
    assert nameless.service_sid is None
    assert unrelated.service_sid not in {None, SERVICE}


def test_alerts_are_filtered(process: EmulatorProcess) -> None:
    twilio = client(process)
    twilio.serverless.v1.services(SERVICE).builds(FAILED).build_status().fetch()
    now = datetime.now(UTC)
    alerts = twilio.monitor.v1.alerts
    assert alerts.list(log_level="warning") == []
    assert alerts.list(start_date=now + timedelta(minutes=1)) == []
    assert alerts.list(end_date=now - timedelta(minutes=30)) == []
    assert len(alerts.list(limit=2)) == 2


def test_alerts_come_in_pages(process: EmulatorProcess) -> None:
    twilio = client(process)
    twilio.serverless.v1.services(SERVICE).builds(FAILED).build_status().fetch()
    page = twilio.monitor.v1.alerts.page(page_size=3)
    first = [alert.sid for alert in page]
    following = page.next_page()
    assert following is not None
    second = [alert.sid for alert in following]
    assert (len(first), len(second)) == (3, 1)
    assert not set(first) & set(second)
    assert following.next_page() is None
    assert [alert.sid for alert in twilio.monitor.v1.alerts.list(page_size=3)] == first + second


def test_the_newest_alert_comes_first(process: EmulatorProcess) -> None:
    build = "ZB" + 32 * "4"
    days = [f"2026-03-0{day}T12:00:00Z" for day in (2, 4, 1, 3)]
    alerts = [{"date_generated": day} for day in days]
    process.control("builds", {"sid": build, "ending": "failed", "alerts": alerts})
    twilio = client(process)
    twilio.serverless.v1.services(SERVICE).builds(build).build_status().fetch()
    listed = twilio.monitor.v1.alerts.list(end_date=datetime(2026, 3, 31, tzinfo=UTC))
    assert [alert.date_generated.day for alert in listed] == [4, 3, 2, 1]
    process.control("builds", {"sid": build})
    assert twilio.monitor.v1.alerts.list(end_date=datetime(2026, 3, 31, tzinfo=UTC)) == []


def test_a_page_that_is_just_full_is_the_last(process: EmulatorProcess) -> None:
    twilio = client(process)
    twilio.serverless.v1.services(SERVICE).builds(FAILED).build_status().fetch()
    page = twilio.monitor.v1.alerts.page(page_size=4)
    assert len(list(page)) == 4
    assert page.next_page() is None


def test_every_shape_is_that_of_the_openapi_description(process: EmulatorProcess) -> None:
    twilio = client(process)
    builds = twilio.serverless.v1.services(SERVICE).builds
    for sid in (COMPLETED, FAILED, LATE):
        builds(sid).build_status().fetch()
        assert_fields(content(twilio), STATUS_FIELDS)
        builds(sid).fetch()
        build = content(twilio)
        assert_fields(build, BUILD_FIELDS)
        for version in [*build["function_versions"], *build["asset_versions"]]:
            assert re.fullmatch(r"ZN[0-9a-f]{32}", version["sid"])
    twilio.monitor.v1.alerts.page()
    page = content(twilio)
    assert set(page) == {"alerts", "meta"}
    for alert in page["alerts"]:
        assert_fields(alert, ALERT_FIELDS)
    meta = {
        "first_page_url": r"https://monitor\.twilio\.com/v1/Alerts\?PageSize=50&Page=0",
        "key": "alerts",
        "next_page_url": "",
        "page": int,
        "page_size": int,
        "previous_page_url": "",
        "url": r"https://monitor\.twilio\.com/v1/Alerts\?PageSize=50&Page=0",
    }
    assert_fields(page["meta"], meta)


def content(twilio: Client) -> Any:  # noqa: ANN401 - JSON
    http_client = twilio.http_client
    assert isinstance(http_client, Redirected)
    assert http_client.last is not None
    assert http_client.last.headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"RQ[0-9a-f]{32}", http_client.last.headers["Twilio-Request-Id"])
    assert http_client.last.headers["Date"].endswith(" GMT")
    return json.loads(http_client.last.text)


@pytest.mark.parametrize(
    "credentials",
    [(ACCOUNT_SID, "wrong"), (API_KEY, AUTH_TOKEN), (ACCOUNT_SID, API_SECRET), ("", "")],
)
def test_wrong_credentials_are_20003(
    process: EmulatorProcess, credentials: tuple[str, str]
) -> None:
    twilio = client(process)
    twilio.auth = credentials
    build = twilio.serverless.v1.services(SERVICE).builds(COMPLETED)
    for fetch in (build.fetch, build.build_status().fetch):
        with pytest.raises(TwilioRestException) as caught:
            fetch()
        assert (caught.value.status, caught.value.code) == (401, 20003)
    # For a list the client makes no TwilioRestException, and hands on the response.
    with pytest.raises(TwilioException) as refused:
        twilio.monitor.v1.alerts.list()
    response = refused.value.args[1]
    assert (response.status_code, json.loads(response.text)["code"]) == (401, 20003)


@pytest.mark.parametrize(
    "service, build",
    [
        (SERVICE, "ZB" + "9" * 32),
        (SERVICE, "ZB" + "1" * 31),
        ("ZS" + "1" * 32, COMPLETED),
        ("other", COMPLETED),
        ("ZS" + "x" * 32, COMPLETED),
    ],
)
def test_what_does_not_exist_is_20404(process: EmulatorProcess, service: str, build: str) -> None:
    wanted = client(process).serverless.v1.services(service).builds(build)
    for fetch in (wanted.fetch, wanted.build_status().fetch):
        with pytest.raises(TwilioRestException) as caught:
            fetch()
        assert (caught.value.status, caught.value.code) == (404, 20404)
        assert f"/Services/{service}/Builds/{build}" in caught.value.msg


def test_a_crowd_is_20429_and_so_is_a_scripted_one(process: EmulatorProcess) -> None:
    build = client(process).serverless.v1.services(SERVICE).builds(COMPLETED).build_status()
    process.control("script", ["429", "429 shape=problem"])
    with pytest.raises(TwilioRestException) as caught:
        build.fetch()
    assert (caught.value.status, caught.value.code) == (429, 20429)
    assert "Too many requests" in caught.value.msg
    with pytest.raises(TwilioServiceException) as problem:
        build.fetch()
    assert (problem.value.status, problem.value.code) == (429, 20429)
    assert build.fetch().status == "completed"


def test_what_cannot_be_asked_of_twilio(process: EmulatorProcess) -> None:
    with pytest.raises(TwilioRestException) as caught:
        client(process).serverless.v1.services(SERVICE).builds(COMPLETED).delete()
    assert (caught.value.status, caught.value.code) == (405, 20004)
    with pytest.raises(TwilioRestException) as caught:
        client(process).serverless.v1.services(SERVICE).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
