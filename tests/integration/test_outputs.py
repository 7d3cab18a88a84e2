"""What later steps find: step outputs, the output file, and what happens if they are lost."""

import json
import subprocess
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
from twilio_build_wait.outputs import OUTPUTS, variable

COMPLETED = build_status("completed")


def make_unusable(path: str) -> None:
    """Replace a file by a folder."""
    Path(path).unlink()
    Path(path).mkdir()


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


def test_polls_that_learn_nothing_new_save_no_outputs(tool: Tool) -> None:
    run = tool.run(build_status("building"), build_status("building"), COMPLETED)
    names = [name for name, _ in run.pairs]
    assert names.count("build-sid") == 2  # before the first poll, and with the outcome


def outcome_in_the_file(tool: Tool, word: bytes) -> object:
    """Return the outcome in the output file when the log gets its first line with a word."""
    path = Path(tool.environ["TWILIO_BUILD_OUTPUT_FILE"])
    seen: list[str] = []

    def write(data: bytes) -> None:
        if word in data:
            seen.append(path.read_text())

    tool.server.script(COMPLETED)
    run_inside(tool.environ, tool.server, write=write, check=False)
    return json.loads(seen[0])["outcome"]


def test_outcome_is_saved_before_the_log_that_nobody_may_read(tool: Tool) -> None:
    assert outcome_in_the_file(tool, b"completed") == "completed"


def test_file_has_the_outcome_before_standard_output_gets_it(tool: Tool) -> None:
    assert outcome_in_the_file(tool.elsewhere("TF_BUILD"), b"WAIT_OUTCOME") == "completed"


def test_early_outputs_that_are_lost_do_not_matter_in_the_end(tool: Tool) -> None:
    path = tool.environ["GITHUB_OUTPUT"]
    make_unusable(path)

    def repair(connection: Connection) -> None:
        Path(path).rmdir()
        connection.answer(COMPLETED)

    run = tool.run(repair)
    assert "GITHUB_OUTPUT could not be written: Is a directory" in run.lines
    assert run.outputs["outcome"] == "completed"


def test_shell_reads_dotenv_as_gitlab_does(tool: Tool) -> None:
    folder, root = Path(tool.environ["HOME"]), f"{tool.server.url}/$(id)"
    tool |= {"TWILIO_BASE_URL": root, "TWILIO_BUILD_OUTPUT_FILE": str(folder / "wait.env")}
    run = tool.run(build_status("failed", url=None), code=1)
    text = run.files["output-file"]
    found = dict(line.split("=", 1) for line in text.splitlines())
    known = {variable(name): value for name, value in run.outputs.items() if name != "reason"}
    assert found == known | {variable("url"): ""}
    show = "set -eu; . ./wait.env; " + "".join(f'echo "{name}=${name}";' for name in found)
    shell = ["/bin/sh", "-c", show]
    assert subprocess.check_output(shell, cwd=folder, stderr=subprocess.STDOUT, text=True) == text


# Status -> exit code and title of the annotation if a channel is lost.
LOST = {"completed": (5, "Outputs lost"), "failed": (1, "Twilio build failed")}


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "TWILIO_BUILD_OUTPUT_FILE"])
@pytest.mark.parametrize("status", LOST)
def test_lost_outputs_exit_5_only_after_completed(tool: Tool, variable: str, status: str) -> None:
    def answer(connection: Connection) -> None:
        make_unusable(tool.environ[variable])
        connection.answer(build_status(status))

    code, title = LOST[status]
    run = tool.run(answer, code=code)
    assert run.commands("error")[0].title == title
    assert title in run.summary.splitlines()[0]
    assert run.outputs["outcome"] == status  # by the other channel


def test_reason_of_lost_outputs_names_the_channel(tool: Tool) -> None:
    make_unusable(tool.environ["GITHUB_OUTPUT"])
    run = tool.run(COMPLETED, code=5)
    assert run.commands("error")[0].data == (
        "the Twilio build completed, but GITHUB_OUTPUT could not be written, so later steps would "
        "not see it. Fix the file or the disk, then re-run the step"
    )


def test_later_output_that_is_lost_is_a_warning(tool: Tool) -> None:
    def answer(connection: Connection) -> None:
        make_unusable(tool.environ["GITHUB_OUTPUT"])
        connection.answer(json_response(environment_resource(build_sid=BUILD_SID)))

    tool.server.script(answer, path=ENVIRONMENT_PATH)
    run = tool.run(COMPLETED, TWILIO_ENVIRONMENT_SID=ENVIRONMENT_SID)
    (warning,) = run.commands("warning")
    assert warning.title == "An output is out of date"
    assert warning.data == "GITHUB_OUTPUT does not have the final changes; the log has it"
    assert run.output_file["changes"] == "none"
