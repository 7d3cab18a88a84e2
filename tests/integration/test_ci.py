"""What each CI reads in the log: exact lines.

Grammars: command.ts of actions/toolkit, CommandStringConvertor.cs of azure-pipelines-agent, and
jetbrains.com/help/teamcity/service-messages.html.
"""

import base64
import errno

import pytest

from tests.support.run import Run, run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    TOKEN,
    build_status,
    twilio_error,
    without_github,
)
from tests.support.server import Server
from twilio_build_wait import __version__
from twilio_build_wait.model import variable

COMPLETED = build_status("completed")
LOGIN = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
#: A message that every CI would read otherwise if it were not escaped.
MESSAGE = "100% of $(PATH) %0A |[x]' ;isOutput=true] %name% $$(A)"
REJECTED = "Twilio build status cannot be read"
ADVICE = "Look up the status and the code in Twilio's documentation"
NEXT = "Fix the problem above, then re-run the step; the build itself may be fine"


def first_line(server: Server) -> str:
    return (
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
        f"at 127.0.0.1:{server.port}, timeout 15m, with auth token"
    )


def status_line(reason: str) -> str:
    return f"    0.0s  {reason.removesuffix(f'. {ADVICE}')}"


def rejected(server: Server, environ: dict[str, str]) -> tuple[Run, str]:
    """Return a run that ends with a 400, and its reason."""
    server.script(twilio_error(400, 1, MESSAGE, **{"Twilio-Request-Id": ""}))
    run = run_inside(environ, server)
    assert run.code == 4
    host = f"127.0.0.1:{server.port}"
    return run, f"HTTP 400 from {host} (Twilio error 1): {MESSAGE}. {ADVICE}"


# --- GitHub ---------------------------------------------------------------------------------------


def test_github_log(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    run = run_inside(environ, server)
    file = f"output-file {environ['TWILIO_BUILD_OUTPUT_FILE']}"
    assert run.lines == [
        f"::add-mask::{TOKEN.replace('%', '%25')}",
        f"::add-mask::{LOGIN}",
        first_line(server),
        f"GitHub Actions: outputs go to GITHUB_OUTPUT, {file}",
        "    0.0s  completed",
        "Twilio build completed after 0s, 1 poll",
    ]


def test_github_annotation_is_escaped(server: Server, environ: dict[str, str]) -> None:
    run, reason = rejected(server, environ)
    assert run.lines[-1] == f"::error title={REJECTED}::{reason}. {NEXT}".replace("%", "%25")
    assert run.outputs["reason"] == reason


def test_cancelled_is_a_warning_on_github(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status())
    run = run_inside(environ, server, signal_at=5)
    reason = "cancelled by SIGTERM after 5s; the last status was 'building'"
    advice = "Re-run the step to go on waiting for the same build"
    assert run.lines[-1] == f"::warning title=Wait cancelled::{reason}. {advice}"


@pytest.mark.parametrize("value", [None, "", "missing"])
def test_step_outputs_that_nobody_reads_are_a_warning(
    server: Server, environ: dict[str, str], value: str | None
) -> None:
    server.script(COMPLETED)
    path = environ.pop("GITHUB_OUTPUT")
    if value is not None:
        environ["GITHUB_OUTPUT"] = value and f"{path}.{value}"
    run = run_inside(environ, server)
    assert run.code == 0
    (warning,) = run.commands("warning")
    assert warning.title == "No later step will see the outputs"
    assert "GITHUB_OUTPUT" in warning.data
    assert run.output_file["outcome"] == "completed"
    assert ("GITHUB_OUTPUT" in run.files) == (value == "missing")


# --- Azure Pipelines and TeamCity -----------------------------------------------------------------


def test_azure_log(server: Server, environ: dict[str, str]) -> None:
    environ = without_github(environ) | {"TF_BUILD": "True"}
    run, reason = rejected(server, environ)
    file = f"output-file {environ['TWILIO_BUILD_OUTPUT_FILE']}"
    # It would expand `$(name)` in a value.
    values = run.outputs | {"reason": reason.replace("%", "%AZP25").replace("$(", "$ (")}
    assert run.lines == [
        f"##vso[task.setsecret]{TOKEN.replace('%', '%AZP25')}",
        f"##vso[task.setsecret]{LOGIN}",
        first_line(server),
        f"Azure Pipelines: outputs go to {file}, standard output",
        status_line(reason),
        *(
            f"##vso[task.setvariable variable={variable(name)}{scope}]{value}"
            for name, value in values.items()
            for scope in ("", ";isOutput=true")
        ),
        f"##vso[task.logissue type=error]{REJECTED}: {reason}. {NEXT}".replace("%", "%AZP25"),
    ]


def test_teamcity_log(server: Server, environ: dict[str, str]) -> None:
    environ = without_github(environ) | {"TEAMCITY_VERSION": "2026.1"}
    run, reason = rejected(server, environ)
    file = f"output-file {environ['TWILIO_BUILD_OUTPUT_FILE']}"
    escaped = f"{reason}. {NEXT}"
    for plain, escape in {"|": "||", "'": "|'", "[": "|[", "]": "|]"}.items():
        escaped = escaped.replace(plain, escape)
    # `%name%` would be a reference.
    values = run.outputs | {"reason": escaped.removesuffix(f". {NEXT}").replace("%", "%%")}
    assert run.lines == [
        first_line(server),
        f"TeamCity: outputs go to {file}, standard output",
        status_line(reason),
        *(
            f"##teamcity[setParameter name='env.{variable(name)}' value='{value}']"
            for name, value in values.items()
        ),
        f"##teamcity[buildProblem description='{REJECTED}: {escaped}']",
    ]


WARNINGS = {
    "TF_BUILD": "##vso[task.logissue type=warning]Unknown build status: ",
    "TEAMCITY_VERSION": "##teamcity[message text='Unknown build status: ",
    "GITLAB_CI": "warning: Unknown build status: ",
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warning_has_its_command(server: Server, environ: dict[str, str], name: str) -> None:
    server.script(build_status("queued"), COMPLETED)
    run = run_inside(without_github(environ) | {name: "1"}, server)
    assert len([line for line in run.lines if line.startswith(WARNINGS[name])]) == 1


@pytest.mark.parametrize("name", WARNINGS)
def test_standard_output_is_a_channel_where_it_carries_outputs(
    server: Server, environ: dict[str, str], name: str
) -> None:
    def refuse(_data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for status, code in (("completed", 0 if name == "GITLAB_CI" else 5), ("failed", 1)):
        server.script(build_status(status))
        run = run_inside(without_github(environ) | {name: "1"}, server, write=refuse)
        assert run.code == code
        assert run.output_file["outcome"] == status


# --- the others -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GITLAB_CI", "DRONE", "CI", ""])
def test_other_log_is_plain(server: Server, environ: dict[str, str], name: str) -> None:
    empty = {"TF_BUILD": "", "TEAMCITY_VERSION": ""}
    run, reason = rejected(server, without_github(environ) | empty | {name or "NO_CI": "true"})
    error = f"error: {REJECTED}: {reason}. {NEXT}"
    assert run.lines == [first_line(server), status_line(reason), error]
    assert run.output_file["reason"] == reason
