"""What the entrypoint says where the guard cannot be started; tests/process starts it."""

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


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The step's output file."""
    path = tmp_path / "output"
    monkeypatch.setattr(os, "environ", {"GITHUB_OUTPUT": str(path)})
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield path
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_old_python_is_told_which_one_is_needed(
    output: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    output.write_text("earlier=1\nunfinished")
    opened = mock.Mock(wraps=open)
    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(SystemExit, match="70"):
        runpy.run_path(COMMAND[1], run_name="__main__")
    shown = capfd.readouterr().out
    assert shown.startswith(
        "Internal error in twilio-build-wait: It needs Python 3.11 or later, and this is 3."
    )
    # Linux refuses to create in a sticky folder what belongs to somebody else.
    opened.assert_called_once_with(str(output), "rb+")
    assert output.read_text() == "earlier=1\nunfinished\noutcome=error\n"


def test_missing_guard_is_an_error_even_if_nobody_reads_the_log(
    output: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "guard", None)
    monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
    with pytest.raises(SystemExit, match="70"):
        runpy.run_path(COMMAND[1], run_name="__main__")
    assert capfd.readouterr().out == ""
    assert output.read_text() == "outcome=error\n"


@pytest.mark.usefixtures("output")
def test_every_signal_is_blocked_before_the_guard_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    monkeypatch.setitem(sys.modules, "guard", mock.Mock())
    runpy.run_path(COMMAND[1], run_name="__main__")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == guard.SIGNALS


def test_module_runs_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    main = mock.Mock()
    monkeypatch.setattr(guard, "main", main)
    runpy.run_module("twilio_build_wait", run_name="__main__")
    main.assert_called_once_with()
