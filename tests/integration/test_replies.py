"""Which reply counts, which is a passing fault, which a lasting one.

With a time-out of 0 there is a single read, so that its kind shows in the ending at once: a
verdict, `timed-out` with a status (it counted) or without one (a passing fault), or `rejected`.
"""

import json
import socket
import struct
from pathlib import Path

import pytest

from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    OTHER_BUILD_SID,
    SERVICE_SID,
    Exchange,
    Finished,
    Handler,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    json_reply,
    twilio_error,
)

LIMIT = 64 * 1024
GOOD = build("completed").body


def read_once(tool: Tool, tmp_path: Path, reply: Handler, **env: str) -> Finished:
    with ScriptedServer(reply) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0", **env))
    assert len(server.requests) == 1
    assert run.outputs["polls"] == "1"
    return run


def assert_passing(run: Finished) -> None:
    """The fault would have been read again, had there been time."""
    assert run.code == 3, run.stdout
    assert run.outputs["status"] == ""


def assert_lasting(run: Finished) -> None:
    assert run.code == 4, run.stdout
    assert run.outputs["status"] == ""


def plain(body: bytes, status: int = 200) -> Reply:
    return Reply(status, body, (("Content-Type", "application/json"),))


def padded(size: int) -> Reply:
    return plain(GOOD[:-1] + b" " * (size - len(GOOD)) + b"}")


@pytest.mark.parametrize(
    "reply",
    [
        build("completed", sid=BUILD_SID.upper()),
        build("completed", sid="zb" + BUILD_SID[2:]),
        build("completed", account_sid=None, service_sid=None, url=None),
        build("completed", account_sid=..., service_sid=..., url=...),
        build("completed", account_sid=1, service_sid=[], url={}),
        build("completed", more={"nested": [1, 2.5, None, True, "x"]}),
        Reply(200, GOOD),
        Reply(200, GOOD, (("Content-Type", "text/html"),)),
        plain(b" \r\n\t" + GOOD + b"\n"),
        padded(LIMIT),
        plain(GOOD.replace(b"completed", b"\\u0063ompleted")),
        build("completed", note="é\u2028😀"),
    ],
    ids=[
        "upper-case-sid",
        "lower-case-prefix",
        "nulls",
        "only-what-is-needed",
        "other-types-elsewhere",
        "more-fields",
        "no-content-type",
        "another-content-type",
        "white-space",
        "64-KiB",
        "escaped",
        "beyond-ascii",
    ],
)
def test_a_reply_that_counts(tool: Tool, tmp_path: Path, reply: Reply) -> None:
    run = read_once(tool, tmp_path, reply)
    assert run.code == 0, run.stdout


BAD_BODIES = {
    "empty": b"",
    "html": b"<!doctype html><title>502 Bad Gateway</title>",
    "list": b"[" + GOOD + b"]",
    "string": b'"completed"',
    "null": b"null",
    "number": b"1",
    "empty-object": b"{}",
    "no-sid": b'{"status": "completed"}',
    "no-status": json.dumps({"sid": BUILD_SID}).encode(),
    "null-status": build(None).body,
    "number-status": build(1).body,
    "list-status": build(["completed"]).body,
    "true-status": build(status=True).body,
    "null-sid": build("completed", sid=None).body,
    "number-sid": build("completed", sid=7).body,
    "another-build": build("completed", sid=OTHER_BUILD_SID).body,
    "padded-sid": build("completed", sid=f" {BUILD_SID}").body,
    "longer-sid": build("completed", sid=f"{BUILD_SID}0").body,
    "duplicate-status": GOOD[:-1] + b', "status": "completed"}',
    "duplicate-sid": GOOD[:-1] + f', "sid": "{BUILD_SID}"'.encode() + b"}",
    "duplicate-other": GOOD[:-1] + b', "x": 1, "x": 1}',
    "two-objects": GOOD + GOOD,
    "trailing-text": GOOD + b";",
    "cut-json": GOOD[:-1],
    "single-quotes": GOOD.replace(b'"', b"'"),
    "not-utf-8": GOOD[:-1] + b', "x": "\xff\xfe"}',
    "latin-1": GOOD[:-1] + b', "x": "\xe9"}',
    "utf-16": GOOD.decode().encode("utf-16"),
    "utf-16-bare": GOOD.decode().encode("utf-16-le"),
    "utf-32": GOOD.decode().encode("utf-32"),
    "nan": GOOD[:-1] + b', "x": NaN}',
    "infinity": GOOD[:-1] + b', "x": -Infinity}',
    "raw-control": GOOD[:-1] + b', "x": "a\nb"}',
    "deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep-lists": GOOD[:-1] + b', "x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "one-too-many": padded(LIMIT + 1).body,
    "a-megabyte": padded(1 << 20).body,
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_200_that_does_not_count_is_a_passing_fault(
    tool: Tool, tmp_path: Path, body: bytes
) -> None:
    assert_passing(read_once(tool, tmp_path, plain(body)))


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD[:-1] + b', "x": ' + b"7" * 5000 + b"}",
        GOOD[:-1] + b', "x": {"y": 1, "y": 1}}',
        GOOD[:-1] + b', "x": 1e999}',
    ],
    ids=["byte-order-mark", "huge-integer", "duplicates-further-down", "overflow"],
)
def test_a_200_that_one_may_take_or_leave(tool: Tool, tmp_path: Path, body: bytes) -> None:
    """Parsers differ on these; either way it is this build's verdict or a passing fault."""
    run = read_once(tool, tmp_path, plain(body))
    if run.code != 0:
        assert_passing(run)


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206, 226, 299])
def test_no_other_2xx_counts(tool: Tool, tmp_path: Path, status: int) -> None:
    assert_passing(read_once(tool, tmp_path, plain(b"" if status == 204 else GOOD, status)))


PASSING = [408, 425, 429, 500, 501, 502, 503, 504, 505, 520, 599, 600, 700, 999, 102, 103, 199]


@pytest.mark.parametrize("status", PASSING)
def test_a_passing_status(tool: Tool, tmp_path: Path, status: int) -> None:
    """Even with a body that would have counted."""
    run = read_once(tool, tmp_path, plain(GOOD, status))
    assert_passing(run)
    assert str(status) in run.outputs["reason"]


LASTING = [300, 304, 305, 399, 400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413]
LASTING += [414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428, 431, 451, 499]


@pytest.mark.parametrize("status", LASTING)
def test_a_lasting_status(tool: Tool, tmp_path: Path, status: int) -> None:
    """404 among them: its ten seconds end with the deadline."""
    run = read_once(tool, tmp_path, plain(b"" if status == 304 else GOOD, status))
    assert_lasting(run)
    assert str(status) in run.outputs["reason"]
    assert str(status) in run.visible


def cut_body(status: int) -> Handler:
    def handler(exchange: Exchange) -> None:
        head = f"HTTP/1.1 {status} Scripted\r\nContent-Length: 1000\r\n\r\n"
        exchange.connection.sendall(head.encode() + GOOD)
        exchange.connection.close()

    return handler


def endless_body(status: int) -> Handler:
    def handler(exchange: Exchange) -> None:
        exchange.connection.sendall(f"HTTP/1.1 {status} Scripted\r\n\r\n".encode())
        while not exchange.stopping.is_set():
            exchange.connection.sendall(b" " * 65536)

    return handler


def bad_chunks(status: int) -> Handler:
    def handler(exchange: Exchange) -> None:
        head = f"HTTP/1.1 {status} Scripted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        exchange.connection.sendall(head.encode() + GOOD)
        exchange.connection.close()

    return handler


def bad_head(status: int) -> Handler:
    def handler(exchange: Exchange) -> None:
        head = f"HTTP/1.1 {status} Scripted\r\nX-Long: {'x' * 100_000}\r\n\r\n"
        exchange.connection.sendall(head.encode() + GOOD)
        exchange.connection.close()

    return handler


def many_headers(status: int) -> Handler:
    def handler(exchange: Exchange) -> None:
        headers = "".join(f"X-{number}: x\r\n" for number in range(200))
        head = f"HTTP/1.1 {status} Scripted\r\n{headers}\r\n"
        exchange.connection.sendall(head.encode() + GOOD)
        exchange.connection.close()

    return handler


def reset_in_the_head(status: int) -> Handler:
    def handler(exchange: Exchange) -> None:
        exchange.connection.sendall(f"HTTP/1.1 {status} Scripted\r\nX: y\r\n".encode())
        exchange.stopping.wait(0.2)  # until it has been read, for a reset throws away the rest
        linger = struct.pack("ii", 1, 0)
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        exchange.connection.close()

    return handler


BROKEN = {
    "cut-body": cut_body,
    "endless-body": endless_body,
    "bad-chunks": bad_chunks,
    "long-header": bad_head,
    "many-headers": many_headers,
    "reset-in-the-head": reset_in_the_head,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_once_read_a_status_line_decides_alone(tool: Tool, tmp_path: Path, kind: str) -> None:
    assert_lasting(read_once(tool, tmp_path, BROKEN[kind](401)))
    unavailable = read_once(tool, tmp_path, BROKEN[kind](503))
    assert_passing(unavailable)
    assert "503" in unavailable.outputs["reason"]
    assert_passing(read_once(tool, tmp_path, BROKEN[kind](200)))


@pytest.mark.parametrize("status", [401, 403, 400])
def test_a_refusal_ends_the_wait_at_once(tool: Tool, tmp_path: Path, status: int) -> None:
    refusal = twilio_error(status, 20003, "Authentication Error - No credentials provided")
    with ScriptedServer(refusal, build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 4, run.stdout
    assert len(server.requests) == 1
    assert run.seconds < 5


def test_a_refusal_after_a_good_read_keeps_what_is_known(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build(), twilio_error(403, 20403, "Forbidden")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 4, run.stdout
    expected = {"outcome": "rejected", "status": "building", "polls": "2"}
    expected |= {"account-sid": ACCOUNT_SID, "service-sid": SERVICE_SID, "build-sid": BUILD_SID}
    assert run.outputs | expected == run.outputs


RFC_9457 = {
    "type": "https://www.twilio.com/docs/errors/20003",
    "title": "Authentication went wrong",
    "status": 401,
    "code": 20003,
    "detail": "Your key was revoked",
    "instance": "x",
}


@pytest.mark.parametrize(
    "body, told",
    [
        (
            {"code": 20003, "message": "Who are you?", "more_info": "https://x", "status": 401},
            ("20003", "Who are you?"),
        ),
        (
            {"status": 401, "message": "Too fast", "detail": "", "code": 20429, "moreInfo": "x"},
            ("20429", "Too fast"),
        ),
        (RFC_9457, ("20003",)),
        ({"code": "20003", "message": "as text"}, ("as text",)),
        ({"message": "no code"}, ("no code",)),
        ({"code": None, "message": None}, ()),
        ({"code": [1], "message": {"a": 1}}, ()),
        (["list"], ()),
        ("text", ()),
    ],
)
def test_a_refusal_is_named_in_full(
    tool: Tool, tmp_path: Path, body: object, told: tuple[str, ...]
) -> None:
    identifier = "RQ0123456789abcdef0123456789abcdef"
    reply = json_reply(body, 401, (("Twilio-Request-Id", identifier),))
    run = read_once(tool, tmp_path, reply)
    assert_lasting(run)
    for part in ("401", identifier, *told):
        assert part in run.visible, run.visible
    if body is RFC_9457:
        assert any(str(RFC_9457[name]) in run.visible for name in ("title", "detail"))
    (error,) = run.named("error")
    assert "401" in error.data


def test_an_error_page_that_is_not_json_still_names_the_status(tool: Tool, tmp_path: Path) -> None:
    page = Reply(403, b"<html>\xff\xfe" + b"x" * 9000, phrase="Forbidden")
    run = read_once(tool, tmp_path, page)
    assert_lasting(run)
    assert "403" in run.visible


class TestStatus:
    """What a status means."""

    @pytest.mark.parametrize(
        "status",
        [
            "Completed",
            "COMPLETED",
            " completed",
            "completed\n",
            "completed\x00",
            "c\u043empleted",
            "Failed",
            "FAILED",
            "complete",
            "success",
            "deployed",
            "",
        ],
    )
    def test_only_the_exact_words_end_the_wait(
        self, tool: Tool, tmp_path: Path, status: str
    ) -> None:
        run = read_once(tool, tmp_path, build(status))
        assert run.code == 3, run.stdout
        word = status in {"complete", "success", "deployed"}
        assert run.outputs["status"] == (status if word else "")
        assert len(run.named("warning")) == 1

    def test_building_is_not_warned_about(self, tool: Tool, tmp_path: Path) -> None:
        run = read_once(tool, tmp_path, build())
        assert run.outputs["status"] == "building"
        assert run.named("warning") == []

    def test_an_unknown_one_is_warned_about_once(self, tool: Tool, tmp_path: Path) -> None:
        script = [build(word) for word in ("queued", "queued", "building", "queued", "completed")]
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        (warning,) = run.named("warning")
        assert "queued" in warning.data

    def test_three_different_ones_at_most(self, tool: Tool, tmp_path: Path) -> None:
        words = ["one", "two", "three", "four", "five", "one", "building", "completed"]
        with ScriptedServer(*(build(word) for word in words)) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        warnings = run.named("warning")
        assert len(warnings) == 3
        for word, warning in zip(words, warnings, strict=False):
            assert word in warning.data

    @pytest.mark.parametrize("length, known", [(40, True), (41, False)])
    def test_a_status_longer_than_a_word_is_not_an_output(
        self, tool: Tool, tmp_path: Path, length: int, *, known: bool
    ) -> None:
        run = read_once(tool, tmp_path, build("s" * length))
        assert run.code == 3, run.stdout
        assert run.outputs["status"] == ("s" * length if known else "")

    @pytest.mark.parametrize("status", ["two words", "a.b", "é", "$(id)", "\ud800", "a\nb=c"])
    def test_a_status_that_is_no_word_is_not_an_output(
        self, tool: Tool, tmp_path: Path, status: str
    ) -> None:
        run = read_once(tool, tmp_path, build(status))
        assert run.code == 3, run.stdout
        assert run.outputs["status"] == ""

    def test_the_last_status_is_the_output_even_after_faults(
        self, tool: Tool, tmp_path: Path
    ) -> None:
        with ScriptedServer(build(), build("queued"), Reply(503)) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="1s"))
        assert run.code == 3, run.stdout
        assert run.outputs["status"] == "queued"
        assert "503" in run.outputs["reason"]
        assert "queued" in run.outputs["reason"]

    def test_an_unknown_last_status_does_not_keep_the_one_before(
        self, tool: Tool, tmp_path: Path
    ) -> None:
        with ScriptedServer(build(), build("COMPLETED")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="1s"))
        assert run.code == 3, run.stdout
        assert run.outputs["status"] == ""
