"""What surrounds a run: the thread that answers signals, the appender, and the exit code."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from twilio_build_wait import __version__, guard

LONG = 30.0  # seconds; no test waits for it


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """What GITHUB_OUTPUT names in `exits`."""
    return tmp_path / "output"


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch, output: Path) -> list[int]:
    """The exit codes with which the process would have ended."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(os, "environ", {"GITHUB_OUTPUT": str(output)})
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    return codes


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[guard.Watch]:
    """A watch that a test runs in its own thread, which blocks the signals."""
    monkeypatch.setattr(guard, "_GRACE", 0.0)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, guard.SIGNALS)
    yield guard.Watch()
    while signal.sigpending() & guard.SIGNALS:
        signal.sigwait(guard.SIGNALS)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def send(number: int) -> None:
    """Send a signal to this thread only: others do not block it."""
    signal.pthread_kill(threading.get_ident(), number)


# --- the watch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_wakes_the_run_then_reports_and_exits(
    watch: guard.Watch, exits: list[int], number: int
) -> None:
    steps: list[object] = []
    watch.wake = lambda: steps.append("wake")
    watch.final_report = steps.append
    send(number)
    watch.run()
    assert steps == ["wake", number]
    assert exits == [128 + number]


def test_run_that_is_not_over_in_time_is_ended(watch: guard.Watch, exits: list[int]) -> None:
    reports: list[int | None] = []
    watch.ends_at = time.monotonic()
    watch.final_report = reports.append
    watch.exit_code = lambda number: 3 if number is None else 0
    watch.run()
    assert reports == [None]
    assert exits == [3]


def test_process_without_a_timeout_ends_43_s_after_its_start() -> None:
    left = guard.Watch().ends_at - time.monotonic()
    assert left == pytest.approx(43.0, abs=0.5)


@pytest.mark.usefixtures("exits")
def test_run_that_ends_meanwhile_waits_for_the_final_report(watch: guard.Watch) -> None:
    is_free: list[bool] = []
    watch.final_report = lambda _: is_free.append(watch.ending.acquire(blocking=False))
    send(signal.SIGTERM)
    watch.run()
    assert is_free == [False]


def test_final_report_that_hangs_is_cut(watch: guard.Watch, exits: list[int]) -> None:
    is_over = threading.Event()
    watch.final_report = lambda _: is_over.wait(LONG)
    send(signal.SIGTERM)
    start = time.monotonic()
    watch.run()
    is_over.set()
    assert exits == [143]
    assert time.monotonic() - start < LONG / 2


def test_process_ends_even_if_no_thread_can_report(
    watch: guard.Watch, exits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", mock.Mock(side_effect=RuntimeError))
    send(signal.SIGINT)
    watch.run()
    assert exits == [130]


def test_watch_can_be_started_where_an_earlier_try_failed(
    watch: guard.Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 refuses to start the same thread again."""
    broken = mock.Mock(start=mock.Mock(side_effect=RuntimeError))
    monkeypatch.setattr(threading, "Thread", mock.Mock(side_effect=[broken, mock.Mock()]))
    with pytest.raises(RuntimeError):
        watch.start()
    was_running = watch.is_running
    watch.start()
    assert not was_running
    assert watch.is_running


def test_signal_before_the_import_writes_only_the_outcome(
    watch: guard.Watch, exits: list[int], output: Path
) -> None:
    send(signal.SIGTERM)
    watch.run()
    assert output.read_text() == "outcome=cancelled\n"
    assert exits == [143]


def test_import_that_hangs_is_an_error(watch: guard.Watch, exits: list[int], output: Path) -> None:
    watch.ends_at = time.monotonic()
    watch.run()
    assert output.read_text() == "outcome=error\n"
    assert exits == [70]


# --- the appender ---------------------------------------------------------------------------------

# What is in the file -> what follows it.
STARTS = {"": "b\n", "a\n": "b\n", "a": "\nb\n"}


@pytest.mark.parametrize("before", STARTS, ids=["empty", "whole line", "unfinished line"])
def test_append_starts_a_new_line_only_behind_an_unfinished_one(
    tmp_path: Path, before: str
) -> None:
    path = tmp_path / "file"
    path.write_text(before)
    guard.append(str(path), "b\n")
    assert path.read_text() == before + STARTS[before]


def test_append_takes_any_text(tmp_path: Path) -> None:
    guard.append(str(tmp_path / "file"), "\udcff")
    assert (tmp_path / "file").read_text() == "\\udcff"


def test_device_is_not_truncated() -> None:
    with pytest.raises(OSError, match="No space"):
        guard.append("/dev/full", "a\n")


def test_file_that_exists_is_opened_without_creating_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux refuses to create in a sticky folder what belongs to somebody else."""
    path = tmp_path / "file"
    path.write_text("a\n")
    opened = mock.Mock(wraps=os.open)
    monkeypatch.setattr(os, "open", opened)
    guard.append(str(path), "b\n")
    assert not any(call.args[1] & os.O_CREAT for call in opened.call_args_list)


# --- the run --------------------------------------------------------------------------------------


@pytest.fixture
def started(exits: list[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The exit codes of `guard.main`, whose thread is not started."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setattr(guard.Watch, "start", mock.Mock(side_effect=RuntimeError))
    yield exits
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


# Argument -> the exit code without inputs.
ARGUMENTS = {"--version": 0, "--unknown": 2}


@pytest.mark.usefixtures("started")
def test_guard_lets_the_run_append_its_outputs(
    monkeypatch: pytest.MonkeyPatch, output: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", "--unknown"])
    guard.main()
    assert "invalid" in output.read_text()


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_guard_exits_with_the_code_of_the_run(
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    argument: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", argument])
    guard.main()
    assert started == [ARGUMENTS[argument]]
    assert capfd.readouterr().out.startswith(f"twilio-build-wait {__version__}\n")
    assert sys.stderr is None


def test_crash_is_reported_without_its_message(
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    output: Path,
) -> None:
    crash = mock.Mock(side_effect=KeyboardInterrupt("a secret"))
    monkeypatch.setattr("twilio_build_wait.main.run", crash)
    guard.main()
    start, place, *_, name, problem = capfd.readouterr().out.splitlines()
    assert start == "Traceback (most recent call last):"
    assert "guard.py" in place
    assert name == "KeyboardInterrupt"
    assert problem == (
        "Internal error in twilio-build-wait: The package twilio_build_wait is broken: install it "
        "again. It sent no request"
    )
    assert output.read_text() == "outcome=error\n"
    assert started == [70]


def test_crash_is_an_annotation_on_github(
    started: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "GITHUB_ACTIONS", "true")
    monkeypatch.setattr("twilio_build_wait.main.run", mock.Mock(side_effect=KeyError))
    guard.main()
    assert "\n::error title=Internal error in twilio-build-wait::The" in capfd.readouterr().out
    assert started == [70]
