"""Credentials: given back by a hostile server in every place, and found nowhere but in the masks.

The credentials here are made of two rare words with odd characters around them. What is looked for
is each word, so that a piece of a credential is found as well as the whole, escaped or not, and the
Base64 of each word wherever in a longer Base64 it may stand.
"""

import base64
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.server import Emulator, Options
from tests.integration import preload, runner_model
from tests.integration import wire as faults
from tests.integration.harness import (
    ACCOUNT_SID,
    API_KEY,
    BUILD_SID,
    ENTRYPOINT,
    SERVICE_SID,
    Finished,
    Tool,
    base_env,
)
from tests.integration.wire import Act, Peer, Wire, build_json, head, raw, reply, status

pytestmark = pytest.mark.fault

WORDS = ("Quokka4711", "Wombat0815", "Numbat2342", "Bilby90210")
TOKEN = f"{WORDS[0]}/+=:@|<&'\"`%41 ::x##[y]${WORDS[1]}"
SECRET = f"{WORDS[2]}\\#?;,~^*{{}}!{WORDS[3]}"
PLAIN_TOKEN = "0123456789abcdef" + "fedcba9876543210"  # the form that Twilio's own have

TOKEN_ALONE = {"TWILIO_AUTH_TOKEN": TOKEN, "RUNNER_DEBUG": "1"}
BOTH = TOKEN_ALONE | {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
USERS = {ACCOUNT_SID: TOKEN, API_KEY: SECRET}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def cores(word: str) -> set[str]:
    """The Base64 of a word at each of the three places it can have in a longer text.

    Its first and last characters depend on the neighbours, and are left off.
    """
    found = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word.encode()).decode().rstrip("=")
        found.add(encoded[(before * 8 + 5) // 6 : len(word) * 8 // 6])
    return found


ENCODED = {core for word in WORDS for core in cores(word)}


def told(text: str) -> set[str]:
    """Which traces of a credential a text holds; words in any case, Base64 as it is."""
    words = {word for word in WORDS if word.lower() in text.lower()}
    return words | {core for core in ENCODED if core in text}


def is_mask(line: str) -> bool:
    return line.startswith(("::add-mask::", "##vso[task.setsecret]"))


def nothing_leaked(run: Finished, tmp_path: Path) -> None:
    """No trace in the log but in the masks, which come first, nor in any file."""
    lines = runner_model.github_lines(run.stdout)
    shown = [line for line in lines if not is_mask(line)]
    assert shown == lines[len(lines) - len(shown) :], "masks come before every other line"
    assert told("\n".join(shown)) == set(), run.stdout
    assert run.stderr == ""
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.parent.name != "preload":
            assert told(path.read_text("utf-8", "replace")) == set(), path.read_text("utf-8")
            assert told(path.name) == set()


# --- every place of a reply -----------------------------------------------------------------------


def forms() -> list[str]:
    """What a server could give back of the credentials it was sent."""
    found = []
    for user, secret in USERS.items():
        pair = f"{user}:{secret}"
        found += [secret, pair, b64(secret), b64(pair), f"Basic {b64(pair)}"]
        found += [b64(pair).rstrip("="), base64.urlsafe_b64encode(pair.encode()).decode()]
        found += [urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)]
        found += [urllib.parse.quote(secret), urllib.parse.quote(pair, safe="").lower()]
        found += [urllib.parse.quote(b64(pair), safe=""), secret.upper(), secret.lower()]
        found += [f"https://{user}:{urllib.parse.quote(secret, safe='')}@serverless.twilio.com/"]
    return found


FLOOD = " ".join(forms())


def error(http_status: int, **fields: object) -> Act:
    body = {"code": 20003, "message": "no", "status": http_status} | fields
    return reply(http_status, json.dumps(body).encode())


def cut_at_the_limit(code: int) -> Act:
    """Messages that put a credential across the 200th or the 500th character, wherever it is cut.

    As many messages as it takes: the place is different in each reply.
    """

    def run(peer: Peer) -> None:
        turn = len(peer.wire.requests)
        error(code, message="m" * (150 + 7 * turn) + TOKEN + "m" * 400).run(peer)

    return Act(run)


PLACES: dict[str, Act] = {
    "message": error(401, message=FLOOD),
    "title": error(401, message=None, title=FLOOD),
    "detail": error(401, message=None, detail=FLOOD),
    "code": error(401, code=FLOOD),
    "more-info": error(401, more_info=f"https://x/{FLOOD}", moreInfo=FLOOD),
    "message-of-a-passing-fault": error(503, message=FLOOD),
    "message-of-a-404": error(404, message=FLOOD),
    "message-with-breaks-for-blanks": error(401, message=TOKEN.replace(" ", "\n")),
    "message-json-escaped": reply(
        401, ('{"message": "' + "".join(f"\\u{ord(c):04x}" for c in TOKEN) + '"}').encode()
    ),
    "reason-phrase": raw(head(401, FLOOD, None, 0)),
    "reason-phrase-of-a-passing-fault": raw(head(502, FLOOD, None, 0)),
    "request-id": reply(401, b"", {"Twilio-Request-Id": FLOOD}),
    "request-id-each": reply(401, b"", {"Twilio-Request-Id": f"RQ{TOKEN}"}),
    "location": reply(302, b"", {"Location": f"https://{FLOOD}/"}),
    "retry-after": reply(429, b"", {"Retry-After": FLOOD}),
    "date": reply(429, b"", {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT", "Date": FLOOD}),
    "authenticate": reply(401, b"", {"WWW-Authenticate": f'Basic realm="{FLOOD}"'}),
    "cookie": reply(401, b"", {"Set-Cookie": f"a={FLOOD}"}),
    "content-encoding": reply(200, b"{}", {"Content-Encoding": FLOOD}),
    "transfer-encoding": raw(head(200, "OK", {"Transfer-Encoding": FLOOD}) + b"zz\r\n"),
    "content-length": raw(head(200, "OK", {"Content-Length": FLOOD})),
    "chunk-size": raw(head(200, "OK", {"Transfer-Encoding": "chunked"}) + FLOOD.encode() + b"\r\n"),
    "header-name": raw(f"HTTP/1.1 200 OK\r\n{FLOOD}\r\n\r\n".encode()),
    "header-without-colon": raw(f"HTTP/1.1 200 OK\r\n{b64(TOKEN)}\r\n\r\n".encode()),
    "status-line": raw(f"HTTP/1.1 {FLOOD}\r\n\r\n".encode()),
    "status-line-version": raw(f"{TOKEN} 200 OK\r\n\r\n".encode()),
    "no-http-at-all": raw(FLOOD.encode() + b"\r\n\r\n"),
    "garbled-body": reply(200, FLOOD.encode()),
    "json-that-is-no-object": reply(200, json.dumps([FLOOD]).encode()),
    "duplicate-key": reply(
        200, json.dumps({TOKEN: 1})[:-1].encode() + b", " + json.dumps({TOKEN: 1})[1:].encode()
    ),
    "constant": reply(200, b'{"status": ' + TOKEN.encode() + b"}"),
    "status": status(FLOOD),
    "status-each": status(TOKEN),
    "sid": status("completed", sid=FLOOD),
    "account-sid": status("building", account_sid=FLOOD),
    "service-sid": status("building", service_sid=FLOOD),
    "url": status("building", url=f"https://{FLOOD}.twilio.com/"),
    "nested": status("building", links={"status": FLOOD}),
}


@pytest.mark.parametrize("act", PLACES.values(), ids=PLACES)
def test_a_credential_given_back_is_shown_nowhere(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0")
        run = tool.run(env | BOTH, check=False)
    assert run.code in {3, 4}, run.stdout
    assert len(wire.requests) == 1
    nothing_leaked(run, tmp_path)


@pytest.mark.parametrize(
    "ci",
    [{"TF_BUILD": "True"}, {"TEAMCITY_VERSION": "2025.11"}, {"GITLAB_CI": "true"}, {}],
    ids=["azure", "teamcity", "gitlab", "no-ci"],
)
def test_no_other_ci_is_told_either(tool: Tool, tmp_path: Path, ci: dict[str, str]) -> None:
    for act in (PLACES["message"], PLACES["request-id"], PLACES["status"], PLACES["status-line"]):
        with Wire(act) as wire:
            env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0", GITHUB_ACTIONS=None)
            run = tool.run(env | BOTH | ci, check=False)
        assert run.code in {3, 4}, run.stdout
        nothing_leaked(run, tmp_path)


def test_no_cut_leaves_half_a_credential(tool: Tool, tmp_path: Path) -> None:
    # In a row of replies the credential moves across every place where a message could be cut.
    script = [status("building"), cut_at_the_limit(503)] * 50
    with Wire(*script, cut_at_the_limit(401)) as wire:
        env = base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="8s")
        run = tool.run(env | TOKEN_ALONE, timeout=40, check=False)
    assert len(wire.requests) > 5
    nothing_leaked(run, tmp_path)


def shifted(by: int) -> str:
    return "m" * by + TOKEN + "m" * 400


@pytest.mark.parametrize("by", [*range(100, 225, 18), *range(400, 505, 18)])
def test_no_cut_of_a_refusal_leaves_half_a_credential(tool: Tool, tmp_path: Path, by: int) -> None:
    with Wire(error(401, message=shifted(by))) as wire:
        run = tool.run(base_env(wire.root, tmp_path) | TOKEN_ALONE, check=False)
    assert run.code == 4, run.stdout
    nothing_leaked(run, tmp_path)


SHAPED: dict[str, dict[str, object]] = {
    "status": {"status": PLAIN_TOKEN},
    "status-in-part": {"status": f"a-{PLAIN_TOKEN}"},
    "status-in-upper-case": {"status": PLAIN_TOKEN.upper()},
    "account-sid": {"account_sid": f"AC{PLAIN_TOKEN}"},
    "service-sid": {"service_sid": f"ZS{PLAIN_TOKEN}"},
    "url": {
        "url": f"https://{PLAIN_TOKEN}.twilio.com/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
    },
}


@pytest.mark.parametrize("fields", SHAPED.values(), ids=SHAPED)
def test_a_credential_in_the_form_of_an_output_is_none(
    tool: Tool, tmp_path: Path, fields: dict[str, object]
) -> None:
    with Wire(reply(200, build_json(**fields))) as wire:
        env = base_env(
            wire.root,
            tmp_path,
            TWILIO_BUILD_TIMEOUT="0",
            TWILIO_AUTH_TOKEN=PLAIN_TOKEN,
        )
        run = tool.run(env)
    assert run.code == 3, run.stdout
    shown = "\n".join(line for line in run.lines if not is_mask(line))
    written = "".join(p.read_text("utf-8") for p in tmp_path.rglob("*") if p.is_file())
    assert PLAIN_TOKEN not in (shown + written).lower()


# --- why a build failed ---------------------------------------------------------------------------


def test_a_diagnosis_gives_nothing_away(tool: Tool, tmp_path: Path) -> None:
    credentials = {
        "TWILIO_ACCOUNT_SID": "AC" + 32 * "a",
        "TWILIO_AUTH_TOKEN": "emulator-auth-token",
    }
    # The token that is not used is known as well, and is what the alerts give back.
    with Emulator(Options(default=None)) as emulator:
        emulator.add_build(
            BUILD_SID,
            "failed",
            after="0s",
            runtime=TOKEN,
            dependencies=[{"name": TOKEN, "version": b64(TOKEN)}],
            alerts=[
                {"alert_text": f"parserMessage={urllib.parse.quote(FLOOD)}"},
                {"alert_text": FLOOD, "error_code": TOKEN, "more_info": FLOOD},
                {"alert_text": f"Msg={urllib.parse.quote_plus(TOKEN)}&LogLevel=ERROR"},
            ],
        )
        env = base_env(
            emulator.url,
            tmp_path,
            TWILIO_BUILD_DIAGNOSE="true",
            TWILIO_API_KEY="SK" + 32 * "0",
            TWILIO_API_SECRET="emulator-api-secret",
        )
        run = tool.run(env | credentials | {"TWILIO_AUTH_TOKEN": TOKEN}, check=False)
        asked = [request["route"] for request in emulator.requests()]
    assert run.code == 1, run.stdout
    assert "alerts" in asked
    # Of the forms, those of the secret that this run does not know stay what they are.
    shown = "\n".join(line for line in run.lines if not is_mask(line))
    for word in WORDS[:2]:
        assert word.lower() not in (shown + run.summary + run.output_text).lower()


# --- inputs, files, processes ---------------------------------------------------------------------

MISPLACED = [
    "TWILIO_ACCOUNT_SID",
    "TWILIO_API_KEY",
    "TWILIO_SERVICE_SID",
    "TWILIO_BUILD_SID",
    "TWILIO_BUILD_TIMEOUT",
    "TWILIO_BUILD_INTERVAL",
    "TWILIO_BUILD_MAX_INTERVAL",
    "TWILIO_REGION",
    "TWILIO_EDGE",
    "TWILIO_BASE_URL",
    "TWILIO_BUILD_SUMMARY",
    "TWILIO_BUILD_DIAGNOSE",
]


@pytest.mark.parametrize(
    "form", [str, b64, urllib.parse.quote, str.upper], ids=lambda f: f.__name__
)
def test_a_secret_in_the_wrong_input_is_not_shown(
    tool: Tool, tmp_path: Path, form: Callable[[str], str]
) -> None:
    env = base_env("", tmp_path) | TOKEN_ALONE
    run = tool.run(env | dict.fromkeys(MISPLACED, form(TOKEN)), check=False)
    assert run.code == 2, run.stdout
    nothing_leaked(run, tmp_path)


def test_a_secret_in_an_address_is_not_shown(tool: Tool, tmp_path: Path) -> None:
    quoted = urllib.parse.quote(TOKEN, safe="")
    for root in (
        f"https://user:{quoted}@x.test",
        f"https://x.test/?t={quoted}",
        f"https://{quoted}",
    ):
        env = base_env(root, tmp_path) | TOKEN_ALONE
        run = tool.run(env, check=False)
        assert run.code == 2, run.stdout
        nothing_leaked(run, tmp_path)


def test_no_process_shows_a_secret(tool: Tool, tmp_path: Path) -> None:
    with Wire(faults.after(1, status("completed"))) as wire:
        running = tool.start(base_env(wire.root, tmp_path) | BOTH)
        running.wait_until(lambda: len(wire.requests) == 1)
        shown = ""
        for process in Path("/proc").glob("[0-9]*"):
            # Whatever `ps` could list, of this process and of any child that it might have.
            for name in ("cmdline", "comm", "task/*/comm"):
                for file in process.glob(name):
                    shown += read(file)
        run = running.finish(check=False)
    assert run.code == 0, run.stdout
    assert str(ENTRYPOINT) in shown
    assert told(shown) == set()


def read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").replace("\0", " ")
    except OSError:  # a process that has ended meanwhile
        return ""


# --- who is sent a credential ---------------------------------------------------------------------


def test_netrc_is_neither_used_nor_sent(tool: Tool, tmp_path: Path) -> None:
    netrc = tmp_path / "home" / ".netrc"
    netrc.parent.mkdir()
    netrc.write_text("machine 127.0.0.1 login mallory password elsewhere\n")
    netrc.chmod(0o600)
    with Wire(status("building"), status("completed")) as wire:
        env = base_env(wire.root, tmp_path, HOME=str(netrc.parent), NETRC=str(netrc))
        run = tool.run(env | TOKEN_ALONE, check=False)
    assert run.code == 0, run.stdout
    sent = {request.headers["authorization"] for request in wire.requests}
    assert sent == {f"Basic {b64(f'{ACCOUNT_SID}:{TOKEN}')}"}


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_sent_nothing(tool: Tool, tmp_path: Path, code: int) -> None:
    with Wire(status("completed")) as elsewhere:
        location = f"{elsewhere.root}/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
        with Wire(reply(code, b"", {"Location": location})) as wire:
            run = tool.run(base_env(wire.root, tmp_path) | TOKEN_ALONE, check=False)
    assert run.code == 4, run.stdout
    assert elsewhere.connections == 0
    nothing_leaked(run, tmp_path)


def test_a_proxy_is_sent_nothing(tool: Tool, tmp_path: Path) -> None:
    with Wire(raw(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        env = base_env("https://gateway.test", tmp_path, HTTPS_PROXY=address, HTTP_PROXY=address)
        run = tool.run(env | BOTH, check=False)
    assert run.code == 4, run.stdout
    assert len(proxy.requests) == 1
    assert told(proxy.requests[0].raw.decode()) == set()
    nothing_leaked(run, tmp_path)


def test_one_credential_is_sent_and_the_other_kept(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path) | BOTH, check=False)
    assert run.code == 0, run.stdout
    sent = wire.requests[0].raw.decode()
    assert f"Basic {b64(f'{API_KEY}:{SECRET}')}" in sent
    # Two traces: the two words of the secret, in the one header.
    assert told(sent.replace(b64(f"{API_KEY}:{SECRET}"), "")) == set()


# --- a bug of ours --------------------------------------------------------------------------------

BUGS = {
    # An exception that carries the request's headers, and is raised while another is handled.
    "headers-in-its-message": """
import http.client
def putrequest(self, *args, **kwargs):
    pass
def putheader(self, header, *values):
    if header == "Authorization":
        try:
            raise KeyError((header, values))
        except KeyError as error:
            raise LookupError(repr(values)) from error
http.client.HTTPConnection.putrequest = putrequest
http.client.HTTPConnection.putheader = putheader
""",
    "environment-in-its-message": """
import os, http.client
def putrequest(self, *args, **kwargs):
    raise AssertionError(dict(os.environ))
http.client.HTTPConnection.putrequest = putrequest
""",
    "a-note-on-it": """
import os, http.client
def putrequest(self, *args, **kwargs):
    error = NotImplementedError("no")
    error.add_note(os.environ["TWILIO_AUTH_TOKEN"])
    raise error
http.client.HTTPConnection.putrequest = putrequest
""",
    "a-group-of-them": """
import os, http.client
def putrequest(self, *args, **kwargs):
    token = os.environ["TWILIO_AUTH_TOKEN"]
    raise ExceptionGroup(token, [TypeError(token), MemoryError(token)])
http.client.HTTPConnection.putrequest = putrequest
""",
    "lines-in-its-message": """
import os, http.client
def putrequest(self, *args, **kwargs):
    token = os.environ["TWILIO_AUTH_TOKEN"]
    raise ArithmeticError("\\n" + token + "\\n::error::owned\\n##[error]x")
http.client.HTTPConnection.putrequest = putrequest
""",
    "its-own-text-cannot-be-made": """
import http.client
class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no text")
def putrequest(self, *args, **kwargs):
    raise Odd
http.client.HTTPConnection.putrequest = putrequest
""",
}


@pytest.mark.parametrize("source", BUGS.values(), ids=BUGS)
def test_a_traceback_gives_nothing_away(tool: Tool, tmp_path: Path, source: str) -> None:
    with Wire(status("completed")) as wire:
        env = base_env(wire.root, tmp_path) | TOKEN_ALONE
        run = tool.run(preload.preload(env, tmp_path, source), check=False)
    assert run.code == 70, run.stdout
    assert "Traceback (most recent call last)" in run.stdout
    assert run.outputs["outcome"] == "error"
    assert run.output_json["outcome"] == "error"
    assert len(run.named("error")) == 1, run.stdout
    nothing_leaked(run, tmp_path)


@pytest.mark.parametrize(
    "module", ["requests", "backoff", "twilio_build_wait", "twilio_build_wait.wait", "json"]
)
def test_a_package_that_does_not_import(tool: Tool, tmp_path: Path, module: str) -> None:
    with Wire(status("completed")) as wire:
        env = base_env(wire.root, tmp_path) | TOKEN_ALONE
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
        run = tool.run(preload.preload(env, tmp_path, preload.failing_import(module)), check=False)
    assert run.code == 70, run.stdout
    assert run.outputs["outcome"] == "error"
    assert wire.requests == []
    nothing_leaked(run, tmp_path)


def test_the_traces_are_found_where_they_are() -> None:
    """What is looked for is found in each form that a server gives back."""
    for form in forms():
        assert told(form), form
    for before in ("", "x", "xx", "xxx"):
        assert len(told(b64(before + TOKEN + "y"))) == 2
    assert all(len(core) >= 8 for core in ENCODED)
    assert told("nothing of the kind") == set()
