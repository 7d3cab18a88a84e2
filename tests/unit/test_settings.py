"""The inputs of a whole environment: every problem at once, hosts, logins and http."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import samples
from tests.support.samples import environment as environ
from twilio_build_wait import inputs
from twilio_build_wait.inputs import Input
from twilio_build_wait.settings import read

HEX = "0123456789abcdef0123456789abcdef"
TOKEN, SID = samples.TOKEN, samples.BUILD_SID
GITHUB = {"GITHUB_ACTIONS": "true"}
KEY = {"TWILIO_API_KEY": samples.API_KEY, "TWILIO_API_SECRET": samples.SECRET}
NO_TOKEN = {"TWILIO_AUTH_TOKEN": None}
EMPTY_SECRETS = (
    "; on GitHub, secrets are empty in pull requests from forks and Dependabot, in a reusable "
    "workflow without 'secrets: inherit', and in a job that does not name their environment"
)
NO_OUTPUT = "It is empty: the step that should set it gave no output"
IS_KEY = "which is the SID of an API key (SK…): put it into api-key"
IS_ACCOUNT = "which is the SID of an account (AC…): put it into account-sid"
LENGTH = "expected ...; got a value of {} characters"
SHORTER = "got '999ms', which is shorter than interval"
NO_FOLDER = "got '/no/file', whose folder does not exist"
UNENCRYPTED = "http:// would send the credential unencrypted"
HIDDEN = "it contains a credential, so it is not shown; expected ..."
UNEXPANDED = "the CI did not expand the variable"
Changes = Mapping[str, str | None]

# An input, its value, and the problem with it on GitHub; `...` stands for the format of the input.
PROBLEMS: dict[str, tuple[Input[Any], str, str]] = {
    "no service": (inputs.SERVICE_SID, "", "required: ..."),
    "no build": (inputs.BUILD_SID, "", f"required: .... {NO_OUTPUT}"),
    "no key": (inputs.API_KEY, "", f"required with api-secret: ...{EMPTY_SECRETS}"),
    "no secret": (inputs.API_SECRET, "", f"required with api-key: ...{EMPTY_SECRETS}"),
    "invisible": (inputs.BUILD_SID, "ZB\u200b", r"expected ...; got 'ZB\u200b'"),
    "key as account": (inputs.ACCOUNT_SID, f"SK{HEX}", f"{LENGTH.format(34)}, {IS_KEY}"),
    "account as key": (inputs.API_KEY, f"AC{HEX}", f"{LENGTH.format(34)}, {IS_ACCOUNT}"),
    "key as service": (inputs.SERVICE_SID, "SK/", "expected ...; got 'SK/'"),
    "token not ASCII": (inputs.AUTH_TOKEN, "pässwd", LENGTH.format(6)),
    "http": (inputs.BASE_URL, "http://a", f"{LENGTH.format(8)}: {UNENCRYPTED}"),
    "max-interval of 9 hours": (inputs.MAX_INTERVAL, "9h", "expected ...; got '9h'"),
    "max-interval below interval": (inputs.MAX_INTERVAL, "999ms", f"expected ...; {SHORTER}"),
    "no folder": (inputs.OUTPUT_FILE, "/no/file", f"expected ...; {NO_FOLDER}"),
    "credential": (inputs.REGION, f"x{TOKEN}", HIDDEN),
    "secret not expanded": (inputs.AUTH_TOKEN, "$(TOKEN)", f"{UNEXPANDED}; expected ..."),
    "file not expanded": (inputs.OUTPUT_FILE, "$OUT", f"{UNEXPANDED} $OUT; expected ..."),
}

# Values that are nothing but a variable.
VARIABLES = ["$(NAME)", "$(group.NAME)", "${NAME}", "$name_1", "%NAME%", "%env.NAME%"]
VARIABLES += ["${{ secrets.NAME }}", "${{secrets.NAME}}", "${{ a && '}' }}"]
VALUES = ["$(NAME", "$(NAME)x", "x$NAME", "${1}", "$1", "%NAME", "%NAME%%", "$", "%%", "${{ a }"]


def problems(changes: Changes) -> list[str]:
    return [problem.text() for problem in read(environ(**changes)).problems]


@pytest.mark.parametrize("spec, value, problem", PROBLEMS.values(), ids=PROBLEMS)
def test_wrong_value_is_a_problem(spec: Input[Any], value: str, problem: str) -> None:
    expected = problem.replace("...", spec.format.description, 1)
    assert problems({**KEY, **GITHUB, spec.variable: value}) == [f"{spec.name}: {expected}"]


def test_account_is_required_with_a_token() -> None:
    expected = f"account-sid: required with auth-token: {inputs.ACCOUNT_SID.format.description}"
    assert problems({"TWILIO_ACCOUNT_SID": None, **GITHUB}) == [expected + EMPTY_SECRETS]


def test_edge_is_required_with_a_region_that_implies_none() -> None:
    expected = "edge: required with region 'sg1', which does not imply it: "
    reported = problems({"TWILIO_REGION": "sg1", **GITHUB})
    assert reported == [expected + inputs.EDGE.format.description]


def test_problem_elsewhere_names_the_variable_and_not_github() -> None:
    expected = "TWILIO_API_KEY (api-key): required with api-secret, or account-sid and auth-token: "
    assert problems(NO_TOKEN) == [expected + inputs.API_KEY.format.description]


@pytest.mark.parametrize("value", VARIABLES)
def test_variable_that_was_not_expanded_is_invalid(value: str) -> None:
    assert UNEXPANDED in problems({"TWILIO_AUTH_TOKEN": value})[0]


@pytest.mark.parametrize("value", VALUES)
def test_value_that_is_more_than_a_variable_is_valid(value: str) -> None:
    assert problems({"TWILIO_AUTH_TOKEN": value}) == []


def test_max_interval_is_not_compared_with_an_invalid_interval() -> None:
    changes: Changes = {"TWILIO_BUILD_INTERVAL": "x", "TWILIO_BUILD_MAX_INTERVAL": "100ms"}
    assert len(problems(changes)) == 1


def test_invalid_input_has_its_default() -> None:
    assert read(environ(TWILIO_BUILD_TIMEOUT="soon"))[inputs.TIMEOUT] == 900


def test_repr_shows_no_secret() -> None:
    assert TOKEN not in repr(read(environ()))


# Changes of the environment, and user and secret of HTTP Basic.
LOGINS: dict[str, tuple[Changes, tuple[str, str]]] = {
    "token": ({}, (samples.ACCOUNT_SID, TOKEN)),
    "API key beside a token": (KEY, (samples.API_KEY, samples.SECRET)),
    "API key only": ({**KEY, **NO_TOKEN}, (samples.API_KEY, samples.SECRET)),
    "invalid token": ({"TWILIO_AUTH_TOKEN": "ä"}, (samples.ACCOUNT_SID, "")),
    "half of an API key": ({"TWILIO_API_SECRET": samples.SECRET}, ("", samples.SECRET)),
}


@pytest.mark.parametrize("changes, login", LOGINS.values(), ids=LOGINS)
def test_login(changes: Changes, login: tuple[str, str]) -> None:
    assert read(environ(**changes)).login == login


# The inputs `interval` and `max-interval`, and what the second one comes to.
INTERVALS = [("2s", "", 5), ("20s", "", 20), ("0.13m", "7.8s", 7.8)]


@pytest.mark.parametrize("interval, given, longest", INTERVALS)
def test_max_interval_is_at_least_interval(interval: str, given: str, longest: float) -> None:
    changes = {"TWILIO_BUILD_INTERVAL": interval, "TWILIO_BUILD_MAX_INTERVAL": given}
    settings = read(environ(**changes))
    assert settings[inputs.MAX_INTERVAL] == longest
    assert settings.problems == ()


# Region and edge, and the host of each API behind its first label.
HOSTS = {
    "neither": ("", "", "twilio.com"),
    "us1": ("us1", "", "twilio.com"),
    "ie1": ("ie1", "", "dublin.ie1.twilio.com"),
    "au1": ("au1", "", "sydney.au1.twilio.com"),
    "edge only": ("", "ashburn", "ashburn.us1.twilio.com"),
    "ie1 with an edge": ("ie1", "london", "london.ie1.twilio.com"),
    "another region": ("sg1", "a-b", "a-b.sg1.twilio.com"),
}


@pytest.mark.parametrize("region, edge, host", HOSTS.values(), ids=HOSTS)
def test_hosts_follow_region_and_edge(region: str, edge: str, host: str) -> None:
    settings = read(environ(TWILIO_REGION=region, TWILIO_EDGE=edge))
    assert settings.root == f"https://serverless.{host}"
    assert settings.monitor == f"https://monitor.{host}"
    assert settings.region == (region or "us1")


WITHOUT_ROOT: dict[str, Changes] = {
    "invalid region": {"TWILIO_REGION": "X"},
    "invalid edge of a region that implies one": {"TWILIO_REGION": "ie1", "TWILIO_EDGE": "X"},
    "region without an edge": {"TWILIO_REGION": "sg1"},
    "http": {"TWILIO_BASE_URL": "http://a.test"},
}


@pytest.mark.parametrize("changes", WITHOUT_ROOT.values(), ids=WITHOUT_ROOT)
def test_invalid_host_is_one_problem_and_makes_no_url(changes: Changes) -> None:
    settings = read(environ(**changes))
    assert len(settings.problems) == 1
    assert settings.status_url(SID) == ""
    assert settings.monitor == ""
    assert settings.region == ""


def test_region_and_edge_beside_a_base_url_are_checked_for_their_format() -> None:
    changes: Changes = {"TWILIO_REGION": "X", "TWILIO_EDGE": "Y", "TWILIO_BASE_URL": "https://a"}
    assert len(problems(changes)) == 2


def test_base_url_is_the_root_of_both_apis() -> None:
    settings = read(environ(TWILIO_BASE_URL="https://gate.test:8443/api/", TWILIO_REGION="sg1"))
    assert settings.problems == ()
    assert settings.root == "https://gate.test:8443/api"
    assert settings.monitor == settings.root
    assert settings.region == ""


@pytest.mark.parametrize("service, build", [("", SID), ("my-service", "")])
def test_status_url_is_empty_without_all_of_its_parts(service: str, build: str) -> None:
    assert read(environ(TWILIO_SERVICE_SID=service)).status_url(build) == ""


LOCAL = ["localhost", "LOCALHOST", "127.0.0.1", "127.255.199.9", "[::1]", "host.docker.internal"]
REMOTE = ["127.0.0.256", "127.0.0.1.a.test", "localhost.a.test", "[::2]", "128.0.0.1", "10.0.0.1"]


@pytest.mark.parametrize("host", LOCAL)
def test_http_is_allowed_for_this_machine(host: str) -> None:
    settings = read(environ(TWILIO_BASE_URL=f"http://{host}:1", TWILIO_ALLOW_HTTP="true"))
    assert settings.problems == ()
    assert settings.warnings == ()


@pytest.mark.parametrize("host", REMOTE)
def test_http_is_refused_for_other_hosts(host: str) -> None:
    assert len(problems({"TWILIO_BASE_URL": f"http://{host}:1", "TWILIO_ALLOW_HTTP": "1"})) == 1


def test_http_that_is_allowed_causes_a_warning() -> None:
    settings = read(environ(TWILIO_BASE_URL="http://a.test:1", TWILIO_ALLOW_HTTP=" True "))
    (warning,) = settings.warnings
    assert settings.root == "http://a.test:1"
    assert "the credential is sent to a.test:1 unencrypted" in warning.text()


@pytest.mark.parametrize("secret, count", [("1", 1), ("12345", 1), ("123456", 0)])
def test_short_secret_causes_a_warning(secret: str, count: int) -> None:
    warnings = read(environ(TWILIO_AUTH_TOKEN=secret, **GITHUB)).warnings
    starts = [warning.text().partition(";")[0] for warning in warnings]
    assert starts == ["auth-token is too short to be hidden in the log"] * count
