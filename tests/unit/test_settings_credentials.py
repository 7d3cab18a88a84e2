"""The credential: which of two is used, what is missing, what must never be shown."""

from base64 import b64encode

import pytest

from tests.unit.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    problems,
    settings,
)
from twilio_build_wait.inputs import INPUTS

FORMS = {known.name: known.form for known in INPUTS}
FORK = "; secrets are not given to workflows that run for a pull request from a fork"

NO_SECRET = "api-secret: required with api-key: the key's secret"
NO_KEY = f"api-key: required with api-secret: {FORMS['api-key']}"
NO_TOKEN = "auth-token: required: the account's token, or api-key and api-secret instead"
NO_ACCOUNT = f"account-sid: required with auth-token: {FORMS['account-sid']}"


def basic(user: str, secret: str) -> str:
    return b64encode(f"{user}:{secret}".encode()).decode()


@pytest.mark.parametrize(
    "account, token, key, secret, used",
    [
        (ACCOUNT_SID, TOKEN, None, None, (ACCOUNT_SID, TOKEN, "auth token")),
        (None, None, API_KEY, SECRET, (API_KEY, SECRET, "API key")),
        (ACCOUNT_SID, None, API_KEY, SECRET, (API_KEY, SECRET, "API key")),
        (None, TOKEN, API_KEY, SECRET, (API_KEY, SECRET, "API key")),
        (ACCOUNT_SID, TOKEN, API_KEY, SECRET, (API_KEY, SECRET, "API key")),
    ],
)
def test_the_key_is_used_before_the_token(
    account: str | None,
    token: str | None,
    key: str | None,
    secret: str | None,
    used: tuple[str, str, str],
) -> None:
    read = settings(
        TWILIO_ACCOUNT_SID=account,
        TWILIO_AUTH_TOKEN=token,
        TWILIO_API_KEY=key,
        TWILIO_API_SECRET=secret,
    )
    assert read.problems == ()
    assert (read.user, read.secret, read.credential) == used


@pytest.mark.parametrize(
    "account, token, key, secret, expected",
    [
        (None, None, None, None, [NO_TOKEN, NO_ACCOUNT]),
        (ACCOUNT_SID, None, None, None, [NO_TOKEN]),
        (None, TOKEN, None, None, [NO_ACCOUNT]),
        (None, None, API_KEY, None, [NO_SECRET]),
        (None, None, None, SECRET, [NO_KEY]),
        # Half a key is an error even beside a whole credential of the other kind.
        (ACCOUNT_SID, TOKEN, API_KEY, None, [NO_SECRET]),
        (ACCOUNT_SID, TOKEN, None, SECRET, [NO_KEY]),
        (ACCOUNT_SID, TOKEN, API_KEY, " \n", [NO_SECRET]),
    ],
)
@pytest.mark.parametrize("on_github", [False, True])
def test_what_is_missing(
    account: str | None,
    token: str | None,
    key: str | None,
    secret: str | None,
    expected: list[str],
    on_github: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    found = problems(
        TWILIO_ACCOUNT_SID=account,
        TWILIO_AUTH_TOKEN=token,
        TWILIO_API_KEY=key,
        TWILIO_API_SECRET=secret,
        GITHUB_ACTIONS="true" if on_github else None,
    )
    hint = FORK if on_github else ""
    assert found == [said if said is NO_ACCOUNT else said + hint for said in expected]


@pytest.mark.parametrize(
    "wrong, right",
    [
        ({"TWILIO_API_KEY": "SK1"}, {"TWILIO_API_SECRET": SECRET}),
        ({"TWILIO_API_SECRET": "é"}, {"TWILIO_API_KEY": API_KEY}),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, {"TWILIO_AUTH_TOKEN": TOKEN}),
        ({"TWILIO_AUTH_TOKEN": "é"}, {"TWILIO_ACCOUNT_SID": ACCOUNT_SID}),
    ],
)
def test_what_is_wrong_is_not_said_to_be_missing(
    wrong: dict[str, str | None], right: dict[str, str | None]
) -> None:
    ((name, raw),) = wrong.items()
    found = problems(**{"TWILIO_ACCOUNT_SID": None, "TWILIO_AUTH_TOKEN": None, **wrong, **right})
    known = next(known for known in INPUTS if known.variable == name)
    got = f"got {len(raw or '')} characters that are not"
    assert found == [f"{known.name}: expected {known.form}; {got}"]


def test_an_unused_credential_is_checked_too() -> None:
    found = settings(
        TWILIO_ACCOUNT_SID="AC1", TWILIO_API_KEY=API_KEY, TWILIO_API_SECRET=SECRET
    ).problems
    assert found == (
        f"account-sid: expected {FORMS['account-sid']}; got 3 characters that are not",
    )


# -- what must not be shown ------------------------------------------------------------------------


def test_a_token_is_masked_and_its_login_too() -> None:
    read = settings()
    assert read.masks == (TOKEN, basic(ACCOUNT_SID, TOKEN))
    assert set(read.secrets) - {""} == {TOKEN, f"{ACCOUNT_SID}:{TOKEN}"}


def test_both_credentials_are_masked_where_both_are_given() -> None:
    read = settings(TWILIO_API_KEY=API_KEY, TWILIO_API_SECRET=SECRET)
    assert read.masks == (TOKEN, SECRET, basic(ACCOUNT_SID, TOKEN), basic(API_KEY, SECRET))
    logins = {f"{ACCOUNT_SID}:{TOKEN}", f"{API_KEY}:{SECRET}"}
    assert set(read.secrets) - {""} == {TOKEN, SECRET, *logins}


def test_no_sid_is_masked() -> None:
    # The runner drops a job output that holds a masked value.
    assert not {ACCOUNT_SID, API_KEY, SERVICE_SID, BUILD_SID} & set(
        settings(TWILIO_API_KEY=API_KEY, TWILIO_API_SECRET=SECRET).masks
    )


def test_a_wrong_secret_is_masked_all_the_same() -> None:
    read = settings(TWILIO_AUTH_TOKEN="tökén-of-old")
    assert read.problems
    assert read.masks == ("tökén-of-old", basic(ACCOUNT_SID, "tökén-of-old"))


def test_bytes_that_are_no_utf_8_are_masked_as_they_are_sent() -> None:
    read = settings(TWILIO_AUTH_TOKEN="token-\udcff")
    login = f"{ACCOUNT_SID}:token-".encode() + b"\xff"
    assert read.masks == ("token-\udcff", b64encode(login).decode())


def test_every_variable_that_may_hold_a_secret_is_kept_out_of_the_log() -> None:
    # Only the first one is used, and the others are no less secret.
    names = ("INPUT_AUTH-TOKEN", "INPUT_AUTH_TOKEN", "PLUGIN_AUTH_TOKEN", "TWILIO_AUTH_TOKEN")
    read = settings(**{name: f" token-{number}\n" for number, name in enumerate(names)})
    assert {f"token-{number}" for number in range(4)} < set(read.secrets)
    assert read.masks == ("token-0", basic(ACCOUNT_SID, "token-0"))


@pytest.mark.parametrize(
    "proxy, kept",
    [
        ("http://jo:pass%21word@proxy.test:3128", {"pass%21word", "pass!word"}),
        ("http://jo:p@ss@proxy.test:3128", {"p@ss"}),
        ("jo:password@proxy.test:3128", {"password"}),
        ("http://jo:pass:word@proxy.test", {"pass:word"}),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "Http_Proxy"])
def test_a_proxy_s_password_is_kept_out_of_the_log(name: str, proxy: str, kept: set[str]) -> None:
    read = settings(**{name: proxy})
    assert kept <= set(read.secrets)
    assert {f"jo:{password}" for password in kept} <= set(read.secrets)
    assert read.masks == settings().masks


@pytest.mark.parametrize(
    "name, value",
    [
        ("HTTPS_PROXY", "http://proxy.test:3128"),
        ("NO_PROXY", "twilio.com"),
        ("PROXY", "http://jo:password@proxy.test"),
        ("HTTPS_PROXY_NOTE", "http://jo:password@proxy.test"),
    ],
)
def test_what_holds_no_proxy_s_password(name: str, value: str) -> None:
    assert settings(**{name: value}).secrets == settings().secrets


@pytest.mark.parametrize("name", ["auth-token", "api-secret"])
def test_a_short_secret_is_warned_about_instead(name: str) -> None:
    variable = {"auth-token": "TWILIO_AUTH_TOKEN", "api-secret": "TWILIO_API_SECRET"}[name]
    key = {"TWILIO_API_KEY": API_KEY} if name == "api-secret" else {}
    user = API_KEY if key else ACCOUNT_SID
    short = settings(**{"TWILIO_AUTH_TOKEN": None, variable: "12345", **key})
    assert short.problems == ()
    (warning,) = short.warnings
    assert warning == (
        f"{name} is too short to be hidden in the log: it would be found inside ordinary words; "
        "Twilio's own are 32 characters long"
    )
    assert short.masks == (basic(user, "12345"),)
    long = settings(**{"TWILIO_AUTH_TOKEN": None, variable: "123456", **key})
    assert (long.warnings, long.masks) == ((), ("123456", basic(user, "123456")))
