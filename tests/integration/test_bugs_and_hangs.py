"""What a run reports if it has a bug, and if its main thread hangs."""

import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import BUILD_SID, build_status
from twilio_build_wait import main
from twilio_build_wait.guard import Watch, append
from twilio_build_wait.model import Progress
from twilio_build_wait.outputs import outputs
from twilio_build_wait.twilio import diagnosis

TRACEBACK = "Traceback (most recent call last):"
STANDS = "A bug in twilio-build-wait cut the rest short; the outcome stands"


def fail(*_arguments: object) -> NoReturn:
    raise RuntimeError("a bug")


def test_bug_before_the_wait_is_announced(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "read", fail)
    run = tool.run(code=70)
    known = {"outcome": "error", "reason": "a bug in twilio-build-wait"}
    assert dict(run.pairs) == outputs(Progress()) | known
    assert run.lines[len(run.commands("add-mask"))] == TRACEBACK
    (error,) = run.commands("error")
    assert error.title == "Internal error in twilio-build-wait"
    advice = "Report the traceback in the log, then re-run the step"
    assert error.data == f"a bug in twilio-build-wait. {advice}"
    assert run.summary.startswith("### ❗ Internal error in twilio-build-wait\n")


def test_outputs_then_the_log_then_announcements_report_a_bug(tool: Tool) -> None:
    events: list[str] = []

    def remember(path: str, text: str) -> None:
        events.append(path if "error" in text else "")
        append(path, text)

    def write(data: bytes) -> None:
        events.append(data.decode().split(" title=")[0].rstrip())

    tool.server.script(build_status())
    run = run_inside(
        tool.environ, tool.server, append=remember, write=write, uniform=fail, check=False
    )
    expected = [
        tool.environ["GITHUB_OUTPUT"],
        TRACEBACK,
        "RuntimeError: a bug",
        "::error",
        tool.environ["GITHUB_STEP_SUMMARY"],
    ]
    assert [event for event in events if event in expected] == expected
    assert run.outputs["status"] == "building"
    assert run.outputs["polls"] == "1"


def test_bug_after_the_verdict_changes_nothing(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis.Diagnosis, "run", fail)
    run = tool.run(build_status("failed"), code=1, TWILIO_BUILD_DIAGNOSE="true")
    assert [value for name, value in run.pairs if name == "outcome"] == ["failed"]
    (error,) = run.commands("error")
    assert error.title == "Twilio build failed"
    assert run.summary.startswith("### ❌ Twilio build failed\n")
    start = run.lines.index(STANDS)
    place, code, problem = run.lines[start + 1 : start + 4]
    assert place.startswith('  File "')
    assert code == '    raise RuntimeError("a bug")'
    assert problem == "RuntimeError: a bug"


def test_bug_in_the_summary_repeats_nothing(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twilio_build_wait.reporters.summary.render", fail)
    run = tool.run(build_status("failed"), code=1)
    assert STANDS in run.lines
    assert len(run.commands("error")) == 1


def test_bug_in_the_first_line_leaves_every_output(tool: Tool) -> None:
    run = run_inside(tool.environ, tool.server, write=fail, check=False)
    assert run.output_file["outcome"] == "error"
    assert run.outputs["build-sid"] == BUILD_SID


def test_bug_in_a_channel_leaves_the_others(tool: Tool) -> None:
    tool.server.script(build_status("completed"))
    run = run_inside(tool.environ, tool.server, append=fail, check=False)
    assert run.code == 5
    assert run.output_file["outcome"] == "completed"
    assert "GITHUB_OUTPUT could not be written: RuntimeError" in run.lines


CLIENT = "twilio_build_wait.twilio.client"


def test_missing_package_is_named(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, CLIENT, raising=False)
    monkeypatch.setitem(sys.modules, "requests", None)
    (error,) = tool.run(code=70).commands("error")
    command = "python3 -m pip install requests backoff"
    reason = "the Python package requests is not installed"
    assert error.data == f"{reason}. Install what is missing: {command}"


def test_missing_module_of_our_own_is_a_bug(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, CLIENT, None)
    assert tool.run(code=70).outputs["reason"] == "a bug in twilio-build-wait"


class Ended(BaseException):
    """Stands for the end of the process."""


class Hang:
    """A run in which the `number`th append to a file hangs, until the watch ends the process.

    `caught` is the signal that the watch has taken, None if the time is over. `code` is the exit
    code, and `output_file` the output file when the append that hung is tried again.
    """

    code, output_file = 0, ""

    def __init__(
        self, tool: Tool, number: int, caught: int | None, status: str = "", *, check: bool = True
    ) -> None:
        self._path = Path(tool.environ["TWILIO_BUILD_OUTPUT_FILE"])
        self._watch, self._left, self._caught = Watch(), number, caught
        tool.server.script(build_status(status))
        self.run = run_inside(
            tool.environ, tool.server, append=self._append, watch=self._watch, check=check
        )

    def _append(self, path: str, text: str) -> None:
        self._left -= 1
        if self._left == 0:
            self._watch.final_report(self._caught)
            self.code = self._watch.exit_code(self._caught)
            raise Ended
        if self._left == -1:
            self.output_file = self._path.read_text()
        append(path, text)


def test_signal_while_inputs_are_read_cancels(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> NoReturn:
        watch.final_report(signal.SIGINT)
        raise Ended

    watch = Watch()
    monkeypatch.setattr(main, "read", hang)
    run = run_inside(tool.environ, tool.server, watch=watch)
    assert run.outputs["outcome"] == "cancelled"
    assert run.outputs["polls"] == "0"


def test_early_outputs_that_hang_leave_the_other_channels_to_a_signal(tool: Tool) -> None:
    hang = Hang(tool, 1, signal.SIGINT)
    assert hang.code == 130
    assert hang.run.outputs["outcome"] == "cancelled"
    assert hang.run.commands("warning")[0].title == "Wait cancelled"
    assert '"outcome": "cancelled"' in hang.output_file


def test_hang_without_a_signal_times_out(tool: Tool) -> None:
    hang = Hang(tool, 1, None)
    assert hang.code == 3
    reason = "no verdict, because this machine hangs: a disk, or a log that nobody reads"
    assert hang.run.outputs["reason"] == reason


def test_hang_while_a_verdict_is_saved_loses_the_output(tool: Tool) -> None:
    hang = Hang(tool, 2, signal.SIGTERM, "completed", check=False)
    assert hang.code == 5
    assert hang.run.commands("error")[0].title == "Outputs lost"
    assert "outcome" not in hang.run.outputs


def test_hang_after_a_verdict_is_saved_keeps_it(tool: Tool) -> None:
    assert Hang(tool, 3, signal.SIGTERM, "failed").code == 1


def test_timeout_delays_the_end_of_a_process_that_hangs(tool: Tool) -> None:
    watch = Watch()
    before = watch.ends_at
    tool.server.script(build_status("completed"))
    run_inside(tool.environ | {"TWILIO_BUILD_TIMEOUT": "2m"}, tool.server, watch=watch)
    assert watch.ends_at - before == pytest.approx(120.0)
