"""Where an input is found: its four names, white space, defaults; and what else is around."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.harness import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    OTHER_ACCOUNT_SID,
    OTHER_BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    ScriptedServer,
    Tool,
    base_env,
    build,
    off_github,
)

PLAIN_NAMES = {
    "account-sid": "TWILIO_ACCOUNT_SID",
    "auth-token": "TWILIO_AUTH_TOKEN",
    "api-key": "TWILIO_API_KEY",
    "api-secret": "TWILIO_API_SECRET",
    "service-sid": "TWILIO_SERVICE_SID",
    "build-sid": "TWILIO_BUILD_SID",
    "timeout": "TWILIO_BUILD_TIMEOUT",
    "interval": "TWILIO_BUILD_INTERVAL",
    "max-interval": "TWILIO_BUILD_MAX_INTERVAL",
    "region": "TWILIO_REGION",
    "edge": "TWILIO_EDGE",
    "base-url": "TWILIO_BASE_URL",
    "output-file": "TWILIO_BUILD_OUTPUT_FILE",
    "summary": "TWILIO_BUILD_SUMMARY",
    "diagnose": "TWILIO_BUILD_DIAGNOSE",
}
WRONG = "%% wrong %%"


def names(name: str) -> tuple[str, str, str, str]:
    upper = name.upper()
    shell = upper.replace("-", "_")
    return f"INPUT_{upper}", f"INPUT_{shell}", f"PLUGIN_{shell}", PLAIN_NAMES[name]


def values(root: str, **changes: str) -> dict[str, str]:
    """A value for every input but the second kind of credential; the wait is a single read."""
    chosen = {
        "account-sid": ACCOUNT_SID,
        "auth-token": TOKEN,
        "service-sid": "my-Service_1",
        "build-sid": BUILD_SID,
        "timeout": "0",
        "interval": "200ms",
        "max-interval": "300ms",
        "region": "ie1",
        "edge": "dublin",
        "base-url": root,
        "output-file": "written.env",
        "summary": "false",
        "diagnose": "false",
    }
    return chosen | changes


def bare_env(root: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a step on GitHub without any input."""
    return {
        name: value
        for name, value in base_env(root, tmp_path).items()
        if not name.startswith("TWILIO_")
    }


def env_of(inputs: Mapping[str, str], rank: int, *, before: str = "") -> dict[str, str]:
    """Every input under its name of this rank, the names before it empty, those after it wrong."""
    env: dict[str, str] = {}
    for name, value in inputs.items():
        # The two GitHub names are one for an input without a hyphen, as `region`.
        spellings = list(dict.fromkeys(names(name)))
        place = spellings.index(names(name)[rank])
        env |= dict.fromkeys(spellings[:place], before)
        env[spellings[place]] = value
        env |= dict.fromkeys(spellings[place + 1 :], WRONG)
    return env


@pytest.mark.parametrize("before", ["", " \n\t\r\n "])
@pytest.mark.parametrize("rank", range(4))
def test_the_first_name_that_is_not_empty_wins(
    tool: Tool, tmp_path: Path, rank: int, before: str
) -> None:
    with ScriptedServer(build()) as server:
        env = bare_env(server.url, tmp_path) | env_of(values(server.url), rank, before=before)
        run = tool.run(env)
    assert run.code == 3, run.stdout
    (request,) = server.requests
    assert request.target == f"/v1/Services/my-Service_1/Builds/{BUILD_SID}/Status"
    assert request.credentials == (ACCOUNT_SID, TOKEN)
    assert run.summary == ""
    assert "TWILIO_BUILD_WAIT_OUTCOME=timed-out\n" in (tool.cwd / "written.env").read_text()


@pytest.mark.parametrize("rank", range(4))
def test_an_api_key_is_found_under_each_name(tool: Tool, tmp_path: Path, rank: int) -> None:
    with ScriptedServer(build("completed")) as server:
        inputs = values(server.url) | {"api-key": API_KEY, "api-secret": SECRET}
        del inputs["account-sid"], inputs["auth-token"]
        run = tool.run(bare_env(server.url, tmp_path) | env_of(inputs, rank))
    assert run.code == 0, run.stdout
    assert server.requests[0].credentials == (API_KEY, SECRET)


@pytest.mark.parametrize("padding", ["\n", "\r\n", " \t", "\n\n \r\n"])
def test_white_space_around_a_value_is_dropped(tool: Tool, tmp_path: Path, padding: str) -> None:
    with ScriptedServer(build()) as server:
        padded = {name: padding + value + padding for name, value in values(server.url).items()}
        run = tool.run(bare_env(server.url, tmp_path) | env_of(padded, 3))
    assert run.code == 3, run.stdout
    (request,) = server.requests
    assert request.target == f"/v1/Services/my-Service_1/Builds/{BUILD_SID}/Status"
    assert request.credentials == (ACCOUNT_SID, TOKEN)
    assert (tool.cwd / "written.env").is_file()
    assert run.outputs["build-sid"] == BUILD_SID


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_optional_input_left_empty_has_its_default(
    tool: Tool, tmp_path: Path, empty: str
) -> None:
    needed = ("account-sid", "auth-token", "service-sid", "build-sid", "base-url")
    with ScriptedServer(build("completed")) as server:
        env = bare_env(server.url, tmp_path)
        for name in PLAIN_NAMES:
            env |= dict.fromkeys(names(name), empty)
        env |= {PLAIN_NAMES[name]: values(server.url)[name] for name in needed}
        run = tool.run(env)
    assert run.code == 0, run.stdout
    assert run.summary != "", "the summary is on by default"
    assert list(tool.cwd.iterdir()) == [], "no output file by default"
    first = next(line for line in run.lines if not line.startswith("::add-mask::"))
    assert "15m" in first or "15 m" in first or "900" in first, first


def test_the_names_of_outputs_are_not_read_as_inputs(tool: Tool, tmp_path: Path) -> None:
    """A job that sources one wait's dotenv file and waits again gets the second build."""
    dotenv = {"TWILIO_BUILD_OUTPUT_FILE": "wait.env"}
    with ScriptedServer(build("failed", sid=OTHER_BUILD_SID)) as server:
        env = off_github(base_env(server.url, tmp_path, **dotenv))
        first = tool.run(env | {"TWILIO_BUILD_SID": OTHER_BUILD_SID})
    assert first.code == 1, first.stdout
    pairs = dict(line.split("=", 1) for line in first.output_text.splitlines())
    assert pairs["TWILIO_BUILD_WAIT_BUILD_SID"] == OTHER_BUILD_SID
    with ScriptedServer(build("completed")) as server:
        env = off_github(base_env(server.url, tmp_path, **dotenv))
        second = tool.run(env | pairs)
        assert second.code == 0, second.stdout
        assert second.result()["build-sid"] == BUILD_SID
        assert second.result()["outcome"] == "completed"
        del env["TWILIO_BUILD_SID"], env["TWILIO_SERVICE_SID"]
        third = tool.run(env | pairs)
    assert third.code == 2, third.stdout
    assert third.result()["build-sid"] == ""
    assert third.result()["outcome"] == "invalid"
    assert len(server.requests) == 1


def test_a_netrc_is_not_used(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("default login intruder password from-netrc\n")
    (tmp_path / ".netrc").chmod(0o600)
    with ScriptedServer(build("completed")) as server:
        assert tool.run(base_env(server.url, tmp_path)).code == 0
    assert server.requests[0].credentials == (ACCOUNT_SID, TOKEN)


def test_modules_in_the_working_directory_are_never_imported(tool: Tool, tmp_path: Path) -> None:
    for module in ("requests", "backoff", "json", "twilio_build_wait"):
        (tool.cwd / f"{module}.py").write_text("raise SystemExit('imported from the workspace')\n")
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 0, run.stdout


@pytest.mark.parametrize("value, written", [("true", True), ("TRUE", True), ("False", False)])
def test_a_boolean_is_read_in_any_case(
    tool: Tool, tmp_path: Path, value: str, *, written: bool
) -> None:
    with ScriptedServer(build("completed")) as server:
        env = base_env(
            server.url, tmp_path, TWILIO_BUILD_SUMMARY=value, TWILIO_BUILD_DIAGNOSE=value
        )
        run = tool.run(env)
    assert run.code == 0, run.stdout
    assert (run.summary != "") == written


def test_every_input_is_described_by_help(tool: Tool) -> None:
    run = tool.run({"PATH": ""}, ["--help"])
    assert run.code == 0
    for plain in PLAIN_NAMES.values():
        assert plain in run.stdout, plain
    for told in ("15m", "0", "1", "2", "3", "4", "5", "70", "130", "143", "completed", "rejected"):
        assert told in run.stdout, told


def test_the_version_needs_no_input(tool: Tool) -> None:
    run = tool.run({"PATH": ""}, ["--version"])
    assert run.code == 0
    assert len(run.lines) == 1
    assert any(part[0].isdigit() and part.count(".") == 2 for part in run.stdout.split())


def test_sids_are_matched_with_hexadecimal_digits_in_either_case(
    tool: Tool, tmp_path: Path
) -> None:
    mixed = {
        "TWILIO_ACCOUNT_SID": OTHER_ACCOUNT_SID[:2] + OTHER_ACCOUNT_SID[2:].upper(),
        "TWILIO_SERVICE_SID": SERVICE_SID[:20] + SERVICE_SID[20:].upper(),
        "TWILIO_BUILD_SID": BUILD_SID[:2] + BUILD_SID[2:].upper(),
    }
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, **mixed))
    assert run.code == 0, run.stdout
    assert server.requests[0].credentials[0] == mixed["TWILIO_ACCOUNT_SID"]
    assert run.outputs["build-sid"].lower() == BUILD_SID.lower()
