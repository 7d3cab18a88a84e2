"""What a run takes from its process."""

import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence

import pytest

from twilio_build_wait import __version__, guard
from twilio_build_wait import main as module
from twilio_build_wait.main import Runtime
from twilio_build_wait.usage import help_text


def append(_path: str, _text: str) -> None:
    raise AssertionError


def test_run_takes_everything_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(environ: Mapping[str, str], arguments: Sequence[str], runtime: Runtime) -> int:
        assert environ is os.environ
        assert arguments == ["an argument"]
        assert runtime.append is append
        assert runtime.watch is watch
        assert runtime.clock is time.monotonic
        assert runtime.wall_clock is time.time
        assert runtime.uniform == random.uniform
        assert runtime.is_terminal == os.isatty(1)
        assert runtime.signals.caught == signal.SIGTERM
        return 33

    monkeypatch.setattr(module, "main", main)
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", "an argument"])
    watch = guard.Watch()
    watch.caught = signal.SIGTERM
    assert module.run(watch, append) == 33


HELP = help_text()
OPTIONS = {"--help": HELP, "-h": HELP, "--version": f"twilio-build-wait {__version__}\n"}


@pytest.mark.parametrize("option", OPTIONS)
def test_run_answers_an_option(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["twilio-build-wait", option])
    assert module.run(guard.Watch(), append) == 0
    assert capfd.readouterr().out == OPTIONS[option]
