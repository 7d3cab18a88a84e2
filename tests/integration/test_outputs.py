"""What later steps find: step outputs, the output file, and what happens if they are lost."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import parsers
from tests.support.run import run_inside
from tests.support.samples import (
    BUILD_SID,
    ENVIRONMENT_PATH,
    ENVIRONMENT_SID,
    OTHER_ACCOUNT_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_PATH,
    STATUS_URL,
    build_status,
    environment_resource,
    json_response,
    without_github,
)
from tests.support.server import Connection, Server
from twilio_build_wait.model import OUTPUTS

COMPLETED = build_status("completed")


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[float], None]]:
    """What limits the size of files in bytes, as a full disk does: part of a write succeeds."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- values that Twilio reports -------------------------------------------------------------------


def test_reported_values_become_outputs(server: Server, environ: dict[str, str]) -> None:
    url = STATUS_URL.replace("serverless.", "serverless.dublin.ie1.")
    reported = {"account_sid": OTHER_ACCOUNT_SID, "service_sid": OTHER_SERVICE_SID, "url": url}
    server.script(build_status("x" * 40, **reported))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
    assert run.outputs["status"] == "x" * 40
    assert {name: run.outputs[name.replace("_", "-")] for name in reported} == reported


@pytest.mark.parametrize("status", ["COMPLETED", "Failed", "on hold", "x" * 41, "", "a\nb=c"])
def test_values_in_another_format_become_no_outputs(
    server: Server, environ: dict[str, str], status: str
) -> None:
    url = f"https://eviltwilio.com{STATUS_PATH}"
    sids = {"account_sid": OTHER_ACCOUNT_SID + "\n", "service_sid": "a\nb=c"}
    server.script(build_status(status, url=url, **sids))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
    assert run.code == 3
    assert run.outputs["status"] == run.outputs["account-sid"] == ""
    assert run.outputs["service-sid"] == SERVICE_SID
    assert run.outputs["url"] == server.url + STATUS_PATH


# --- GITHUB_OUTPUT --------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "a=1\n", "a=1", "a<<E\n1\nE"])
def test_github_output_is_appended_to(server: Server, environ: dict[str, str], before: str) -> None:
    path = Path(environ["GITHUB_OUTPUT"])
    path.write_text(before)
    server.script(COMPLETED)
    run = run_inside(environ, server)
    assert run.files["GITHUB_OUTPUT"].startswith(before)
    assert run.pairs[0] == (("a", "1") if before else ("build-sid", BUILD_SID))


def test_known_outputs_come_before_the_poll(server: Server, environ: dict[str, str]) -> None:
    path = Path(environ["TWILIO_BUILD_OUTPUT_FILE"])
    path.write_text('{"outcome": "completed", "old": 1}')
    seen: list[dict[str, object]] = []

    def look(connection: Connection) -> None:
        text = Path(environ["GITHUB_OUTPUT"]).read_text()
        seen.extend([dict(parsers.github_file(text)), json.loads(path.read_text())])
        connection.answer(COMPLETED)

    server.script(look)
    run_inside(environ, server)
    url = server.url + STATUS_PATH
    known = {"build-sid": BUILD_SID, "service-sid": SERVICE_SID, "url": url}
    assert seen[0] == {**known, "elapsed-seconds": "0.0", "polls": "0"}
    assert seen[1] == dict.fromkeys(OUTPUTS, "") | known | {"elapsed-seconds": 0.0, "polls": 0}


def test_half_written_early_append_does_not_spoil_the_final_one(
    server: Server, environ: dict[str, str], file_size_limit: Callable[[float], None]
) -> None:
    del environ["TWILIO_BUILD_OUTPUT_FILE"]
    Path(environ["GITHUB_OUTPUT"]).write_text("a=1\n" * 10)
    file_size_limit(70)

    def lift(connection: Connection) -> None:
        assert Path(environ["GITHUB_OUTPUT"]).stat().st_size == 40
        file_size_limit(10e6)
        connection.answer(COMPLETED)

    server.script(lift)
    run = run_inside(environ, server)
    assert run.code == 0
    assert "GITHUB_OUTPUT could not be written: File too large" in run.stdout
    assert run.outputs["outcome"] == "completed"


# --- the output file ------------------------------------------------------------------------------


def test_no_earlier_outcome_survives(server: Server, environ: dict[str, str]) -> None:
    for path in (Path(environ["HOME"], "out.json"), Path(environ["HOME"], "out.env")):
        chosen = environ | {"TWILIO_BUILD_OUTPUT_FILE": str(path), "TWILIO_BUILD_TIMEOUT": "0"}
        server.script(COMPLETED)
        assert run_inside(chosen, server).output_file["outcome"] == "completed"
        server.script(build_status())
        run = run_inside(without_github(chosen), server)
        assert run.output_file["outcome"] == "timed-out"
        assert "completed" not in run.files["output-file"]


def test_link_with_a_long_name_is_replaced(server: Server, environ: dict[str, str]) -> None:
    path = Path(environ["HOME"], "€" * 83 + ".json")  # 254 bytes
    path.symlink_to(Path(environ["HOME"], "nothing"))
    server.script(COMPLETED)
    run = run_inside(environ | {"TWILIO_BUILD_OUTPUT_FILE": str(path)}, server)
    assert run.code == 0
    assert not path.is_symlink()
    # The outputs are the same as on GitHub, with numbers.
    assert run.output_file == {**run.outputs, "polls": 1, "elapsed-seconds": 0.0}
    assert not [*path.parent.glob("*.tmp"), *path.parent.glob("nothing")]


def test_shell_reads_dotenv_as_gitlab_does(server: Server, environ: dict[str, str]) -> None:
    folder = Path(environ["HOME"])
    root = f"{server.url}/$(id)"
    changes = {
        "TWILIO_BASE_URL": root,
        "TWILIO_BUILD_TIMEOUT": "0",
        "TWILIO_BUILD_OUTPUT_FILE": str(folder / "wait.env"),
    }
    server.script(build_status("failed", url=None))
    run = run_inside(environ | changes, server)
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


# --- a channel that breaks ------------------------------------------------------------------------

BREAKS: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: path.mkdir(),
    "pipe that nobody reads": os.mkfifo,
    "link to a device": lambda path: path.symlink_to("/dev/full"),
}


@pytest.mark.parametrize("make", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("channel", ["GITHUB_OUTPUT", "TWILIO_BUILD_OUTPUT_FILE"])
def test_lost_outputs_exit_5_only_after_completed(
    server: Server, environ: dict[str, str], make: Callable[[Path], object], channel: str
) -> None:
    path = Path(environ[channel])
    path.unlink(missing_ok=True)
    make(path)
    before = path.lstat()
    for status, code in (("completed", 5), ("failed", 1)):
        server.script(build_status(status))
        run = run_inside(environ, server)
        assert run.code == code
        assert run.outputs["outcome"] == status  # by the other channel
        name = channel if channel.startswith("GITHUB") else f"output-file {path}"
        assert f"{name} could not be written" in run.stdout
        assert (name in run.commands("error")[0].data) == (code == 5)
        assert ("Outputs lost" in run.summary) or code == 1
        assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("other", ["TWILIO_BUILD_OUTPUT_FILE", "GITHUB_OUTPUT"])
def test_later_output_that_is_lost_is_a_warning(
    server: Server, environ: dict[str, str], file_size_limit: Callable[[float], None], other: str
) -> None:
    def fill(connection: Connection) -> None:
        file_size_limit(40)
        connection.answer(json_response(environment_resource(build_sid=BUILD_SID)))

    server.script(COMPLETED)
    server.script(fill, path=ENVIRONMENT_PATH)
    del environ[other], environ["GITHUB_STEP_SUMMARY"]
    run = run_inside(environ | {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT_SID}, server)
    assert run.code == 0
    titles = [warning.title for warning in run.commands("warning")]
    assert "An output is out of date" in titles
    assert run.outputs["outcome"] == "completed"
    assert run.outputs["changes"] == ""
