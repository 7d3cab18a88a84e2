"""The ways to start the guard, and what is said where it cannot be started."""

import os
import runpy
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.support.run import COMMAND
from twilio_build_wait import guard

CODE = compile(Path(COMMAND[1]).read_text(), COMMAND[1], "exec")


class Exit(Exception):  # noqa: N818 (it stands for the end of the process)
    """Raised instead of ending this process."""


def leave(code: int) -> None:
    raise Exit(code)


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Undo what starting changes in this process; return the step's output file."""
    output = tmp_path / "output"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output)}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield output
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start() -> None:
    """Run entrypoint.py as a program."""
    exec(CODE, {"__name__": "__main__", "__file__": COMMAND[1]})  # noqa: S102 (our own program)


def test_entrypoint_blocks_the_signals_and_runs_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    run_path = mock.Mock(return_value={"main": mock.Mock()})
    monkeypatch.setattr(runpy, "run_path", run_path)
    start()
    run_path.assert_called_once_with(guard.__file__)
    run_path.return_value["main"].assert_called_once_with()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= guard.SIGNALS


def test_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], process: Path
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    process.write_text("earlier=1\nunfinished")
    with pytest.raises(Exit, match="70"):
        start()
    shown = capfd.readouterr().out
    assert "It needs Python 3.11 or later, and this is 3." in shown
    assert "Traceback" not in shown
    assert process.read_text() == "earlier=1\nunfinished\noutcome=error\n"


def test_missing_package_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], process: Path
) -> None:
    monkeypatch.setattr(os.path, "isfile", lambda _: False)
    with pytest.raises(Exit, match="70"):
        start()
    traceback, name, error = capfd.readouterr().out.splitlines()
    assert traceback == "Traceback (most recent call last):"
    assert name == "StopIteration"
    title = "::error title=Internal error in twilio-build-wait"
    problem = "The package twilio_build_wait is missing or broken: install it again"
    assert error == f"{title}::{problem}. It sent no request"
    assert process.read_text() == "outcome=error\n"


def test_log_that_nobody_reads_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os.path, "isfile", lambda _: False)
    monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
    with pytest.raises(Exit, match="70"):
        start()
    assert capfd.readouterr().out == ""


def test_output_file_that_exists_is_opened_without_creating_it(
    monkeypatch: pytest.MonkeyPatch, process: Path
) -> None:
    """Linux refuses to create in a sticky folder what belongs to somebody else."""
    process.touch()
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    opened = mock.Mock(wraps=open)
    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(Exit, match="70"):
        start()
    opened.assert_called_once_with(str(process), "rb+")


def test_module_runs_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    main = mock.Mock()
    monkeypatch.setattr(guard, "main", main)
    runpy.run_module("twilio_build_wait", run_name="__main__")
    main.assert_called_once_with()
