"""What is sent to Twilio."""

import base64
import re
from pathlib import Path

import pytest

from tests.support.run import run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    API_KEY,
    SECRET,
    STATUS_PATH,
    TOKEN,
    build_status,
)
from tests.support.server import Server
from twilio_build_wait import __version__

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
    netrc = Path(environ["HOME"], ".netrc")
    netrc.write_text("machine 127.0.0.1 login other password of-another-service\n", "utf-8")
    server.script(COMPLETED)
    login = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
    assert run_inside(environ, server).requests[0].headers["authorization"] == f"Basic {login}"


@pytest.mark.parametrize("path", ["/gateway", "/a/b.c/d~e/", "/with%20space"])
def test_base_url_may_have_a_path(server: Server, environ: dict[str, str], path: str) -> None:
    server.script(build_status("completed", url=None))
    run = run_inside(environ | {"TWILIO_BASE_URL": server.url + path}, server)
    assert run.requests[0].target == path.rstrip("/") + STATUS_PATH
    assert run.outputs["url"] == server.url + path.rstrip("/") + STATUS_PATH
