"""The form of every input: what is refused, what is not, where the borders are."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.integration.harness import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    Finished,
    ScriptedServer,
    Tool,
    base_env,
    build,
    off_github,
)
from tests.integration.test_inputs import PLAIN_NAMES

HEX = "0123456789abcdef" * 2
NO_NETWORK = "https://gateway.example"  # never asked: these runs end before any request

BAD: dict[str, list[str]] = {
    "account-sid": [
        f"AC{HEX[:-1]}",
        f"AC{HEX}0",
        f"ac{HEX}",
        f"SK{HEX}",
        f"AC{HEX[:-1]}g",
        f"AC{HEX[:-1]}\uff11",
        f"AC{HEX[:-1]}\u0663",
        f"AC{HEX}\nx",
        f"AC{HEX[:16]} {HEX[17:]}",
    ],
    "auth-token": ["canary-é", "canary\x07bell", "two\ncanary-lines", "canary\x7f"],
    "api-key": [f"SK{HEX[:-1]}", f"sk{HEX}", f"AC{HEX}", f"SK{HEX}f", f"SK{'z' * 32}"],
    "api-secret": ["é-canary", "canary\x1b[31m", "two\ncanary-lines"],
    "service-sid": [
        f"ZS{'g' * 32}",
        f"ZS{HEX[:-1]}-",
        "has space",
        "a/b",
        "../Services",
        "a.b",
        "dienst-é",
        "a%41",
        "a?b=c",
        "a" * 256,
        "a\nb",
        "\u0661",
    ],
    "build-sid": [
        f"ZB{HEX[:-1]}",
        f"ZB{HEX}0",
        f"zb{HEX}",
        f"ZS{HEX}",
        f"ZB{HEX[:-1]}x",
        f"ZB{HEX}/../..",
        f"ZB{HEX[:-1]}\uff11",
        "latest",
    ],
    "timeout": ["24.1h", "86401", "86400.1", "24h1ms", "86400001ms", "1441m", "-1", "forever"],
    "interval": ["99ms", "0.099", "0", "3601", "1h1ms", "61m", "1.1h", "-0.1"],
    "max-interval": ["3601", "1h1ms", "99ms", "0", "soon"],
    "region": ["u", "1us", "us1-", "US1", "us_1", "us.1", "a" * 21, "-us1", "ü1", "us1/x"],
    "edge": ["a", "1ashburn", "ashburn-", "Ashburn", "ash_burn", "ash.burn", "a" * 41, "a/b"],
    "base-url": [
        "ftp://gateway.example",
        "http://gateway.example",
        "https://user:open-sesame@gateway.example",
        "https://user@gateway.example",
        "https://gateway.example/?a=b",
        "https://gateway.example/#part",
        "gateway.example",
        "//gateway.example",
        "https://",
        "https:///path",
        "https://gateway.example:99999",
        "https://gateway.example:port",
        "https://[::1",
        "https://gate way.example",
        "http://128.0.0.1",
        "http://localhost.gateway.example",
        "http://127.0.0.1.gateway.example",
        "http://127.0.0.1@gateway.example",
        "http://127.0.0.1:80@gateway.example",
        "http://[::2]",
        "http://host.docker.internal.example",
        "http://0.0.0.0",
        "file:///etc/passwd",
        "https://gateway.example\\@other.example",
        "javascript:alert(1)",
    ],
    "summary": ["yes", "1", "on", "truee", "tru e", "0", "none"],
    "diagnose": ["no", "0", "off", "fals", "'true'", "t"],
}
BAD_DURATIONS = [
    "+1",
    "1e3",
    "1E1",
    "1_000",
    "1 h",
    "1h 30m",
    "30m1h",
    "1s1m",
    "1ms1s",
    "1h1h",
    "1m1m",
    "h",
    "ms",
    "1H",
    "1M",
    "1S",
    "1MS",
    "1mS",
    "1d",
    "1min",
    "1sec",
    ".5",
    "5.",
    ".5h",
    "5.h",
    ".",
    "1..5",
    "1.5.2",
    "inf",
    "nan",
    "infinity",
    "0x10",
    "1,5",
    "1h30",
    "30 ",
    "1h-30m",
    "--1",
    "-0",
    "\uff11\uff15",
    "\u0663",
    "1\u0660s",
    "\u00b2",
    "1\u00a0s",
    "9" * 5000,
    "9" * 5000 + "h",
    "1:30",
    "15m;",
    "${TIMEOUT}",
]
BAD_DURATIONS.remove("30 ")  # white space around a value is dropped


def mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def assert_invalid(run: Finished, *named: str) -> None:
    assert run.code == 2, run.stdout
    for name in named:
        assert mentions(run.visible, name), f"{name} is not named in:\n{run.visible}"
    result = run.result()
    assert result["outcome"] == "invalid"
    assert result["polls"] == "0"
    assert result["elapsed-seconds"] == "0.0"
    assert result["status"] == ""
    assert result["account-sid"] == ""
    assert any(mentions(result["reason"], name) for name in named), result["reason"]


def rows() -> list[dict[str, str]]:
    """Every bad value above in one row or another, with one for each input in each row."""
    longest = max(len(values) for values in BAD.values())
    return [
        {name: values[turn % len(values)] for name, values in BAD.items()}
        for turn in range(longest)
    ]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["base-url"])
def test_every_problem_is_reported_at_once(
    tool: Tool, tmp_path: Path, row: Mapping[str, str]
) -> None:
    bad = {PLAIN_NAMES[name]: value for name, value in row.items()}
    bad["PATH"] = ""
    run = tool.run(base_env("", tmp_path) | bad)
    assert_invalid(run, *row)
    for name in ("build-sid", "service-sid", "url"):
        assert run.outputs[name] == "", run.outputs
    told = run.visible + run.summary + str(run.outputs) + run.output_text
    assert "canary" not in told
    assert "open-sesame" not in told


@pytest.mark.parametrize("name", BAD)
def test_each_bad_value_alone_is_enough(tool: Tool, tmp_path: Path, name: str) -> None:
    """The first, the middle and the last bad value of the list, each with all else in order."""
    values = BAD[name]
    complete = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
    with ScriptedServer(build("completed")) as server:
        for value in {values[0], values[len(values) // 2], values[-1]}:
            env = base_env(server.url, tmp_path, **complete) | {PLAIN_NAMES[name]: value}
            assert_invalid(tool.run(env), name)
    assert server.requests == []


@pytest.mark.parametrize(
    "value", BAD_DURATIONS, ids=lambda value: f"{ascii(value)[:16]}{len(value)}"
)
def test_what_is_no_duration(tool: Tool, tmp_path: Path, value: str) -> None:
    env = base_env(NO_NETWORK, tmp_path, TWILIO_BUILD_TIMEOUT=value)
    run = tool.run(env)
    assert_invalid(run, "timeout")
    assert run.outputs["build-sid"] == BUILD_SID
    assert run.outputs["service-sid"] == SERVICE_SID
    assert run.outputs["url"] == (
        f"{NO_NETWORK}/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
    )


@pytest.mark.parametrize(
    "durations",
    [
        {"TIMEOUT": "24h", "INTERVAL": "1h"},
        {"TIMEOUT": "86400", "INTERVAL": "3600", "MAX_INTERVAL": "3600"},
        {"TIMEOUT": "1440m", "INTERVAL": "60m", "MAX_INTERVAL": "1h"},
        {"TIMEOUT": "86400000ms", "INTERVAL": "3600000ms", "MAX_INTERVAL": "60m0s"},
        {"TIMEOUT": "0", "INTERVAL": "100ms", "MAX_INTERVAL": "100ms"},
        {"TIMEOUT": "0s", "INTERVAL": "0.1", "MAX_INTERVAL": "0.1s"},
        {"TIMEOUT": "0.0", "INTERVAL": "0.1s"},
        {"TIMEOUT": "0h0m0s0ms", "INTERVAL": "0.5m"},
        {"TIMEOUT": "1h30m", "INTERVAL": "1.5", "MAX_INTERVAL": "1s500ms"},
        {"TIMEOUT": "1.5h30m", "INTERVAL": "20s"},
        {"TIMEOUT": "23h59m59s999ms", "INTERVAL": "10s", "MAX_INTERVAL": "10s"},
        {"TIMEOUT": "0015", "INTERVAL": "11s"},
        {"TIMEOUT": "1h90m", "INTERVAL": "100.0ms"},
    ],
    ids=lambda durations: durations["TIMEOUT"],
)
def test_durations_within_the_borders(
    tool: Tool, tmp_path: Path, durations: Mapping[str, str]
) -> None:
    named = {f"TWILIO_BUILD_{name}": value for name, value in durations.items()}
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, **named))
    assert run.code == 0, run.stdout


@pytest.mark.parametrize("interval, longest", [("2s", "1.9s"), ("11s", "10s"), ("1h", "59m")])
def test_the_longest_interval_is_at_least_the_interval(
    tool: Tool, tmp_path: Path, interval: str, longest: str
) -> None:
    durations = {"TWILIO_BUILD_INTERVAL": interval, "TWILIO_BUILD_MAX_INTERVAL": longest}
    assert_invalid(tool.run(base_env(NO_NETWORK, tmp_path, **durations)), "max-interval")


@pytest.mark.parametrize(
    "timeout, seconds",
    [("300ms", 0.3), ("0.5", 0.5), ("0.0001h", 0.4), ("0.01m", 0.6), ("1s200ms", 1.2)],
)
def test_a_duration_lasts_what_it_says(
    tool: Tool, tmp_path: Path, timeout: str, seconds: float
) -> None:
    with ScriptedServer(build()) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT=timeout))
    assert run.code == 3, run.stdout
    assert seconds - 0.06 <= float(run.outputs["elapsed-seconds"]) <= seconds + 0.7


UNITS = {"h": Decimal(3600), "m": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
NUMBER = r"[0-9]+(?:\.[0-9]+)?"
GRAMMAR = re.compile("".join(rf"(?:({NUMBER}){unit})?" for unit in UNITS))


def seconds_of(text: str) -> Decimal | None:
    """The contract's sentence on durations, word by word."""
    if re.fullmatch(NUMBER, text):
        return Decimal(text)
    match = GRAMMAR.fullmatch(text)
    if not match or not text:
        return None
    numbers = zip(UNITS.values(), match.groups(), strict=True)
    return sum((unit * Decimal(number) for unit, number in numbers if number), Decimal(0))


near_numbers = st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,3})?", fullmatch=True)
near_durations = st.one_of(
    near_numbers,
    st.lists(
        st.tuples(near_numbers, st.sampled_from([*UNITS, "H", "d", "", " s"])), max_size=4
    ).map(lambda pairs: "".join(number + unit for number, unit in pairs)),
    st.text("0123456789.hmse+-_ ", min_size=1, max_size=8),
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    # A process an example is too slow to look for the smallest one.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(timeout=near_durations, interval=near_durations)
@example(timeout="24h", interval="100ms")
@example(timeout="24h0.001s", interval="99.9ms")
def test_durations_are_read_by_the_grammar(
    tool: Tool, tmp_path: Path, timeout: str, interval: str
) -> None:
    """The build's SID is wrong, so that nothing is requested; a good duration is not named."""
    durations = {"TWILIO_BUILD_TIMEOUT": timeout, "TWILIO_BUILD_INTERVAL": interval}
    # An hour is the longest interval there can be, so max-interval is never below it.
    durations |= {"TWILIO_BUILD_MAX_INTERVAL": "1h", "TWILIO_BUILD_SID": "wrong"}
    (tmp_path / "github-output").write_text("")
    run = tool.run(base_env(NO_NETWORK, tmp_path, **durations))
    assert_invalid(run, "build-sid")
    for name, text, least, most in (
        ("timeout", timeout.strip() or "15m", 0, 86400),
        ("interval", interval.strip() or "1s", Decimal("0.1"), 3600),
    ):
        seconds = seconds_of(text)
        wrong = seconds is None or not least <= seconds <= most
        assert mentions(run.visible, name) == wrong, f"{name}={text!r}:\n{run.visible}"


@pytest.mark.parametrize(
    "service",
    [
        "a",
        "default",
        "My_Service-1",
        "z" * 255,
        "ZS",
        "ZS-short",
        f"ZS{HEX}0",
        f"zs{'x' * 32}",
        "-",
    ],
)
def test_a_unique_name_is_taken_in_place_of_the_service_sid(
    tool: Tool, tmp_path: Path, service: str
) -> None:
    with ScriptedServer(build("completed", service_sid=None, url=None)) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_SERVICE_SID=service))
    assert run.code == 0, run.stdout
    path = f"/v1/Services/{service}/Builds/{BUILD_SID}/Status"
    assert server.requests[0].target == path
    assert run.outputs["service-sid"] == service
    assert run.outputs["url"] == server.url + path


@pytest.mark.parametrize("missing", ["service-sid", "build-sid"])
@pytest.mark.parametrize("value", [None, "", " \n"])
def test_what_is_needed_and_missing(
    tool: Tool, tmp_path: Path, missing: str, value: str | None
) -> None:
    run = tool.run(base_env(NO_NETWORK, tmp_path, **{PLAIN_NAMES[missing]: value}))
    assert_invalid(run, missing)
    assert run.outputs[missing] == ""
    assert run.outputs["url"] == ""


def test_an_empty_environment_names_everything_needed(tool: Tool) -> None:
    run = tool.run({"PATH": ""}, check=False)
    assert run.code == 2, run.stdout
    assert run.stderr == ""
    for name in ("service-sid", "build-sid", "auth-token", "api-key"):
        assert mentions(run.stdout, name), run.stdout


class TestCredentials:
    """Which of them are needed together, and which is used."""

    @staticmethod
    def env(tmp_path: Path, root: str = NO_NETWORK, **credentials: str) -> dict[str, str]:
        names = ("ACCOUNT_SID", "AUTH_TOKEN", "API_KEY", "API_SECRET")
        chosen = {f"TWILIO_{name}": credentials.get(name) for name in names}
        return base_env(root, tmp_path, **chosen)

    @pytest.mark.parametrize(
        "given, user, secret",
        [
            ({"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": TOKEN}, ACCOUNT_SID, TOKEN),
            ({"API_KEY": API_KEY, "API_SECRET": SECRET}, API_KEY, SECRET),
            (
                {"ACCOUNT_SID": ACCOUNT_SID, "API_KEY": API_KEY, "API_SECRET": SECRET},
                API_KEY,
                SECRET,
            ),
            (
                {
                    "ACCOUNT_SID": ACCOUNT_SID,
                    "AUTH_TOKEN": TOKEN,
                    "API_KEY": API_KEY,
                    "API_SECRET": SECRET,
                },
                API_KEY,
                SECRET,
            ),
            (
                {"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": "with:colons::in:it"},
                ACCOUNT_SID,
                "with:colons::in:it",
            ),
        ],
        ids=["token", "key", "key-and-account", "key-before-token", "colons"],
    )
    def test_what_is_sent(
        self, tool: Tool, tmp_path: Path, given: dict[str, str], user: str, secret: str
    ) -> None:
        with ScriptedServer(build("completed")) as server:
            run = tool.run(self.env(tmp_path, server.url, **given))
        assert run.code == 0, run.stdout
        assert server.requests[0].credentials == (user, secret)
        kind = r"api[ -]?key" if user == API_KEY else r"auth[ -]?token"
        first = next(line for line in run.lines if not line.startswith("::add-mask::"))
        assert re.search(kind, first, re.IGNORECASE), first

    @pytest.mark.parametrize(
        "given, named",
        [
            ({"AUTH_TOKEN": TOKEN}, "account-sid"),
            ({"ACCOUNT_SID": ACCOUNT_SID}, "auth-token"),
            ({"API_KEY": API_KEY}, "api-secret"),
            ({"API_SECRET": SECRET}, "api-key"),
            (
                {"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": TOKEN, "API_KEY": API_KEY},
                "api-secret",
            ),
            (
                {"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": TOKEN, "API_SECRET": SECRET},
                "api-key",
            ),
            (
                {"ACCOUNT_SID": "AC-wrong", "API_KEY": API_KEY, "API_SECRET": SECRET},
                "account-sid",
            ),
        ],
        ids=[
            "token-alone",
            "account-alone",
            "key-alone",
            "secret-alone",
            "key-beside-token",
            "secret-beside-token",
            "bad-account-beside-key",
        ],
    )
    def test_half_a_pair_is_an_error(
        self, tool: Tool, tmp_path: Path, given: dict[str, str], named: str
    ) -> None:
        assert_invalid(tool.run(self.env(tmp_path, **given)), named)

    def test_none_at_all_on_github_tells_of_forks(self, tool: Tool, tmp_path: Path) -> None:
        run = tool.run(self.env(tmp_path))
        assert_invalid(run, "auth-token", "api-key")
        assert "fork" in run.visible

    def test_none_at_all_elsewhere_does_not(self, tool: Tool, tmp_path: Path) -> None:
        run = tool.run(off_github(self.env(tmp_path)))
        assert_invalid(run, "auth-token", "api-key")
        assert "fork" not in run.stdout

    def test_another_problem_does_not_tell_of_forks(self, tool: Tool, tmp_path: Path) -> None:
        run = tool.run(base_env(NO_NETWORK, tmp_path, TWILIO_BUILD_SID="wrong"))
        assert_invalid(run, "build-sid")
        assert "fork" not in run.visible
