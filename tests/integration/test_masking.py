"""Masks come first, and no credential is anywhere else, in any form."""

import base64
import re
import urllib.parse
from pathlib import Path

import pytest

from tests.integration.harness import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    OTHER_ACCOUNT_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    Exchange,
    Finished,
    Handler,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    credential_forms,
    json_reply,
    off_github,
    secret_forms,
    twilio_error,
)

SIDS = {ACCOUNT_SID, OTHER_ACCOUNT_SID, API_KEY, SERVICE_SID, BUILD_SID}


def basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


def masks(run: Finished) -> set[str]:
    return {command.data for command in run.named("add-mask")}


def everything(run: Finished) -> str:
    """All that a run leaves behind, but for the masks themselves."""
    debug = "\n".join(command.data for command in run.named("debug"))
    kept = [run.visible, debug, run.summary, repr(run.output_pairs)]
    if run.output_path.is_file():
        kept.append(run.output_text)
    return "\n".join(kept)


class TestMasks:
    def test_the_token_and_what_goes_over_the_wire(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert {TOKEN, basic(ACCOUNT_SID, TOKEN)} <= masks(run)
        assert not masks(run) & SIDS
        assert run.named("warning") == []

    def test_every_secret_even_one_that_is_not_used(self, tool: Tool, tmp_path: Path) -> None:
        chosen = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, **chosen))
        assert {TOKEN, SECRET, basic(API_KEY, SECRET)} <= masks(run)
        assert not masks(run) & SIDS

    def test_they_come_first_when_inputs_are_bad(self, tool: Tool, tmp_path: Path) -> None:
        run = tool.run(base_env("", tmp_path, TWILIO_BUILD_SID="wrong"))
        assert run.code == 2, run.stdout
        assert run.lines[0].startswith("::add-mask::")
        assert TOKEN in masks(run)

    def test_they_are_escaped(self, tool: Tool, tmp_path: Path) -> None:
        token = "100%0Aof%25it:::,%"
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_AUTH_TOKEN=token))
        assert run.code == 0, run.stdout
        assert server.requests[0].credentials == (ACCOUNT_SID, token)
        assert {token, basic(ACCOUNT_SID, token)} <= masks(run)

    def test_none_off_github(self, tool: Tool, tmp_path: Path) -> None:
        """There it would be a line with the secret in it."""
        with ScriptedServer(build("completed")) as server:
            run = tool.run(off_github(base_env(server.url, tmp_path)))
        assert "add-mask" not in run.stdout
        assert TOKEN not in run.stdout

    @pytest.mark.parametrize("token, short", [("12345", True), ("123456", False), ("d", True)])
    def test_a_short_secret_is_warned_about_instead(
        self, tool: Tool, tmp_path: Path, token: str, *, short: bool
    ) -> None:
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_AUTH_TOKEN=token))
        assert run.code == 0, run.stdout
        assert (token in masks(run)) != short
        warnings = run.named("warning")
        assert len(warnings) == int(short)
        for warning in warnings:
            assert "auth-token" in warning.data

    def test_a_short_secret_does_not_tear_holes_into_the_log(
        self, tool: Tool, tmp_path: Path
    ) -> None:
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_AUTH_TOKEN="dead"))
        assert BUILD_SID in run.visible
        assert run.outputs["build-sid"] == BUILD_SID
        assert run.outputs["outcome"] == "completed"

    def test_two_short_ones_are_two_warnings(self, tool: Tool, tmp_path: Path) -> None:
        chosen = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": "abc", "TWILIO_AUTH_TOKEN": "xyz"}
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, **chosen))
        assert run.code == 0, run.stdout
        told = " ".join(warning.data for warning in run.named("warning"))
        assert "auth-token" in told
        assert "api-secret" in told


def flood() -> str:
    """Every form of both pairs of credentials."""
    pairs = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
    pairs |= {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": TOKEN}
    forms = sorted(credential_forms(pairs))
    forms += [f"{ACCOUNT_SID}:{TOKEN}", f"https://{API_KEY}:{urllib.parse.quote(SECRET)}@host/"]
    return " ".join(forms)


def echo(exchange: Exchange) -> None:
    """A helpful gateway that shows the request in its error page."""
    text = "\n".join(f"{name}: {value}" for name, value in exchange.request.headers)
    Reply(403, text.encode(), phrase="Forbidden")(exchange)


def drop_with(text: str) -> Handler:
    def handler(exchange: Exchange) -> None:
        exchange.connection.sendall(text.encode("latin-1") + b"\r\n\r\n")
        exchange.connection.close()

    return handler


FLOODED: dict[str, Handler] = {
    "message": twilio_error(403, 20003, flood()),
    "message-of-a-passing-fault": twilio_error(503, 20503, flood()),
    "code": json_reply({"code": flood(), "message": flood()}, 400),
    "other-form": json_reply({"title": flood(), "detail": flood(), "code": 1}, 401),
    "request-id": Reply(403, b"", (("Twilio-Request-Id", flood()),)),
    "phrase": Reply(403, b"", phrase=flood()),
    "phrase-of-a-passing-fault": Reply(502, b"", phrase=flood()),
    "location": Reply(302, b"", (("Location", f"https://{ACCOUNT_SID}:{TOKEN}@x/{flood()}"),)),
    "status": build(flood()),
    "sid": build("completed", sid=flood()),
    "account": build("building", account_sid=flood()),
    "service": build("building", service_sid=flood()),
    "url": build("building", url=f"https://{flood()}.twilio.com/"),
    "garbage": Reply(200, flood().encode()),
    "retry-after": Reply(429, b"", (("Retry-After", flood()),)),
    "content-type": Reply(200, b"{}", (("Content-Type", flood()),)),
    "content-encoding": Reply(200, b"{}", (("Content-Encoding", flood()),)),
    "no-http": drop_with(flood()),
    "bad-status-line": drop_with(f"HTTP/1.1 {flood()}"),
    "bad-length": drop_with(f"HTTP/1.1 200 OK\r\nContent-Length: {flood()}"),
    "bad-transfer": drop_with(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {flood()}"),
    "bad-header": drop_with(f"HTTP/1.1 200 OK\r\n{flood()}"),
    "echo": echo,
}


@pytest.mark.parametrize("place", FLOODED)
def test_a_server_that_gives_the_credentials_back(tool: Tool, tmp_path: Path, place: str) -> None:
    """In every place of a reply; the debug lines are on, too."""
    chosen = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET, "RUNNER_DEBUG": "1"}
    with ScriptedServer(FLOODED[place]) as server:
        env = base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0", **chosen)
        run = tool.run(env)
    assert run.code in {3, 4}, run.stdout
    told = everything(run)
    for form in (*credential_forms(env), f"{ACCOUNT_SID}:{TOKEN}"):
        assert form not in told, told
    assert len(server.requests) == 1


def test_the_same_off_github(tool: Tool, tmp_path: Path) -> None:
    """There is no mask there that would help."""
    for place in ("message", "status", "phrase", "garbage", "echo"):
        with ScriptedServer(FLOODED[place]) as server:
            env = off_github(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
            run = tool.run(env)
        assert run.code in {3, 4}, run.stdout
        for form in secret_forms(TOKEN) | {basic(ACCOUNT_SID, TOKEN)}:
            assert form not in run.stdout + run.output_text


WORD_TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"  # the form that Twilio's own tokens have


@pytest.mark.parametrize(
    "changes",
    [
        {"status": WORD_TOKEN},
        {"account_sid": f"AC{WORD_TOKEN}"},
        {"service_sid": f"ZS{WORD_TOKEN}"},
        {
            "url": f"https://{WORD_TOKEN}.twilio.com/v1/Services/{SERVICE_SID}"
            f"/Builds/{BUILD_SID}/Status"
        },
    ],
    ids=["status", "account-sid", "service-sid", "url"],
)
def test_a_value_with_the_right_form_and_the_token_in_it(
    tool: Tool, tmp_path: Path, changes: dict[str, object]
) -> None:
    reply = build(**({"status": "building"} | changes))
    with ScriptedServer(reply) as server:
        env = base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0", TWILIO_AUTH_TOKEN=WORD_TOKEN)
        run = tool.run(env)
    assert run.code == 3, run.stdout
    assert WORD_TOKEN not in everything(run)


@pytest.mark.parametrize(
    "name, value",
    [
        ("TWILIO_BUILD_SID", f"ZB {TOKEN}"),
        ("TWILIO_SERVICE_SID", f"{TOKEN} "),
        ("TWILIO_BUILD_TIMEOUT", TOKEN),
        ("TWILIO_REGION", TOKEN),
        ("TWILIO_BASE_URL", f"https://user:{urllib.parse.quote(TOKEN, safe='')}@gateway.example"),
        ("TWILIO_BASE_URL", f"https://gateway.example/?token={TOKEN}"),
        ("TWILIO_ACCOUNT_SID", TOKEN),
        ("TWILIO_API_KEY", TOKEN),
        ("TWILIO_BUILD_SUMMARY", TOKEN),
        ("TWILIO_BUILD_OUTPUT_FILE", f"no-such-folder/{TOKEN}"),
    ],
)
def test_a_secret_pasted_into_the_wrong_input(
    tool: Tool, tmp_path: Path, name: str, value: str
) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path) | {name: value})
    assert run.code in {2, 5}, run.stdout
    assert TOKEN not in everything(run)
    assert urllib.parse.quote(TOKEN, safe="") not in everything(run)


def test_the_password_of_a_root_with_user_info(tool: Tool, tmp_path: Path) -> None:
    root = "https://someone:hunter-2-hunter@gateway.example"
    run = tool.run(base_env(root, tmp_path))
    assert run.code == 2, run.stdout
    assert "hunter-2-hunter" not in everything(run)


@pytest.mark.parametrize("reply", [Reply(407), Reply(502), Reply(403, b"", phrase="pr0xy-pass")])
def test_the_password_of_a_proxy(tool: Tool, tmp_path: Path, reply: Reply) -> None:
    with ScriptedServer(reply) as proxy:
        address = proxy.url.replace("http://", "http://proxy-user:pr0xy-pass@")
        env = base_env("", tmp_path, HTTPS_PROXY=address, TWILIO_BUILD_TIMEOUT="0")
        run = tool.run(env | {"RUNNER_DEBUG": "1"})
    assert run.code == (3 if reply.status == 502 else 4), run.stdout
    told = everything(run)
    for form in (*secret_forms("pr0xy-pass"), basic("proxy-user", "pr0xy-pass")):
        assert form not in told
    assert proxy.requests[0].header("Authorization") is None
    for request in proxy.requests:
        assert all(TOKEN not in value for _, value in request.headers)


def test_the_process_list_does_not_show_them(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(Reply(200, build("completed").body, delay=0.5)) as server:
        running = tool.start(base_env(server.url, tmp_path))
        running.wait_until(lambda: len(server.requests) == 1)
        process = Path(f"/proc/{running.process.pid}")
        shown = (process / "cmdline").read_bytes() + (process / "comm").read_bytes()
        children = Path(f"/proc/{running.process.pid}/task").glob("*/comm")
        shown += b"".join(path.read_bytes() for path in children)
        run = running.finish()
    assert run.code == 0, run.stdout
    assert not any(form.encode() in shown for form in credential_forms(run.env))
    assert re.search(rb"python", shown)
