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
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the process would have ended; it runs without a CI."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(os, "environ", {"PATH": os.defpath})
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


def test_signal_before_the_import_writes_only_the_outcome(
    watch: guard.Watch, exits: list[int], tmp_path: Path
) -> None:
    os.environ["GITHUB_OUTPUT"] = str(tmp_path / "output")
    send(signal.SIGTERM)
    watch.run()
    assert (tmp_path / "output").read_text() == "outcome=cancelled\n"
    assert exits == [143]


# --- the appender ---------------------------------------------------------------------------------


def test_append_takes_any_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xff\n")
    guard.append(str(path), "\udcff")
    assert path.read_bytes() == b"\xff\n\\udcff"


def test_append_needs_no_permission_to_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a\n")
    with mock.patch("builtins.open", side_effect=PermissionError):
        guard.append(str(path), "b\n")
    assert path.read_text() == "a\nb\n"


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


@pytest.mark.parametrize("argument, code", ARGUMENTS.items(), ids=ARGUMENTS)
def test_guard_exits_with_the_code_of_the_run(
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    argument: str,
    code: int,
) -> None:
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", argument])
    guard.main()
    assert started == [code]
    assert capfd.readouterr().out.startswith(f"twilio-build-wait {__version__}\n")


@pytest.mark.parametrize("ci", ["", "true"], ids=["elsewhere", "on GitHub"])
def test_crash_shows_its_place_but_not_its_message(
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    ci: str,
) -> None:
    monkeypatch.setattr(os, "environ", {"GITHUB_ACTIONS": ci})
    crash = mock.Mock(side_effect=KeyboardInterrupt("a secret"))
    monkeypatch.setattr("twilio_build_wait.main.run", crash)
    guard.main()
    lines = capfd.readouterr().out.splitlines()
    assert started == [70]
    assert lines[0] == "Traceback (most recent call last):"
    assert "guard.py" in lines[1]
    assert "KeyboardInterrupt" in lines
    assert not [line for line in lines if "secret" in line]
    assert [line.startswith("::error title=") for line in lines].count(True) == len(ci) // 4
