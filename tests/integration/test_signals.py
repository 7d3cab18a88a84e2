"""SIGINT and SIGTERM: ended within a second, whatever is going on, with the outputs written."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
    BUILD_SID,
    Finished,
    Handler,
    Reply,
    Running,
    ScriptedServer,
    Tool,
    base_env,
    build,
    hang_up,
    off_github,
    refusing_root,
    silence,
    twilio_error,
)

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
BOTH = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
WITHIN = 1.0 + 0.5  # and what a busy machine adds between two processes


def interrupt(running: Running, number: signal.Signals, *more: signal.Signals) -> Finished:
    """Send the signals, wait for the end, hold everything against the contract."""
    sent = running.send_signal(number)
    for other in more:
        if running.process.poll() is None:
            running.send_signal(other)
    run = running.finish(timeout=10)
    assert time.monotonic() - sent <= WITHIN, run.stdout
    assert run.code == SIGNALS[number], run.stdout
    assert run.result()["outcome"] == "cancelled"
    assert run.output_json["outcome"] == "cancelled"
    assert run.result()["build-sid"] == BUILD_SID
    if run.on_github:
        assert run.named("error") == []
        cancelled = [one for one in run.named("warning") if "cancel" in str(one).lower()]
        assert len(cancelled) == 1, run.stdout
        assert "cancel" in run.summary.lower()
    return run


PHASES: dict[str, tuple[list[Handler], dict[str, str], int]] = {
    "in-a-request": ([silence], {}, 1),
    "in-a-later-request": ([build(), silence], {}, 2),
    "in-a-sleep": ([build()], {"TWILIO_BUILD_INTERVAL": "1h"}, 1),
    "in-a-retry-after": ([Reply(429, headers=(("Retry-After", "60"),))], {}, 1),
    "in-the-wait-after-a-404": ([twilio_error(404, 20404, "no")], {}, 1),
    "in-a-half-read-body": (
        [Reply(200, b"{", (("Content-Length", "100"),), length=False)],
        {},
        1,
    ),
}


@BOTH
@pytest.mark.parametrize("phase", PHASES)
def test_cancelled(tool: Tool, tmp_path: Path, phase: str, number: signal.Signals) -> None:
    script, durations, count = PHASES[phase]
    durations = {"TWILIO_BUILD_TIMEOUT": "60s"} | durations
    with ScriptedServer(*script) as server:
        running = tool.start(base_env(server.url, tmp_path, **durations))
        running.wait_until(lambda: len(server.requests) >= count)
        time.sleep(0.1)  # the phase begins a moment after the request is in
        run = interrupt(running, number)
    assert run.outputs["polls"] == str(count)
    assert run.outputs["status"] == ("building" if script[0] == build() else "")


@BOTH
def test_cancelled_between_refusals(tool: Tool, tmp_path: Path, number: signal.Signals) -> None:
    with refusing_root() as root:
        running = tool.start(base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="60s"))
        running.wait_for_text("127.0.0.1")
        time.sleep(0.3)
        interrupt(running, number)


@BOTH
def test_cancelled_elsewhere(tool: Tool, tmp_path: Path, number: signal.Signals) -> None:
    with ScriptedServer(silence) as server:
        running = tool.start(off_github(base_env(server.url, tmp_path)))
        running.wait_until(lambda: len(server.requests) == 1)
        run = interrupt(running, number)
    assert run.commands == []
    assert "cancel" in run.stdout.lower()


def catches_signals(running: Running) -> bool:
    """Whether the handlers are there, as the kernel has it; SIGTERM's is the last one set."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def full_pipe() -> tuple[int, int]:
    """A pipe that takes no more, as a log that nobody reads: its two ends."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    return read, write


@pytest.mark.parametrize(
    "first, more",
    [
        (signal.SIGINT, [signal.SIGINT]),
        (signal.SIGTERM, [signal.SIGTERM]),
        (signal.SIGINT, [signal.SIGTERM]),
        (signal.SIGINT, [signal.SIGTERM, signal.SIGINT] * 20),
    ],
    ids=["int-int", "term-term", "int-term", "a-storm"],
)
@pytest.mark.parametrize("script", [[silence], [build()]], ids=["request", "sleep"])
def test_a_second_signal_changes_nothing(
    tool: Tool,
    tmp_path: Path,
    first: signal.Signals,
    more: list[signal.Signals],
    script: list[Handler],
) -> None:
    """Where both are pending at once the lowest number is taken first, so SIGINT leads here."""
    with ScriptedServer(*script) as server:
        running = tool.start(base_env(server.url, tmp_path, TWILIO_BUILD_INTERVAL="1h"))
        running.wait_until(lambda: len(server.requests) == 1)
        time.sleep(0.1)
        run = interrupt(running, first, *more)
    assert run.outputs["outcome"] == run.output_json["outcome"] == "cancelled"


@pytest.mark.parametrize("second", SIGNALS, ids=lambda number: number.name)
def test_a_second_signal_while_the_first_is_answered(
    tool: Tool, tmp_path: Path, second: signal.Signals
) -> None:
    """A log that nobody reads holds up the answer to SIGTERM, long enough for another signal."""
    read, write = full_pipe()
    with ScriptedServer(silence) as server:
        running = tool.start(base_env(server.url, tmp_path), stdout=write)
        os.close(write)
        running.wait_until(lambda: catches_signals(running))
        sent = running.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        running.process.send_signal(second)
        run = running.finish(timeout=10, check=False)
        os.close(read)
    assert time.monotonic() - sent <= WITHIN
    assert (run.code, run.stderr) == (143, "")
    assert run.outputs["outcome"] == run.output_json["outcome"] == "cancelled"


@pytest.mark.parametrize("wrong", [False, True], ids=["complete", "invalid"])
def test_at_any_moment_of_the_start(tool: Tool, tmp_path: Path, *, wrong: bool) -> None:
    """From the moment on that the kernel knows of the handlers.

    Bad inputs lose to a signal that comes before they are checked, and win against a later one.
    """
    outcomes = set()
    for step in range(8):
        place = tmp_path / str(step)
        place.mkdir()
        with ScriptedServer(silence) as server:
            env = base_env(server.url, place)
            running = tool.start(env | ({"TWILIO_BUILD_TIMEOUT": "often"} if wrong else {}))
            while running.process.poll() is None and not catches_signals(running):
                time.sleep(0.002)
            time.sleep(0.01 * step)
            if wrong and running.process.poll() is not None:
                break  # that fast a start leaves no later moment
            sent = running.send_signal(signal.SIGTERM)
            run = running.finish(timeout=10)
        assert time.monotonic() - sent <= WITHIN
        assert run.code == 143 or (wrong and run.code == 2), run.stdout
        assert run.outputs["outcome"] == run.output_json["outcome"]
        outcomes.add(run.outputs["outcome"])
    assert wrong or outcomes == {"cancelled"}


SLOW = """
import os, pathlib, time
pathlib.Path(os.environ["MARKER"]).touch()
time.sleep(30)
"""


@BOTH
@pytest.mark.parametrize("module", ["requests", "backoff"])
def test_while_a_dependency_is_being_imported(
    tool: Tool, tmp_path: Path, number: signal.Signals, module: str
) -> None:
    place = tmp_path / "slow"
    place.mkdir()
    (place / f"{module}.py").write_text(SLOW)
    marker = tmp_path / "importing"
    with ScriptedServer(silence) as server:
        env = base_env(server.url, tmp_path, PYTHONPATH=str(place), MARKER=str(marker))
        running = tool.start(env)
        running.wait_until(marker.exists)
        interrupt(running, number)
    assert server.requests == []


@BOTH
def test_before_the_inputs_are_checked_it_wins_over_invalid(
    tool: Tool, tmp_path: Path, number: signal.Signals
) -> None:
    """The package itself is slow to import here, so that nothing has been checked."""
    place = tmp_path / "slow"
    place.mkdir()
    hook = "import builtins, sys\n"
    hook += "class Finder:\n"
    hook += "    def find_spec(self, name, path=None, target=None):\n"
    hook += "        if name == 'twilio_build_wait':\n"
    hook += "            sys.meta_path.remove(self)\n"
    hook += "            exec(compile(SLOW, 'slow', 'exec'))\n"
    hook += "sys.meta_path.insert(0, Finder())\n"
    (place / "sitecustomize.py").write_text(f"SLOW = {SLOW!r}\n{hook}")
    marker = tmp_path / "importing"
    env = base_env("", tmp_path, PYTHONPATH=str(place), MARKER=str(marker))
    running = tool.start(env | {"TWILIO_BUILD_TIMEOUT": "wrong"})
    running.wait_until(marker.exists)
    sent = running.send_signal(number)
    run = running.finish(timeout=10)
    assert time.monotonic() - sent <= WITHIN
    assert run.code == SIGNALS[number], run.stdout
    assert run.outputs["outcome"] == "cancelled"


@BOTH
def test_a_verdict_once_read_is_final(tool: Tool, tmp_path: Path, number: signal.Signals) -> None:
    """The diagnosis hangs after `failed`; the signal ends it and not the verdict."""
    script: list[Handler] = [build("failed"), silence]
    with ScriptedServer(*script) as server:
        running = tool.start(base_env(server.url, tmp_path, TWILIO_BUILD_DIAGNOSE="true"))
        path = tmp_path / "github-output"
        running.wait_until(
            lambda: (
                (
                    running.process.poll() is not None
                    or dict(runner_model.github_file(path.read_text())).get("outcome") == "failed"
                )
                if path.stat().st_size
                else running.process.poll() is not None
            )
        )
        sent = running.send_signal(number)
        run = running.finish(timeout=10)
    assert time.monotonic() - sent <= WITHIN
    assert run.code == 1, run.stdout
    assert run.outputs["outcome"] == run.output_json["outcome"] == "failed"


@BOTH
def test_the_log_may_be_gone_by_then(tool: Tool, tmp_path: Path, number: signal.Signals) -> None:
    """A cancelled job may have stopped reading; the outputs are written all the same."""
    with ScriptedServer(silence) as server:
        read, write = os.pipe()
        running = tool.start(base_env(server.url, tmp_path), stdout=write)
        os.close(write)
        running.wait_until(lambda: len(server.requests) == 1)
        os.close(read)
        sent = running.send_signal(number)
        run = running.finish(timeout=10, check=False)
    assert time.monotonic() - sent <= WITHIN
    assert (run.code, run.stderr) == (SIGNALS[number], "")
    assert run.outputs["outcome"] == "cancelled"


@BOTH
def test_nobody_reads_the_log_and_it_is_full(
    tool: Tool, tmp_path: Path, number: signal.Signals
) -> None:
    """A reader that has stopped reading must not keep the process alive."""
    read, write = full_pipe()
    with ScriptedServer(silence) as server:
        running = tool.start(base_env(server.url, tmp_path), stdout=write)
        os.close(write)
        running.wait_until(lambda: catches_signals(running))
        time.sleep(0.2)  # by then it stands before the first line of its log
        sent = running.send_signal(number)
        run = running.finish(timeout=10, check=False)
        os.close(read)
    assert time.monotonic() - sent <= WITHIN
    assert (run.code, run.stderr) == (SIGNALS[number], "")
    assert run.outputs["outcome"] == "cancelled"


def test_other_signals_are_left_alone(tool: Tool, tmp_path: Path) -> None:
    """A terminal that is resized, a child that ends: no business of the wait's."""
    with ScriptedServer(build(), build(), Reply(200, build("completed").body, delay=0.5)) as server:
        running = tool.start(base_env(server.url, tmp_path))
        running.wait_until(lambda: len(server.requests) >= 2)
        for number in (signal.SIGWINCH, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG):
            running.send_signal(number)
        run = running.finish()
    assert run.code == 0, run.stdout


def test_stopped_and_continued(tool: Tool, tmp_path: Path) -> None:
    """A job that is frozen for a moment goes on where it was."""
    with ScriptedServer(build(), hang_up, build("completed")) as server:
        running = tool.start(base_env(server.url, tmp_path))
        running.wait_until(lambda: len(server.requests) >= 1)
        running.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        running.send_signal(signal.SIGCONT)
        run = running.finish()
    assert run.code == 0, run.stdout


@BOTH
def test_an_output_pipe_does_not_hold_it(
    tool: Tool, tmp_path: Path, number: signal.Signals
) -> None:
    """A named pipe that nobody reads, where the output file should be."""
    pipe = tool.cwd / "pipe"
    os.mknod(pipe, stat.S_IFIFO | 0o644)
    with ScriptedServer(silence) as server:
        running = tool.start(base_env(server.url, tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(pipe)))
        running.wait_until(lambda: len(server.requests) == 1)
        sent = running.send_signal(number)
        run = running.finish(timeout=10)
    assert time.monotonic() - sent <= WITHIN
    assert run.code == SIGNALS[number], run.stdout
    assert run.outputs["outcome"] == "cancelled"
