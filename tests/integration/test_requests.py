"""What is asked of Twilio, and of which host."""

import re
from collections.abc import Mapping
from pathlib import Path
from socket import AF_INET6

import pytest

from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    TOKEN,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
)
from tests.integration.test_input_forms import assert_invalid, mentions

PATH = f"/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"


def test_one_plain_get_a_read_and_nothing_else(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build(), build(), build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 0, run.stdout
    assert len(server.requests) == 3
    for request in server.requests:
        assert (request.method, request.target) == ("GET", PATH)
        assert request.credentials == (ACCOUNT_SID, TOKEN)
        assert request.header("Host") == server.url.removeprefix("http://")
        assert request.header("Cookie") is None
        assert request.header("Content-Length") in {None, "0"}
        agent = request.header("User-Agent")
        assert agent is not None
        version = r"[0-9]+(?:\.[0-9]+)+[0-9a-z.+-]*"
        form = rf"twilio-build-wait/({version}) \(Python/{version}; requests/{version}\)"
        matched = re.fullmatch(form, agent)
        assert matched, agent
        assert matched[1] in tool.run({"PATH": ""}, ["--version"]).stdout


@pytest.mark.parametrize("path", ["/gateway", "/gateway/", "/a/b.c/d~e", "/", "/with%20space"])
def test_a_root_with_a_path(tool: Tool, tmp_path: Path, path: str) -> None:
    with ScriptedServer(build("completed", url=None)) as server:
        run = tool.run(base_env(server.url + path, tmp_path))
    assert run.code == 0, run.stdout
    assert server.requests[0].target == path.rstrip("/") + PATH
    assert run.outputs["url"] == server.url + path.rstrip("/") + PATH


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_http_on_the_machine_itself(tool: Tool, tmp_path: Path, host: str) -> None:
    family = {"family": AF_INET6} if host == "[::1]" else {}
    with ScriptedServer(build("completed"), **family) as server:
        run = tool.run(base_env(f"http://{host}:{server.port}", tmp_path))
    assert run.code == 0, run.stdout
    assert run.named("warning") == []


@pytest.mark.parametrize("host", ["127.255.0.254:8080", "host.docker.internal", "localhost:1"])
def test_plain_http_is_no_problem_on(tool: Tool, tmp_path: Path, host: str) -> None:
    """Another input is wrong, so that nothing is asked of that host; the root is not named."""
    run = tool.run(base_env(f"http://{host}", tmp_path, TWILIO_BUILD_SID="wrong"))
    assert_invalid(run, "build-sid")
    assert not mentions(run.visible, "base-url"), run.visible


def test_plain_http_elsewhere_is_allowed_on_request(tool: Tool, tmp_path: Path) -> None:
    """0.0.0.0 reaches the loopback, and is none of the hosts that plain HTTP is for."""
    with ScriptedServer(build("completed")) as server:
        root = f"http://0.0.0.0:{server.port}"
        assert_invalid(tool.run(base_env(root, tmp_path)), "base-url")
        refused = tool.run(base_env(root, tmp_path, TWILIO_ALLOW_HTTP="false"))
        assert_invalid(refused, "base-url")
        assert server.requests == []
        run = tool.run(base_env(root, tmp_path, TWILIO_ALLOW_HTTP="true"))
    assert run.code == 0, run.stdout
    (warning,) = run.named("warning")
    assert "http" in warning.data.lower()


PROXY_REFUSAL = Reply(403, b"no", phrase="Forbidden")


@pytest.mark.parametrize(
    "chosen, host",
    [
        ({}, "serverless.twilio.com"),
        ({"EDGE": "ashburn"}, "serverless.ashburn.us1.twilio.com"),
        ({"EDGE": "dublin", "REGION": "ie1"}, "serverless.dublin.ie1.twilio.com"),
        ({"EDGE": "ashburn", "REGION": "us1"}, "serverless.ashburn.us1.twilio.com"),
        ({"EDGE": "sao-paulo", "REGION": "br1"}, "serverless.sao-paulo.br1.twilio.com"),
        ({"EDGE": "ab", "REGION": "xy"}, "serverless.ab.xy.twilio.com"),
        ({"EDGE": "e" * 40, "REGION": "r" * 20}, f"serverless.{'e' * 40}.{'r' * 20}.twilio.com"),
        ({"REGION": "us1"}, "serverless.twilio.com"),
        ({"REGION": "ie1"}, "serverless.dublin.ie1.twilio.com"),
        ({"REGION": "au1"}, "serverless.sydney.au1.twilio.com"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_the_host_of_a_region_and_an_edge(
    tool: Tool, tmp_path: Path, chosen: Mapping[str, str], host: str
) -> None:
    """A proxy that refuses tells which host was meant, and keeps the request on this machine."""
    with ScriptedServer(PROXY_REFUSAL) as proxy:
        env = base_env("", tmp_path, HTTPS_PROXY=proxy.url)
        run = tool.run(env | {f"TWILIO_{name}": value for name, value in chosen.items()})
    assert [(request.method, request.target) for request in proxy.requests] == [
        ("CONNECT", f"{host}:443")
    ]
    assert proxy.requests[0].header("Authorization") is None
    assert run.code == 4, run.stdout
    assert run.outputs["url"] == f"https://{host}{PATH}"
    first = next(line for line in run.lines if not line.startswith("::add-mask::"))
    assert host in first


@pytest.mark.parametrize("region", ["br1", "de1", "jp1", "sg1", "us2"])
def test_an_unknown_region_alone_asks_for_the_edge(tool: Tool, tmp_path: Path, region: str) -> None:
    run = tool.run(base_env("", tmp_path, TWILIO_REGION=region))
    assert_invalid(run, "region")
    assert mentions(run.visible, "edge"), run.visible
    assert run.outputs["url"] == ""


def test_a_root_of_ones_own_wins_over_region_and_edge(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        alone = tool.run(base_env(server.url, tmp_path, TWILIO_REGION="br1"))
        both = tool.run(base_env(server.url, tmp_path, TWILIO_REGION="ie1", TWILIO_EDGE="ashburn"))
        assert (alone.code, both.code) == (0, 0), alone.stdout + both.stdout
        assert len(server.requests) == 2
        wrong = tool.run(base_env(server.url, tmp_path, TWILIO_REGION="BR1"))
        assert_invalid(wrong, "region")


def test_plain_http_never_goes_through_a_proxy(tool: Tool, tmp_path: Path) -> None:
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    with ScriptedServer(build("failed")) as proxy, ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path) | dict.fromkeys(names, proxy.url))
        assert proxy.connections == 0
    assert run.code == 0, run.stdout


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(tool: Tool, tmp_path: Path, status: int) -> None:
    with ScriptedServer(build("completed")) as other:
        redirect = Reply(status, b"", (("Location", other.url + PATH),), phrase="Moved")
        with ScriptedServer(redirect) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert other.connections == 0
    assert run.code == 4, run.stdout
    assert len(server.requests) == 1
    assert str(status) in run.outputs["reason"]
