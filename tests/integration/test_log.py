"""What is shown on standard output, and what happens where that does not take it."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.harness import (
    API_KEY,
    BUILD_SID,
    ENTRYPOINT,
    SECRET,
    SERVICE_SID,
    Finished,
    Handler,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    hang_up,
    off_github,
    refusing_root,
    silence,
    twilio_error,
)


def first_line(run: Finished) -> str:
    return next(line for line in run.lines if not line.startswith("::add-mask::"))


def version(tool: Tool) -> str:
    shown = tool.run({"PATH": ""}, ["--version"]).stdout
    found = re.search(r"[0-9]+\.[0-9]+\.[0-9]+\S*", shown)
    assert found, shown
    return found[0]


class TestFirstLine:
    @pytest.mark.parametrize("github", [True, False])
    def test_it_tells_what_is_about_to_happen(
        self, tool: Tool, tmp_path: Path, *, github: bool
    ) -> None:
        with ScriptedServer(build("completed")) as server:
            env = base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="42s")
            run = tool.run(env if github else off_github(env))
        assert run.code == 0, run.stdout
        line = first_line(run)
        for told in (version(tool), BUILD_SID, SERVICE_SID, "127.0.0.1", "42"):
            assert told in line, line
        assert re.search(r"auth[ -]?token", line, re.IGNORECASE), line
        assert not re.search(r"api[ -]?key", line, re.IGNORECASE), line

    def test_it_tells_of_an_api_key(self, tool: Tool, tmp_path: Path) -> None:
        chosen = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, **chosen))
        assert run.code == 0, run.stdout
        assert re.search(r"api[ -]?key", first_line(run), re.IGNORECASE), first_line(run)

    def test_with_bad_inputs_it_tells_the_version(self, tool: Tool, tmp_path: Path) -> None:
        run = tool.run(base_env("", tmp_path, TWILIO_BUILD_TIMEOUT="often"))
        assert run.code == 2, run.stdout
        assert version(tool) in first_line(run)

    def test_it_is_there_before_the_first_answer(self, tool: Tool, tmp_path: Path) -> None:
        """Flushed line by line, into a pipe as well."""
        with ScriptedServer(silence) as server:
            running = tool.start(base_env(server.url, tmp_path))
            running.wait_until(lambda: len(server.requests) == 1)
            running.wait_for_text(BUILD_SID, timeout=2)
            running.kill()


class TestLines:
    def test_one_when_the_status_changes_and_not_one_for_each_read(
        self, tool: Tool, tmp_path: Path
    ) -> None:
        def run_of(count: int) -> Finished:
            script = [*[build()] * count, build("completed")]
            with ScriptedServer(*script) as server:
                run = tool.run(base_env(server.url, tmp_path))
            assert run.code == 0, run.stdout
            assert run.outputs["polls"] == str(count + 1)
            return run

        many, few = run_of(15), run_of(1)
        assert len(many.lines) == len(few.lines), many.stdout
        assert sum("building" in line for line in many.lines) <= 2

    def test_a_line_for_each_change(self, tool: Tool, tmp_path: Path) -> None:
        words = ["building", "building", "queued", "queued", "building", "completed"]
        with ScriptedServer(*(build(word) for word in words)) as server:
            running = tool.start(off_github(base_env(server.url, tmp_path)))
            run = running.finish()
        assert run.code == 0, run.stdout
        lines = [line for line in run.lines if "queued" in line or "building" in line]
        assert len(lines) >= 3, run.stdout
        assert any("completed" in line for line in run.lines)

    def test_one_for_each_passing_fault(self, tool: Tool, tmp_path: Path) -> None:
        script: list[Handler] = [Reply(503), build(), Reply(502), build()]
        script += [hang_up, build("completed")]
        with ScriptedServer(*script) as server:
            run = tool.run(off_github(base_env(server.url, tmp_path)))
        assert run.code == 0, run.stdout
        assert len([line for line in run.lines if "503" in line]) == 1
        assert len([line for line in run.lines if "502" in line]) == 1
        after = run.stdout.partition("502")[2]
        assert "127.0.0.1" in after, "the network fault does not name the host"

    def test_a_refused_connection_names_the_host(self, tool: Tool, tmp_path: Path) -> None:
        with refusing_root() as root:
            run = tool.run(base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
        assert run.code == 3, run.stdout
        assert "127.0.0.1" in "\n".join(run.visible.splitlines()[1:])

    def test_debug_lines_on_request(self, tool: Tool, tmp_path: Path) -> None:
        script = [build(), Reply(503), build(), build("completed")]
        for chosen, count in (("1", 4), ("0", 0), (None, 0)):
            with ScriptedServer(*script) as server:
                run = tool.run(base_env(server.url, tmp_path, RUNNER_DEBUG=chosen))
            assert run.code == 0, run.stdout
            assert len(run.named("debug")) == count, run.stdout

    @pytest.mark.parametrize(
        "script, timeout, code",
        [
            ([build("completed")], "5s", 0),
            ([build("failed")], "5s", 1),
            ([build()], "0", 3),
            ([twilio_error(401, 20003, "no")], "5s", 4),
        ],
        ids=["completed", "failed", "timed-out", "rejected"],
    )
    def test_the_last_words_name_the_verdict(
        self, tool: Tool, tmp_path: Path, script: list[Reply], timeout: str, code: int
    ) -> None:
        with ScriptedServer(*script) as server:
            env = base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT=timeout)
            run = tool.run(off_github(env))
        assert run.code == code, run.stdout
        told = {0: "completed", 1: "failed", 3: "building", 4: "401"}[code]
        assert told in "\n".join(run.lines[1:])


class TestSafeText:
    """The cut at 500 characters, and line breaks of every kind."""

    def test_each_piece_is_cut(self, tool: Tool, tmp_path: Path) -> None:
        long = twilio_error(403, 1, "M" * 5000, (("X-More", "x"),))
        with ScriptedServer(build("Q" * 5000), long) as server:
            run = tool.run(base_env(server.url, tmp_path, RUNNER_DEBUG="1"))
        assert run.code == 4, run.stdout
        for text in (run.stdout, run.outputs["reason"], run.summary, run.output_text):
            assert "M" * 501 not in text
            assert "Q" * 501 not in text
        assert "M" * 300 in run.visible
        assert len(run.outputs["reason"]) <= 500

    def test_an_input_is_cut_too(self, tool: Tool, tmp_path: Path) -> None:
        long = {"TWILIO_BUILD_SID": "B" * 9000, "TWILIO_BUILD_TIMEOUT": "7" * 9000}
        run = tool.run(base_env("", tmp_path, **long))
        assert run.code == 2, run.stdout
        for text in (run.stdout, run.outputs["reason"], run.summary):
            assert "B" * 501 not in text
            assert "7" * 501 not in text

    @pytest.mark.parametrize(
        "separator",
        ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"],
        ids=ascii,
    )
    def test_a_message_stays_on_its_line(self, tool: Tool, tmp_path: Path, separator: str) -> None:
        message = f"first{separator}::error::second{separator}##[error]third"
        with ScriptedServer(twilio_error(400, 1, message)) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 4, run.stdout
        assert len(run.named("error")) == 1
        for line in run.visible.split("\n"):
            assert ("first" in line) == ("third" in line), run.visible
        assert separator not in run.outputs["reason"]

    def test_an_output_encoding_that_cannot_take_it(self, tool: Tool, tmp_path: Path) -> None:
        refusal = twilio_error(403, 1, "Größe – 大きさ \U0001f600")
        for encoding in ("ascii", "latin-1", "ascii:strict"):
            with ScriptedServer(refusal) as server:
                run = subprocess.run(
                    [sys.executable, ENTRYPOINT],
                    cwd=tool.cwd,
                    env=base_env(server.url, tmp_path, PYTHONIOENCODING=encoding),
                    capture_output=True,
                    timeout=20,
                    check=False,
                )
            assert run.returncode == 4, run.stdout
            assert run.stderr == b""
            assert b"Traceback" not in run.stdout


class TestBrokenStandardOutput:
    """On GitHub standard output carries no outputs: losing it costs nothing but the log."""

    def test_a_reader_that_goes_away(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(build(), Reply(503), build("completed")) as server:
            read, write = os.pipe()
            os.close(read)
            running = tool.start(base_env(server.url, tmp_path), stdout=write)
            os.close(write)
            run = running.finish(check=False)
        assert (run.code, run.stderr) == (0, "")
        assert run.outputs["outcome"] == run.output_json["outcome"] == "completed"

    @pytest.mark.parametrize("status, code", [("completed", 0), ("failed", 1)])
    def test_a_full_disk(self, tool: Tool, tmp_path: Path, status: str, code: int) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        with ScriptedServer(build(status)) as server:
            running = tool.start(base_env(server.url, tmp_path), stdout=full)
            os.close(full)
            run = running.finish(check=False)
        assert (run.code, run.stderr) == (code, "")
        assert run.outputs["outcome"] == run.output_json["outcome"] == status

    @pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
    def test_closed_from_the_start(self, tool: Tool, tmp_path: Path, redirection: str) -> None:
        with ScriptedServer(build("failed")) as server:
            env = base_env(server.url, tmp_path)
            run = subprocess.run(
                ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, ENTRYPOINT],
                cwd=tool.cwd,
                env=env,
                capture_output=True,
                timeout=20,
                check=False,
            )
        assert run.returncode == 1, run.stdout
        assert run.stderr == b""
        assert "outcome" in (tmp_path / "github-output").read_text()
        assert '"failed"' in (tmp_path / "outputs.json").read_text()


class TestTerminal:
    """A terminal of one's own gets one live line; any CI gets lines."""

    def on_a_terminal(self, tool: Tool, env: Mapping[str, str]) -> tuple[int, str]:
        main, side = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, ENTRYPOINT],
            cwd=tool.cwd,
            env=dict(env) | {"TERM": "xterm-256color", "COLUMNS": "100"},
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)
        shown = b""
        try:
            while True:
                try:
                    received = os.read(main, 65536)
                except OSError:  # the other side is closed
                    break
                if not received:
                    break
                shown += received
            return process.wait(timeout=20), shown.decode()
        finally:
            os.close(main)
            if process.poll() is None:
                process.kill()
                process.wait()

    SCRIPT = (*[build()] * 25, build("completed"))

    def test_a_live_line(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(*self.SCRIPT) as server:
            code, shown = self.on_a_terminal(tool, off_github(base_env(server.url, tmp_path)))
        assert code == 0, shown
        assert re.search(r"\r(?!\n)", shown.replace("\r\n", "\n")), ascii(shown)
        assert "building" in shown
        assert "completed" in shown
        assert shown.endswith("\r\n"), "the prompt would stand on the live line"

    @pytest.mark.parametrize(
        "ci", [{"CI": "true"}, {"GITHUB_ACTIONS": "true"}, {"CI": "1", "GITHUB_ACTIONS": "true"}]
    )
    def test_no_live_line_in_a_ci(self, tool: Tool, tmp_path: Path, ci: Mapping[str, str]) -> None:
        """act gives a terminal, and drops what follows a lone carriage return."""
        with ScriptedServer(*self.SCRIPT) as server:
            env = off_github(base_env(server.url, tmp_path)) | dict(ci)
            env["GITHUB_OUTPUT"] = str(tmp_path / "github-output")
            code, shown = self.on_a_terminal(tool, env)
        assert code == 0, shown
        assert "\r" not in shown.replace("\r\n", "\n")
        assert "\x1b" not in shown
        assert shown.count("building") <= 3

    def test_a_fault_is_a_line_of_its_own(self, tool: Tool, tmp_path: Path) -> None:
        script = (*[build()] * 3, Reply(503), *[build()] * 3, build("failed"))
        with ScriptedServer(*script) as server:
            code, shown = self.on_a_terminal(tool, off_github(base_env(server.url, tmp_path)))
        assert code == 1, shown
        lines = shown.replace("\r\n", "\n").split("\n")
        (line,) = [line for line in lines if "503" in line]
        assert "building" not in re.split(r"\r|\x1b\[2?K", line)[-1]


def test_a_signal_of_life_is_no_line_for_every_second(tool: Tool, tmp_path: Path) -> None:
    """Two seconds of a hanging server leave the log as it was."""
    with ScriptedServer(build(), silence) as server:
        running = tool.start(base_env(server.url, tmp_path))
        running.wait_until(lambda: len(server.requests) == 2)
        before = running.stdout
        time.sleep(2)
        assert running.stdout == before
        running.send_signal(signal.SIGTERM)
        assert running.finish().code == 143
