"""What later steps find: step outputs, the output file, and what happens if they are lost."""

import json
import os
import resource
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from entrypoint import append
from tests.support import parsers
from tests.support.run import Run, run_inside
from tests.support.samples import (
    BUILD_SID,
    ENVIRONMENT_PATH,
    ENVIRONMENT_SID,
    OTHER_ACCOUNT_SID,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    SERVICE_SID,
    STATUS_PATH,
    STATUS_URL,
    build_status,
    environment_resource,
    json_response,
    without_github,
)
from tests.support.server import Connection, Response, Server, Step
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import OUTPUTS, variable

COMPLETED = build_status("completed")


def completed(server: Server, environ: dict[str, str], path: Path | str = "") -> Run:
    """Run to a completed build, with the output file at `path`."""
    server.script(COMPLETED)
    chosen = {"TWILIO_BUILD_OUTPUT_FILE": str(path)} if path else {}
    run = run_inside(environ | chosen, server)
    assert run.code == 0, run.stdout
    return run


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[float], None]]:
    """What limits the size of files in bytes, as a full disk does: part of a write succeeds."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_output_shares_a_variable_with_an_input() -> None:
    read = {name for known in INPUTS for name in known.variables()}
    assert not read & {variable(output) for output in OUTPUTS}


# --- values that Twilio reports -------------------------------------------------------------------

HOST = "https://serverless.twilio.com"
#: What Twilio reports, the output, and its value; None is the address that was requested.
REPORTED: dict[str, tuple[dict[str, object], str, str | None]] = {
    "another account": ({"account_sid": OTHER_ACCOUNT_SID}, "account-sid", OTHER_ACCOUNT_SID),
    "account of another form": ({"account_sid": "AC12"}, "account-sid", ""),
    "account with a line break": ({"account_sid": OTHER_ACCOUNT_SID + "\n"}, "account-sid", ""),
    "account that is a number": ({"account_sid": 7}, "account-sid", ""),
    "no account": ({"account_sid": None}, "account-sid", ""),
    "another service": ({"service_sid": OTHER_SERVICE_SID}, "service-sid", OTHER_SERVICE_SID),
    "service with a second line": ({"service_sid": "a\nb=c"}, "service-sid", SERVICE_SID),
    "no service": ({"service_sid": ...}, "service-sid", SERVICE_SID),
    "url": ({"url": STATUS_URL}, "url", STATUS_URL),
    "url of a region": (
        {"url": f"https://serverless.dublin.ie1.twilio.com{STATUS_PATH}"},
        "url",
        f"https://serverless.dublin.ie1.twilio.com{STATUS_PATH}",
    ),
    "no url": ({"url": None}, "url", None),
    "url over http": ({"url": f"http://serverless.twilio.com{STATUS_PATH}"}, "url", None),
    "url elsewhere": ({"url": f"https://eviltwilio.com{STATUS_PATH}"}, "url", None),
    "url under another domain": ({"url": f"https://twilio.com.a.test{STATUS_PATH}"}, "url", None),
    "url with a user": ({"url": f"https://a@serverless.twilio.com{STATUS_PATH}"}, "url", None),
    "url with a query": ({"url": f"{STATUS_URL}?a=b"}, "url", None),
    "url with a line break": ({"url": f"{STATUS_URL}\n"}, "url", None),
    "url of the build": ({"url": STATUS_URL.removesuffix("/Status")}, "url", None),
    "url of another build": ({"url": STATUS_URL.replace(BUILD_SID, OTHER_BUILD_SID)}, "url", None),
    "status in capitals": ({"status": "COMPLETED"}, "status", ""),
    "status in mixed case": ({"status": "Failed"}, "status", ""),
    "status that is not a word": ({"status": "on hold"}, "status", ""),
    "status of 41 characters": ({"status": "x" * 41}, "status", ""),
    "status of 40 characters": ({"status": "x" * 40}, "status", "x" * 40),
    "empty status": ({"status": ""}, "status", ""),
}


@pytest.mark.parametrize("fields, output, expected", REPORTED.values(), ids=REPORTED)
def test_reported_values_become_outputs_only_in_their_format(
    server: Server,
    environ: dict[str, str],
    fields: dict[str, object],
    output: str,
    expected: str | None,
) -> None:
    server.script(build_status(**{"status": "completed", **fields}))
    run = run_inside(environ | {"TWILIO_BUILD_TIMEOUT": "0"}, server)
    assert run.code == (0 if "status" not in fields else 3)
    assert run.outputs[output] == (server.url + STATUS_PATH if expected is None else expected)


def test_unique_name_becomes_the_sid(server: Server, environ: dict[str, str]) -> None:
    run = completed(server, environ | {"TWILIO_SERVICE_SID": "my-service"})
    assert run.outputs["service-sid"] == SERVICE_SID
    assert run.outputs["url"] == STATUS_URL


def test_last_reported_values_count(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status(account_sid=OTHER_ACCOUNT_SID), Response(503), COMPLETED)
    run = run_inside(environ, server)
    assert run.outputs["account-sid"] != OTHER_ACCOUNT_SID
    assert run.outputs["polls"] == "3"


# --- GITHUB_OUTPUT --------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "a=1\n", "a=1", "a<<E\n1\nE"])
def test_github_output_is_appended_to(server: Server, environ: dict[str, str], before: str) -> None:
    path = Path(environ["GITHUB_OUTPUT"])
    path.write_text(before)
    inode = path.stat().st_ino
    run = completed(server, environ)
    assert run.files["GITHUB_OUTPUT"].startswith(before)
    assert path.stat().st_ino == inode
    if before:
        assert run.pairs[0] == ("a", "1")


def test_known_outputs_are_written_before_the_first_poll(
    server: Server, environ: dict[str, str]
) -> None:
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


def test_half_written_final_append_exits_5(
    server: Server, environ: dict[str, str], file_size_limit: Callable[[float], None]
) -> None:
    del environ["TWILIO_BUILD_OUTPUT_FILE"]
    path = Path(environ["GITHUB_OUTPUT"])
    before: list[str] = []

    def fill(connection: Connection) -> None:
        before.append(path.read_text())
        file_size_limit(len(before[0]) + 100)
        connection.answer(COMPLETED)

    server.script(fill)
    run = run_inside(environ | {"TWILIO_BUILD_SUMMARY": "false"}, server, check=False)
    assert run.code == 5
    assert path.read_text() == before[0]


def test_half_written_summary_leaves_the_file_as_it_was(
    server: Server, environ: dict[str, str], file_size_limit: Callable[[float], None]
) -> None:
    path = Path(environ["GITHUB_STEP_SUMMARY"])
    path.write_text("x" * 5000)
    file_size_limit(5050)
    run = completed(server, environ)
    assert path.read_text() == "x" * 5000
    (warning,) = run.commands("warning")
    assert "GITHUB_STEP_SUMMARY could not be written" in warning.data


# --- the output file ------------------------------------------------------------------------------


def test_json_has_the_outputs_with_numbers(server: Server, environ: dict[str, str]) -> None:
    run = completed(server, environ)
    assert run.output_file == {**run.outputs, "polls": 1, "elapsed-seconds": 0.0}
    assert isinstance(run.output_file["polls"], int)


def test_dotenv_omits_the_reason(server: Server, environ: dict[str, str], tmp_path: Path) -> None:
    server.script(build_status("failed"))
    path = tmp_path / "wait.json.env"
    run = run_inside(environ | {"TWILIO_BUILD_OUTPUT_FILE": str(path)}, server)
    outputs = {name: value for name, value in run.outputs.items() if name != "reason"}
    assert run.output_file == outputs
    assert "TWILIO_BUILD_WAIT_OUTCOME=failed\n" in run.files["output-file"]


@pytest.mark.parametrize("path", ["/~user", "/$HOME", "/$(id)", "/a;b", "/a&b", "/it's", "/a*b"])
def test_value_that_dotenv_cannot_carry_is_left_empty(
    server: Server, environ: dict[str, str], tmp_path: Path, path: str
) -> None:
    server.script(build_status("completed", url=None))
    changes = {
        "TWILIO_BASE_URL": server.url + path,
        "TWILIO_BUILD_OUTPUT_FILE": str(tmp_path / "wait.env"),
    }
    run = run_inside(environ | changes, server)
    assert run.code == 0
    assert run.output_file["url"] == ""
    assert run.outputs["url"] == server.url + path + STATUS_PATH
    (line,) = [line for line in run.lines if line.startswith("url is left empty in output-file")]
    assert path in line


def test_shell_reads_dotenv_as_gitlab_does(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    run = completed(server, environ, tmp_path / "wait.env")
    text = run.files["output-file"]
    names = [line.partition("=")[0] for line in text.splitlines()]
    show = "set -eu; . ./wait.env; " + "".join(f'echo "{name}=${name}";' for name in names)
    shell = subprocess.run(
        ["/bin/sh", "-c", show], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (shell.stdout, shell.stderr) == (text, "")


@pytest.mark.parametrize("name", ["€" * 83 + ".json", "€" * 85, "-", "a\nb", "\udcff"])
def test_any_valid_file_name_is_taken(
    server: Server, environ: dict[str, str], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    completed(server, environ, folder / name)
    assert [path.name for path in folder.iterdir()] == [name]


def test_path_is_relative_to_the_working_directory(
    server: Server, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    completed(server, environ, "./sub/../sub/out.json")
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["out.json"]


def test_mode_is_0644_and_the_owner_that_of_the_folder(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    with suppress(PermissionError):  # not root: then it is ours, and so is the file
        os.chown(folder, 1234, 4321)
    path = folder / "out.json"
    path.write_text("{}")
    path.chmod(0o600)
    before = os.umask(0o077)
    try:
        completed(server, environ, path)
    finally:
        os.umask(before)
    made, owner = path.stat(), folder.stat()
    assert stat.S_IMODE(made.st_mode) == 0o644
    assert (made.st_uid, made.st_gid) == (owner.st_uid, owner.st_gid)


def test_links_to_files_or_nothing_are_replaced(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("kept")
    for target in (kept, tmp_path / "nothing"):
        path = tmp_path / "link.json"
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        completed(server, environ, path)
        assert not path.is_symlink()
    (tmp_path / "hard.json").hardlink_to(kept)
    completed(server, environ, tmp_path / "hard.json")
    assert kept.read_text() == "kept"
    assert not (tmp_path / "nothing").exists()


REFUSED: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: path.mkdir(),
    "named pipe": os.mkfifo,
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "link to a device": lambda path: path.symlink_to("/dev/null"),
    "link to a folder": lambda path: path.symlink_to(path.parent),
    "no such folder": lambda path: path.symlink_to("/dev/null/x"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the socket has served when it is bound
@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_other_kinds_of_files_are_refused(
    server: Server, environ: dict[str, str], tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "f"
    make(path)
    before = path.lstat()
    server.script(COMPLETED)
    run = run_inside(environ | {"TWILIO_BUILD_OUTPUT_FILE": str(path)}, server)
    assert run.code == 5
    assert f"output-file {path}" in run.commands("error")[0].data
    assert run.outputs["outcome"] == "completed"  # the other channel is still written
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert {entry.name for entry in tmp_path.iterdir()} == {"f", "output", "summary"}


OTHER_ENDINGS: dict[str, tuple[Step, dict[str, str], int]] = {
    "failed": (build_status("failed"), {}, 1),
    "invalid": (COMPLETED, {"TWILIO_BUILD_INTERVAL": "x"}, 2),
    "timed-out": (build_status(), {}, 3),
    "rejected": (Response(403), {}, 4),
}


@pytest.mark.parametrize("name", ["out.json", "out.env"])
@pytest.mark.parametrize("answer, changes, code", OTHER_ENDINGS.values(), ids=OTHER_ENDINGS)
def test_no_earlier_outcome_survives(  # noqa: PLR0913, PLR0917 (the fixtures and the case)
    server: Server,
    environ: dict[str, str],
    tmp_path: Path,
    name: str,
    answer: Step,
    changes: dict[str, str],
    code: int,
) -> None:
    completed(server, environ, tmp_path / name)
    server.script(answer)
    chosen = {"TWILIO_BUILD_OUTPUT_FILE": str(tmp_path / name), "TWILIO_BUILD_TIMEOUT": "0"}
    run = run_inside(without_github(environ) | chosen | changes, server)
    assert run.code == code
    assert "completed" not in run.files["output-file"]


# --- a channel that breaks ------------------------------------------------------------------------

BREAKS: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: path.mkdir(),
    "pipe that nobody reads": os.mkfifo,
    "full disk": lambda path: path.symlink_to("/dev/full"),
    "no such folder": lambda path: path.symlink_to(path.parent / "missing" / "file"),
}


@pytest.mark.parametrize("make", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("status, code", [("completed", 5), ("failed", 1)])
def test_lost_step_outputs_exit_5_only_after_completed(
    server: Server,
    environ: dict[str, str],
    make: Callable[[Path], object],
    status: str,
    code: int,
) -> None:
    path = Path(environ["GITHUB_OUTPUT"])
    path.unlink()
    make(path)
    server.script(build_status(status))
    run = run_inside(environ, server)
    assert run.code == code
    assert "GITHUB_OUTPUT could not be written" in run.stdout
    assert run.output_file["outcome"] == status
    if code == 5:
        assert "GITHUB_OUTPUT could not be written" in run.commands("error")[0].data
        assert "Outputs lost" in run.summary


@pytest.mark.parametrize("make", BREAKS.values(), ids=BREAKS)
def test_lost_summary_is_a_warning(
    server: Server, environ: dict[str, str], make: Callable[[Path], object]
) -> None:
    path = Path(environ["GITHUB_STEP_SUMMARY"])
    path.unlink()
    make(path)
    run = completed(server, environ)
    (warning,) = run.commands("warning")
    assert "nothing else is affected" in warning.data


def test_channel_that_recovers_is_not_lost(server: Server, environ: dict[str, str]) -> None:
    failures = iter([OSError(28, "No space left on device")])

    def flaky(path: str, text: str) -> None:
        for error in failures:
            raise error
        append(path, text)

    server.script(COMPLETED)
    run = run_inside(environ, server, append=flaky)
    assert run.code == 0
    assert run.outputs["outcome"] == "completed"


@pytest.mark.parametrize("channel", ["GITHUB_OUTPUT", "output-file"])
def test_later_output_that_is_lost_is_a_warning(
    server: Server,
    environ: dict[str, str],
    file_size_limit: Callable[[float], None],
    channel: str,
) -> None:
    def fill(connection: Connection) -> None:
        file_size_limit(40)
        connection.answer(json_response(environment_resource(build_sid=BUILD_SID)))

    server.script(COMPLETED)
    server.script(fill, path=ENVIRONMENT_PATH)
    del environ["GITHUB_STEP_SUMMARY"]
    if channel == "GITHUB_OUTPUT":
        del environ["TWILIO_BUILD_OUTPUT_FILE"]
    else:
        del environ["GITHUB_OUTPUT"]
    run = run_inside(environ | {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT_SID}, server)
    assert run.code == 0
    (warning,) = [each for each in run.commands("warning") if "out of date" in each.title]
    assert f"{channel}" in warning.data
    assert run.outputs["outcome"] == "completed"
    assert run.outputs["changes"] == ""
