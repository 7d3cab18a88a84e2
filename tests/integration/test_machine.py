"""The machine under the tool: signals, full disks, closed pipes, unwritable channels."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration import preload
from tests.integration import wire as faults
from tests.integration.harness import (
    ENTRYPOINT,
    OUTPUT_NAMES,
    Finished,
    Running,
    Tool,
    base_env,
    check_outputs,
)
from tests.integration.wire import Act, Wire, reply, status

pytestmark = pytest.mark.fault

SIGNALS = {"term": (signal.SIGTERM, 143), "int": (signal.SIGINT, 130)}
ENDED_WITHIN_S = 1.0


# --- signals --------------------------------------------------------------------------------------


def ended(running: Running, sent: float, code: int) -> Finished:
    """The run that a signal has ended, in time and with its outputs."""
    run = running.finish()
    assert run.code == code, run.stdout
    assert running.started + run.seconds - sent < ENDED_WITHIN_S
    assert run.outputs["outcome"] == "cancelled"
    assert run.output_json["outcome"] == "cancelled"
    assert run.outputs["reason"]
    assert len(run.named("warning")) == 1, run.stdout
    return run


PLACES: dict[str, tuple[Act, dict[str, str]]] = {
    "in-a-request": (faults.nothing_ever(), {}),
    "in-a-dripping-body": (faults.drip_body(), {}),
    "in-a-connection-nobody-reads": (faults.hang_on_connect(), {}),
    "in-a-sleep": (status("building"), {"TWILIO_BUILD_INTERVAL": "1h"}),
    "in-a-back-off": (reply(503, b"", {"Retry-After": "600"}), {}),
    "in-a-404s-ten-seconds": (reply(404), {}),
}


@pytest.mark.parametrize("number, code", SIGNALS.values(), ids=SIGNALS)
@pytest.mark.parametrize("act, settings", PLACES.values(), ids=PLACES)
def test_a_signal_ends_the_wait_within_a_second(
    tool: Tool, tmp_path: Path, act: Act, settings: dict[str, str], number: int, code: int
) -> None:
    with Wire(act) as wire:
        running = tool.start(
            base_env(wire.root, tmp_path, **{"TWILIO_BUILD_TIMEOUT": "5m"} | settings)
        )
        running.wait_until(lambda: wire.connections > 0)
        time.sleep(0.3)  # for the reply to arrive, and what follows it to begin
        run = ended(running, running.send_signal(number), code)
    assert run.outputs["polls"] == "1"
    assert run.outputs["status"] == ("building" if "1h" in settings.values() else "")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
@pytest.mark.parametrize("number, code", SIGNALS.values(), ids=SIGNALS)
def test_a_second_signal_changes_nothing(
    tool: Tool, tmp_path: Path, number: int, code: int, second: int
) -> None:
    with Wire(faults.nothing_ever()) as wire:
        running = tool.start(base_env(wire.root, tmp_path))
        running.wait_until(lambda: len(wire.requests) == 1)
        sent = running.send_signal(number)
        time.sleep(0.05)  # two signals that are both pending are delivered by number, not by time
        for _ in range(50):
            running.send_signal(second)
            time.sleep(0.002)
        ended(running, sent, code)


FIRST_IMPORTS = ["twilio_build_wait", "requests", "backoff"]


@pytest.mark.parametrize("module", FIRST_IMPORTS)
@pytest.mark.parametrize("number, code", SIGNALS.values(), ids=SIGNALS)
def test_a_signal_at_start_up(
    tool: Tool, tmp_path: Path, module: str, number: int, code: int
) -> None:
    with Wire(status("completed")) as wire:
        source = preload.signal_on_import(number, module)
        run = tool.run(preload.preload(base_env(wire.root, tmp_path), tmp_path, source))
    assert run.code == code, run.stdout
    assert run.outputs["outcome"] == "cancelled"
    assert wire.requests == []


def test_a_signal_before_the_inputs_are_checked_wins_over_invalid(
    tool: Tool, tmp_path: Path
) -> None:
    source = preload.signal_on_import(signal.SIGTERM, "twilio_build_wait")
    env = base_env("https://gateway.invalid", tmp_path, TWILIO_BUILD_SID="nonsense")
    run = tool.run(preload.preload(env, tmp_path, source))
    assert run.code == 143, run.stdout
    assert run.outputs["outcome"] == "cancelled"
    assert run.outputs["build-sid"] == ""


@pytest.mark.parametrize("delay_ms", range(0, 400, 40))
def test_a_signal_at_any_moment_of_a_whole_run(tool: Tool, tmp_path: Path, delay_ms: int) -> None:
    with Wire(status("building"), status("completed")) as wire:
        running = tool.start(base_env(wire.root, tmp_path))
        time.sleep(delay_ms / 1000)
        running.send_signal(signal.SIGTERM)
        run = running.finish(check=False)
    # Before the program's first statement, while Python itself starts, the kernel's default rules.
    assert run.code in {-signal.SIGTERM, 143, 0}, run.stdout
    assert run.stderr == ""
    if run.code >= 0:
        check_outputs(run.outputs, run.code, run.stdout)


# --- standard output ------------------------------------------------------------------------------


def run_into(tool: Tool, env: Mapping[str, str], stdout: int) -> Finished:
    """A run whose standard output is this file descriptor."""
    return tool.start(env, stdout=stdout).finish(check=False)


ON_AZURE = {"GITHUB_ACTIONS": None, "TF_BUILD": "True"}
ON_TEAMCITY = {"GITHUB_ACTIONS": None, "TEAMCITY_VERSION": "2025.11"}


@pytest.mark.parametrize("word, code", [("completed", 0), ("failed", 1)])
def test_a_reader_that_leaves_after_the_first_line(
    tool: Tool, tmp_path: Path, word: str, code: int
) -> None:
    reader, writer = os.pipe()
    with Wire(status("building"), status("queued"), status(word)) as wire:
        running = tool.start(base_env(wire.root, tmp_path), stdout=writer)
        os.close(writer)
        assert os.read(reader, 1)
        os.close(reader)
        run = running.finish(check=False)
    assert run.code == code
    assert run.stderr == ""
    assert run.outputs["outcome"] == word
    assert run.output_json["outcome"] == word


def test_a_reader_that_was_never_there(tool: Tool, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with Wire(status("completed")) as wire:
        run = run_into(tool, base_env(wire.root, tmp_path), writer)
    os.close(writer)
    assert run.code == 0
    assert run.stderr == ""
    assert run.outputs["outcome"] == "completed"


@pytest.mark.parametrize("word, code", [("completed", 0), ("failed", 1)])
def test_standard_output_on_a_full_disk(tool: Tool, tmp_path: Path, word: str, code: int) -> None:
    with Path("/dev/full").open("wb") as full, Wire(status("building"), status(word)) as wire:
        run = run_into(tool, base_env(wire.root, tmp_path), full.fileno())
    assert run.code == code
    assert run.stderr == ""
    assert run.outputs["outcome"] == word


@pytest.mark.parametrize("ci", [ON_AZURE, ON_TEAMCITY], ids=["azure", "teamcity"])
@pytest.mark.parametrize("word, code", [("completed", 5), ("failed", 1)])
def test_standard_output_that_carries_outputs_on_a_full_disk(
    tool: Tool, tmp_path: Path, word: str, code: int, ci: dict[str, str | None]
) -> None:
    with Path("/dev/full").open("wb") as full, Wire(status(word)) as wire:
        run = run_into(tool, base_env(wire.root, tmp_path, **ci), full.fileno())
    assert run.code == code
    assert run.output_json["outcome"] == word


def test_every_standard_stream_closed(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("building"), status("completed")) as wire:
        env = base_env(wire.root, tmp_path)
        command = ["sh", "-c", 'exec "$0" "$1" <&- >&- 2>&-', sys.executable, str(ENTRYPOINT)]
        process = subprocess.Popen(command, env=env, cwd=tool.cwd)
        run = Running(process, env, tool.cwd).finish(check=False)
    assert run.code == 0
    assert run.outputs["outcome"] == "completed"
    assert run.output_json["outcome"] == "completed"


# --- channels -------------------------------------------------------------------------------------


def unwritable(tmp_path: Path) -> dict[str, str]:
    """Places that nobody can write to, root neither."""
    folder = tmp_path / "a-folder"
    folder.mkdir(exist_ok=True)
    return {
        "a-folder": str(folder),
        "in-a-missing-folder": str(tmp_path / "missing" / "file"),
        "under-a-file": str(Path(__file__) / "file"),
        "on-a-full-disk": "/dev/full",
    }


KINDS = ["a-folder", "in-a-missing-folder", "under-a-file", "on-a-full-disk"]
ENDINGS: dict[str, tuple[Act, int]] = {
    "completed": (status("completed"), 5),
    "failed": (status("failed"), 1),
    "rejected": (reply(401), 4),
    "timed-out": (status("building"), 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_github_output_that_cannot_be_written(tool: Tool, tmp_path: Path, kind: str) -> None:
    place = unwritable(tmp_path)[kind]
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, GITHUB_OUTPUT=place), check=False)
    assert run.code == 5, run.stdout
    assert run.stderr == ""
    assert len(run.named("error")) == 1, run.stdout
    assert "GITHUB_OUTPUT" in run.visible
    # The other channel is written all the same.
    assert run.output_json["outcome"] == "completed"


@pytest.mark.parametrize("act, code", ENDINGS.values(), ids=ENDINGS)
def test_only_completed_becomes_exit_5(tool: Tool, tmp_path: Path, act: Act, code: int) -> None:
    place = unwritable(tmp_path)["a-folder"]
    with Wire(act) as wire:
        env = base_env(wire.root, tmp_path, GITHUB_OUTPUT=place, TWILIO_BUILD_TIMEOUT="0")
        run = tool.run(env, check=False)
    assert run.code == code, run.stdout
    assert len(run.named("error")) == 1, run.stdout
    assert run.output_json["outcome"] in {"completed", "failed", "rejected", "timed-out"}


def test_invalid_inputs_with_an_unwritable_channel(tool: Tool, tmp_path: Path) -> None:
    place = unwritable(tmp_path)["a-folder"]
    env = base_env("https://gateway.invalid", tmp_path, GITHUB_OUTPUT=place, TWILIO_BUILD_SID="x")
    run = tool.run(env, check=False)
    assert run.code == 2, run.stdout
    assert run.output_json["outcome"] == "invalid"


def test_a_github_output_that_is_not_there_yet_is_made(tool: Tool, tmp_path: Path) -> None:
    place = tmp_path / "new-file"
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, GITHUB_OUTPUT=str(place)))
    assert run.code == 0, run.stdout
    assert run.outputs["outcome"] == "completed"


def test_only_the_last_write_counts(tool: Tool, tmp_path: Path) -> None:
    # The folder of both channels comes to be while the wait is on.
    late = tmp_path / "late"
    with Wire(faults.after(1, status("completed"))) as wire:
        env = base_env(
            wire.root,
            tmp_path,
            GITHUB_OUTPUT=str(late / "output"),
            TWILIO_BUILD_OUTPUT_FILE=str(late / "outputs.json"),
        )
        running = tool.start(env)
        running.wait_until(lambda: len(wire.requests) == 1)
        late.mkdir()
        run = running.finish(check=False)
    assert run.code == 0, run.stdout
    assert run.outputs["outcome"] == "completed"
    assert run.output_json["outcome"] == "completed"


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_that_cannot_be_written_is_a_warning(
    tool: Tool, tmp_path: Path, kind: str
) -> None:
    place = unwritable(tmp_path)[kind]
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, GITHUB_STEP_SUMMARY=place))
    assert run.code == 0, run.stdout
    assert len(run.named("warning")) == 1, run.stdout
    assert run.outputs["outcome"] == "completed"


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_file_that_cannot_be_written(tool: Tool, tmp_path: Path, kind: str) -> None:
    place = unwritable(tmp_path)[kind]
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_OUTPUT_FILE=place))
    assert run.code == 5, run.stdout
    assert run.outputs["outcome"] == "completed"
    assert len(run.named("error")) == 1, run.stdout


def test_an_output_file_that_is_a_pipe_is_refused(tool: Tool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(pipe)))
    assert run.code == 5, run.stdout
    assert pipe.is_fifo()
    assert run.outputs["outcome"] == "completed"


@pytest.mark.parametrize("target", ["a-file", "nothing", "itself", "a-folder"])
def test_an_output_file_that_is_a_link_is_replaced(tool: Tool, tmp_path: Path, target: str) -> None:
    link, elsewhere = tmp_path / "link.json", tmp_path / "elsewhere"
    if target == "a-file":
        elsewhere.write_text("precious")
    if target == "a-folder":
        elsewhere.mkdir()
    link.symlink_to(link if target == "itself" else elsewhere)
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(link)))
    assert run.code == 0, run.stdout
    assert not link.is_symlink()
    assert run.output_json["outcome"] == "completed"
    if target == "a-file":
        assert elsewhere.read_text() == "precious"
    if target == "nothing":
        assert not elsewhere.exists()
    assert link.stat().st_mode & 0o7777 == 0o644


def test_a_disk_that_fills_up(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed")) as wire:
        env = preload.preload(base_env(wire.root, tmp_path), tmp_path, preload.files_up_to(16))
        # Nor could the measuring of coverage write its file.
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
        run = tool.run(env, check=False)
    assert run.code == 5, run.stdout
    assert run.stderr == ""
    assert "Traceback" not in run.stdout
    # Half a file would be worse than none: what stood there before is whole, or there is nothing.
    assert not run.output_path.exists() or run.output_text == ""
    leftovers = {p.name for p in tmp_path.iterdir()} - {"preload", "workspace"}
    assert leftovers <= {"github-output", "github-summary", "outputs.json"}


def test_nothing_is_left_behind_beside_the_files(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path))
    assert run.code == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"github-output", "github-summary", "outputs.json", "workspace"}
    assert list(tool.cwd.iterdir()) == []


def test_a_working_directory_that_is_gone(tool: Tool, tmp_path: Path) -> None:
    with Wire(faults.after(1, status("completed"))) as wire:
        running = tool.start(base_env(wire.root, tmp_path))
        running.wait_until(lambda: len(wire.requests) == 1)
        tool.cwd.rmdir()
        run = running.finish()
    assert run.code == 0, run.stdout
    assert set(run.outputs) == set(OUTPUT_NAMES)


# --- the calendar ---------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC", "Nowhere/Real"])
def test_a_change_to_summer_time_moves_nothing(tool: Tool, tmp_path: Path, zone: str) -> None:
    # Two seconds apart by the world's clock; an hour and two seconds by Berlin's.
    headers = {
        "Date": "Sun, 29 Mar 2026 00:59:59 GMT",
        "Retry-After": "Sun, 29 Mar 2026 01:00:01 GMT",
    }
    with Wire(reply(503, b"", headers), status("completed")) as wire:
        run = tool.run(base_env(wire.root, tmp_path, TZ=zone))
    assert run.code == 0, run.stdout
    assert 2 <= wire.requests[1].at - wire.requests[0].at < 4
