"""What a response means: a status, a transient error or a permanent one.

`tests/unit/test_responses.py` has the tables; here, one case of each rule comes over a socket.
"""

import math

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    BUILD_SID,
    OTHER_BUILD_SID,
    REQUEST_ID,
    build_status,
    json_response,
)
from tests.support.server import Connection, Response, Server, Step

BUILDING, COMPLETED = build_status("building"), build_status("completed")
GOOD = COMPLETED.body
LIMIT = 64 * 1024
NOT_TWILIO = "does not look like Twilio's"


def retried(run: Run) -> str:
    """Check that the first poll was retried, after a delay of U(0, 1) s; return its line."""
    assert run.outputs["polls"] == "2"
    assert run.outputs["elapsed-seconds"] == "0.5"
    (line,) = [line for line in run.lines if "next poll in 500ms" in line]
    assert "127.0.0.1" in line
    return line


def rejected(run: Run) -> str:
    """Check that the first poll ended the wait; return the reason."""
    assert len(run.requests) == 1
    assert run.outputs["polls"] == "1"
    return run.outputs["reason"]


INVALID = {
    "html": b"<!doctype html><title>Blocked by the web filter</title>",
    "no status": build_status(...).body,
    "status is a list": build_status(["completed"]).body,
    "no sid": build_status("completed", sid=...).body,
    "sid is a number": build_status("completed", sid=7).body,
    "another build's": build_status("completed", sid=OTHER_BUILD_SID).body,
    "long number": GOOD.replace(b'"completed"', b"7" * 5000),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "over 64 KiB": GOOD.ljust(LIMIT + 1),
}


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_invalid_200_is_retried(tool: Tool, body: bytes) -> None:
    retried(tool.run(Response(200, body), COMPLETED))


UNUSUAL: dict[str, Response | bytes] = {
    "sid in the other case": build_status("completed", sid=BUILD_SID.swapcase()),
    "only sid and status": build_status("completed", account_sid=..., service_sid=..., url=...),
    "content type HTML": Response(200, GOOD, {"Content-Type": "text/html; charset=utf-16"}),
    "exactly 64 KiB": Response(200, GOOD.ljust(LIMIT)),
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\n" + GOOD,
    "chunked with a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x;x=y\r\n%b\r\n0\r\nX-Trailer: x\r\n\r\n" % (len(GOOD), GOOD),
}


@pytest.mark.parametrize("answer", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_but_valid_200_counts(tool: Tool, answer: Response | bytes) -> None:
    assert tool.run(answer).outputs["polls"] == "1"


@pytest.mark.parametrize("codes", [(100,), (103, 103), (199,)])
def test_interim_responses_are_skipped(tool: Tool, codes: tuple[int, ...]) -> None:
    interim = [f"HTTP/1.1 {code} Hint\r\nLink: </x>\r\n\r\n".encode() for code in codes]
    run = tool.run([*interim, BUILDING], [*interim, COMPLETED])
    assert run.outputs["polls"] == "2"


def test_cookies_are_neither_kept_nor_complained_about(tool: Tool) -> None:
    cookie = {"Set-Cookie": "a=b; Expires=Mon, 01 Foo 2030 00:00:00 GMT"}
    run = tool.run(Response(200, BUILDING.body, cookie), COMPLETED)
    assert "cookie" not in run.requests[1].headers


def test_lookalike_status_is_not_a_verdict(tool: Tool) -> None:
    run = tool.run(BUILDING, build_status("COMPLETED"), code=3, TWILIO_BUILD_TIMEOUT="5s")
    assert run.outputs["status"] == ""
    assert len(run.commands("warning")) == 1


def test_at_most_three_unknown_statuses_are_warned_about(tool: Tool) -> None:
    words = ["one", "two", "one", "three", "four", "building"]
    run = tool.run(*map(build_status, words), COMPLETED)
    warned = [warning.data for warning in run.commands("warning")]
    assert [data.split("'")[1] for data in warned] == ["one", "two", "three"]


@pytest.mark.parametrize("code", [101, 201, 408, 429, 503, 600, 999])
def test_transient_status_is_retried(tool: Tool, code: int) -> None:
    response = Response(code, build_status("failed").body)  # no body counts
    assert f"HTTP {code} " in retried(tool.run(response, COMPLETED))


@pytest.mark.parametrize("code", [400, 407, 499])
def test_other_4xx_is_rejected(tool: Tool, code: int) -> None:
    assert f"HTTP {code} " in rejected(tool.run(Response(code, GOOD), COMPLETED, code=4))


@pytest.mark.parametrize("code", [300, 307, 399])
def test_redirect_is_not_followed_and_its_host_is_named(
    server: Server, environ: dict[str, str], code: int
) -> None:
    with Server(COMPLETED) as other:
        location = other.url.replace("//", "//user:word@") + "/login"
        server.script(Response(code, b"", {"Location": location}), COMPLETED)
        run = run_inside(environ, server, other)
    reason = rejected(run)
    assert run.code == 4
    assert not other.connections
    assert f"a redirect to 127.0.0.1:{other.port}" in reason
    assert "word" not in reason


def test_twilio_error_is_quoted_in_full(tool: Tool) -> None:
    body = {"status": 401, "message": "Authenticate", "detail": "it was revoked", "code": 20003}
    named = {"Twilio-Request-Id": REQUEST_ID}
    for code in (401, 429):
        error = json_response(body | {"status": code}, code, **named)
        run = tool.run(error, COMPLETED, code=4 if code == 401 else 0)
        shown = rejected(run) if code == 401 else retried(run)
        for piece in (f"HTTP {code}", "20003", "Authenticate", "it was revoked", REQUEST_ID):
            assert piece in shown
        assert NOT_TWILIO not in shown


def test_foreign_error_is_said_not_to_be_twilios(tool: Tool) -> None:
    answer = Response(404, b'{"error": "no such route"}')
    reason = rejected(tool.run(answer, code=4, TWILIO_BUILD_TIMEOUT="0"))
    assert NOT_TWILIO in reason
    assert "service-sid" not in reason


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_403_is_rejected_whatever_its_body(tool: Tool, encoding: str) -> None:
    answer = Response(403, b"x" * (LIMIT + 1), {"Content-Encoding": encoding})
    assert "HTTP 403 " in rejected(tool.run(answer, code=4))


HEAD = b"HTTP/1.1 401 Unauthorized\r\n"
BODY = HEAD + b"Content-Length: 50\r\n\r\n{"
HALVES: dict[str, Step] = {
    "reset in the head": [HEAD + b"Content-Le", 0.1, Connection.reset],
    "reset in the body": [BODY, 0.1, Connection.reset],
    "closed in the body": BODY,
    "broken chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "long header": HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    "garbled headers": HEAD + b"\0\xff: \xfe\r\nno colon\r\n\r\n",
    "no end of the head": [HEAD, math.inf],
    "no body": [BODY, math.inf],
}


@pytest.mark.parametrize("answer", HALVES.values(), ids=HALVES)
def test_status_line_decides_whatever_follows(tool: Tool, answer: Step) -> None:
    assert "HTTP 401 " in rejected(tool.run(answer, COMPLETED, code=4))


DATE = "Wed, 01 Jan 2070 00:00:%02d GMT"
LOWER_BOUNDS: dict[str, Response | bytes] = {
    "seconds": Response(429, b"", {"Retry-After": "7"}),
    "date by a wrong clock": Response(503, b"", {"Retry-After": DATE % 7, "Date": DATE % 0}),
    "half a response": b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 50\r\n\r\n{",
}


@pytest.mark.parametrize("answer", LOWER_BOUNDS.values(), ids=LOWER_BOUNDS)
def test_retry_after_is_a_lower_bound(tool: Tool, answer: Response | bytes) -> None:
    run = tool.run(answer, COMPLETED)
    assert run.outputs["elapsed-seconds"] == "7.5"  # and U(0, 1) s


@pytest.mark.parametrize("code, value", [(429, "5.5"), (503, DATE % 7), (408, "7")])
def test_other_retry_after_is_ignored(tool: Tool, code: int, value: str) -> None:
    retried(tool.run(Response(code, b"", {"Retry-After": value}), COMPLETED))
