"""Every row of the table of endings: the outcome, the exit code, the annotation, the outputs."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    ENTRYPOINT,
    OUTPUT_NAMES,
    SECRET,
    SERVICE_SID,
    Finished,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    credential_forms,
    off_github,
    refusing_root,
    twilio_error,
)

REPORTED_URL = f"https://serverless.twilio.com/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"


def error_of(run: Finished) -> str:
    (error,) = run.named("error")
    return error.data


def test_completed(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build(), build(), build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 0, run.stdout
    assert run.named("error") == run.named("warning") == []
    elapsed = run.outputs["elapsed-seconds"]
    assert 0.1 <= float(elapsed) <= 2
    assert run.outputs == {
        "outcome": "completed",
        "status": "completed",
        "build-sid": BUILD_SID,
        "service-sid": SERVICE_SID,
        "account-sid": ACCOUNT_SID,
        "url": REPORTED_URL,
        "elapsed-seconds": elapsed,
        "polls": "3",
        "reason": "",
    }


def test_failed(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build(), build("failed")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 1, run.stdout
    assert error_of(run)
    expected = {"outcome": "failed", "status": "failed", "polls": "2", "url": REPORTED_URL}
    assert run.outputs | expected == run.outputs


def test_failed_with_the_diagnosis_on(tool: Tool, tmp_path: Path) -> None:
    """Wherever the diagnosis looks, it finds a refusal here; the verdict stands."""
    with ScriptedServer(build("failed"), twilio_error(403, 20003, "no")) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_DIAGNOSE="true"))
    assert run.code == 1, run.stdout
    assert run.outputs["outcome"] == "failed"
    assert run.outputs["polls"] == "1"
    assert all(request.method == "GET" for request in server.requests)
    assert run.seconds < 12


def test_timed_out(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build()) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="500ms"))
    assert run.code == 3, run.stdout
    assert "building" in error_of(run)
    assert run.outputs["outcome"] == "timed-out"
    assert run.outputs["status"] == "building"
    assert run.outputs["polls"] == str(len(server.requests))


def test_timed_out_without_any_answer(tool: Tool, tmp_path: Path) -> None:
    with refusing_root() as root:
        run = tool.run(base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="300ms"))
    assert run.code == 3, run.stdout
    expected = {"outcome": "timed-out", "status": "", "account-sid": "", "service-sid": SERVICE_SID}
    expected["url"] = f"{root}/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
    assert run.outputs | expected == run.outputs


def test_rejected(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(twilio_error(401, 20003, "Authenticate")) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 4, run.stdout
    for told in ("401", "20003", "Authenticate", "RQ" + "7" * 32):
        assert told in run.visible, run.visible
    assert "401" in error_of(run)
    expected = {"outcome": "rejected", "status": "", "account-sid": "", "polls": "1"}
    assert run.outputs | expected == run.outputs


def test_invalid(tool: Tool, tmp_path: Path) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_INTERVAL="often"))
    assert run.code == 2, run.stdout
    assert server.connections == 0
    assert "interval" in error_of(run)
    expected = {"outcome": "invalid", "status": "", "account-sid": ""}
    expected |= {"build-sid": BUILD_SID, "service-sid": SERVICE_SID}
    expected |= {"polls": "0", "elapsed-seconds": "0.0"}
    assert run.outputs | expected == run.outputs


@pytest.mark.parametrize(
    "status, code, outcome",
    [
        ("completed", 0, "completed"),
        ("failed", 1, "failed"),
        (None, 3, "timed-out"),
    ],
)
def test_the_same_elsewhere(
    tool: Tool, tmp_path: Path, status: str | None, code: int, outcome: str
) -> None:
    """Without GitHub there are no workflow commands, and masks least of all."""
    with ScriptedServer(build(status)) as server:
        env = base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0")
        run = tool.run(off_github(env))
    assert run.code == code, run.stdout
    assert run.commands == []
    assert run.result()["outcome"] == outcome
    assert outcome in run.stdout or outcome.replace("-", " ") in run.stdout.lower()


# --- exit 5: a completed build whose outputs did not get through ---------------------------------


def missing_folder(path: Path) -> Path:
    return path / "no-such-folder" / "file"


def below_a_file(path: Path) -> Path:
    (path / "plain").write_text("kept")
    return path / "plain" / "file"


def a_folder(path: Path) -> Path:
    (path / "folder").mkdir()
    return path / "folder"


def a_full_disk(_: Path) -> Path:
    return Path("/dev/full")


def a_pipe_nobody_reads(path: Path) -> Path:
    os.mkfifo(path / "pipe")
    return path / "pipe"


Broken = Callable[[Path], Path]
GITHUB_BREAKS: list[Broken] = [
    missing_folder,
    below_a_file,
    a_folder,
    a_full_disk,
    a_pipe_nobody_reads,
]
FILE_BREAKS: list[Broken] = [below_a_file, a_folder]


@pytest.mark.parametrize("broken", GITHUB_BREAKS)
def test_completed_but_the_step_outputs_cannot_be_written(
    tool: Tool, tmp_path: Path, broken: Broken
) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, GITHUB_OUTPUT=str(broken(tmp_path))))
    assert run.code == 5, run.stdout
    assert error_of(run)
    assert "GITHUB_OUTPUT" in run.visible
    assert run.output_json["outcome"] == "completed", "the other channel is still written"


@pytest.mark.parametrize("broken", FILE_BREAKS)
def test_completed_but_the_output_file_cannot_be_written(
    tool: Tool, tmp_path: Path, broken: Broken
) -> None:
    path = broken(tmp_path)
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(path)))
    assert run.code == 5, run.stdout
    assert error_of(run)
    assert "output-file" in run.visible
    assert str(path) in run.visible
    assert run.outputs["outcome"] == "completed"


def test_other_endings_keep_their_exit_when_a_channel_fails(tool: Tool, tmp_path: Path) -> None:
    broken = {"GITHUB_OUTPUT": str(tmp_path), "TWILIO_BUILD_OUTPUT_FILE": str(tmp_path)}
    for reply, code in ((build("failed"), 1), (build(), 3), (Reply(401), 4)):
        with ScriptedServer(reply) as server:
            env = base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0", **broken)
            run = tool.run(env)
        assert run.code == code, run.stdout
        assert "GITHUB_OUTPUT" in run.visible
        assert "output-file" in run.visible
    run = tool.run(base_env("", tmp_path, TWILIO_BUILD_SID="x", **broken))
    assert run.code == 2, run.stdout


def test_only_the_last_write_counts(tool: Tool, tmp_path: Path) -> None:
    """A channel that is mended while the build runs is no reason for exit 5."""
    folder = tmp_path / "late"

    with ScriptedServer(build(), Reply(503, delay=0.3), build("completed")) as server:
        env = base_env(
            server.url,
            tmp_path,
            GITHUB_OUTPUT=str(folder / "output"),
            TWILIO_BUILD_OUTPUT_FILE=str(folder / "outputs.json"),
        )
        running = tool.start(env)
        running.wait_until(lambda: len(server.requests) >= 1)
        folder.mkdir()
        run = running.finish()
    assert run.code == 0, run.stdout
    assert run.outputs["outcome"] == run.output_json["outcome"] == "completed"


@pytest.mark.parametrize("broken", GITHUB_BREAKS)
def test_a_summary_that_cannot_be_written_is_only_warned_about(
    tool: Tool, tmp_path: Path, broken: Broken
) -> None:
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, GITHUB_STEP_SUMMARY=str(broken(tmp_path))))
    assert run.code == 0, run.stdout
    (warning,) = run.named("warning")
    assert "summary" in warning.data.lower() or "GITHUB_STEP_SUMMARY" in warning.data


# --- exit 70: a bug of ours ----------------------------------------------------------------------


def copied(tmp_path: Path, init: str | None) -> Path:
    """The entrypoint with a package beside it that does not import; None is no package at all."""
    place = tmp_path / "copy"
    place.mkdir()
    shutil.copy(ENTRYPOINT, place)
    if init is not None:
        package = place / "src" / "twilio_build_wait"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(init)
    return place / ENTRYPOINT.name


RAISING = {
    "error": "import os\nraise RuntimeError('broken ' + os.environ['TWILIO_AUTH_TOKEN'])\n",
    "missing": "import no_such_module_anywhere\n",
    "syntax": "def broken(:\n",
}


@pytest.mark.parametrize("kind", RAISING)
def test_a_package_that_does_not_import(tmp_path: Path, kind: str) -> None:
    tool = Tool(tmp_path, copied(tmp_path, RAISING[kind]))
    (tmp_path / "github-output").write_text("earlier=1\n")
    run = tool.run(base_env("", tmp_path), check=False)
    assert run.code == 70, run.stdout
    assert run.stderr == ""
    assert run.outputs["earlier"] == "1"
    assert run.outputs["outcome"] == "error"
    assert set(run.outputs) <= {*OUTPUT_NAMES, "earlier"}
    assert len(run.named("error")) == 1, run.stdout
    assert run.named("error")[0].properties["title"]
    assert "Traceback" in run.stdout
    for form in credential_forms(run.env):
        assert form not in run.visible


def test_no_package_at_all(tmp_path: Path) -> None:
    """Nothing is installed either: ``-S`` leaves the site packages out."""
    shutil.copy(ENTRYPOINT, tmp_path)
    tool = Tool(tmp_path, tmp_path / ENTRYPOINT.name)
    env = base_env("", tmp_path)
    running = tool.start(env, python=("-S",))
    run = running.finish(check=False)
    assert run.code == 70, run.stdout
    assert run.stderr == ""
    assert run.outputs["outcome"] == "error"
    assert "Traceback" in run.stdout


def test_no_package_elsewhere_than_on_github(tmp_path: Path) -> None:
    tool = Tool(tmp_path, copied(tmp_path, RAISING["missing"]))
    run = tool.run(off_github(base_env("", tmp_path)), check=False)
    assert run.code == 70, run.stdout
    assert run.stderr == ""
    assert run.commands == []
    assert "Traceback" in run.stdout


@pytest.mark.parametrize("module", ["requests", "backoff"])
def test_a_dependency_that_does_not_import(tool: Tool, tmp_path: Path, module: str) -> None:
    """Its exception holds the token, as an exception of `requests` may; nothing shown does."""
    place = tmp_path / "broken"
    place.mkdir()
    (place / f"{module}.py").write_text(RAISING["error"])
    with ScriptedServer(build("completed")) as server:
        run = tool.run(base_env(server.url, tmp_path, PYTHONPATH=str(place)), check=False)
    assert run.code == 70, run.stdout
    assert run.stderr == ""
    assert "Traceback" in run.stdout
    assert run.outputs["outcome"] == "error"
    assert len(run.named("error")) == 1
    for form in credential_forms(run.env):
        for text in (run.visible, str(run.outputs), run.summary):
            assert form not in text
            if run.output_path.exists():
                assert form not in run.output_text


BUG = """
import base64, os, socket, urllib.parse
def broken(*arguments, **named):
    token, secret = os.environ["TWILIO_AUTH_TOKEN"], os.environ["TWILIO_API_SECRET"]
    key = os.environ["TWILIO_API_KEY"]
    forms = [token, secret, urllib.parse.quote(token, safe=""), urllib.parse.quote_plus(secret)]
    forms.append(base64.b64encode(f"{key}:{secret}".encode()).decode())
    try:
        raise KeyError("\\n".join(forms))
    except KeyError as error:
        error.add_note("note " + secret)
        raise AssertionError(" ".join(forms), {"headers": forms}) from error
socket.socket.connect = broken
socket.socket.connect_ex = broken
"""


def test_a_bug_in_the_middle_of_a_request_shows_no_secret(tool: Tool, tmp_path: Path) -> None:
    """Whatever is raised where nobody expects it, with every form of the credentials in it."""
    place = tmp_path / "broken"
    place.mkdir()
    (place / "sitecustomize.py").write_text(BUG)
    chosen = {"TWILIO_API_KEY": "SK" + "0" * 32, "TWILIO_API_SECRET": SECRET}
    with refusing_root() as root:
        env = base_env(root, tmp_path, PYTHONPATH=str(place), RUNNER_DEBUG="1", **chosen)
        run = tool.run(env)
    assert run.code == 70, run.stdout
    assert "Traceback" in run.stdout
    assert "AssertionError" in run.stdout
    assert run.outputs["outcome"] == "error"
    assert run.output_json["outcome"] == "error"
    assert run.outputs["build-sid"] == BUILD_SID
    for text in (run.output_text, run.visible):
        for form in credential_forms(run.env):
            assert form not in text


LATE_BUG = """
import socket
connect, seen = socket.socket.connect, []
def broken(*arguments, **named):
    seen.append(1)
    if len(seen) > 2:
        raise AssertionError("a bug in the third read")
    return connect(*arguments, **named)
socket.socket.connect = broken
"""


def test_a_bug_in_the_middle_of_the_wait_keeps_what_is_known(tool: Tool, tmp_path: Path) -> None:
    """Each reply ends its connection, so that each read connects; the third finds the bug."""
    place = tmp_path / "broken"
    place.mkdir()
    (place / "sitecustomize.py").write_text(LATE_BUG)
    reply = build("queued")
    closing = Reply(200, reply.body, (*reply.headers, ("Connection", "close")))
    with ScriptedServer(closing) as server:
        run = tool.run(base_env(server.url, tmp_path, PYTHONPATH=str(place)))
    assert run.code == 70, run.stdout
    assert len(server.requests) == 2
    expected = {"outcome": "error", "status": "queued", "polls": "3", "account-sid": ACCOUNT_SID}
    assert run.outputs | expected == run.outputs
    assert float(run.outputs["elapsed-seconds"]) >= 0.1
