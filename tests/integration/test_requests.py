"""What is sent to Twilio, and what a second wait in the same job sends."""

import base64
import re

import pytest

from tests.support.run import run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    OTHER_BUILD_PATH,
    OTHER_BUILD_SID,
    SECRET,
    STATUS_PATH,
    TOKEN,
    build_status,
)
from tests.support.server import Server
from twilio_build_wait import __version__
from twilio_build_wait.model import variable

COMPLETED = build_status("completed")
LOGINS = {
    "auth token": ({}, f"{ACCOUNT_SID}:{TOKEN}"),
    "API key": ({"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}, f"{API_KEY}:{SECRET}"),
}


@pytest.mark.parametrize("more, login", LOGINS.values(), ids=LOGINS)
def test_poll_is_a_plain_get_with_one_credential(
    server: Server, environ: dict[str, str], more: dict[str, str], login: str
) -> None:
    server.script(build_status(), COMPLETED)
    run = run_inside(environ | more, server)
    number = r"[0-9]+\.[0-9]+[0-9a-z.+]*"
    agent = rf"twilio-build-wait/{re.escape(__version__)} \(Python/{number}; requests/{number}\)"
    assert len(run.requests) == 2
    for request in run.requests:
        assert (request.method, request.target) == ("GET", STATUS_PATH)
        basic = base64.b64encode(login.encode()).decode()
        assert request.headers["authorization"] == f"Basic {basic}"
        assert re.fullmatch(agent, request.headers["user-agent"])
        assert request.headers["host"] == f"127.0.0.1:{server.port}"
        assert "cookie" not in request.headers


def test_netrc_is_not_used(server: Server, environ: dict[str, str]) -> None:
    with open(f"{environ['HOME']}/.netrc", "w", encoding="utf-8") as netrc:  # noqa: PTH123 (short)
        netrc.write("machine 127.0.0.1 login other password secret-of-another-service\n")
    server.script(COMPLETED)
    login = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
    assert run_inside(environ, server).requests[0].headers["authorization"] == f"Basic {login}"


@pytest.mark.parametrize("path", ["/gateway", "/a/b.c/d~e/", "/with%20space"])
def test_base_url_may_have_a_path(server: Server, environ: dict[str, str], path: str) -> None:
    server.script(build_status("completed", url=None))
    run = run_inside(environ | {"TWILIO_BASE_URL": server.url + path}, server)
    assert run.requests[0].target == path.rstrip("/") + STATUS_PATH
    assert run.outputs["url"] == server.url + path.rstrip("/") + STATUS_PATH


# --- two waits in one job -------------------------------------------------------------------------


def test_second_wait_polls_its_own_build(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    first = run_inside(environ, server)
    outputs = {variable(name): value for name, value in first.outputs.items()}
    server.script(build_status("failed", sid=OTHER_BUILD_SID))
    second = run_inside(outputs | environ | {"TWILIO_BUILD_SID": OTHER_BUILD_SID}, server)
    assert second.code == 1
    assert second.requests[-1].path == f"{OTHER_BUILD_PATH}/Status"
    # Both have appended to one GITHUB_OUTPUT, where the last value wins; the file is the second's.
    assert [value for name, value in second.pairs if name == "outcome"] == ["completed", "failed"]
    assert second.outputs["build-sid"] == OTHER_BUILD_SID
    assert BUILD_SID not in second.files["output-file"]


def test_outputs_of_a_first_wait_are_never_inputs(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    first = run_inside(environ, server)
    outputs = {variable(name): value for name, value in first.outputs.items()}
    del environ["TWILIO_BUILD_SID"], environ["TWILIO_SERVICE_SID"]
    second = run_inside(outputs | environ, server)
    assert second.code == 2
    assert len(second.requests) == 1  # the first wait's
    assert second.output_file["build-sid"] == ""
