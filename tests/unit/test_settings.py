"""The inputs of a whole environment: every problem at once, hosts, and http."""

import re

import pytest

from tests.support.samples import ACCOUNT_SID, API_KEY, BUILD_SID, SECRET, STATUS_URL, TOKEN
from tests.support.samples import environment as environ
from twilio_build_wait.settings import read

KEY = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
NO_LOGIN = dict.fromkeys(("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))
GITHUB = {"GITHUB_ACTIONS": "true"}
HINT = r"forks.*Dependabot.*secrets: inherit.*environment"

# Changes of the environment -> a pattern for each problem, in order.
PROBLEMS: dict[str, tuple[dict[str, str | None], list[str]]] = {
    "no service": ({"TWILIO_SERVICE_SID": None}, [r"^TWILIO_SERVICE_SID \(service-sid\): requ.*Z"]),
    "no build": ({"TWILIO_BUILD_SID": "", **GITHUB}, ["^build-sid: required: ZB followed by"]),
    "no credential": (NO_LOGIN, [r"auth-token\): required(?!.*Depend)", "account-sid.*: AC foll"]),
    "no token on GitHub": ({"TWILIO_AUTH_TOKEN": None, **GITHUB}, ["^auth-token: requi.*" + HINT]),
    "no secret": ({"TWILIO_API_KEY": API_KEY, **GITHUB}, ["api-secret: required with.*" + HINT]),
    "no key": ({"TWILIO_API_SECRET": SECRET}, [r"\(api-key\): required with api-secret: SK foll"]),
    "invalid": ({"TWILIO_BUILD_TIMEOUT": "1 h"}, ["expected a duration.*from 0 to 24h; got '1 h'"]),
    "account hidden": (
        {"TWILIO_ACCOUNT_SID": "0123"},
        ["expected AC.*got a value of 4 characters"],
    ),
    "key hidden": ({**KEY, "TWILIO_API_KEY": "ab"}, ["expected SK.*got a value of 2 characters"]),
    "token hidden": ({"TWILIO_AUTH_TOKEN": "pässwörd"}, ["ASCII.*got a value of 8 characters"]),
    "URL hidden": ({"TWILIO_BASE_URL": "https://u:p@a.test"}, ["an https:// URL.*another value$"]),
    "http": ({"TWILIO_BASE_URL": "http://a.test"}, [r"base-url\): expected an https.*unencrypt"]),
    "no edge": ({"TWILIO_REGION": "sg1"}, [r"\(edge\): required with region 'sg1'.*such as dubl"]),
    "unused region": (
        {"TWILIO_REGION": "X", "TWILIO_EDGE": "Y", "TWILIO_BASE_URL": "https://a.test"},
        [r"\(region\).*'X'", r"\(edge\).*'Y'"],
    ),
    "interval below max-interval": (
        {"TWILIO_BUILD_INTERVAL": "5s", "TWILIO_BUILD_MAX_INTERVAL": "4.999s"},
        [r"\(max-interval\).*got '4.999s', which is shorter than interval"],
    ),
    "max-interval": ({"TWILIO_BUILD_MAX_INTERVAL": "9h"}, [r"\(max-interval\).*got '9h'$"]),
    "credential": ({"TWILIO_SERVICE_SID": f"x{TOKEN}"}, ["service-sid.*a credential.*expected ZS"]),
}

# Region and edge -> the host.
HOSTS = {",": "", "us1,": "", "ie1,": ".dublin.ie1", "au1,": ".sydney.au1"}
HOSTS |= {",ashburn": ".ashburn.us1", "us1,ashburn": ".ashburn.us1", "sg1,a-b": ".a-b.sg1"}
LOCAL = ["localhost", "LOCALHOST", "127.0.0.1", "127.255.199.9", "[::1]", "host.docker.internal"]
REMOTE = ["127.0.0.256", "127.0.0.1.a.test", "localhost.a.test", "[::2]", "128.0.0.1", "10.0.0.1"]


@pytest.mark.parametrize("changes, patterns", PROBLEMS.values(), ids=PROBLEMS)
def test_problems(changes: dict[str, str | None], patterns: list[str]) -> None:
    problems = read(environ(**changes)).problems
    assert len(problems) == len(patterns), problems
    for problem, pattern in zip(problems, patterns, strict=True):
        assert re.search(pattern, problem), problem
    assert TOKEN not in str(problems)


def test_empty_environment_has_the_defaults() -> None:
    found = read({})
    assert (len(found.problems), found.output_file) == (4, "")
    assert (found.timeout, found.interval, found.max_interval) == (900, 1, 5)


def test_minimal_environment() -> None:
    found = read(environ())
    assert (found.problems, found.warnings) == ((), ())
    assert found.login == (ACCOUNT_SID, TOKEN)
    assert (found.summary, found.diagnose, TOKEN in repr(found)) == (True, True, False)
    urls = [found.status_url(sid) for sid in (BUILD_SID, "", "latest")]
    assert urls == [STATUS_URL, "", ""]


def test_max_interval_may_be_equal_and_follows_a_longer_interval() -> None:
    equal = {"TWILIO_BUILD_INTERVAL": "0.13m", "TWILIO_BUILD_MAX_INTERVAL": "7.8s"}
    assert read(environ(**equal)).problems == ()
    assert read(environ(TWILIO_BUILD_INTERVAL="20s")).max_interval == 20


@pytest.mark.parametrize("place", HOSTS)
def test_host_of_region_and_edge(place: str) -> None:
    region, edge = place.split(",")
    found = read(environ(TWILIO_REGION=region, TWILIO_EDGE=edge))
    assert (found.problems, found.region) == ((), region or "us1")
    assert found.host == f"serverless{HOSTS[place]}.twilio.com"
    assert found.monitor == f"https://monitor{HOSTS[place]}.twilio.com"


@pytest.mark.parametrize("name", ["TWILIO_REGION", "TWILIO_EDGE"])
def test_invalid_region_or_edge_makes_no_url(name: str) -> None:
    found = read(environ(**{name: "X"}))
    assert (len(found.problems), found.root, found.status_url(BUILD_SID)) == (1, "", "")


def test_base_url_is_the_root_of_both_apis() -> None:
    found = read(environ(TWILIO_BASE_URL="https://gate.test:8443/api/", TWILIO_REGION="sg1"))
    assert (found.problems, found.region, found.host) == ((), "", "gate.test:8443")
    assert found.root == found.monitor == "https://gate.test:8443/api"


@pytest.mark.parametrize("host", LOCAL + REMOTE)
def test_http_is_for_this_machine_unless_it_is_allowed(host: str) -> None:
    for allow in ("1", " True "):
        found = read(environ(TWILIO_BASE_URL=f"http://{host}:1", TWILIO_ALLOW_HTTP=allow))
        assert bool(found.root) is (host in LOCAL or "T" in allow) is (not found.problems)
        assert ("unencrypted" in str(found.warnings)) is (host in REMOTE and "T" in allow)
