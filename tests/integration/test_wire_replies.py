"""What the tool makes of a whole reply: read again, given up, waited for, or not believed."""

import email.utils
import itertools
import json
import re
from pathlib import Path

import pytest

from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    OTHER_BUILD_SID,
    SERVICE_SID,
    Finished,
    Tool,
    base_env,
)
from tests.integration.wire import Act, Wire, build_json, chunked, head, raw, reply, status

pytestmark = pytest.mark.fault

JITTER_S = 1.0  # the first passing fault in a row waits up to this long
SLACK_S = 1.0  # what a busy machine may add to any delay
REQUEST_ID = "RQ" + "5" * 32


def run_against(tool: Tool, tmp_path: Path, wire: Wire, **env: str | None) -> Finished:
    """The tool's whole run against this server."""
    return tool.run(base_env(wire.root, tmp_path, **env), timeout=40)


def gaps(wire: Wire) -> list[float]:
    """Seconds between one request and the next."""
    return [later.at - sooner.at for sooner, later in itertools.pairwise(wire.requests)]


def completed_and(extra: str) -> bytes:
    """A completed build's resource with `extra` written in behind its last field."""
    return build_json("completed")[:-1] + b", " + extra.encode() + b"}"


def swapped(old: str, new: str) -> bytes:
    """A completed build's resource with one piece of its text replaced."""
    text = build_json("completed").decode()
    assert old in text
    return text.replace(old, new).encode("utf-8", "surrogateescape")


# --- passing faults -------------------------------------------------------------------------------

NOT_A_READING = {
    "empty-body": b"",
    "html": b"<!DOCTYPE html><html><body>Bad day</body></html>",
    "json-list": b"[" + build_json("completed") + b"]",
    "json-string": b'"completed"',
    "json-number": b"200",
    "json-null": b"null",
    "json-true": b"true",
    "two-documents": build_json("completed") * 2,
    "cut-off-json": build_json("completed")[:-1],
    "trailing-comma": build_json("completed")[:-1] + b",}",
    "status-missing": build_json(...),
    "status-null": build_json(None),
    "status-number": build_json(200),
    "status-list": build_json(["completed"]),
    "status-object": build_json({"completed": True}),
    "status-huge-integer": swapped('"completed"', "9" * 5000),
    "status-not-a-number": swapped('"completed"', "NaN"),
    "sid-missing": build_json("completed", sid=...),
    "sid-null": build_json("completed", sid=None),
    "sid-number": build_json("completed", sid=1),
    "sid-padded": build_json("completed", sid=f" {BUILD_SID}"),
    "another-builds-sid": build_json("completed", sid=OTHER_BUILD_SID),
    "duplicate-keys": completed_and('"status": "completed"'),
    "duplicate-keys-disagree": b'{"status": "failed", ' + build_json("completed")[1:],
    "deep-nesting": b"[" * 60_000,
    "deep-nesting-in-status": swapped('"completed"', "[" * 30_000 + "]" * 30_000),
    "deep-nesting-elsewhere": completed_and('"links": ' + "[" * 30_000 + "]" * 30_000),
    "invalid-utf-8": swapped(SERVICE_SID, "\udcff\udcfe"),
    "byte-order-mark": b"\xef\xbb\xbf" + build_json("completed"),
    "utf-16": build_json("completed").decode().encode("utf-16"),
    "over-64-kib": build_json("completed") + b" " * (64 << 10),
    "nul-bytes": b"\0" * 300,
}


@pytest.mark.parametrize("body", NOT_A_READING.values(), ids=NOT_A_READING)
def test_a_200_that_is_no_reading_is_read_again(tool: Tool, tmp_path: Path, body: bytes) -> None:
    with Wire(reply(200, body), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert len(wire.requests) == 2
    assert gaps(wire)[0] < JITTER_S + SLACK_S
    assert "127.0.0.1" in "".join(run.visible.splitlines()[1:])


@pytest.mark.parametrize("code", [201, 202, 203, 204, 206, 226, 299])
def test_a_2xx_but_200_is_read_again(tool: Tool, tmp_path: Path, code: int) -> None:
    bodies = b"" if code == 204 else build_json("completed")
    with Wire(reply(code, bodies), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert str(code) in run.visible


@pytest.mark.parametrize("code", [408, 425, 429, 500, 501, 502, 503, 504, 507, 529, 599])
def test_a_passing_status_is_read_again(tool: Tool, tmp_path: Path, code: int) -> None:
    # The body says "completed": once the status line is another than 200, no body counts.
    with Wire(reply(code, build_json("completed")), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert str(code) in run.visible


@pytest.mark.parametrize("code", [101, 199, 600, 700, 999])
def test_a_code_outside_of_http_is_read_again(tool: Tool, tmp_path: Path, code: int) -> None:
    whole = head(code, "Odd", None, 2) + b"{}"
    with Wire(raw(whole), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert str(code) in run.visible


def test_early_hints_are_no_reply(tool: Tool, tmp_path: Path) -> None:
    # What comes behind them in the connection is left there, and is nobody's reply.
    hints = head(103, "Early Hints", {"Link": "</style.css>; rel=preload"})
    late = head(200, "OK", None, len(build_json("failed"))) + build_json("failed")
    with Wire(raw(hints + late), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"


def test_a_long_row_of_passing_faults_backs_off(tool: Tool, tmp_path: Path) -> None:
    codes = [500, 502, 503]
    script = [reply(code) for code in codes] + [status("building"), reply(504)]
    with Wire(*script, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="40s")
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "6"
    for delay, longest in zip(gaps(wire), [1, 2, 4, 0.11, 1], strict=True):
        assert delay < longest + SLACK_S, gaps(wire)


# --- lasting faults -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [400, 401, 402, 403, 405, 406, 407, 409, 410, 411, 412, 413, 415, 418, 422, 426, 431, 451, 499],
)
def test_any_other_4xx_is_rejected_at_once(tool: Tool, tmp_path: Path, code: int) -> None:
    with Wire(reply(code, build_json("completed")), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 4, run.stdout
    assert run.outputs["outcome"] == "rejected"
    assert run.outputs["polls"] == "1"
    assert str(code) in run.outputs["reason"]
    assert len(wire.requests) == 1


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 305, 307, 308, 399])
def test_a_redirect_is_never_followed(tool: Tool, tmp_path: Path, code: int) -> None:
    with (
        Wire(status("completed")) as elsewhere,
        Wire(reply(code, b"", {"Location": f"{elsewhere.root}/elsewhere"})) as wire,
    ):
        run = run_against(tool, tmp_path, wire)
    assert run.code == 4, run.stdout
    assert str(code) in run.outputs["reason"]
    assert elsewhere.connections == 0
    assert len(wire.requests) == 1


ERROR_BODIES = {
    "classic": {
        "code": 20003,
        "message": "Authenticate, please",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    },
    "camel-case": {
        "status": 401,
        "message": "Authenticate, please",
        "detail": "Your AccountSid or AuthToken was incorrect.",
        "code": 20003,
        "moreInfo": "https://www.twilio.com/docs/errors/20003",
    },
    "problem-details": {
        "type": "https://www.twilio.com/docs/errors/20003",
        "title": "Authenticate, please",
        "status": 401,
        "code": 20003,
        "detail": "Credentials do not fit.",
        "instance": "/v1/Services",
        "errors": [{"detail": "one", "pointer": "#/"}],
    },
}


@pytest.mark.parametrize("code", [401, 429])
@pytest.mark.parametrize("body", ERROR_BODIES.values(), ids=ERROR_BODIES)
def test_twilios_error_bodies_are_shown(
    tool: Tool, tmp_path: Path, body: dict[str, object], code: int
) -> None:
    headers = {"Twilio-Request-Id": REQUEST_ID}
    refusal = reply(code, json.dumps(body | {"status": code}).encode(), headers)
    with Wire(refusal, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == (4 if code == 401 else 0), run.stdout
    shown = run.outputs["reason"] if code == 401 else run.visible
    for piece in (str(code), "20003", "Authenticate, please", REQUEST_ID):
        assert piece in shown


ERROR_BODIES_THAT_ARE_NONE = {
    "list": b"[]",
    "text": b"go away",
    "code-is-an-object": b'{"code": {}, "message": ["x"], "detail": 7, "title": null}',
    "huge-code": b'{"code": ' + b"9" * 5000 + b', "message": "x"}',
    "deep": b"[" * 60_000,
    "invalid-utf-8": b'{"message": "\xff\xfe"}',
    "long-message": json.dumps({"message": "x" * 60_000, "code": 1}).encode(),
    "over-64-kib": json.dumps({"message": "x" * 100_000, "code": 1}).encode(),
    "gzip-that-is-none": b"\x1f\x8b\x08 nonsense",
}


@pytest.mark.parametrize(
    "body", ERROR_BODIES_THAT_ARE_NONE.values(), ids=ERROR_BODIES_THAT_ARE_NONE
)
def test_a_refusal_stands_whatever_its_body(tool: Tool, tmp_path: Path, body: bytes) -> None:
    with Wire(reply(403, body, {"Content-Encoding": "gzip"})) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 4, run.stdout
    assert "403" in run.outputs["reason"]
    assert len(run.outputs["reason"]) <= 500
    assert max(len(line) for line in run.lines) < 3000


# --- 404 ------------------------------------------------------------------------------------------


def test_a_404_that_passes_is_waited_out(tool: Tool, tmp_path: Path) -> None:
    missing = reply(404, b'{"code": 20404, "message": "not found", "status": 404}')
    with Wire(missing, missing, missing, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "4"
    for delay in gaps(wire):
        assert 0.9 <= delay < 1.1 + SLACK_S


def test_a_404_is_rejected_after_ten_seconds(tool: Tool, tmp_path: Path) -> None:
    with Wire(reply(404, b'{"code": 20404, "message": "not found", "status": 404}')) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="60s")
    assert run.code == 4, run.stdout
    assert "20404" in run.outputs["reason"]
    assert 10 <= float(run.outputs["elapsed-seconds"]) < 11.5 + SLACK_S
    assert 9 <= len(wire.requests) <= 13


def test_a_good_read_starts_a_404s_ten_seconds_anew(tool: Tool, tmp_path: Path) -> None:
    missing = reply(404)
    script = [missing] * 6 + [status("building")] + [missing] * 6
    with Wire(*script, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="60s")
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "14"


def test_a_passing_fault_between_404s_does_not_stretch_them(tool: Tool, tmp_path: Path) -> None:
    with Wire(*[reply(404)] * 4, reply(503), reply(404)) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="60s")
    assert run.code == 4, run.stdout
    assert "404" in run.outputs["reason"]
    assert 10 <= float(run.outputs["elapsed-seconds"]) < 11.5 + SLACK_S


@pytest.mark.parametrize("timeout", ["0", "2s"])
def test_a_404_at_the_deadline_is_rejected(tool: Tool, tmp_path: Path, timeout: str) -> None:
    with Wire(reply(404)) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT=timeout)
    assert run.code == 4, run.stdout
    assert run.outputs["outcome"] == "rejected"
    assert float(run.outputs["elapsed-seconds"]) < 2.5 + SLACK_S


# --- Retry-After ----------------------------------------------------------------------------------


def dated(seconds: float, of: float = 1_000_000_000) -> dict[str, str]:
    """A Retry-After date so many seconds after the reply's own Date, which is years off."""
    return {
        "Date": email.utils.formatdate(of, usegmt=True),
        "Retry-After": email.utils.formatdate(of + seconds, usegmt=True),
    }


USABLE = {
    "seconds": {"Retry-After": "2"},
    "date-by-a-skewed-clock": dated(2),
    "date-by-a-clock-ahead": dated(2, 4_000_000_000),
}


@pytest.mark.parametrize("code", [429, 500, 503])
@pytest.mark.parametrize("headers", USABLE.values(), ids=USABLE)
def test_retry_after_is_a_floor(
    tool: Tool, tmp_path: Path, headers: dict[str, str], code: int
) -> None:
    with Wire(reply(code, b"", headers), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert 2 <= gaps(wire)[0] < 3 + SLACK_S


IGNORED = {
    "absent": {},
    "empty": {"Retry-After": ""},
    "zero": {"Retry-After": "0"},
    "word": {"Retry-After": "soon"},
    "negative": {"Retry-After": "-5"},
    "plus": {"Retry-After": "+5"},
    "fraction": {"Retry-After": "5.5"},
    "exponent": {"Retry-After": "1e3"},
    "underscore": {"Retry-After": "1_0"},
    "list": {"Retry-After": "5, 6"},
    "ten-digits": {"Retry-After": "1234567890"},
    "5000-digits": {"Retry-After": "9" * 5000},
    "other-digits": {"Retry-After": "\N{ARABIC-INDIC DIGIT FIVE}"},
    "superscript": {"Retry-After": "\N{SUPERSCRIPT TWO}"},
    "past-date": dated(-3600),
    "date-without-a-date": {"Retry-After": dated(3600)["Retry-After"]},
    "date-against-nonsense": dated(3600) | {"Date": "yesterday"},
    "impossible-date": dated(0) | {"Retry-After": "Tue, 31 Feb 2099 10:00:00 GMT"},
    "year-10-to-the-8": dated(0) | {"Retry-After": "Fri, 01 Jan 100000000 00:00:00 GMT"},
    "year-0": dated(0) | {"Retry-After": "Fri, 01 Jan 0000 00:00:00 GMT"},
    "date-half": dated(0) | {"Retry-After": "Fri, 01 Jan"},
}


@pytest.mark.parametrize("headers", IGNORED.values(), ids=IGNORED)
def test_a_retry_after_of_no_use_is_ignored(
    tool: Tool, tmp_path: Path, headers: dict[str, str]
) -> None:
    with Wire(reply(429, b"", headers), reply(503, b"", headers), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "3"
    first, second = gaps(wire)
    assert first < 1 + SLACK_S
    assert second < 2 + SLACK_S


@pytest.mark.parametrize("code", [408, 425, 202])
def test_retry_after_counts_on_429_and_5xx_alone(tool: Tool, tmp_path: Path, code: int) -> None:
    with Wire(reply(code, b"", {"Retry-After": "8"}), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="20s")
    assert run.code == 0, run.stdout
    assert gaps(wire)[0] < 1 + SLACK_S


def test_retry_after_on_a_good_read_is_ignored(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("building", {"Retry-After": "8"}), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="20s")
    assert run.code == 0, run.stdout
    assert gaps(wire)[0] < 0.2 + SLACK_S


BEYOND = {"seconds": {"Retry-After": "600"}, "nine-digits": {"Retry-After": "9" * 9}} | {
    "date": dated(600)
}


@pytest.mark.parametrize("headers", BEYOND.values(), ids=BEYOND)
def test_a_retry_after_beyond_the_deadline_is_cut_to_it(
    tool: Tool, tmp_path: Path, headers: dict[str, str]
) -> None:
    with Wire(reply(503, b"", headers), status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="2s")
    assert run.code == 0, run.stdout
    assert 2 - 0.1 <= gaps(wire)[0] < 2 + SLACK_S


# --- statuses -------------------------------------------------------------------------------------

NOT_FINISHED = {
    "unknown": "queued",
    "title-case": "Completed",
    "upper-case": "COMPLETED",
    "upper-case-failed": "FAILED",
    "padded-left": " completed",
    "padded-right": "completed ",
    "line-break": "completed\n",
    "tab": "\tfailed",
    "nul": "completed\0",
    "empty": "",
    "full-width": "\N{FULLWIDTH LATIN SMALL LETTER C}ompleted",
    "two-words": "completed,failed",
    "other-tongue": "success",
    "41-letters": "x" * 41,
    "30000-letters": "x" * 30_000,
    "null-as-text": "null",
}


@pytest.mark.parametrize("word", NOT_FINISHED.values(), ids=NOT_FINISHED)
def test_only_the_two_words_end_the_wait(tool: Tool, tmp_path: Path, word: str) -> None:
    with Wire(status(word), status(word), status("failed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 1, run.stdout
    assert run.outputs["polls"] == "3"
    assert len(run.named("warning")) == 1, run.stdout


@pytest.mark.parametrize("word", NOT_FINISHED.values(), ids=NOT_FINISHED)
def test_a_status_is_put_out_only_as_an_honest_word(tool: Tool, tmp_path: Path, word: str) -> None:
    with Wire(status(word)) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="0")
    assert run.code == 3, run.stdout
    honest = re.fullmatch(r"[A-Za-z0-9_-]{1,40}", word) and word.lower() not in {
        "completed",
        "failed",
    }
    assert run.outputs["status"] == (word if honest else "")


def test_three_unknown_statuses_are_warned_about_at_most(tool: Tool, tmp_path: Path) -> None:
    words = ["queued", "packing", "queued", "verifying", "deploying", "deployed"]
    with Wire(*[status(word) for word in words], status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    warned = [warning.data for warning in run.named("warning")]
    assert len(warned) == 3, warned
    for word, text in zip(["queued", "packing", "verifying"], warned, strict=True):
        assert word in text


# --- good replies that look odd -------------------------------------------------------------------

ODD_BUT_GOOD: dict[str, Act] = {
    "sid-in-other-case": status("completed", sid="ZB" + BUILD_SID[2:].upper()),
    "sid-prefix-in-lower-case": status("completed", sid=BUILD_SID.lower()),
    "64-kib-exactly": reply(200, build_json("completed").ljust(64 << 10)),
    "only-what-counts": reply(
        200, build_json("completed", url=..., service_sid=..., account_sid=...)
    ),
    "nulls-elsewhere": status("completed", url=None, service_sid=None, account_sid=None),
    "wrong-shapes-elsewhere": status("completed", url=[], service_sid={}, account_sid=7),
    "no-content-type": raw(
        head(200, "OK", {}, len(build_json("completed"))) + build_json("completed")
    ),
    "html-content-type": status("completed", {"Content-Type": "text/html"}),
    "other-charset-claimed": status(
        "completed", {"Content-Type": "application/json; charset=utf-16"}
    ),
    "indented": reply(200, json.dumps(json.loads(build_json("completed")), indent=4).encode()),
    "huge-integer-elsewhere": reply(200, completed_and(f'"size": {"9" * 5000}')),
    "keys-that-differ-in-case": reply(200, completed_and('"Status": "failed"')),
    "escaped-letters": reply(200, swapped("completed", "\\u0063ompleted")),
    "no-reason-phrase": status("completed"),
    "http-1.0": raw(b"HTTP/1.0 200 OK\r\n\r\n" + build_json("completed")),
    "chunked": chunked(build_json("completed")),
    "100-continue-first": raw(
        b"HTTP/1.1 100 Continue\r\n\r\n"
        + head(200, "OK", None, len(build_json("completed")))
        + build_json("completed")
    ),
}


@pytest.mark.parametrize("act", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD)
def test_an_odd_reply_that_is_good_counts(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act, status("failed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "1"
    assert run.outputs["account-sid"] in {"", ACCOUNT_SID}
    assert run.outputs["service-sid"] == SERVICE_SID
