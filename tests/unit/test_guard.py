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


def test_signal_wakes_the_run_then_reports_and_exits(watch: guard.Watch, exits: list[int]) -> None:
    steps: list[object] = []
    is_free: list[bool] = []

    def report(number: int | None) -> None:
        steps.append(number)
        is_free.append(watch.ending.acquire(blocking=False))

    watch.wake = lambda: steps.append("wake")
    watch.final_report = report
    send(signal.SIGTERM)
    watch.run()
    assert steps == ["wake", signal.SIGTERM]
    assert is_free == [False]  # a run that ends meanwhile waits for the report
    assert exits == [143]


def test_final_report_that_hangs_is_cut(watch: guard.Watch, exits: list[int]) -> None:
    is_over = threading.Event()
    threads: list[threading.Thread] = []

    def hang(_number: int | None) -> None:
        threads.append(threading.current_thread())
        is_over.wait(LONG)

    watch.final_report = hang
    send(signal.SIGTERM)
    start = time.monotonic()
    watch.run()
    is_over.set()
    assert exits == [143]
    assert threads[0].daemon
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
    thread = mock.Mock(side_effect=[broken, mock.Mock()])
    monkeypatch.setattr(threading, "Thread", thread)
    with pytest.raises(RuntimeError):
        watch.start()
    was_running = watch.is_running
    watch.start()
    assert not was_running
    assert watch.is_running
    thread.assert_called_with(target=watch.run, daemon=True)


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


# What is in a file, what is appended, and what is in it then.
APPENDED = {
    "nothing": ("", "b\n", "b\n"),
    "a whole line": ("a\n", "b\n", "a\nb\n"),
    "an unfinished line": ("a", "b\n", "a\nb\n"),
    "text that is not Unicode": ("", "\udcff", "\\udcff"),
}


@pytest.mark.parametrize("before, text, after", APPENDED.values(), ids=APPENDED)
def test_append_starts_a_new_line_only_behind_an_unfinished_one(
    output: Path, before: str, text: str, after: str
) -> None:
    output.write_text(before)
    guard.append(str(output), text)
    assert output.read_text() == after


def test_device_is_not_truncated() -> None:
    with pytest.raises(OSError, match="No space"):
        guard.append("/dev/full", "a\n")


def test_file_that_exists_is_opened_without_creating_it(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux refuses to create in a sticky folder what belongs to somebody else."""
    output.touch()
    opened = mock.Mock(wraps=os.open)
    monkeypatch.setattr(os, "open", opened)
    guard.append(str(output), "b\n")
    assert not any(call.args[1] & os.O_CREAT for call in opened.call_args_list)


@pytest.fixture
def started(exits: list[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The exit codes of `guard.main`, whose thread is not started."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setattr(guard.Watch, "start", mock.Mock(side_effect=RuntimeError))
    yield exits
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_guard_lets_the_run_append_its_outputs_and_exits_with_its_code(
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    output: Path,
) -> None:
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", "--unknown"])
    guard.main()
    assert started == [2]
    assert "invalid" in output.read_text()
    assert capfd.readouterr().out.startswith(f"twilio-build-wait {__version__}\n")
    assert sys.stderr is None


# The value of GITHUB_ACTIONS, and what comes before the problem.
PREFIXES = {
    "": "Internal error in twilio-build-wait: ",
    "true": "::error title=Internal error in twilio-build-wait::",
}


@pytest.mark.parametrize("is_github", PREFIXES, ids=["elsewhere", "on GitHub"])
def test_crash_is_reported_without_its_message(
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    output: Path,
    is_github: str,
) -> None:
    monkeypatch.setitem(os.environ, "GITHUB_ACTIONS", is_github)
    crash = mock.Mock(side_effect=KeyboardInterrupt("a secret"))
    monkeypatch.setattr("twilio_build_wait.main.run", crash)
    guard.main()
    log = capfd.readouterr().out
    start, place, *_, name, problem = log.splitlines()
    assert start == "Traceback (most recent call last):"
    assert "guard.py" in place
    assert name == "KeyboardInterrupt"
    assert problem.startswith(f"{PREFIXES[is_github]}The package twilio_build_wait is broken: ")
    assert "a secret" not in log
    assert output.read_text() == "outcome=error\n"
    assert started == [70]
