"""Each input by itself: which values it takes, what becomes of them, and what is said of others."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import hostile
from tests.unit.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    environment,
    problems,
    settings,
)
from twilio_build_wait.inputs import INPUTS, Input
from twilio_build_wait.settings import read

HEX = "0123456789abcdefABCDEF"
FORMS = {known.name: known.form for known in INPUTS}
PLAIN = {known.name: known.variable for known in INPUTS}


def refused(name: str, value: str) -> str:
    return f"{name}: expected {FORMS[name]}; got '{value}'"


# -- where a value comes from ----------------------------------------------------------------------


@pytest.mark.parametrize("known", INPUTS, ids=lambda known: known.name)
def test_the_four_names_of_an_input(known: Input) -> None:
    upper, under = known.name.upper(), known.name.upper().replace("-", "_")
    assert known.variables() == (
        f"INPUT_{upper}",
        f"INPUT_{under}",
        f"PLUGIN_{under}",
        known.variable,
    )


NAMES = ("INPUT_BUILD-SID", "INPUT_BUILD_SID", "PLUGIN_BUILD_SID", "TWILIO_BUILD_SID")


@given(st.lists(st.none() | st.sampled_from(["", " ", "\t\r\n", "value"]), min_size=4, max_size=4))
def test_the_first_name_that_holds_anything_wins(held: list[str | None]) -> None:
    values = [
        f"ZB{number:032}\n" if value == "value" else value for number, value in enumerate(held)
    ]
    changes = dict(zip(NAMES, values, strict=True))
    expected = next((value.strip() for value in values if value and value.strip()), "")
    assert settings(**changes).build_sid == expected


@pytest.mark.parametrize("around", [" ", "\n", "\r\n", "\t", " \n \n"])
def test_white_space_around_a_value_is_no_part_of_it(around: str) -> None:
    read = settings(
        TWILIO_ACCOUNT_SID=f"{around}{ACCOUNT_SID}{around}",
        TWILIO_AUTH_TOKEN=f"{around}{TOKEN}{around}",
        TWILIO_BUILD_TIMEOUT=f"{around}90s{around}",
        TWILIO_BUILD_SUMMARY=f"{around}FALSE{around}",
        TWILIO_BUILD_OUTPUT_FILE=f"{around}out put.json{around}",
    )
    assert read.problems == ()
    assert (read.user, read.secret, read.timeout) == (ACCOUNT_SID, TOKEN, 90)
    assert (read.summary, read.output_file) == (False, "out put.json")


def test_what_is_needed_is_enough() -> None:
    read = settings()
    assert read.problems == read.warnings == ()
    assert (read.build_sid, read.service_sid) == (BUILD_SID, SERVICE_SID)
    assert (read.user, read.secret, read.credential) == (ACCOUNT_SID, TOKEN, "auth token")
    assert (read.timeout, read.interval, read.max_interval) == (900, 1, 10)
    assert (read.root, read.monitor) == (
        "https://serverless.twilio.com",
        "https://monitor.twilio.com",
    )
    assert (read.output_file, read.summary, read.diagnose) == ("", True, True)


def test_the_addresses_of_the_build() -> None:
    read = settings(TWILIO_BASE_URL="https://gateway.test:8443/twilio/")
    assert read.host == "gateway.test:8443"
    build = f"https://gateway.test:8443/twilio/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}"
    assert (read.build_url, read.status_url) == (build, f"{build}/Status")


@pytest.mark.parametrize(
    "changes",
    [
        {"TWILIO_BUILD_SID": None},
        {"TWILIO_SERVICE_SID": "no good"},
        {"TWILIO_REGION": "br1"},
    ],
)
def test_no_address_while_a_part_of_it_is_missing(changes: dict[str, str | None]) -> None:
    read = settings(**changes)
    assert read.problems
    assert (read.build_url, read.status_url) == ("", "")


# -- the forms -------------------------------------------------------------------------------------


def sids(prefix: str) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=32, max_size=32).map(lambda digits: prefix + digits)


@given(sids("AC"), sids("SK"), sids("ZS"), sids("ZB"))
def test_sids(account: str, key: str, service: str, build: str) -> None:
    read = settings(
        TWILIO_ACCOUNT_SID=account,
        TWILIO_API_KEY=key,
        TWILIO_API_SECRET=SECRET,
        TWILIO_SERVICE_SID=service,
        TWILIO_BUILD_SID=build,
    )
    assert read.problems == ()
    assert (read.user, read.service_sid, read.build_sid) == (key, service, build)


WRONG_DIGITS = [
    *("", 31 * "0", 33 * "0", 31 * "0" + "g", 31 * "0" + "-", 31 * "0" + "٣", 31 * "0" + "０"),
    *(16 * "0" + "\n" + 15 * "0", 16 * "0" + " " + 15 * "0"),
]


@pytest.mark.parametrize("digits", WRONG_DIGITS)
@pytest.mark.parametrize("prefix", ["ZB", "zb", "ZS", ""])
def test_what_is_no_build_sid(prefix: str, digits: str) -> None:
    raw = prefix + digits or "-"
    assert problems(TWILIO_BUILD_SID=raw) == [refused("build-sid", raw.replace("\n", " "))]
    assert settings(TWILIO_BUILD_SID=raw).build_sid == ""


@pytest.mark.parametrize("digits", WRONG_DIGITS)
@pytest.mark.parametrize(
    "name, prefix", [("account-sid", "AC"), ("account-sid", "ac"), ("api-key", "SK")]
)
def test_what_is_no_account_sid_or_key(name: str, prefix: str, digits: str) -> None:
    # Never shown: whoever mixes the inputs up gives a secret here.
    raw = prefix + digits
    expected = f"{name}: expected {FORMS[name]}; got {len(raw)} characters that are not"
    changes = {"TWILIO_API_SECRET": SECRET} if name == "api-key" else {}
    read = settings(**{PLAIN[name]: raw}, **changes)
    assert read.problems == (expected,)
    assert read.user == ""


@pytest.mark.parametrize("name", ["auth-token", "api-secret"])
@pytest.mark.parametrize("raw", ["tokén", "to\nken", "to\x00ken", "to\x7fken", "\udcfftoken"])
def test_what_is_no_secret_is_not_shown_either(name: str, raw: str) -> None:
    expected = f"{name}: expected printable ASCII characters; got {len(raw)} characters that are"
    changes = {"TWILIO_API_KEY": API_KEY} if name == "api-secret" else {}
    read = settings(**{PLAIN[name]: raw}, **changes)
    assert read.problems == (f"{expected} not",)
    assert read.secret == ""


@given(st.text(string.printable[:95], min_size=1).filter(str.strip))
def test_a_secret_is_any_printable_ascii(secret: str) -> None:
    read = settings(TWILIO_AUTH_TOKEN=secret)
    assert (read.problems, read.secret) == ((), secret.strip())


@given(
    st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=255).filter(
        lambda name: not (name.startswith("ZS") and len(name) == 34)
    )
)
def test_a_unique_name(name: str) -> None:
    assert settings(TWILIO_SERVICE_SID=name).service_sid == name


@pytest.mark.parametrize(
    "raw", [32 * "A", "ZS" + 31 * "g", "ZS" + 33 * "g", "zs" + 32 * "g", 255 * "n", "ZS", "-", "_"]
)
def test_names_at_the_border(raw: str) -> None:
    read = settings(TWILIO_SERVICE_SID=raw)
    assert (read.problems, read.service_sid) == ((), raw)


@pytest.mark.parametrize(
    "raw", [256 * "n", "ZS" + 32 * "g", "ZS" + 32 * "_", "a b", "a.b", "a/b", "..", "naïve", "a\nb"]
)
def test_what_is_no_service(raw: str) -> None:
    read = settings(TWILIO_SERVICE_SID=raw)
    assert read.problems == (refused("service-sid", raw.replace("\n", " ")),)
    assert read.service_sid == ""


@pytest.mark.parametrize("name, longest", [("region", 20), ("edge", 40)], ids=["region", "edge"])
def test_regions_and_edges(name: str, longest: int) -> None:
    good = ["us1", "a1", "zz", "a-b", "a--b", "a" + (longest - 1) * "0"]
    bad = ["a", "1a", "-a", "a-", "US1", "a_b", "a.b", "é1", "a٣", "a" + longest * "0", "a b"]
    others = {"TWILIO_REGION": "us1", "TWILIO_EDGE": "ashburn"}
    for raw in good:
        assert problems(**{**others, PLAIN[name]: raw}) == []
    for raw in bad:
        assert problems(**{**others, PLAIN[name]: raw}) == [refused(name, raw)]
        assert settings(**{**others, PLAIN[name]: raw}).root == ""


@pytest.mark.parametrize("raw", ["", "true", "True", "TRUE", "tRuE"])
@pytest.mark.parametrize("name", ["summary", "diagnose"])
def test_on(name: str, raw: str) -> None:
    read = settings(**{PLAIN[name]: raw})
    assert (read.problems, getattr(read, name)) == ((), True)


@pytest.mark.parametrize("raw", ["false", "False", "FALSE", "fAlSe"])
@pytest.mark.parametrize("name", ["summary", "diagnose"])
def test_off(name: str, raw: str) -> None:
    read = settings(**{PLAIN[name]: raw})
    assert (read.problems, getattr(read, name)) == ((), False)
    assert (read.summary, read.diagnose) == (name != "summary", name != "diagnose")


@pytest.mark.parametrize("raw", ["1", "0", "yes", "no", "on", "off", "truefalse", "ﬀalse", "null"])
@pytest.mark.parametrize("name", ["summary", "diagnose"])
def test_what_is_no_boolean(name: str, raw: str) -> None:
    assert problems(**{PLAIN[name]: raw}) == [refused(name, raw)]


# -- durations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, raw, seconds",
    [
        ("timeout", "0", 0),
        ("timeout", "24h", 86400),
        ("timeout", "1h30m", 5400),
        ("interval", "100ms", 0.1),
        ("interval", "0.1", 0.1),
        ("max_interval", "1s", 1),
        ("max_interval", "1h", 3600),
    ],
)
def test_durations_at_the_border(name: str, raw: str, seconds: float) -> None:
    plain = PLAIN[name.replace("_", "-")]
    read = settings(**{plain: raw})
    assert (read.problems, getattr(read, name)) == ((), seconds)


@pytest.mark.parametrize(
    "name, raw",
    [
        ("timeout", "86401"),
        ("timeout", "24h1ms"),
        ("timeout", "-1"),
        ("timeout", "soon"),
        ("timeout", 400 * "9"),
        ("interval", "99ms"),
        ("interval", "0"),
        ("interval", "1h1s"),
        ("interval", "3600.1"),
        ("max-interval", "999ms"),
        ("max-interval", "1h1ms"),
        ("max-interval", "1e1"),
    ],
)
def test_durations_beyond_it(name: str, raw: str) -> None:
    assert problems(**{PLAIN[name]: raw}) == [refused(name, raw)]


@pytest.mark.parametrize(
    "interval, max_interval, expected",
    [
        (None, None, (1, 10)),
        ("10s", None, (10, 10)),
        ("10.1", None, (10.1, 10.1)),
        ("1h", None, (3600, 3600)),
        ("5s", "5s", (5, 5)),
        ("100ms", "100ms", (0.1, 0.1)),
        ("2s", "1h", (2, 3600)),
    ],
)
def test_the_longest_delay_follows_the_first(
    interval: str | None, max_interval: str | None, expected: tuple[float, float]
) -> None:
    read = settings(TWILIO_BUILD_INTERVAL=interval, TWILIO_BUILD_MAX_INTERVAL=max_interval)
    assert (read.problems, read.interval, read.max_interval) == ((), *expected)


def test_the_longest_delay_is_not_shorter_than_the_first() -> None:
    changes = {"TWILIO_BUILD_INTERVAL": "20s", "TWILIO_BUILD_MAX_INTERVAL": "19.9s"}
    assert problems(**changes) == [refused("max-interval", "19.9s")]


def test_of_two_delays_only_the_wrong_one_is_reported() -> None:
    wrong = {"TWILIO_BUILD_INTERVAL": "fast"}
    assert problems(**wrong, TWILIO_BUILD_MAX_INTERVAL="100ms") == [refused("interval", "fast")]
    assert problems(**wrong, TWILIO_BUILD_MAX_INTERVAL="99ms") == [
        refused("interval", "fast"),
        refused("max-interval", "99ms"),
    ]


def test_what_was_wrong_has_a_value_that_does_no_harm() -> None:
    read = settings(
        TWILIO_BUILD_TIMEOUT="x", TWILIO_BUILD_INTERVAL="x", TWILIO_BUILD_MAX_INTERVAL="x"
    )
    assert len(read.problems) == 3
    assert (read.timeout, read.interval, read.max_interval) == (0, 1, 10)


# -- all at once -----------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = {known.variable: "?\n!" for known in INPUTS if known.name != "output-file"}
    found = read(wrong, ["--timeout", "90s"]).problems
    names = [problem.partition(":")[0] for problem in found]
    assert names == [
        *("arguments", "account-sid", "auth-token", "api-key", "api-secret"),
        *("service-sid", "build-sid", "timeout", "interval", "max-interval"),
        *("region", "edge", "base-url", "summary", "diagnose"),
    ]


def test_nothing_is_given() -> None:
    assert list(read({}).problems) == [
        "auth-token: required: the account's token, or api-key and api-secret instead",
        f"account-sid: required with auth-token: {FORMS['account-sid']}",
        f"service-sid: required: {FORMS['service-sid']} (or set TWILIO_SERVICE_SID)",
        f"build-sid: required: {FORMS['build-sid']} (or set TWILIO_BUILD_SID)",
    ]


def test_arguments_are_refused_and_not_shown() -> None:
    assert read(environment(), [TOKEN]).problems == (
        "arguments: none are taken; every input is an environment variable",
    )


@given(
    st.dictionaries(
        st.sampled_from([v for k in INPUTS for v in k.variables()]), hostile.ENVIRONMENT_TEXT
    )
)
def test_no_value_makes_it_fail_or_is_shown_as_it_is(values: dict[str, str]) -> None:
    found = read(values)
    secret = {v.strip() for n, v in values.items() if "TOKEN" in n or "SECRET" in n}
    for problem in found.problems:
        assert not hostile.OPENER.search(problem)
        assert not hostile.UNPRINTABLE.search(problem)
        shown = re.search(r"; got '(.*)'\Z", problem)
        assert shown is None or len(shown[1]) <= 500
        assert shown is None or problem.partition(":")[0] not in {"auth-token", "api-secret"}
    assert not any(value in repr(found) for value in secret if len(value) > 40)


def test_a_long_value_is_cut() -> None:
    assert problems(TWILIO_BUILD_SID=501 * "x") == [refused("build-sid", 499 * "x" + "…")]
    assert problems(TWILIO_BUILD_SID=500 * "x") == [refused("build-sid", 500 * "x")]


def test_no_secret_is_in_the_repr() -> None:
    read = settings(TWILIO_API_KEY=API_KEY, TWILIO_API_SECRET=SECRET)
    assert (TOKEN in repr(read), SECRET in repr(read)) == (False, False)
    assert (TOKEN in str(read.secrets), SECRET in read.secret) == (True, True)
