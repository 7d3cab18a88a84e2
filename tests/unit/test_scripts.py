"""The entrypoint and the console script, in this process: what surrounds the package's `run`."""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.unit.samples import TOKEN
from twilio_build_wait import __version__
from twilio_build_wait.__main__ import script

pytestmark = pytest.mark.usefixtures("alarms")

ENTRYPOINT = Path(__file__).resolve().parents[2] / "entrypoint.py"


def entrypoint() -> dict[str, object]:
    return runpy.run_path(str(ENTRYPOINT), run_name="__main__")  # the name coverage knows it by


def module() -> dict[str, object]:
    sys.modules.pop("twilio_build_wait.__main__", None)
    return runpy.run_module("twilio_build_wait", run_name="__main__")


BOTH = pytest.mark.parametrize("start", [entrypoint, module])


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note exit codes, and leave nothing; run with `--version` and without a CI."""
    noted: list[int] = []
    monkeypatch.setattr(os, "_exit", noted.append)
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", "--version"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    return noted


@BOTH
def test_it_runs(
    start: Callable[[], object], exits: list[int], capfd: pytest.CaptureFixture[str]
) -> None:
    start()
    assert (exits, capfd.readouterr()) == ([0], (f"twilio-build-wait {__version__}\n", ""))


def test_the_console_script_waits_as_the_environment_says(
    exits: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if "TWILIO" in name or name == "CI"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait"])
    script()
    assert exits == [2]
    assert "build-sid: required" in capfd.readouterr().out


@BOTH
def test_signals_are_noted_from_the_first_statement_on(
    start: Callable[[], object], exits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(caught: list[int]) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        return 128 + caught[0]

    monkeypatch.setattr("twilio_build_wait.main.run", run)
    start()
    assert exits == [143]


@BOTH
def test_once_the_end_is_decided_no_signal_changes_it(
    start: Callable[[], object], exits: list[int]
) -> None:
    start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.raise_signal(number)
    assert exits == [0]


@BOTH
@pytest.mark.parametrize("error", [RuntimeError(TOKEN), SystemExit(1), KeyboardInterrupt(TOKEN)])
def test_a_bug_exits_70_and_gives_nothing_away(
    start: Callable[[], object],
    error: BaseException,
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def run(_caught: list[int]) -> int:
        raise error

    monkeypatch.setattr("twilio_build_wait.main.run", run)
    start()
    shown = capfd.readouterr()
    assert (exits, shown.err, TOKEN in shown.out) == ([70], "", False)
    assert type(error).__name__ in shown.out


def test_a_bug_is_an_outcome_on_github(
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setattr("twilio_build_wait.main.run", None)
    entrypoint()
    assert exits == [70]
    assert runner_model.github_file((tmp_path / "output").read_text()) == [("outcome", "error")]
    (command,) = runner_model.github_commands(capfd.readouterr().out)
    assert (command.name, command.data) == ("error", "it could not run; see the log")


def test_an_output_that_cannot_be_written_does_not_change_the_exit(
    exits: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "no" / "output"))
    monkeypatch.setattr("twilio_build_wait.main.run", None)
    with pytest.raises(FileNotFoundError):  # what the exit would have kept from being seen
        entrypoint()
    assert exits == [70]


def test_only_the_first_signal_sets_the_alarm(
    exits: list[int], monkeypatch: pytest.MonkeyPatch, alarms: list[float], tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))

    def run(caught: list[int]) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        assert alarms == [0.7]
        signal.raise_signal(signal.SIGALRM)
        return len(caught)

    monkeypatch.setattr("twilio_build_wait.main.run", run)
    entrypoint()
    assert exits == [130, 2]
    written = dict(runner_model.github_file((tmp_path / "output").read_text()))
    assert (written["outcome"], written["polls"]) == ("cancelled", "0")
