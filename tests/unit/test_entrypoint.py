"""The entrypoint in this process: what surrounds the package's `run`."""

import os
import re
import runpy
import signal
import sys
from pathlib import Path
from unittest import mock

import pytest

from twilio_build_wait import __version__

pytestmark = pytest.mark.usefixtures("handlers")

PATH = Path(__file__).resolve().parents[2] / "entrypoint.py"


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note exit codes instead of leaving; run without a CI."""
    noted: list[int] = []
    monkeypatch.setattr(os, "_exit", noted.append)
    monkeypatch.setattr(os, "environ", {"PATH": os.defpath})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    return noted


def test_append_takes_any_text_and_file(tmp_path: Path) -> None:
    append = runpy.run_path(str(PATH))["append"]
    path = tmp_path / "file"
    path.write_bytes(b"\xff\n")
    append(str(path), "\udcff")
    assert path.read_bytes() == b"\xff\n\\udcff"
    with mock.patch("builtins.open", side_effect=PermissionError):  # writable, but not readable
        append(str(path), "a\n")
    assert path.read_bytes() == b"\xff\n\\udcffa\n"
    with pytest.raises(OSError, match="No space"):
        append("/dev/full", "a\n")  # a device is not truncated


def test_first_signal_starts_the_timer_and_others_do_not(exits: list[int]) -> None:
    caught = runpy.run_path(str(PATH))["caught"]
    signal.raise_signal(signal.SIGALRM)  # from outside
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    signal.raise_signal(signal.SIGTERM)
    signal.setitimer(signal.ITIMER_REAL, 30)
    signal.raise_signal(signal.SIGINT)
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 1
    signal.raise_signal(signal.SIGALRM)  # from outside, while the timer runs
    assert (caught, exits) == ([signal.SIGTERM, signal.SIGINT], [])


# Argument -> exit code without inputs, words of the log.
ARGUMENTS = {"--version": (0, f"twilio-build-wait {__version__}\n"), "": (2, "build-sid")}


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_script_runs_the_package_and_ignores_late_signals(
    argument: str,
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", *argument.split()])
    runpy.run_path(str(PATH), run_name="__main__")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.raise_signal(number)
    code, words = ARGUMENTS[argument]
    shown = capfd.readouterr()
    assert (exits, words in shown.out, shown.err) == ([code], True, "")


def test_crash_exits_70_and_shows_where_but_not_its_message(
    exits: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    crash = mock.Mock(side_effect=KeyboardInterrupt("a secret"))
    monkeypatch.setattr("twilio_build_wait.main.run", crash)
    for ci in ({}, {"GITHUB_ACTIONS": "true"}):
        monkeypatch.setattr(os, "environ", ci)
        runpy.run_path(str(PATH), run_name="__main__")
        shown = capfd.readouterr().out
        assert re.search("py:.*KeyboardInterrupt", shown, re.DOTALL)
        assert "secret" not in shown
        assert ("::error title=" in shown) == bool(ci)
    assert exits == [70, 70]
