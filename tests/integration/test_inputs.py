"""Inputs: where they are read from, what is said of wrong ones, and the rules for several."""

import base64
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.run import run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    STATUS_PATH,
    TOKEN,
    build_status,
    without_github,
)
from tests.support.server import Response, Server
from twilio_build_wait.inputs import INPUTS

#: Values that are wrong in their format, those of secrets included.
WRONG = {
    "account-sid": "AC12",
    "auth-token": "t\u00f6ken",
    "api-key": "SK12",
    "api-secret": "s\u00e4cret",
    "build-sid": "newest",
    "timeout": "soon",
    "base-url": "ftp://example.com",
    "diagnose": "on",
}
HEX_TOKEN = "fedcba98765432100123456789abcdef"


def login(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


# --- where an input is read from ------------------------------------------------------------------


@pytest.mark.parametrize("rank", range(5))
def test_first_variable_that_is_not_blank_wins(
    server: Server, environ: dict[str, str], rank: int
) -> None:
    server.script(build_status("completed"))
    right = {"api-key": API_KEY, "api-secret": SECRET, "timeout": "42s", "build-sid": BUILD_SID}
    for known in (known for known in INPUTS if known.name in right):
        upper = known.name.upper()
        names = [f"{start}_{upper}" for start in ("INPUT", "PLUGIN")]
        names = [each for name in names for each in (name, name.replace("-", "_"))]
        names.append(known.variable)
        for position, name in enumerate(names):
            other = " \r\n\t" if position < rank else WRONG[known.name]
            environ[name] = f" {right[known.name]}\n" if name == names[rank] else other
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert "timeout 42s" in run.stdout
    (request,) = run.requests
    assert request.path == STATUS_PATH
    assert request.headers["authorization"] == f"Basic {login(API_KEY, SECRET)}"


def test_blank_optional_inputs_have_their_default(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status(), build_status("completed"))
    blank = {known.variable: " \n" for known in INPUTS if known.variable not in environ}
    run = run_inside(environ | blank | {"TWILIO_BUILD_TIMEOUT": "\t"}, server)
    assert run.code == 0
    assert "timeout 15m, with auth token" in run.stdout
    assert run.outputs["elapsed-seconds"] == "1.0"


# --- problems -------------------------------------------------------------------------------------


def test_all_problems_are_reported_at_once(server: Server, environ: dict[str, str]) -> None:
    environ |= {known.variable: WRONG[known.name] for known in INPUTS if known.name in WRONG}
    run = run_inside(environ, server)
    assert run.code == 2
    assert not run.requests
    lines = [line.strip() for line in run.lines if line.startswith("  ")]
    assert [line.partition(": expected ")[0] for line in lines] == [
        *("account-sid", "auth-token", "api-key", "api-secret", "base-url"),
        *("build-sid", "timeout", "diagnose"),
    ]
    shown = [name for name, value in WRONG.items() if f"got '{value}'" in run.stdout]
    assert shown == ["build-sid", "timeout", "diagnose"]
    assert run.commands("error")[0].data.startswith("account-sid: expected ")
    assert run.outputs["build-sid"] == run.outputs["url"] == ""
    assert run.outputs["service-sid"] == SERVICE_SID
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


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u00ad"], ids=ascii)
def test_invisible_characters_are_shown_as_escapes(
    server: Server, environ: dict[str, str], character: str
) -> None:
    run = run_inside(environ | {"TWILIO_BUILD_SID": BUILD_SID + character}, server)
    assert run.code == 2
    assert f"got '{BUILD_SID}\\u{ord(character):04x}'" in run.stdout
    assert f"\\u{ord(character):04x}" in run.outputs["reason"]


def test_arguments_are_not_repeated(server: Server, environ: dict[str, str]) -> None:
    run = run_inside(environ, server, arguments=["--build-sid", BUILD_SID])
    assert run.code == 2
    assert not run.requests
    assert "arguments: got 2, expected none" in run.stdout
    assert "docker run --entrypoint" in run.stdout
    assert BUILD_SID not in run.stdout


# --- a credential in another input ----------------------------------------------------------------

PASSWORD = "hunter22-proxy"


FORMS = {
    "as it is": f"my-{HEX_TOKEN}-service",
    "Base64": base64.b64encode(HEX_TOKEN.encode()).decode(),
    "user:secret in Base64 without padding": login(ACCOUNT_SID, HEX_TOKEN).rstrip("="),
    "a token that another variable overrides": TOKEN,
    "URL-encoded": quote(SECRET, safe=""),
    "the password of a proxy": PASSWORD,
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


# --- an output file that belongs to the runner ----------------------------------------------------


@pytest.mark.parametrize("kind", ["itself", "symbolic link", "hard link", "link to its folder"])
def test_output_file_must_not_be_a_runners_file(
    server: Server, environ: dict[str, str], tmp_path: Path, kind: str
) -> None:
    target, alias = tmp_path / "runner", tmp_path / "alias"
    target.write_text("EARLIER=1\n")
    if kind == "symbolic link":
        alias.symlink_to(target)
    elif kind == "hard link":
        alias.hardlink_to(target)
    elif kind == "link to its folder":
        alias.symlink_to(tmp_path)
        alias /= "runner"
    path = target if kind == "itself" else alias
    changes = {"GITHUB_ENV": str(target), "TWILIO_BUILD_OUTPUT_FILE": str(path)}
    run = run_inside(environ | changes, server, check=False)  # the output file is not one of ours
    assert run.code == 2
    assert "which is the file that GITHUB_ENV names" in run.stdout
    assert target.read_text() == "EARLIER=1\n"
    assert run.outputs["outcome"] == "invalid"


# --- hosts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("region, host", [("us1", ""), ("ie1", "dublin.ie1.")])
def test_region_makes_the_host(
    server: Server, environ: dict[str, str], region: str, host: str
) -> None:
    del environ["TWILIO_BASE_URL"]
    server.script(Response(403))  # a proxy, which shows where the tool wants to go
    changes = {"HTTPS_PROXY": server.url, "TWILIO_REGION": region}
    run = run_inside(environ | changes, server)
    assert run.code == 4
    assert run.requests[0].target == f"serverless.{host}twilio.com:443"
    assert f" at serverless.{host}twilio.com, timeout" in run.stdout
    assert run.outputs["url"] == f"https://serverless.{host}twilio.com{STATUS_PATH}"


def test_http_can_be_allowed_with_a_warning(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status("completed"))
    # An address of this machine that the rule does not know.
    allowed = {"TWILIO_BASE_URL": f"http://127.1:{server.port}", "TWILIO_ALLOW_HTTP": "true"}
    run = run_inside(environ | allowed, server)
    assert run.code == 0
    (warning,) = run.commands("warning")
    assert "unencrypted" in warning.data
