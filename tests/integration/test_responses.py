"""What a response means: a status, a transient error or a permanent one."""

import json
import math
from collections.abc import Mapping

import pytest

from tests.support.run import Run, run_inside
from tests.support.samples import (
    BUILD_SID,
    OTHER_BUILD_SID,
    REQUEST_ID,
    build_status,
    json_response,
    twilio_error,
)
from tests.support.server import Connection, Response, Server, Step

pytestmark = pytest.mark.fault

COMPLETED = build_status("completed")
GOOD = COMPLETED.body
LIMIT = 64 * 1024
HTML = b"<!doctype html><title>Blocked by the web filter</title>"
NOT_TWILIO = "does not look like Twilio's"


def with_field(raw: bytes) -> bytes:
    """The completed build with one more field."""
    return GOOD[:-1] + b", " + raw + b"}"


def retried(run: Run) -> str:
    """Check that the first poll was retried, after a delay of U(0, 1) s; return its line."""
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert run.outputs["elapsed-seconds"] == "0.5"
    (line,) = [line for line in run.lines if "next poll in 500ms" in line]
    assert "127.0.0.1" in line
    return line


def rejected(run: Run) -> str:
    """Check that the first poll ended the wait; return the reason."""
    assert run.code == 4, run.stdout
    assert len(run.requests) == 1
    assert run.outputs["polls"] == "1"
    return run.outputs["reason"]


# --- 200 ------------------------------------------------------------------------------------------

INVALID = {
    "empty": b"",
    "html": HTML,
    "list": b"[" + GOOD + b"]",
    "two objects": GOOD + GOOD,
    "cut": GOOD[:-1],
    "no status": build_status(...).body,
    "status is a list": build_status(["completed"]).body,
    "status is a long number": GOOD.replace(b'"completed"', b"7" * 5000),
    "no sid": build_status("completed", sid=...).body,
    "sid is a number": build_status("completed", sid=7).body,
    "sid with a space": build_status("completed", sid=f" {BUILD_SID}").body,
    "another build's": build_status("completed", sid=OTHER_BUILD_SID).body,
    "duplicate keys": with_field(b'"status": "completed"'),
    "nan": with_field(b'"x": NaN'),
    "nested too deeply": with_field(b'"x": ' + b"[" * 30_000 + b"]" * 30_000),
    "not UTF-8": with_field(b'"x": "\xff\xfe"'),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "over 64 KiB": GOOD.ljust(LIMIT + 1),
}


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_invalid_200_is_retried(server: Server, environ: dict[str, str], body: bytes) -> None:
    server.script(Response(200, body), COMPLETED)
    retried(run_inside(environ, server))


UNUSUAL: dict[str, Response | bytes] = {
    "sid in the other case": build_status("completed", sid=BUILD_SID.swapcase()),
    "only sid and status": build_status("completed", account_sid=..., service_sid=..., url=...),
    "other fields null": build_status("completed", account_sid=None, service_sid=None, url=None),
    "other fields of other types": build_status("completed", account_sid=1, url={}, more=[1.5]),
    "content type HTML": Response(200, GOOD, {"Content-Type": "text/html; charset=utf-16"}),
    "exactly 64 KiB": Response(200, GOOD.ljust(LIMIT)),
    "escaped letters": Response(200, GOOD.replace(b"completed", b"\\u0063ompleted")),
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\n" + GOOD,
    "chunked with a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x;x=y\r\n%b\r\n0\r\nX-Trailer: x\r\n\r\n" % (len(GOOD), GOOD),
}


@pytest.mark.parametrize("answer", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_but_valid_200_counts(
    server: Server, environ: dict[str, str], answer: Response | bytes
) -> None:
    server.script(answer)
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "1"


@pytest.mark.parametrize("codes", [(100,), (102,), (103, 103), (199,)])
def test_interim_responses_are_skipped(
    server: Server, environ: dict[str, str], codes: tuple[int, ...]
) -> None:
    interim = [f"HTTP/1.1 {code} Hint\r\nLink: </x>\r\n\r\n".encode() for code in codes]
    server.script([*interim, build_status()], [*interim, COMPLETED])
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


def test_cookies_are_neither_kept_nor_complained_about(
    server: Server, environ: dict[str, str]
) -> None:
    cookie = {"Set-Cookie": "a=b; Expires=Mon, 01 Foo 2030 00:00:00 GMT"}
    server.script(Response(200, build_status().body, cookie), COMPLETED)
    run = run_inside(environ, server)  # nothing may be on standard error
    assert "cookie" not in run.requests[1].headers


# --- build statuses -------------------------------------------------------------------------------

LOOKALIKES = ["Completed", "COMPLETED", " completed", "completed\n", "c\u043empleted", "FAILED", ""]


@pytest.mark.parametrize("status", LOOKALIKES)
def test_lookalike_status_is_not_a_verdict(
    server: Server, environ: dict[str, str], status: str
) -> None:
    server.script(build_status("building"), build_status(status))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "5s"}, server)
    assert run.code == 3, run.stdout
    assert run.outputs["status"] == ""
    assert len(run.commands("warning")) == 1


def test_at_most_three_unknown_statuses_are_warned_about(
    server: Server, environ: dict[str, str]
) -> None:
    words = ["one", "two", "one", "three", "four", "building"]
    server.script(*map(build_status, words), COMPLETED)
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    warned = [warning.data for warning in run.commands("warning")]
    assert [data.split("'")[1] for data in warned] == ["one", "two", "three"]


def test_long_status_leaves_room_for_the_error(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status("x" * 600), Response(503))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "1s"}, server)
    assert run.code == 3, run.stdout
    assert run.outputs["status"] == ""
    assert "HTTP 503" in run.outputs["reason"]


# --- other status codes ---------------------------------------------------------------------------

TRANSIENT = [101, 201, 204, 206, 226, 299, 408, 425, 429, 500, 502, 503, 504, 529, 599, 600, 999]


@pytest.mark.parametrize("code", TRANSIENT)
def test_transient_status_is_retried(server: Server, environ: dict[str, str], code: int) -> None:
    server.script(Response(code, build_status("failed").body), COMPLETED)  # no body counts
    assert f"HTTP {code} " in retried(run_inside(environ, server))


PERMANENT = [400, 401, 402, 403, 405, 407, 409, 410, 418, 422, 451, 499]


@pytest.mark.parametrize("code", PERMANENT)
def test_other_4xx_is_rejected(server: Server, environ: dict[str, str], code: int) -> None:
    server.script(Response(code, GOOD), COMPLETED)
    assert f"HTTP {code} " in rejected(run_inside(environ, server))


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 307, 308, 399])
def test_redirect_is_not_followed_and_its_host_is_named(
    server: Server, environ: dict[str, str], code: int
) -> None:
    with Server(COMPLETED) as other:
        location = other.url.replace("//", "//user:word@") + "/login"
        server.script(Response(code, b"", {"Location": location}), COMPLETED)
        reason = rejected(run_inside(environ, server, other))
    assert not other.connections
    assert f"a redirect to 127.0.0.1:{other.port}" in reason
    assert "word" not in reason
    assert "base-url" in reason


# --- error bodies ---------------------------------------------------------------------------------

PAGE = "https://www.twilio.com/docs/errors/20003"
SHAPES: dict[str, dict[str, object]] = {
    "classic": {"code": 20003, "message": "Authenticate", "more_info": PAGE, "status": 401},
    "camel case": {
        "status": 401,
        "message": "Authenticate",
        "detail": "the key was revoked",
        "code": 20003,
        "moreInfo": PAGE,
    },
    "RFC 9457": {
        "type": PAGE,
        "title": "Authenticate",
        "status": 401,
        "code": 20003,
        "detail": "the key was revoked",
        "errors": [{"detail": "one", "pointer": "#/"}],
    },
}


@pytest.mark.parametrize("code", [401, 429])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_twilio_error_is_quoted_in_full(
    server: Server, environ: dict[str, str], shape: dict[str, object], code: int
) -> None:
    error = json_response(shape | {"status": code}, code, **{"Twilio-Request-Id": REQUEST_ID})
    server.script(error, COMPLETED)
    run = run_inside(environ, server)
    shown = rejected(run) if code == 401 else retried(run)
    named = {f"HTTP {code}", "20003", "Authenticate", REQUEST_ID, shape.get("detail", "")}
    assert [piece for piece in named if str(piece) not in shown] == []
    assert NOT_TWILIO not in shown


FOREIGN = {
    "web filter's 403": Response(403, HTML),
    "gateway's 404": Response(404, b'{"error": "no such route"}'),
    "login page": Response(307, HTML, {"Location": "https://login.example/"}),
    "empty": Response(401),
}


@pytest.mark.parametrize("answer", FOREIGN.values(), ids=FOREIGN)
def test_foreign_error_is_said_not_to_be_twilios(
    server: Server, environ: dict[str, str], answer: Response
) -> None:
    server.script(answer)
    reason = rejected(run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, server))
    assert NOT_TWILIO in reason
    assert "standard API key" not in reason
    assert "service-sid" not in reason


STRANGE_BODIES: dict[str, tuple[bytes, Mapping[str, str]]] = {
    "fields of other types": (b'{"code": {}, "message": ["x"], "detail": 7, "status": []}', {}),
    "nested too deeply": (b"[" * 60_000, {}),
    "not UTF-8": (b'{"code": 1, "message": "\xff\xfe"}', {}),
    "over 64 KiB": (json.dumps({"code": 1, "message": "x" * LIMIT}).encode(), {}),
    "broken gzip": (b"\x1f\x8b\x08 nonsense", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("body, headers", STRANGE_BODIES.values(), ids=STRANGE_BODIES)
def test_403_is_rejected_whatever_its_body(
    server: Server, environ: dict[str, str], body: bytes, headers: Mapping[str, str]
) -> None:
    server.script(Response(403, body, headers))
    assert "HTTP 403 " in rejected(run_inside(environ, server))


def test_long_message_leaves_room_for_the_advice(server: Server, environ: dict[str, str]) -> None:
    server.script(twilio_error(401, 20003, "long " * 500))
    reason = rejected(run_inside(environ, server))
    assert "long long" in reason
    assert "Check that the SID and the token or secret belong together" in reason


# --- half a response ------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 401 Unauthorized\r\n"
BODY = HEAD + b"Content-Length: 50\r\n\r\n{"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HALVES: dict[str, Step] = {
    "reset in the head": [HEAD + b"Content-Le", 0.1, Connection.reset],
    "closed in the head": HEAD + b"Content-Le",
    "reset in the body": [BODY, 0.1, Connection.reset],
    "closed in the body": BODY,
    "broken chunks": CHUNKED + b"zz\r\n",
    "long header": HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": HEAD + b"X: x\r\n" * 200 + b"\r\n",
    "garbled headers": HEAD + b"\0\xff: \xfe\r\nno colon\r\n\r\n",
    "no end of the head": [HEAD, math.inf],
    "no body": [BODY, math.inf],
}


@pytest.mark.parametrize("answer", HALVES.values(), ids=HALVES)
def test_status_line_decides_whatever_follows(
    server: Server, environ: dict[str, str], answer: Step
) -> None:
    server.script(answer, COMPLETED)
    assert "HTTP 401 " in rejected(run_inside(environ, server))


# --- Retry-After ----------------------------------------------------------------------------------

DATE = "Wed, 01 Jan 2070 00:00:%02d GMT"
HALF = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 50\r\n\r\n{"
LOWER_BOUNDS: dict[str, Response | bytes] = {
    "429": Response(429, b"", {"Retry-After": "7"}),
    "500": Response(500, b"", {"Retry-After": "7"}),
    "599": Response(599, b"", {"Retry-After": "7"}),
    "date by a wrong clock": Response(503, b"", {"Retry-After": DATE % 7, "Date": DATE % 0}),
    "half a response": HALF,
}


@pytest.mark.parametrize("answer", LOWER_BOUNDS.values(), ids=LOWER_BOUNDS)
def test_retry_after_is_a_lower_bound(
    server: Server, environ: dict[str, str], answer: Response | bytes
) -> None:
    server.script(answer, COMPLETED)
    run = run_inside(environ, server)
    assert run.code == 0, run.stdout
    assert run.outputs["elapsed-seconds"] == "7.5"  # and U(0, 1) s


IGNORED: dict[str, tuple[int, Mapping[str, str]]] = {
    "word": (503, {"Retry-After": "soon"}),
    "fraction": (429, {"Retry-After": "5.5"}),
    "past date": (503, {"Retry-After": DATE % 0, "Date": DATE % 7}),
    "date without a Date": (503, {"Retry-After": DATE % 7}),
    "on 408": (408, {"Retry-After": "7"}),
}


@pytest.mark.parametrize("code, headers", IGNORED.values(), ids=IGNORED)
def test_other_retry_after_is_ignored(
    server: Server, environ: dict[str, str], code: int, headers: Mapping[str, str]
) -> None:
    server.script(Response(code, b"", headers), COMPLETED)
    retried(run_inside(environ, server))
