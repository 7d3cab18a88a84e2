"""The entrypoint in this process: what surrounds the package's `run`."""

import importlib.util
import os
import runpy
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn
from unittest import mock

import pytest

from tests.support import parsers
from tests.support.samples import TOKEN
from twilio_build_wait import __version__

pytestmark = pytest.mark.usefixtures("handlers")

PATH = Path(__file__).resolve().parents[2] / "entrypoint.py"


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note exit codes instead of leaving; run without a CI."""
    noted: list[int] = []
    monkeypatch.setattr(os, "_exit", noted.append)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    return noted


@pytest.fixture
def entrypoint(exits: list[int]) -> ModuleType:
    """The entrypoint with its signal handlers in place; it has not run yet."""
    spec = importlib.util.spec_from_file_location("entrypoint", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert exits == []
    return module


def refuse(*_args: object) -> NoReturn:
    raise OSError(28, "No space left on device")


# Content before, appended text -> content after.
APPENDS = {
    "new file": (None, "a\n", b"a\n"),
    "empty file": (b"", "a\n", b"a\n"),
    "whole lines": (b"x\n", "a\n", b"x\na\n"),
    "unfinished line": (b"x", "a\n", b"x\na\n"),
    "not UTF-8": (b"\xff\n", "\udcff\n", b"\xff\n\\udcff\n"),
}


@pytest.mark.parametrize("before, text, after", APPENDS.values(), ids=APPENDS)
def test_append(
    before: bytes | None, text: str, after: bytes, entrypoint: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    entrypoint.append(str(path), text)
    assert path.read_bytes() == after


def test_append_that_fails_halfway_leaves_the_file_as_it_was(
    entrypoint: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "file", os.write
    path.write_text("unfinished")

    def fill(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:3]) if len(data) > 4 else refuse()

    monkeypatch.setattr(os, "write", fill)
    for target in (str(path), "/dev/null"):  # a device is not truncated
        with pytest.raises(OSError, match="No space"):
            entrypoint.append(target, "abcdef\n")
    assert path.read_text() == "unfinished"


def test_file_that_cannot_be_read_is_appended_to(entrypoint: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("unfinished")
    with mock.patch("builtins.open", side_effect=PermissionError):
        entrypoint.append(str(path), "a\n")
    assert path.read_text() == "unfinisheda\n"


def test_first_signal_starts_the_timer_and_others_do_not(
    entrypoint: ModuleType, exits: list[int]
) -> None:
    signal.raise_signal(signal.SIGALRM)  # from outside
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    signal.raise_signal(signal.SIGTERM)
    signal.setitimer(signal.ITIMER_REAL, 30)
    signal.raise_signal(signal.SIGINT)
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 1
    signal.raise_signal(signal.SIGALRM)  # from outside, while the timer runs
    assert (entrypoint.caught, exits) == ([signal.SIGTERM, signal.SIGINT], [])


def test_signal_that_nothing_answers_ends_the_process(
    entrypoint: ModuleType, exits: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    signal.raise_signal(signal.SIGTERM)
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.7
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.raise_signal(signal.SIGALRM)
    assert (entrypoint.caught, exits) == ([signal.SIGTERM], [143])
    assert parsers.github_file((tmp_path / "output").read_text()) == [("outcome", "cancelled")]


# Argument -> exit code without inputs, words of the log.
ARGUMENTS = {"--version": (0, f"twilio-build-wait {__version__}\n"), "": (2, "build-sid")}


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_script_runs_the_package_and_ignores_late_signals(
    argument: str,
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": os.defpath})
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", *argument.split()])
    runpy.run_path(str(PATH), run_name="__main__")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.raise_signal(number)
    code, words = ARGUMENTS[argument]
    shown = capfd.readouterr()
    assert (exits, words in shown.out, shown.err) == ([code], True, "")


@pytest.mark.parametrize("error", [RuntimeError(TOKEN), SystemExit(1), KeyboardInterrupt(TOKEN)])
def test_crash_exits_70_without_its_message(
    error: BaseException,
    entrypoint: ModuleType,
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("twilio_build_wait.main.run", mock.Mock(side_effect=error))
    entrypoint.main()
    shown = capfd.readouterr()
    assert (exits, shown.err) == ([70], "")
    for word in ("Traceback (most recent call last):\n", "entrypoint.py", type(error).__name__):
        assert word in shown.out
    assert [text for text in (TOKEN, "::") if text in shown.out] == []


def test_package_that_cannot_be_imported_is_an_error_on_github(
    entrypoint: ModuleType,
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setitem(sys.modules, "twilio_build_wait.main", None)
    entrypoint.main()
    (command,) = parsers.commands(capfd.readouterr().out)
    assert (exits, command.name, bool(command.title and command.data)) == ([70], "error", True)
    assert parsers.github_file((tmp_path / "output").read_text()) == [("outcome", "error")]
