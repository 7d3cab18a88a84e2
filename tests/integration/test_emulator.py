"""Twilio's own Python client gets from the emulator what it gets from Twilio."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest
import requests

# Twilio's client has no py.typed: mypy takes none of it for typed.
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped] # as above
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped] # as above
from twilio.http.response import Response  # type: ignore[import-untyped] # as above
from twilio.rest import Client  # type: ignore[import-untyped] # as above

from emulator import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, SERVICE_SID, Emulator

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD, OTHER, ENVIRONMENT = "ZB" + 32 * "b", "ZB" + 32 * "0", "ZE" + 32 * "e"


class Redirected(TwilioHttpClient):  # type: ignore[misc] # its base is untyped, as above
    def __init__(self, url: str) -> None:
        super().__init__(timeout=60)
        self.address = urlsplit(url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 (the client's own)
        scheme, netloc = self.address[:2]
        moved = urlsplit(url)._replace(scheme=scheme, netloc=netloc)
        return super().request(method, urlunsplit(moved), *args, **kwargs)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.clock = lambda: 1000.0
        yield emulator


def client(emulator: Emulator, user: str = ACCOUNT_SID, secret: str = AUTH_TOKEN) -> Client:
    return Client(user, secret, http_client=Redirected(emulator.url))


def service(emulator: Emulator, name: str = SERVICE_SID) -> Any:  # noqa: ANN401 (untyped, as above)
    return client(emulator).serverless.v1.services(name)


def error_of(call: Callable[[], object]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("name", [SERVICE_SID, "demo"])
@pytest.mark.parametrize("ending", ["completed", "failed", "building"])
def test_build_has_its_status_after_its_duration(
    emulator: Emulator, name: str, ending: str
) -> None:
    emulator.add_build(BUILD, ending, after="1m30s")
    services = client(emulator, API_KEY, API_SECRET).serverless.v1.services
    status = services(name).builds(BUILD).build_status()
    assert status.fetch().status == "building"
    emulator.clock = lambda: 1089.9
    assert status.fetch().status == "building"
    emulator.clock = lambda: 1090.0
    fetched = status.fetch()
    assert fetched.status == ending
    sids = (fetched.sid, fetched.service_sid, fetched.account_sid)
    assert sids == (BUILD, SERVICE_SID, ACCOUNT_SID)
    assert fetched.url.startswith("https://serverless.twilio.com/v1/Services/ZS")
    assert emulator.builds[BUILD].ends_at == 1090.0


def test_build_lists_versions_and_dependencies(emulator: Emulator) -> None:
    emulator.add_build(BUILD, runtime="node18", dependencies={"sharp": "0.33.5"}, assets=["/a.svg"])
    emulator.add_build(OTHER, functions=["/hello", "/bye", "/hello@2"])
    builds = service(emulator).builds
    build, other = builds(BUILD).fetch(), builds(OTHER).fetch()
    sharp = {"name": "sharp", "version": "0.33.5"}
    assert (build.runtime, build.dependencies) == ("node18", [sharp])
    (asset,) = build.asset_versions
    assert asset["path"] == "/a.svg"
    same, _, changed = other.function_versions
    assert build.function_versions == [same]
    assert (changed["path"], changed["function_sid"]) == ("/hello", same["function_sid"])
    assert changed["sid"] != same["sid"]


def test_builds_are_listed_in_pages_with_any_date(emulator: Emulator) -> None:
    sids = [f"ZB{number:032}" for number in range(4)]
    for sid, created in zip(sids, ["-72h", "+7h", "yesterday", ""], strict=True):
        emulator.add_build(sid, created=created)
    url = f"{emulator.url}/v1/Services/{SERVICE_SID}/Builds?PageSize=2&Page="
    pages = [
        requests.get(f"{url}{n}", auth=(API_KEY, API_SECRET), timeout=60).json() for n in (0, 1)
    ]
    builds = [build for page in pages for build in page["builds"]]
    assert [build["sid"] for build in builds] == sids
    assert [page["meta"]["next_page_url"] is None for page in pages] == [False, True]
    assert builds.pop(2)["date_created"] == "yesterday"
    ages = [datetime.now(UTC) - datetime.fromisoformat(build["date_created"]) for build in builds]
    assert [round(age / timedelta(hours=1)) for age in ages] == [72, -7, 0]
    del emulator.builds[sids[2]].fields["date_created"]  # the client cannot parse it
    assert [build.sid for build in service(emulator).builds.list(page_size=2)] == sids


def test_deployment_needs_a_completed_build_of_the_service(emulator: Emulator) -> None:
    emulator.add_build(BUILD, after="5s")
    emulator.add_build(OTHER, service="ZS" + 32 * "1")
    home = service(emulator)
    environment = home.environments.create(unique_name="staging", domain_suffix="stage")
    assert (environment.build_sid, environment.domain_suffix) == (None, "stage")
    deploy = home.environments(environment.sid).deployments.create
    assert error_of(lambda: deploy(build_sid=OTHER)) == (400, 20001)  # of another service
    assert error_of(lambda: deploy(build_sid=BUILD)) == (400, 20001)  # it has not completed
    emulator.clock = lambda: 1005.0
    assert deploy(build_sid=BUILD).build_sid == BUILD
    assert home.environments(environment.sid).fetch().build_sid == BUILD
    assert error_of(lambda: deploy(build_sid=BUILD)) == (409, 20409)  # it is live already
    assert [each.sid for each in home.environments.list()] == [environment.sid]


def test_alerts_follow_the_build(emulator: Emulator) -> None:
    emulator.add_build(BUILD, "failed", after="5s", created="-10m")
    emulator.add_alert("82003", "no gcc & no luck", build=BUILD)
    emulator.add_alert("11200", level="warning", resource_sid="CA" + 32 * "1")
    alerts = client(emulator).monitor.v1.alerts
    service(emulator).builds(BUILD).fetch()
    assert [alert.error_code for alert in alerts.list()] == ["11200"]
    emulator.clock = lambda: 1005.0
    assert [alert.error_code for alert in alerts.list(page_size=1)] == ["11200", "82003"]
    (alert,) = alerts.list(log_level="error")
    assert (alert.resource_sid, alert.service_sid) == (BUILD, SERVICE_SID)
    assert parse_qs(alert.alert_text)["Msg"] == ["no gcc & no luck"]
    five_minutes_ago = datetime.now(UTC) - timedelta(minutes=5)
    assert len(alerts.list(start_date=five_minutes_ago)) == 1
    assert alerts.list(end_date=five_minutes_ago)[0].error_code == "82003"


ERRORS: dict[str, tuple[Callable[[Any], object], tuple[int, int]]] = {
    "build": (lambda home: home.builds(OTHER).build_status().fetch(), (404, 20404)),
    "environment": (lambda home: home.environments(ENVIRONMENT).fetch(), (404, 20404)),
    "method": (lambda home: home.builds(BUILD).delete(), (405, 20004)),
    "dependencies": (lambda home: home.builds.create(dependencies="sharp"), (400, 20001)),
}


@pytest.mark.parametrize("case", ERRORS)
def test_refusals_are_in_twilios_shape(emulator: Emulator, case: str) -> None:
    emulator.add_build(BUILD)
    call, expected = ERRORS[case]
    assert error_of(lambda: call(service(emulator))) == expected


def test_faults_come_in_order_and_on_their_route(emulator: Emulator) -> None:
    emulator.add_build(BUILD)
    for spec in ("404*2", "429=2s", "reset", "garbage", "slow=10ms", "build:503*"):
        emulator.fault(spec)
    build = f"{emulator.url}/v1/Services/demo/Builds/{BUILD}"

    def get(path: str = "/Status") -> requests.Response:
        return requests.get(f"{build}{path}", auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=60)

    assert [get().status_code, get().status_code] == [404, 404]
    crowded = get()
    assert (crowded.headers["Retry-After"], crowded.json()["code"]) == ("2", 20429)
    with pytest.raises(requests.ConnectionError, match="reset"):
        get()
    assert get().text.startswith("<html>")
    assert [get().json()["status"], get().json()["status"]] == ["completed", "completed"]
    assert [get("").status_code, get("").status_code] == [503, 503]
    statuses = [entry.status for entry in emulator.requests]
    assert statuses == [404, 404, 429, 0, 200, 200, 200, 503, 503]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_line_serves_a_file_until_a_signal(tmp_path: Path, number: int) -> None:
    file = tmp_path / "account.json"
    file.write_text(f'{{"builds": [{{"sid": "{BUILD}"}}], "alerts": [{{"build": "{BUILD}"}}]}}')
    command = [sys.executable, "-m", "emulator", "--file", str(file), "--fault", "503"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("emulator listening on ").strip()
        exports = [process.stdout.readline() for _ in range(5)]
        assert f"export TWILIO_BASE_URL={url}\n" in exports
        assert exports[-1] == f"export TWILIO_BUILD_SID={BUILD}\n"
        status = f"{url}/v1/Services/demo/Builds/{BUILD}/Status"
        assert requests.get(status, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=60).status_code == 503
        assert "/Status 503 503\n" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
