"""The schedule as a server sees it: delays, retries, Retry-After, 404, the deadline.

Random delays are only held against their bounds. The distributions, the sign of life every 30 s and
the rule of the 60 s in which nothing has ever answered are tested with a clock handed in.
"""

import itertools
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.integration.harness import (
    BUILD_SID,
    Exchange,
    Handler,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    hang_up,
    json_reply,
    refusing_root,
    silence,
    twilio_error,
)

EARLY = 0.03  # a request reaches the server a little after it was begun, so gaps vary by that
LATE = 1.0  # what a busy machine may add


def gaps(server: ScriptedServer) -> list[float]:
    """The seconds between each request and the next."""
    times = [request.time for request in server.requests]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def faulty(status: int, *headers: tuple[str, str]) -> Reply:
    return Reply(status, b"", headers)


class TestGoodReads:
    def test_the_first_read_is_at_once_and_the_delay_grows(
        self, tool: Tool, tmp_path: Path
    ) -> None:
        with ScriptedServer(*[build()] * 8, build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_INTERVAL="200ms"))
        assert run.code == 0, run.stdout
        waited = 0.0
        for gap in gaps(server):
            planned = 0.2 + 0.03 * waited
            assert 0.9 * planned - EARLY <= gap <= 1.1 * planned + LATE
            waited += gap
        assert float(run.outputs["elapsed-seconds"]) == pytest.approx(waited, abs=0.2)

    def test_the_longest_delay_caps_it(self, tool: Tool, tmp_path: Path) -> None:
        durations = {"TWILIO_BUILD_INTERVAL": "150ms", "TWILIO_BUILD_MAX_INTERVAL": "150ms"}
        with ScriptedServer(*[build()] * 12, build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, **durations))
        assert run.code == 0, run.stdout
        between = gaps(server)
        assert all(0.135 - EARLY <= gap <= 0.165 + LATE for gap in between), between
        assert sum(between) / len(between) < 0.25


class TestPassingFaults:
    @pytest.mark.parametrize(
        "fault",
        [
            faulty(500),
            faulty(408),
            faulty(425),
            faulty(429),
            faulty(204),
            faulty(700),
            hang_up,
            Reply(200, b"<html>"),
            build("completed", sid="ZB" + "0" * 32),
        ],
        ids=["500", "408", "425", "429", "204", "700", "closed", "garbled", "another-build"],
    )
    def test_a_passing_fault_is_read_again(
        self, tool: Tool, tmp_path: Path, fault: Handler
    ) -> None:
        with ScriptedServer(fault, build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert run.outputs["polls"] == "2"
        assert len(server.requests) == 2
        assert gaps(server)[0] <= 1 + LATE

    def test_a_row_backs_off_and_a_good_read_ends_it(self, tool: Tool, tmp_path: Path) -> None:
        row = [faulty(503), build()]
        with ScriptedServer(*row * 5, build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="60s"))
        assert run.code == 0, run.stdout
        after_faults = gaps(server)[::2]
        assert len(after_faults) == 5
        assert max(after_faults) <= 1 + LATE

    def test_each_is_told_with_its_cause_and_the_delay(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(faulty(500), faulty(502), build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert max(gaps(server)) <= 2 + LATE
        for status in ("500", "502"):
            (line,) = [line for line in run.lines if status in line]
            told = line.replace(status, "").replace("127.0.0.1", "")
            assert any(character.isdigit() for character in told), line

    def test_nobody_listens_yet(self, tool: Tool, tmp_path: Path) -> None:
        with refusing_root() as root:
            run = tool.run(base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="1s"))
        assert run.code == 3, run.stdout
        assert int(run.outputs["polls"]) >= 2
        assert "127.0.0.1" in run.visible
        assert "refused" in run.outputs["reason"].lower()

    def test_a_silent_server_is_left_after_ten_seconds(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(silence, build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="30s"))
        assert run.code == 0, run.stdout
        (gap,) = gaps(server)
        assert 9.5 <= gap <= 11 + LATE


class TestRetryAfter:
    @pytest.mark.parametrize("status", [429, 500, 503, 599])
    def test_seconds_are_a_floor(self, tool: Tool, tmp_path: Path, status: int) -> None:
        script = [faulty(status, ("Retry-After", "1")), build("completed")]
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert 1 - EARLY <= gaps(server)[0] <= 2 + LATE

    @pytest.mark.parametrize("ahead", [-86400, 0, 86400])
    def test_a_date_counts_from_the_reply_s_own(
        self, tool: Tool, tmp_path: Path, ahead: int
    ) -> None:
        """Whatever this machine's wall clock says."""
        now = 1_900_000_000 + ahead
        headers = [("Date", formatdate(now, usegmt=True))]
        headers.append(("Retry-After", formatdate(now + 1, usegmt=True)))
        with ScriptedServer(faulty(503, *headers), build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert 1 - EARLY <= gaps(server)[0] <= 2 + LATE

    @pytest.mark.parametrize(
        "fault",
        [
            faulty(429, ("Retry-After", "soon")),
            faulty(429, ("Retry-After", "1.5")),
            faulty(503, ("Retry-After", "-5")),
            faulty(503, ("Retry-After", "+5")),
            faulty(503, ("Retry-After", "")),
            faulty(503, ("Retry-After", "5" * 10)),
            faulty(503, ("Retry-After", "9" * 5000)),
            faulty(503, ("Retry-After", "\u00b2")),
            faulty(503, ("Retry-After", "5_0")),
            faulty(503, ("Retry-After", formatdate(4_000_000_000, usegmt=True))),
            faulty(
                503,
                ("Retry-After", "Fri, 31 Dec 100000000 23:59:59 GMT"),
                ("Date", formatdate(0, usegmt=True)),
            ),
            faulty(503, ("Retry-After", formatdate(9_000_000, usegmt=True)), ("Date", "yesterday")),
            faulty(
                503,
                ("Retry-After", formatdate(0, usegmt=True)),
                ("Date", formatdate(9_000_000, usegmt=True)),
            ),
            faulty(408, ("Retry-After", "60")),
            faulty(425, ("Retry-After", "60")),
            faulty(204, ("Retry-After", "60")),
            faulty(700, ("Retry-After", "60")),
        ],
        ids=[
            "word",
            "fraction",
            "negative",
            "signed",
            "empty",
            "ten-digits",
            "5000-digits",
            "superscript",
            "underscore",
            "no-date-to-count-from",
            "far-year",
            "bad-date-to-count-from",
            "past",
            "on-408",
            "on-425",
            "on-204",
            "on-700",
        ],
    )
    def test_anything_else_is_ignored(self, tool: Tool, tmp_path: Path, fault: Reply) -> None:
        with ScriptedServer(fault, build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert gaps(server)[0] <= 1 + LATE

    @pytest.mark.parametrize("seconds", ["60", "999999999"])
    def test_the_read_at_the_deadline_does_not_wait_for_it(
        self, tool: Tool, tmp_path: Path, seconds: str
    ) -> None:
        script = [faulty(429, ("Retry-After", seconds)), build("completed")]
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="1s"))
        assert run.code == 0, run.stdout
        assert 1 - EARLY <= gaps(server)[0] <= 1 + LATE

    def test_it_is_no_answer_to_a_404(self, tool: Tool, tmp_path: Path) -> None:
        script = [faulty(404, ("Retry-After", "5")), build("completed")]
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert 0.9 - EARLY <= gaps(server)[0] <= 1.1 + LATE


class TestNotFound:
    def test_it_is_read_again_every_second(self, tool: Tool, tmp_path: Path) -> None:
        script = [twilio_error(404, 20404, "not found")] * 3
        with ScriptedServer(*script, build(), build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        for gap in gaps(server)[:3]:
            assert 0.9 - EARLY <= gap <= 1.1 + LATE

    def test_after_ten_seconds_it_lasts(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(twilio_error(404, 20404, "No such build")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="60s"))
        assert run.code == 4, run.stdout
        assert 9 <= float(run.outputs["elapsed-seconds"]) <= 11.6
        assert 9 <= len(server.requests) <= 13
        for told in ("404", "20404", "No such build"):
            assert told in run.visible, run.visible

    def test_the_deadline_may_come_first(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(twilio_error(404, 20404, "No such build")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="1500ms"))
        assert run.code == 4, run.stdout
        assert len(server.requests) == 3
        assert 1.4 <= float(run.outputs["elapsed-seconds"]) <= 2.2

    def test_a_build_that_appears_at_the_deadline(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(faulty(404), build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="500ms"))
        assert run.code == 0, run.stdout
        assert 0.5 - EARLY <= gaps(server)[0] <= 0.5 + LATE

    def test_after_a_good_read_it_is_read_again_too(self, tool: Tool, tmp_path: Path) -> None:
        script = [build(), faulty(404), build("failed")]
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 1, run.stdout
        assert len(server.requests) == 3


class TestDeadline:
    @pytest.mark.parametrize("reply, code", [(build(), 3), (build("completed"), 0)])
    def test_zero_reads_once(self, tool: Tool, tmp_path: Path, reply: Reply, code: int) -> None:
        with ScriptedServer(reply) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
        assert run.code == code, run.stdout
        assert len(server.requests) == 1
        assert run.outputs["polls"] == "1"

    @pytest.mark.parametrize("status, code", [("completed", 0), ("failed", 1), ("building", 3)])
    def test_the_last_read_is_at_the_deadline(
        self, tool: Tool, tmp_path: Path, status: str, code: int
    ) -> None:
        """A build that ends in the last moment is seen, however long the interval."""
        durations = {"TWILIO_BUILD_TIMEOUT": "1s", "TWILIO_BUILD_INTERVAL": "1h"}
        with ScriptedServer(build(), build(status)) as server:
            run = tool.run(base_env(server.url, tmp_path, **durations))
        assert run.code == code, run.stdout
        (gap,) = gaps(server)
        assert 1 - EARLY <= gap <= 1 + LATE
        assert run.outputs["polls"] == "2"
        assert 1.0 <= float(run.outputs["elapsed-seconds"]) <= 1.5

    def test_a_frequent_reader_reads_at_the_deadline_too(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(build()) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="950ms"))
        assert run.code == 3, run.stdout
        first, last = server.requests[0].time, server.requests[-1].time
        assert 0.95 - EARLY <= last - first <= 0.95 + LATE
        assert int(run.outputs["polls"]) == len(server.requests)
        assert 6 <= len(server.requests) <= 13
        before = [request for request in server.requests[:-1] if request.time - first > 0.97]
        assert before == [], "there was a read after the deadline beside the last"

    @pytest.mark.parametrize("status, code", [("completed", 0), ("building", 3)])
    def test_a_read_under_way_at_the_deadline_is_the_last(
        self, tool: Tool, tmp_path: Path, status: str, code: int
    ) -> None:
        late = build(status)
        slow = Reply(late.status, late.body, late.headers, delay=1.2)
        with ScriptedServer(slow) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="500ms"))
        assert run.code == code, run.stdout
        assert len(server.requests) == 1
        assert 1.2 <= float(run.outputs["elapsed-seconds"]) <= 1.8

    @pytest.mark.parametrize(
        "script, status",
        [([silence], ""), ([build(), silence], "building")],
        ids=["from-the-first-read", "at-the-last-read"],
    )
    def test_a_silent_server_cannot_hold_it(
        self, tool: Tool, tmp_path: Path, script: list[Handler], status: str
    ) -> None:
        durations = {"TWILIO_BUILD_TIMEOUT": "500ms", "TWILIO_BUILD_INTERVAL": "1h"}
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path, **durations))
        assert run.code == 3, run.stdout
        assert float(run.outputs["elapsed-seconds"]) <= 5.6
        assert run.seconds <= 7
        assert run.outputs["status"] == status
        reason = run.outputs["reason"].lower()
        assert "127.0.0.1" in reason or "answer" in reason or "time" in reason, reason

    @pytest.mark.parametrize(
        "last, told", [(faulty(503), "503"), (hang_up, "127.0.0.1"), (json_reply([]), "")]
    )
    def test_a_fault_in_the_last_read_is_named_beside_the_status(
        self, tool: Tool, tmp_path: Path, last: Handler, told: str
    ) -> None:
        durations = {"TWILIO_BUILD_TIMEOUT": "300ms", "TWILIO_BUILD_INTERVAL": "1h"}
        with ScriptedServer(build(), last) as server:
            run = tool.run(base_env(server.url, tmp_path, **durations))
            quiet = ScriptedServer(build())
            with quiet:
                plain = tool.run(base_env(quiet.url, tmp_path, **durations))
        assert run.code == 3, run.stdout
        assert "building" in run.outputs["reason"]
        assert told in run.visible
        assert "building" in plain.outputs["reason"]
        assert len(run.outputs["reason"]) > len(plain.outputs["reason"])

    def test_a_lasting_fault_at_the_deadline_is_rejected(self, tool: Tool, tmp_path: Path) -> None:
        durations = {"TWILIO_BUILD_TIMEOUT": "300ms", "TWILIO_BUILD_INTERVAL": "1h"}
        with ScriptedServer(build(), twilio_error(401, 20003, "revoked")) as server:
            run = tool.run(base_env(server.url, tmp_path, **durations))
        assert run.code == 4, run.stdout
        assert run.outputs["build-sid"] == BUILD_SID

    def test_another_build_never_ends_the_wait(self, tool: Tool, tmp_path: Path) -> None:
        wrong = build("completed", sid="ZB" + "0" * 32)
        with ScriptedServer(wrong) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="800ms"))
        assert run.code == 3, run.stdout
        assert run.outputs["status"] == ""

    def test_a_trickling_body_cannot_hold_it(self, tool: Tool, tmp_path: Path) -> None:
        def trickle(exchange: Exchange) -> None:
            exchange.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
            while not exchange.stopping.wait(0.1):
                exchange.connection.sendall(b" ")

        with ScriptedServer(trickle) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
        assert run.code == 3, run.stdout
        assert run.seconds <= 6.5
