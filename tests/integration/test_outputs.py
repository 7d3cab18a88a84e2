"""What later steps find: step outputs, the output file, and what happens if they are lost."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Tool
from tests.support import parsers
from tests.support.samples import (
    BUILD_SID,
    ENVIRONMENT_PATH,
    ENVIRONMENT_SID,
    SERVICE_SID,
    STATUS_PATH,
    build_status,
    environment_resource,
    json_response,
)
from tests.support.server import Connection
from twilio_build_wait.model import OUTPUTS

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


def test_known_outputs_come_before_the_poll(tool: Tool) -> None:
    path = Path(tool.environ["TWILIO_BUILD_OUTPUT_FILE"])
    path.write_text('{"outcome": "completed", "old": 1}')
    seen: list[dict[str, object]] = []

    def look(connection: Connection) -> None:
        text = Path(tool.environ["GITHUB_OUTPUT"]).read_text()
        seen.extend([dict(parsers.github_file(text)), json.loads(path.read_text())])
        connection.answer(COMPLETED)

    tool.run(look)
    url = tool.server.url + STATUS_PATH
    known = {"build-sid": BUILD_SID, "service-sid": SERVICE_SID, "url": url}
    assert seen[0] == {**known, "elapsed-seconds": "0.0", "polls": "0"}
    assert seen[1] == dict.fromkeys(OUTPUTS, "") | known | {"elapsed-seconds": 0.0, "polls": 0}


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
    run = tool.run(build_status(), code=3, TWILIO_BUILD_TIMEOUT="0")
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


BREAKS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "full device": ("TWILIO_BUILD_OUTPUT_FILE", lambda path: path.symlink_to("/dev/full")),
    "pipe that nobody reads": ("GITHUB_OUTPUT", os.mkfifo),
}


@pytest.mark.parametrize("channel, make", BREAKS.values(), ids=BREAKS)
def test_lost_outputs_exit_5_only_after_completed(
    tool: Tool, channel: str, make: Callable[[Path], object]
) -> None:
    path = Path(tool.environ[channel])
    path.unlink(missing_ok=True)
    make(path)
    before = path.lstat()
    name = channel if channel.startswith("GITHUB") else f"output-file {path}"
    for status, code in (("completed", 5), ("failed", 1)):
        run = tool.run(build_status(status), code=code)
        assert run.outputs["outcome"] == status  # by the other channel
        assert f"{name} could not be written" in run.stdout
        assert (name in run.commands("error")[0].data) == (code == 5)
        assert ("Outputs lost" in run.summary) or code == 1
        assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


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
    titles = [warning.title for warning in run.commands("warning")]
    assert "An output is out of date" in titles
    assert run.outputs["outcome"] == "completed"
    assert run.outputs["changes"] == ""
