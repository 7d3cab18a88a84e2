"""What the tool makes of a connection that breaks, lies, or does not end."""

import gzip
import re
import time
from pathlib import Path

import pytest

from tests.integration import wire as faults
from tests.integration.harness import Finished, Tool, base_env
from tests.integration.wire import Act, Wire, build_json, head, raw, status

pytestmark = pytest.mark.fault

ONE_READ_S = 10.0  # what a read may take in all
LAST_READ_S = 5.0  # what the last one may take
SLACK_S = 1.5  # starting Python, and a busy machine
PEAK_LIMIT_KIB = 60 << 10

GOOD = build_json("completed")


def run_against(tool: Tool, tmp_path: Path, wire: Wire, **env: str | None) -> Finished:
    """The tool's whole run against this server."""
    return tool.run(base_env(wire.root, tmp_path, **env), timeout=40)


# --- it breaks ------------------------------------------------------------------------------------

BREAKS: dict[str, Act] = {
    "reset-on-connect": faults.reset_on_connect(),
    "closed-on-connect": faults.close_on_connect(),
    "reset-before-reply": faults.reset_before_reply(),
    "reset-in-head": faults.reset_in_head(),
    "reset-after-head": faults.reset_after_head(),
    "reset-in-body": faults.reset_in_body(),
    "closed-silently": faults.close_silently(),
    "closed-in-head": faults.close_in_head(),
    "body-shorter-than-announced": faults.short_body(),
    "chunked-body-cut": faults.chunks_cut(),
    "half-closed": faults.half_closed(),
    "garbage": faults.garbage(),
    "json-without-http": raw(GOOD),
    "another-protocol": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "status-line-without-code": raw(b"HTTP/1.1 OK\r\n\r\n" + GOOD),
    "status-code-not-a-number": raw(b"HTTP/1.1 2OO OK\r\n\r\n" + GOOD),
    "status-code-of-a-thousand-digits": raw(b"HTTP/1.1 " + b"2" * 1000 + b" OK\r\n\r\n" + GOOD),
    "status-code-negative": raw(b"HTTP/1.1 -200 OK\r\n\r\n" + GOOD),
    "length-negative": raw(head(200, "OK", {"Content-Length": "-5"})),
    "length-of-a-thousand-digits": raw(head(200, "OK", {"Content-Length": "9" * 1000}) + GOOD),
    "chunk-size-nonsense": raw(
        head(200, "OK", {"Transfer-Encoding": "chunked"}) + b"zz\r\n" + GOOD
    ),
    "chunk-size-negative": raw(
        head(200, "OK", {"Transfer-Encoding": "chunked"}) + b"-5\r\n" + GOOD
    ),
    "chunk-size-of-a-thousand-digits": raw(
        head(200, "OK", {"Transfer-Encoding": "chunked"}) + b"f" * 1000 + b"\r\n" + GOOD
    ),
    "gzip-though-not-asked-for": raw(
        head(200, "OK", {"Content-Encoding": "gzip"}, len(gzip.compress(GOOD)))
        + gzip.compress(GOOD)
    ),
    "gzip-cut": raw(head(200, "OK", {"Content-Encoding": "gzip"}, 5) + b"\x1f\x8b\x08\0\0"),
    "gzip-that-is-none": raw(head(200, "OK", {"Content-Encoding": "gzip"}, 7) + b"nothing"),
}


@pytest.mark.parametrize("act", BREAKS.values(), ids=BREAKS)
def test_a_broken_connection_is_tried_again(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert float(run.outputs["elapsed-seconds"]) < 1 + SLACK_S
    assert f"127.0.0.1:{wire.port}" in "".join(run.visible.splitlines()[1:])


def test_a_broken_connection_between_good_reads(tool: Tool, tmp_path: Path) -> None:
    script = [status("building"), faults.reset_in_body(), status("building"), faults.garbage()]
    with Wire(*script, status("failed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 1, run.stdout
    assert run.outputs["polls"] == "5"


def test_refused_until_somebody_listens(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed"), listening=False) as wire:
        running = tool.start(base_env(wire.root, tmp_path))
        running.wait_for_text("connection refused")
        wire.listen()
        run = running.finish()
    assert run.code == 0, run.stdout
    assert int(run.outputs["polls"]) >= 2
    assert len(wire.requests) == 1


def test_refused_until_the_deadline(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed"), listening=False) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="2s")
    assert run.code == 3, run.stdout
    assert "refused" in run.outputs["reason"]
    assert f"127.0.0.1:{wire.port}" in run.outputs["reason"]
    assert run.outputs["status"] == ""


STALE: dict[str, tuple[Act, ...]] = {
    "closed-after-the-reply": (faults.then_close(status("building")),),
    "reset-at-the-next-request": (status("building"), faults.reset_before_reply()),
    "closed-at-the-next-request": (status("building"), faults.close_silently()),
}


@pytest.mark.parametrize("script", STALE.values(), ids=STALE)
def test_a_stale_kept_alive_connection_does_no_harm(
    tool: Tool, tmp_path: Path, script: tuple[Act, ...]
) -> None:
    with Wire(*script, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert int(run.outputs["polls"]) == len(wire.requests) == len(script) + 1


@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["in-one-piece", "a-moment-later"])
def test_bytes_after_a_reply_are_never_the_next_one(
    tool: Tool, tmp_path: Path, pause: float
) -> None:
    # A second reply that nobody asked for is in the connection when the next read begins.
    both = faults.and_one_unasked(build_json("building"), pause, GOOD)
    with Wire(both, status("failed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 1, run.stdout
    assert len(wire.requests) == 2


# --- a status line other than 200 decides ---------------------------------------------------------

DECIDED: dict[str, Act] = {
    "then-reset": faults.reset_after(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\n{"),
    "then-closed": raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\n{"),
    "then-reset-in-head": faults.reset_after(b"HTTP/1.1 401 Unauthorized\r\nContent-Le"),
    "then-closed-in-head": raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Le"),
    "then-garbage-chunks": raw(head(401, "No", {"Transfer-Encoding": "chunked"}) + b"zz\r\n"),
    "then-endless-body": faults.endless_body(401),
    "then-endless-headers": faults.endless(b"HTTP/1.1 401 No\r\n", b"X-More: and more\r\n" * 100),
    "then-endless-header": faults.endless(b"HTTP/1.1 401 No\r\nX-More: ", b"x" * 65536),
    "then-headers-garbled": raw(b"HTTP/1.1 401 No\r\n\0\xff: \xfe\r\nno colon\r\n\r\n"),
}
DECIDED_SLOWLY: dict[str, Act] = {
    "then-nothing": faults.nothing_after(b"HTTP/1.1 401 Unauthorized\r\n"),
    "then-half-a-header": faults.nothing_after(b"HTTP/1.1 401 Unauthorized\r\nContent-Le"),
    "then-no-body": faults.nothing_after(head(401, "Unauthorized", None, 50)),
    "then-dripping-body": faults.drip_body(401),
}


@pytest.mark.parametrize("act", DECIDED.values(), ids=DECIDED)
def test_once_a_401_is_read_it_decides(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 4, run.stdout
    assert "401" in run.outputs["reason"]
    assert float(run.outputs["elapsed-seconds"]) < SLACK_S


@pytest.mark.parametrize("act", DECIDED_SLOWLY.values(), ids=DECIDED_SLOWLY)
def test_a_401_that_never_ends_decides_in_time(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="0")
    assert run.code == 4, run.stdout
    assert "401" in run.outputs["reason"]
    assert float(run.outputs["elapsed-seconds"]) <= LAST_READ_S + 0.1


def test_a_503_that_is_cut_is_a_503(tool: Tool, tmp_path: Path) -> None:
    cut = faults.reset_after(b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 50\r\n\r\n{")
    with Wire(cut, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire)
    assert run.code == 0, run.stdout
    assert "503" in run.visible
    assert wire.requests[1].at - wire.requests[0].at >= 2


# --- it does not end ------------------------------------------------------------------------------

NEVER_ENDS: dict[str, Act] = {
    "nothing-ever": faults.nothing_ever(),
    "nobody-reads": faults.hang_on_connect(),
    "head-dripping": faults.drip_head(),
    "body-dripping": faults.drip_body(),
    "chunks-dripping": faults.drip_chunks(),
    "half-a-head": faults.nothing_after(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "half-a-body": faults.nothing_after(head(200, "OK", None, len(GOOD)) + GOOD[:50]),
    "interim-replies-dripping": faults.drip_interim(),
}


@pytest.mark.parametrize("act", NEVER_ENDS.values(), ids=NEVER_ENDS)
def test_a_read_ends_within_ten_seconds(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act, status("completed")) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="30s")
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    # The second read comes up to a second later, by the first delay of a row of faults.
    assert float(run.outputs["elapsed-seconds"]) < ONE_READ_S + 1 + SLACK_S


@pytest.mark.parametrize("act", NEVER_ENDS.values(), ids=NEVER_ENDS)
def test_the_last_read_ends_within_five_seconds(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act) as wire:
        run = run_against(tool, tmp_path, wire, TWILIO_BUILD_TIMEOUT="500ms")
    assert run.code == 3, run.stdout
    assert run.outputs["polls"] == "1"
    assert float(run.outputs["elapsed-seconds"]) <= 0.5 + LAST_READ_S + 0.1
    assert f"127.0.0.1:{wire.port}" in run.outputs["reason"]


# --- it does not fit ------------------------------------------------------------------------------


def run_and_measure(tool: Tool, env: dict[str, str]) -> tuple[Finished, int]:
    """The run, and the most memory that its process ever had resident, in KiB.

    The kernel's high-water mark of the process's own memory, read while it lives: the figure in
    its resource usage would start from that of the test's own process.
    """
    running = tool.start(env)
    peak = 0
    while running.process.poll() is None:
        peak = max(peak, peak_kib(running.process.pid))
        time.sleep(0.005)
    return running.finish(), peak


def peak_kib(pid: int) -> int:
    """The high-water mark so far; 0 when the process has just ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) if found else 0


TOO_MUCH: dict[str, Act] = {
    "endless-body": faults.endless_body(),
    "endless-length": faults.endless(head(200, "OK", None, 1 << 40), b" " * 65536),
    "endless-chunks": faults.endless(
        head(200, "OK", {"Transfer-Encoding": "chunked"}), b"10000\r\n" + b" " * 65536 + b"\r\n"
    ),
    "endless-chunk-size": faults.endless_chunk_size(),
    "one-endless-chunk": faults.endless(
        head(200, "OK", {"Transfer-Encoding": "chunked"}) + b"ffffffffff\r\n", b" " * 65536
    ),
    "endless-trailers": faults.endless(
        head(200, "OK", {"Transfer-Encoding": "chunked"}) + b"0\r\n", b"X-More: and more\r\n" * 100
    ),
    "endless-headers": faults.endless_headers(),
    "endless-header-line": faults.endless_header_line(),
    "endless-status-line": faults.endless_status_line(),
    "endless-interim-replies": faults.endless_interim(),
    "endless-early-hints": faults.endless_interim(103),
    "gzip-bomb": faults.gzip_bomb(),
    "endless-body-of-a-refusal": faults.endless_body(500),
    "endless-body-of-a-redirect": faults.endless_body(302),
}


@pytest.mark.parametrize("act", TOO_MUCH.values(), ids=TOO_MUCH)
def test_no_reply_fills_the_memory(tool: Tool, tmp_path: Path, act: Act) -> None:
    with Wire(act) as wire:
        run, peak = run_and_measure(tool, base_env(wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    assert run.code == (4 if "302" in run.visible else 3), run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= LAST_READ_S + 0.1
    assert 0 < peak < PEAK_LIMIT_KIB
    # What fits into the sockets' buffers counts as sent. Trailers are read and dropped for as long
    # as a read may take; of everything else no more is read than could ever count.
    assert wire.bytes_sent < 64 << 20 or act is TOO_MUCH["endless-trailers"]
