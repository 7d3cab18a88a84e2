"""What is sent to Twilio."""

import base64
import re
from pathlib import Path

import pytest

from tests.integration.conftest import Tool
from tests.support.samples import ACCOUNT_SID, API_KEY, SECRET, STATUS_PATH, TOKEN, build_status
from twilio_build_wait import __version__

COMPLETED = build_status("completed")
LOGINS = {
    "auth token": ({}, f"{ACCOUNT_SID}:{TOKEN}"),
    "API key": ({"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}, f"{API_KEY}:{SECRET}"),
}


@pytest.mark.parametrize("more, login", LOGINS.values(), ids=LOGINS)
def test_poll_is_a_get_with_one_credential(tool: Tool, more: dict[str, str], login: str) -> None:
    netrc = Path(tool.environ["HOME"], ".netrc")  # it is not read
    netrc.write_text("machine 127.0.0.1 login other password of-another-service\n", "utf-8")
    run = (tool | more).run(build_status(), COMPLETED)
    number = r"[0-9]+\.[0-9]+[0-9a-z.+]*"
    agent = rf"twilio-build-wait/{re.escape(__version__)} \(Python/{number}; requests/{number}\)"
    assert len(run.requests) == 2
    for request in run.requests:
        assert request.method == "GET"
        assert request.target == STATUS_PATH
        basic = base64.b64encode(login.encode()).decode()
        assert request.headers["authorization"] == f"Basic {basic}"
        assert re.fullmatch(agent, request.headers["user-agent"])
        assert request.headers["host"] == f"127.0.0.1:{tool.server.port}"
        assert request.headers["accept-encoding"] == "identity"
        assert "cookie" not in request.headers
