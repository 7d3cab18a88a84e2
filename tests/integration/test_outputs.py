"""What later steps find: step outputs, the output file, and what happens if they are lost."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.conftest import Tool
from tests.support import parsers
from tests.support.run import run_inside
from tests.support.samples import (
    BUILD_SID,
    BUILDS_PATH,
    CREATED,
    ENVIRONMENT_PATH,
    ENVIRONMENT_SID,
    SERVICE_SID,
    STATUS_PATH,
    build_status,
    environment_resource,
    json_response,
    page,
)
from tests.support.server import Connection
from twilio_build_wait.outputs import OUTPUTS

COMPLETED = build_status("completed")


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[float], None]]:
    """What limits the size of files in bytes, as a full disk does: part of a write succeeds."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_github_output_is_appended_to(tool: Tool) -> None:
    before = "a<<E\n1\nE"
    Path(tool.environ["GITHUB_OUTPUT"]).write_text(before)
    run = tool.run(COMPLETED)
    assert run.files["GITHUB_OUTPUT"].startswith(before)
    assert run.pairs[:2] == [("a", "1"), ("build-sid", BUILD_SID)]


class EarlyOutputs:
    """An answer that looks at the outputs first, as they are during the poll."""

    def __init__(self, tool: Tool) -> None:
        self._environ = tool.environ

    def __call__(self, connection: Connection) -> None:
        self.step = parsers.github_file(Path(self._environ["GITHUB_OUTPUT"]).read_text())
        self.file = Path(self._environ["TWILIO_BUILD_OUTPUT_FILE"]).read_text()
        connection.answer(COMPLETED)


def test_outputs_known_before_the_poll_are_saved_before_it(tool: Tool) -> None:
    path = Path(tool.environ["TWILIO_BUILD_OUTPUT_FILE"])
    path.write_text('{"outcome": "completed", "old": 1}')
    early = EarlyOutputs(tool)
    tool.run(early)
    url = tool.server.url + STATUS_PATH
    known = {"build-sid": BUILD_SID, "service-sid": SERVICE_SID, "url": url}
    assert dict(early.step) == {**known, "elapsed-seconds": "0.0", "polls": "0"}
    empty = dict.fromkeys(OUTPUTS, "")
    assert json.loads(early.file) == {**empty, **known, "elapsed-seconds": 0.0, "polls": 0}


def test_build_of_latest_is_saved_when_it_is_known(tool: Tool) -> None:
    entry = {"sid": BUILD_SID, "status": "building", "date_created": CREATED}
    tool.server.script(page("builds", entry), path=BUILDS_PATH)
    early = EarlyOutputs(tool)
    tool.run(early, TWILIO_BUILD_SID="latest")
    assert dict(early.step)["build-sid"] == BUILD_SID


def test_outcome_is_saved_before_the_log_that_nobody_may_read(tool: Tool) -> None:
    path = Path(tool.environ["GITHUB_OUTPUT"])
    seen: list[str] = []

    def write(data: bytes) -> None:
        if b"completed" in data:
            seen.append(path.read_text())

    tool.server.script(COMPLETED)
    run_inside(tool.environ, tool.server, write=write, check=False)
    assert dict(parsers.github_file(seen[0]))["outcome"] == "completed"


def test_half_written_early_append_does_not_spoil_the_final_one(
    tool: Tool, file_size_limit: Callable[[float], None]
) -> None:
    del tool.environ["TWILIO_BUILD_OUTPUT_FILE"]
    path = Path(tool.environ["GITHUB_OUTPUT"])
    path.write_text("a=1\n" * 10)
    file_size_limit(70)

    def lift(connection: Connection) -> None:
        assert path.stat().st_size == 40
        file_size_limit(10e6)
        connection.answer(COMPLETED)

    run = tool.run(lift)
    assert "GITHUB_OUTPUT could not be written: File too large" in run.stdout
    assert run.outputs["outcome"] == "completed"


@pytest.mark.parametrize("name", ["out.json", "out.env"])
def test_no_earlier_outcome_survives(tool: Tool, name: str) -> None:
    tool |= {"TWILIO_BUILD_OUTPUT_FILE": str(Path(tool.environ["HOME"], name))}
    assert tool.run(COMPLETED).output_file["outcome"] == "completed"
    run = tool.run(build_status(), code=3, TWILIO_BUILD_TIMEOUT="1s")
    assert run.output_file["outcome"] == "timed-out"
    assert "completed" not in run.files["output-file"]


def test_link_with_a_long_name_is_replaced(tool: Tool) -> None:
    path = Path(tool.environ["HOME"], "€" * 83 + ".json")  # 254 bytes
    path.symlink_to(Path(tool.environ["HOME"], "nothing"))
    run = tool.run(COMPLETED, TWILIO_BUILD_OUTPUT_FILE=str(path))
    assert not path.is_symlink()
    # The outputs are the same as on GitHub, with numbers.
    assert run.output_file == {**run.outputs, "polls": 1, "elapsed-seconds": 0.0}
    assert not [*path.parent.glob("*.tmp"), *path.parent.glob("nothing")]


def test_shell_reads_dotenv_as_gitlab_does(tool: Tool) -> None:
    folder, root = Path(tool.environ["HOME"]), f"{tool.server.url}/$(id)"
    tool |= {"TWILIO_BASE_URL": root, "TWILIO_BUILD_OUTPUT_FILE": str(folder / "wait.env")}
    run = tool.run(build_status("failed", url=None), code=1)
    assert run.outputs["url"] == root + STATUS_PATH
    omitted = {"url": "", "reason": run.outputs["reason"]}
    assert run.output_file | omitted == run.outputs | {"url": ""}
    (line,) = [line for line in run.lines if line.startswith("url is left empty in output-file")]
    assert root in line
    text = run.files["output-file"]
    names = [line.partition("=")[0] for line in text.splitlines()]
    show = "set -eu; . ./wait.env; " + "".join(f'echo "{name}=${name}";' for name in names)
    shell = subprocess.run(
        ["/bin/sh", "-c", show], cwd=folder, capture_output=True, text=True, check=True
    )
    assert (shell.stdout, shell.stderr) == (text, "")


def make_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@dataclass(frozen=True)
class Break:
    """What makes a channel's path useless, and the variable that names it."""

    variable: str
    make: Callable[[Path], None]


BREAKS = {
    "folder": Break("TWILIO_BUILD_OUTPUT_FILE", make_folder),
    "pipe that nobody reads": Break("GITHUB_OUTPUT", make_pipe),
}


# Status -> exit code and title of the annotation if a channel is lost.
LOST = {"completed": (5, "Outputs lost"), "failed": (1, "Twilio build failed")}


@pytest.mark.parametrize("case", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("status", LOST)
def test_lost_outputs_exit_5_only_after_completed(tool: Tool, case: Break, status: str) -> None:
    def answer(connection: Connection) -> None:
        case.make(Path(tool.environ[case.variable]))
        connection.answer(build_status(status))

    code, title = LOST[status]
    run = tool.run(answer, code=code)
    assert run.commands("error")[0].title == title
    assert title in run.summary.splitlines()[0]
    assert run.outputs["outcome"] == status  # by the other channel


def test_reason_of_lost_outputs_names_the_channel(tool: Tool) -> None:
    make_pipe(Path(tool.environ["GITHUB_OUTPUT"]))
    run = tool.run(COMPLETED, code=5)
    assert "GITHUB_OUTPUT could not be written: No such device or address" in run.lines
    assert run.commands("error")[0].data == (
        "the Twilio build completed, but GITHUB_OUTPUT could not be written, so later steps would "
        "not see it. Fix the file or the disk, then re-run the step"
    )
    assert run.summary.startswith("### ❗ Outputs lost\n")


def test_later_output_that_is_lost_is_a_warning(
    tool: Tool, file_size_limit: Callable[[float], None]
) -> None:
    def fill(connection: Connection) -> None:
        file_size_limit(40)
        connection.answer(json_response(environment_resource(build_sid=BUILD_SID)))

    tool.server.script(fill, path=ENVIRONMENT_PATH)
    del tool.environ["TWILIO_BUILD_OUTPUT_FILE"], tool.environ["GITHUB_STEP_SUMMARY"]
    run = tool.run(COMPLETED, TWILIO_ENVIRONMENT_SID=ENVIRONMENT_SID)
    file_size_limit(10e6)  # pytest may write to a file before the fixture ends
    (warning,) = run.commands("warning")
    assert warning.title == "An output is out of date"
    assert warning.data == "GITHUB_OUTPUT does not have the final changes; the log has it"
    assert "GITHUB_OUTPUT could not be written: File too large" in run.lines
    assert run.outputs["outcome"] == "completed"
    assert run.outputs["changes"] == ""
