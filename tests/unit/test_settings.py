"""The inputs of a whole environment: values, hosts, credentials, and every problem at once."""

import base64
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    ENVIRONMENT_SID,
    SECRET,
    SERVICE_SID,
    STATUS_URL,
    TOKEN,
    environment,
)
from twilio_build_wait.inputs import INPUTS, SECRETS
from twilio_build_wait.settings import Settings, read

KEY = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
NO_LOGIN = dict.fromkeys(("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))
GITHUB = {"GITHUB_ACTIONS": "true"}

# Changes of the environment -> words of each problem, in order.
PROBLEMS: dict[str, tuple[dict[str, str | None], list[list[str]]]] = {
    "no service": (
        {"TWILIO_SERVICE_SID": None},
        [["TWILIO_SERVICE_SID (service-sid): required", "ZS followed by"]],
    ),
    "no build on GitHub": (
        {"TWILIO_BUILD_SID": "", **GITHUB},
        [["build-sid: required: ZB followed by"]],
    ),
    "no credential": (
        NO_LOGIN,
        [["(auth-token): required"], ["(account-sid): required with auth-token: AC"]],
    ),
    "no credential on GitHub": (
        {"TWILIO_AUTH_TOKEN": None, **GITHUB},
        [["auth-token: required", "forks", "Dependabot", "secrets: inherit", "environment"]],
    ),
    "key without secret": (
        {"TWILIO_API_KEY": API_KEY, **GITHUB},
        [["api-secret: required with api-key", "Dependabot"]],
    ),
    "secret without key": (
        {"TWILIO_API_SECRET": SECRET},
        [["(api-key): required with api-secret: SK followed by"]],
    ),
    "token without account": (
        {"TWILIO_ACCOUNT_SID": None},
        [["(account-sid): required with auth-token: AC followed by"]],
    ),
    "invalid value is shown": (
        {"TWILIO_BUILD_TIMEOUT": "1 hour"},
        [["(timeout): expected a duration", "from 0 to 24h", "got '1 hour'"]],
    ),
    "invisible character is shown as an escape": (
        {"TWILIO_BUILD_SID": f"\u200b{BUILD_SID}"},
        [["(build-sid)", rf"got '\u200b{BUILD_SID}'"]],
    ),
    "invalid account SID is not shown": (
        {"TWILIO_ACCOUNT_SID": "0123456789"},
        [["(account-sid)", "expected AC", "got 10 other characters"]],
    ),
    "invalid API key is not shown": (
        {**KEY, "TWILIO_API_KEY": "abcd"},
        [["(api-key)", "expected SK", "got 4 other characters"]],
    ),
    "invalid token is not shown": (
        {"TWILIO_AUTH_TOKEN": "pässwörd"},
        [["(auth-token)", "printable ASCII", "got 8 other characters"]],
    ),
    "invalid URL is not shown": (
        {"TWILIO_BASE_URL": "https://user:pass@example.test"},
        [["(base-url)", "expected an https:// URL", "got another value"]],
    ),
    "max-interval below interval": (
        {"TWILIO_BUILD_INTERVAL": "5s", "TWILIO_BUILD_MAX_INTERVAL": "4.999s"},
        [["(max-interval)", "got '4.999s'", "shorter than interval"]],
    ),
    "max-interval invalid": ({"TWILIO_BUILD_MAX_INTERVAL": "9h"}, [["(max-interval)", "'9h'"]]),
    "region without a known edge": (
        {"TWILIO_REGION": "sg1"},
        [["(edge): required with region 'sg1'", "such as dublin"]],
    ),
    "region and edge beside a base-url": (
        {"TWILIO_REGION": "X", "TWILIO_EDGE": "Y", "TWILIO_BASE_URL": "https://example.test"},
        [["(region)", "'X'"], ["(edge)", "'Y'"]],
    ),
    "http": (
        {"TWILIO_BASE_URL": "http://example.test"},
        [["(base-url)", "https://", "unencrypted"]],
    ),
    "everything": (
        {**NO_LOGIN, "TWILIO_BUILD_SID": "?", "TWILIO_BUILD_DIAGNOSE": "maybe"},
        [["auth-token"], ["account-sid"], ["build-sid"], ["diagnose", "true or false"]],
    ),
}

HOSTS: dict[tuple[str, str], str] = {
    ("", ""): "serverless.twilio.com",
    ("us1", ""): "serverless.twilio.com",
    ("ie1", ""): "serverless.dublin.ie1.twilio.com",
    ("au1", ""): "serverless.sydney.au1.twilio.com",
    ("", "ashburn"): "serverless.ashburn.us1.twilio.com",
    ("us1", "ashburn"): "serverless.ashburn.us1.twilio.com",
    ("sg1", "singapore"): "serverless.singapore.sg1.twilio.com",
}

HTTP_ROOTS = {
    "localhost": True,
    "LOCALHOST": True,
    "127.0.0.1": True,
    "127.255.199.9": True,
    "[::1]": True,
    "host.docker.internal": True,
    "127.0.0.256": False,
    "127.0.0.1.example.test": False,
    "localhost.example.test": False,
    "[::2]": False,
    "128.0.0.1": False,
    "10.0.0.1": False,
}

PROXY = "http://me:long%20pass@proxy.test:3128"
LEAKS = {
    "token": TOKEN,
    "token in other case": TOKEN.upper(),
    "inside other text": f"x{TOKEN}x",
    "URL-encoded": quote(TOKEN, safe=""),
    "Base64": base64.b64encode(TOKEN.encode()).decode(),
    "Base64 of user and token": base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode(),
    "without padding": base64.b64encode(f"{API_KEY}:{TOKEN}".encode()).decode().rstrip("="),
    "proxy password": "long%20pass",
    "decoded proxy password": "long pass",
    "overridden token": "overridden",
}
LEAKY = ("TWILIO_SERVICE_SID", "TWILIO_BUILD_OUTPUT_FILE")


def settings(**changes: str | None) -> Settings:
    return read(environment(**changes))


@pytest.mark.parametrize("changes, expected", PROBLEMS.values(), ids=PROBLEMS)
def test_problems(changes: dict[str, str | None], expected: list[list[str]]) -> None:
    problems = settings(**changes).problems
    assert len(problems) == len(expected), problems
    for problem, words in zip(problems, expected, strict=True):
        assert [word for word in words if word not in problem] == [], problem


def test_hint_about_empty_secrets_is_for_github_only() -> None:
    assert "Dependabot" not in str(settings(**NO_LOGIN).problems)


def test_empty_environment_has_no_inputs() -> None:
    found = read({})
    assert not found.has_inputs
    assert len(found.problems) == 4
    assert (found.timeout, found.interval, found.max_interval) == (900, 1, 10)
    assert (found.status_url(""), found.output_file, found.environment_sid) == ("", "", "")


def test_minimal_environment() -> None:
    found = settings()
    assert (found.problems, found.warnings, found.has_inputs) == ((), (), True)
    assert (found.build_sid, found.service_sid) == (BUILD_SID, SERVICE_SID)
    assert (found.login, found.credential) == ((ACCOUNT_SID, TOKEN), "auth token")
    assert (found.root, found.monitor) == (
        "https://serverless.twilio.com",
        "https://monitor.twilio.com",
    )
    assert (found.region, found.summary, found.diagnose) == ("us1", True, True)
    assert found.status_url(BUILD_SID) == STATUS_URL
    assert TOKEN not in repr(found)


def test_every_input_is_used() -> None:
    found = settings(
        TWILIO_BUILD_SID="Latest",
        TWILIO_ENVIRONMENT_SID=ENVIRONMENT_SID,
        TWILIO_BUILD_TIMEOUT="0",
        TWILIO_BUILD_INTERVAL="0.13m",
        TWILIO_BUILD_MAX_INTERVAL="7.8s",
        TWILIO_BUILD_OUTPUT_FILE="out.env",
        TWILIO_BUILD_SUMMARY="False",
        TWILIO_BUILD_DIAGNOSE="FALSE",
        **KEY,
    )
    assert found.problems == ()
    assert (found.login, found.credential) == ((API_KEY, SECRET), "API key")
    assert (found.build_sid, found.status_url("latest")) == ("latest", "")
    assert (found.timeout, found.interval, found.max_interval) == (0, 7.8, 7.8)
    assert (found.output_file, found.environment_sid) == ("out.env", ENVIRONMENT_SID)
    assert (found.summary, found.diagnose) == (False, False)


def test_max_interval_follows_a_longer_interval() -> None:
    assert settings(TWILIO_BUILD_INTERVAL="20s").max_interval == 20


@pytest.mark.parametrize("region, edge", HOSTS)
def test_host_of_region_and_edge(region: str, edge: str) -> None:
    found = settings(TWILIO_REGION=region, TWILIO_EDGE=edge)
    host = HOSTS[region, edge]
    assert (found.problems, found.host, found.region) == ((), host, region or "us1")
    assert found.monitor == f"https://{host.replace('serverless', 'monitor')}"


def test_base_url_is_the_root_of_both_apis() -> None:
    found = settings(
        TWILIO_BASE_URL="https://gate.test:8443/twilio/",
        TWILIO_REGION="sg1",
    )
    assert (found.root, found.monitor) == ("https://gate.test:8443/twilio",) * 2
    assert (found.problems, found.region, found.host) == ((), "", "gate.test:8443")


@pytest.mark.parametrize("host", HTTP_ROOTS)
def test_http_is_for_this_machine_only(host: str) -> None:
    root = f"http://{host}:1"
    found = settings(TWILIO_BASE_URL=root)
    assert (found.root == root) is HTTP_ROOTS[host] is (not found.problems)
    assert not found.warnings


def test_http_elsewhere_can_be_allowed_with_a_warning() -> None:
    found = settings(TWILIO_BASE_URL="http://example.test", TWILIO_ALLOW_HTTP=" True ")
    assert (found.root, found.problems) == ("http://example.test", ())
    assert "example.test" in found.warnings[0]
    assert "unencrypted" in found.warnings[0]
    assert settings(TWILIO_BASE_URL="http://a.test", TWILIO_ALLOW_HTTP="1").problems


@pytest.mark.parametrize("variable", LEAKY)
@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_input_with_a_credential_is_invalid_and_not_shown(variable: str, leak: str) -> None:
    extra = {"INPUT_AUTH-TOKEN": TOKEN, "TWILIO_AUTH_TOKEN": "overridden"}
    found = settings(TWILIO_API_KEY=API_KEY, https_proxy=PROXY, **extra | {variable: leak})
    (name,) = [known.name for known in INPUTS if known.variable == variable]
    problem = next(problem for problem in found.problems if f"({name})" in problem)
    assert "contains a credential" in problem
    assert leak not in repr(found) + str(found.problems)


@pytest.mark.parametrize(
    "changes",
    [{"TWILIO_AUTH_TOKEN": "short"}, {"HTTPS_PROXY": "http://me:sixteen@proxy.test"}],
    ids=["token under 6 characters", "proxy password under 8 characters"],
)
def test_short_credential_makes_no_input_invalid(changes: dict[str, str]) -> None:
    assert settings(TWILIO_SERVICE_SID="short-sixteen", **changes).problems == ()


def test_short_secret_is_warned_about() -> None:
    found = settings(TWILIO_AUTH_TOKEN="12345", TWILIO_API_KEY=API_KEY, TWILIO_API_SECRET="1")
    assert [warning.split(")")[0] for warning in found.warnings] == [
        f"{secret.variable} ({secret.name}" for secret in SECRETS
    ]
    assert settings(TWILIO_AUTH_TOKEN="123456").warnings == ()


RUNNER_FILES = [f"GITHUB_{n}" for n in ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")]


@pytest.mark.parametrize("name", RUNNER_FILES)
def test_output_file_must_not_be_a_file_of_the_runner(name: str, tmp_path: Path) -> None:
    theirs = tmp_path / "runner"
    missing = settings(TWILIO_BUILD_OUTPUT_FILE=f"{tmp_path}/./runner", **{name: str(theirs)})
    assert name in missing.problems[0]
    assert missing.output_file == ""
    theirs.touch()
    (tmp_path / "symbolic").symlink_to(theirs)
    os.link(theirs, tmp_path / "hard")
    for link in ("symbolic", "hard"):
        found = settings(TWILIO_BUILD_OUTPUT_FILE=str(tmp_path / link), **{name: str(theirs)})
        assert f"the file that {name} names" in found.problems[0]
    other = settings(TWILIO_BUILD_OUTPUT_FILE=str(tmp_path / "other"), **{name: str(theirs)})
    assert other.problems == ()


def test_arguments_are_counted_and_not_repeated() -> None:
    (problem,) = read(environment(), ["--token", "swordfish"]).problems
    assert "got 2" in problem
    assert "docker run --entrypoint" in problem
    assert "swordfish" not in problem
