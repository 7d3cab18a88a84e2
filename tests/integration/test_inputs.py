"""Inputs: where they are read from, what is said of wrong ones, and the rules for several."""

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.run import run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    ENVIRONMENT_SID,
    SECRET,
    SERVICE_SID,
    STATUS_PATH,
    TOKEN,
    build_status,
    environment_resource,
    json_response,
    without_github,
)
from tests.support.server import Response, Server
from twilio_build_wait.inputs import INPUTS, SECRETS

#: A value of every input that is wrong in its format; any secret of printable ASCII is right.
WRONG = {
    "account-sid": "AC12",
    "auth-token": "t\u00f6ken",
    "api-key": "SK12",
    "api-secret": "s\u00e4cret",
    "service-sid": "my service",
    "build-sid": "newest",
    "environment-sid": "production",
    "timeout": "soon",
    "interval": "1 s",
    "max-interval": "often",
    "region": "US1",
    "edge": "-",
    "base-url": "ftp://example.com",
    "summary": "yes",
    "diagnose": "on",
}
NEVER_SHOWN = {"account-sid", "auth-token", "api-key", "api-secret", "base-url"}
HEX_TOKEN = "fedcba98765432100123456789abcdef"


def login(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


# --- where an input is read from ------------------------------------------------------------------


@pytest.mark.parametrize("rank", range(5))
def test_first_variable_that_is_not_blank_wins(
    server: Server, environ: dict[str, str], tmp_path: Path, rank: int
) -> None:
    server.script(build_status("completed"), json_response(environment_resource(build_sid=None)))
    right = {
        "account-sid": ACCOUNT_SID,
        "auth-token": TOKEN,
        "api-key": API_KEY,
        "api-secret": SECRET,
        "service-sid": SERVICE_SID,
        "build-sid": BUILD_SID,
        "environment-sid": ENVIRONMENT_SID,
        "timeout": "42s",
        "interval": "2s",
        "max-interval": "3s",
        "region": "ie1",
        "edge": "dublin",
        "base-url": server.url,
        "output-file": str(tmp_path / "chosen.json"),
        "summary": "False",
        "diagnose": "TRUE",
    }
    for known in INPUTS:
        upper = known.name.upper()
        lower = upper.replace("-", "_")
        names = [f"INPUT_{upper}", f"INPUT_{lower}", f"PLUGIN_{upper}", f"PLUGIN_{lower}"]
        names.append(known.variable)
        for position, name in enumerate(names):
            other = " \r\n\t" if position < rank else WRONG.get(known.name, "/")
            environ[name] = f" {right[known.name]}\n" if name == names[rank] else other
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert "timeout 42s" in run.stdout
    assert run.requests[0].path == STATUS_PATH
    assert run.requests[0].headers["authorization"] == f"Basic {login(API_KEY, SECRET)}"
    assert run.requests[1].path.endswith(ENVIRONMENT_SID)
    assert (tmp_path / "chosen.json").is_file()
    assert run.summary == ""


def test_blank_optional_inputs_have_their_default(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status(), build_status("completed"))
    blank = {known.variable: " \n" for known in INPUTS if known.variable not in environ}
    run = run_inside(environ | blank | {"TWILIO_BUILD_TIMEOUT": "\t"}, server)
    assert run.code == 0
    assert "timeout 15m, with auth token" in run.stdout
    assert run.outputs["elapsed-seconds"] == "1.0"


# --- problems -------------------------------------------------------------------------------------


def test_all_problems_are_reported_at_once(server: Server, environ: dict[str, str]) -> None:
    wrong = {known.variable: WRONG.get(known.name, "out") for known in INPUTS}
    run = run_inside(environ | wrong, server)
    assert run.code == 2
    assert not run.requests
    for name, value in WRONG.items():
        (line,) = [line for line in run.lines if line.startswith(f"  {name}: expected ")]
        assert (f"got '{value}'" in line) == (name not in NEVER_SHOWN), line
    assert "ftp:" not in run.stdout
    assert run.commands("error")[0].data.startswith("account-sid: expected ")
    assert run.outputs["build-sid"] == run.outputs["service-sid"] == run.outputs["url"] == ""
    assert (run.outputs["polls"], run.outputs["elapsed-seconds"]) == ("0", "0.0")


def test_problems_elsewhere_name_the_variable(server: Server, environ: dict[str, str]) -> None:
    run = run_inside(without_github(environ) | {"TWILIO_BUILD_SID": "ZB1"}, server)
    expected = "TWILIO_BUILD_SID (build-sid): expected ZB followed by 32 hexadecimal digits"
    assert run.lines[1].startswith(f"  {expected}")
    assert run.lines[-1].startswith("error: Wrong inputs: 1 problem. ")


def test_missing_inputs_are_all_named(server: Server, environ: dict[str, str]) -> None:
    own = {known.variable for known in INPUTS}
    bare = {name: value for name, value in environ.items() if name not in own}
    run = run_inside(bare, server)
    assert run.code == 2
    assert "No inputs are set. `twilio-build-wait --help` lists all of them." in run.lines
    required = [line for line in run.lines if re.match("  .*: required", line)]
    names = ["auth-token", "account-sid", "build-sid", "service-sid"]
    assert sorted(line.strip().partition(":")[0] for line in required) == sorted(names)
    for cause in ("forks", "Dependabot", "'secrets: inherit'", "does not name their environment"):
        assert cause in required[0]
    run = run_inside(without_github(bare), server, check=False)  # there is no output channel
    assert "Dependabot" not in run.stdout
    assert "TWILIO_BUILD_SID (build-sid): required" in run.stdout


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u00ad", "\u2060"], ids=ascii)
def test_invisible_characters_are_shown_as_escapes(
    server: Server, environ: dict[str, str], character: str
) -> None:
    run = run_inside(environ | {"TWILIO_BUILD_SID": BUILD_SID + character}, server)
    assert run.code == 2
    assert f"got '{BUILD_SID}\\u{ord(character):04x}'" in run.stdout
    assert f"\\u{ord(character):04x}" in run.outputs["reason"]


def test_long_values_are_cut(server: Server, environ: dict[str, str]) -> None:
    long = {"TWILIO_BUILD_SID": "B" * 9000, "TWILIO_BUILD_TIMEOUT": "7" * 9000}
    run = run_inside(environ | long, server)
    for text in (run.stdout, run.summary):
        assert "B" * 400 in text
        assert "B" * 501 not in text
    assert "7" * 501 not in run.stdout


@pytest.mark.parametrize("arguments", [["--build-sid", BUILD_SID], ["sh", "-c", TOKEN], [""]])
def test_arguments_are_invalid_and_not_repeated(
    server: Server, environ: dict[str, str], arguments: list[str]
) -> None:
    run = run_inside(environ, server, arguments=arguments)
    assert run.code == 2
    assert not run.requests
    assert f"arguments: got {len(arguments)}, expected none" in run.stdout
    assert "docker run --entrypoint" in run.stdout
    assert BUILD_SID not in run.stdout


# --- a credential in another input ----------------------------------------------------------------

PASSWORD = "hunter22-proxy"
FORMS = {
    "as it is": HEX_TOKEN,
    "in capitals": HEX_TOKEN.upper(),
    "inside a longer name": f"my-{HEX_TOKEN}-service",
    "Base64": base64.b64encode(HEX_TOKEN.encode()).decode(),
    "Base64 without padding": base64.b64encode(HEX_TOKEN.encode()).decode().rstrip("="),
    "user:secret in Base64": login(ACCOUNT_SID, HEX_TOKEN),
    "user:secret in Base64 without padding": login(ACCOUNT_SID, HEX_TOKEN).rstrip("="),
    "URL-encoded": quote(SECRET, safe=""),
    "a token that another variable overrides": TOKEN,
    "an API secret": SECRET,
    "the password of a proxy": PASSWORD,
    "a proxy's login in Base64": login("user", PASSWORD),
}


@pytest.mark.parametrize("value", FORMS.values(), ids=FORMS)
def test_credential_in_another_input_is_invalid(
    server: Server, environ: dict[str, str], value: str
) -> None:
    environ |= {
        "INPUT_AUTH-TOKEN": HEX_TOKEN,
        "TWILIO_API_KEY": API_KEY,
        "TWILIO_API_SECRET": SECRET,
        "HTTPS_PROXY": f"http://user:{PASSWORD}@127.0.0.1:9",
        "TWILIO_SERVICE_SID": value,
    }
    run = run_inside(environ, server)
    assert run.code == 2
    assert not run.requests
    assert "service-sid: it contains a credential, so it is not shown" in run.outputs["reason"]
    shown = [line for line in run.lines if not line.startswith("::add-mask::")]
    for text in (*shown, *run.files.values()):
        assert value.rstrip("=").lower() not in text.lower()


@pytest.mark.parametrize("name", [known.name for known in INPUTS if known not in SECRETS])
def test_no_input_may_hold_the_token(server: Server, environ: dict[str, str], name: str) -> None:
    (known,) = [known for known in INPUTS if known.name == name]
    token = {"TWILIO_AUTH_TOKEN": HEX_TOKEN}
    run = run_inside(environ | token | {known.variable: f"https://{HEX_TOKEN}.test/"}, server)
    assert run.code == 2
    assert f"{name}: it contains a credential" in run.stdout


SHORT = {
    "a token of 5 characters": {"TWILIO_AUTH_TOKEN": "shop1"},
    "a proxy's password of 7": {"ALL_PROXY": "http://u:my-shop@127.0.0.1:9"},
}


@pytest.mark.parametrize("changes", SHORT.values(), ids=SHORT)
def test_short_secret_may_be_part_of_a_name(
    server: Server, environ: dict[str, str], changes: dict[str, str]
) -> None:
    server.script(build_status("completed"))
    name = {"TWILIO_SERVICE_SID": "my-shop1"}
    assert run_inside(environ | changes | name, server, check=False).code == 0


# --- an output file that belongs to the runner ----------------------------------------------------

ALIASES: dict[str, Callable[[Path, Path], object]] = {
    "symbolic link": lambda alias, target: alias.symlink_to(target),
    "hard link": lambda alias, target: alias.hardlink_to(target),
    "folder link": lambda alias, target: alias.symlink_to(target.parent),
}


@pytest.mark.parametrize("make", ALIASES.values(), ids=ALIASES)
@pytest.mark.parametrize("name", ["OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"])
def test_output_file_must_not_be_a_runners_file(
    server: Server,
    environ: dict[str, str],
    tmp_path: Path,
    name: str,
    make: Callable[[Path, Path], object],
) -> None:
    target, alias = tmp_path / "runner", tmp_path / "alias"
    target.write_text("EARLIER=1\n")
    environ[f"GITHUB_{name}"] = str(target)
    make(alias, target)
    paths = [alias / target.name] if alias.is_dir() else [alias]
    paths += [target, Path(os.path.relpath(target)), tmp_path / "x" / ".." / "runner"]
    (tmp_path / "x").mkdir()
    for path in paths:
        environ["TWILIO_BUILD_OUTPUT_FILE"] = str(path)
        run = run_inside(environ, server, check=False)  # the output file is not one of ours
        assert run.code == 2, path
        assert f"which is the file that GITHUB_{name} names" in run.stdout
        assert target.read_text().startswith("EARLIER=1\n")


def test_output_file_must_not_be_a_runners_file_that_is_missing(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    environ["GITHUB_ENV"] = environ["TWILIO_BUILD_OUTPUT_FILE"] = str(tmp_path / "env")
    assert run_inside(environ, server).code == 2
    assert not (tmp_path / "env").exists()


# --- hosts ----------------------------------------------------------------------------------------

HOSTS = {
    "nothing": ({}, "serverless.twilio.com"),
    "us1": ({"TWILIO_REGION": "us1"}, "serverless.twilio.com"),
    "ie1": ({"TWILIO_REGION": "ie1"}, "serverless.dublin.ie1.twilio.com"),
    "au1": ({"TWILIO_REGION": "au1"}, "serverless.sydney.au1.twilio.com"),
    "edge": ({"TWILIO_EDGE": "ashburn"}, "serverless.ashburn.us1.twilio.com"),
    "region and edge": (
        {"TWILIO_REGION": "ie1", "TWILIO_EDGE": "roaming"},
        "serverless.roaming.ie1.twilio.com",
    ),
    "base-url": (
        {"TWILIO_REGION": "ie1", "TWILIO_BASE_URL": "https://gate.test/twilio/"},
        "gate.test",
    ),
}


@pytest.mark.parametrize("changes, host", HOSTS.values(), ids=HOSTS)
def test_region_edge_and_base_url_make_the_host(
    server: Server, environ: dict[str, str], changes: dict[str, str], host: str
) -> None:
    del environ["TWILIO_BASE_URL"]
    server.script(Response(403))  # a proxy, which shows where the tool wants to go
    run = run_inside(environ | {"HTTPS_PROXY": server.url} | changes, server)
    assert run.code == 4
    assert run.requests[0].target == f"{host}:443"
    assert f" at {host}, " in run.stdout
    root = f"https://{host}/twilio" if host == "gate.test" else f"https://{host}"
    assert run.outputs["url"] == root + STATUS_PATH


def test_unknown_region_asks_for_the_edge(server: Server, environ: dict[str, str]) -> None:
    del environ["TWILIO_BASE_URL"]
    run = run_inside(environ | {"TWILIO_REGION": "jp1"}, server)
    assert run.code == 2
    assert re.search(r"edge: required with region 'jp1'", run.outputs["reason"])


# `127.1` is an address of this machine that the rule does not know.
def test_http_is_refused_for_other_hosts(server: Server, environ: dict[str, str]) -> None:
    run = run_inside(environ | {"TWILIO_BASE_URL": f"http://127.1:{server.port}"}, server)
    assert run.code == 2
    assert not run.requests
    assert "http:// would send the credential unencrypted" in run.outputs["reason"]


def test_http_can_be_allowed_with_a_warning(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status("completed"))
    allowed = {"TWILIO_BASE_URL": f"http://127.1:{server.port}", "TWILIO_ALLOW_HTTP": "true"}
    run = run_inside(environ | allowed, server)
    assert run.code == 0
    (warning,) = run.commands("warning")
    assert "unencrypted" in warning.data


def test_password_in_base_url_is_not_shown(server: Server, environ: dict[str, str]) -> None:
    run = run_inside(environ | {"TWILIO_BASE_URL": "https://me:hunter22@gate.test"}, server)
    assert run.code == 2
    assert "hunter22" not in run.stdout + run.summary + run.outputs["reason"]
