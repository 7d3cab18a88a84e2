"""What a response means: a status, a transient error or a permanent one.

`tests/unit/test_responses.py` and `test_status.py` have the tables; here, one case of each rule
comes over a socket.
"""

import gzip
import math

import pytest

from tests.integration.conftest import Tool, rejected, retried
from tests.support.samples import REQUEST_ID, build_status, twilio_error
from tests.support.server import Connection, Response, Server, Step

BUILDING, COMPLETED = build_status("building"), build_status("completed")
GOOD = COMPLETED.body
LIMIT = 64 * 1024

INVALID = {
    "HTML": Response(200, b"<!doctype html><title>Blocked by the web filter</title>"),
    "compressed": Response(200, gzip.compress(GOOD), {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", INVALID.values(), ids=INVALID)
def test_invalid_200_is_retried(tool: Tool, answer: Response) -> None:
    retried(tool.run(answer, COMPLETED))


UNUSUAL: dict[str, Response | bytes] = {
    "content type HTML": Response(200, GOOD, {"Content-Type": "text/html; charset=utf-16"}),
    "exactly 64 KiB": Response(200, GOOD.ljust(LIMIT)),
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\n" + GOOD,
    "chunked with a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x;x=y\r\n%b\r\n0\r\nX-Trailer: x\r\n\r\n" % (len(GOOD), GOOD),
}


@pytest.mark.parametrize("answer", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_but_valid_200_counts(tool: Tool, answer: Response | bytes) -> None:
    assert tool.run(answer).outputs["polls"] == "1"


def test_cookies_are_neither_kept_nor_complained_about(tool: Tool) -> None:
    cookie = {"Set-Cookie": "a=b; Expires=Mon, 01 Foo 2030 00:00:00 GMT"}
    run = tool.run(Response(200, BUILDING.body, cookie), COMPLETED)
    assert "cookie" not in run.requests[1].headers


@pytest.mark.parametrize("code", [101, 201, 999])
def test_transient_status_is_retried(tool: Tool, code: int) -> None:
    response = Response(code, build_status("failed").body)  # no body counts
    assert f"HTTP {code} " in retried(tool.run(response, COMPLETED))


def test_redirect_is_not_followed_and_its_host_is_named(tool: Tool) -> None:
    with Server(COMPLETED) as other:
        location = other.url.replace("//", "//user:word@") + "/login"
        run = tool.run(Response(300, b"", {"Location": location}), code=4)
    assert not other.connections
    assert f"a redirect to 127.0.0.1:{other.port} " in rejected(run)


def test_twilio_error_is_quoted_in_full(tool: Tool) -> None:
    error = twilio_error(message="Authenticate", detail="it was revoked")
    quoted = f"(Twilio error 20003) (Twilio-Request-Id {REQUEST_ID}): Authenticate; it was revoked"
    assert quoted in rejected(tool.run(error, code=4))


HEAD = b"HTTP/1.1 401 Unauthorized\r\n"
BODY = HEAD + b"Content-Length: 50\r\n\r\n{"
HALVES: dict[str, Step] = {
    "reset in the body": [BODY, 0.1, Connection.reset],
    "broken chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "garbled headers": HEAD + b"\0\xff: \xfe\r\nno colon\r\n\r\n",
    "no body": [BODY, math.inf],
    "too large": HEAD + b"\r\n" + b" " * (LIMIT + 1),
}


@pytest.mark.parametrize("answer", HALVES.values(), ids=HALVES)
def test_status_code_decides_whatever_happens_to_the_body(tool: Tool, answer: Step) -> None:
    assert "HTTP 401 " in rejected(tool.run(answer, COMPLETED, code=4))


def test_retry_after_is_a_lower_bound(tool: Tool) -> None:
    half = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 50\r\n\r\n{"
    run = tool.run(half, COMPLETED)
    assert run.outputs["elapsed-seconds"] == "7.5"  # and U(0, 1) s
