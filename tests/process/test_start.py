"""How the process starts: its arguments, its isolation, and a package that does not import."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.process.conftest import Program
from tests.support.invariants import credential_forms
from tests.support.run import COMMAND, REPOSITORY, Run
from tests.support.samples import build_status

SECRET_IN_ERROR = "import os\nraise RuntimeError('no ' + os.environ['TWILIO_AUTH_TOKEN'])\n"

# What stands in the package's __init__.py; None is no package at all.
BROKEN_PACKAGES = {
    "raises": SECRET_IN_ERROR,
    "imports what is missing": "import no_such_module\n",
    "is no Python": "def broken(:\n",
    "exits": "raise SystemExit(1)\n",
    "is missing": None,
}

# Fails at the third connection, with the credentials in every part of the exception.
BUG = """
import base64, os, socket
connect, calls = socket.socket.connect, []
def broken(*arguments):
    calls.append(1)
    if len(calls) < 3:
        return connect(*arguments)
    user, token = os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"]
    error = AssertionError(base64.b64encode(f"{user}:{token}".encode()), {"token": token})
    error.add_note(token)
    raise error from KeyError(token)
socket.socket.connect = broken
"""


def check_crash(run: Run) -> None:
    """The package did not import: there is no output but the outcome."""
    assert run.files["GITHUB_OUTPUT"] == "outcome=error\n"
    assert "output-file" not in run.files
    assert "Traceback (most recent call last):" in run.lines
    assert len(run.commands("error")) == 1
    assert not [form for form in credential_forms(run.environ) if form in run.stdout]


def broken_copy(folder: Path, source: str | None) -> tuple[str, ...]:
    """Copy the entrypoint to where the package is broken; return the command that starts it."""
    copy = str(shutil.copy(COMMAND[1], folder))
    if source:
        package = folder / "src" / "twilio_build_wait"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(source)
    return (sys.executable, "-S", copy)  # -S: without what is installed


@pytest.mark.parametrize("source", BROKEN_PACKAGES.values(), ids=BROKEN_PACKAGES)
def test_package_that_does_not_import_exits_70(program: Program, source: str | None) -> None:
    check_crash(program.run(code=70, check=False, command=broken_copy(program.folder, source)))


def test_package_that_is_missing_exits_70_without_standard_output(program: Program) -> None:
    command = ("sh", "-c", 'exec "$@" >&-', "sh", *broken_copy(program.folder, None))
    run = program.run(code=70, check=False, command=command)
    assert run.files["GITHUB_OUTPUT"] == "outcome=error\n"


def test_package_that_is_missing_exits_70_even_if_nobody_reads_the_log(program: Program) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.write(writer, b"x" * 65536)
    os.set_blocking(writer, True)
    with program.start(command=broken_copy(program.folder, None), stdout=writer) as process:
        run = process.finish(timeout=3.0, check=False)
    os.close(reader)
    os.close(writer)
    assert run.code == 70


def test_dependency_that_raises_exits_70_with_all_outputs(program: Program) -> None:
    (program.folder / "backoff.py").write_text(SECRET_IN_ERROR)
    run = program.run(code=70, PYTHONPATH=str(program.folder))
    assert "RuntimeError: no ***" in run.lines


def test_bug_during_the_wait_keeps_what_is_known_and_shows_no_secret(program: Program) -> None:
    run = program.run(build_status("queued"), code=70, preload=BUG)
    assert "AssertionError" in run.stdout
    assert run.outputs["status"] == "queued"
    assert run.outputs["polls"] == "3"


# --- isolation and the ways to start it -----------------------------------------------------------

TRAP = "import pathlib; pathlib.Path('trapped').touch()\n"


def test_modules_in_the_workspace_are_not_imported(program: Program) -> None:
    """Its first line isolates the program if it is started by its path."""
    for name in ("sitecustomize", "signal", "guard", "requests", "twilio_build_wait"):
        (program.folder / f"{name}.py").write_text(TRAP)
    changes = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(program.folder),
        "PYTHONSTARTUP": str(program.folder / "signal.py"),
        "PYTHONWARNINGS": "error",
    }
    (program | changes).run(build_status("completed"), command=(COMMAND[1],))
    assert not (program.folder / "trapped").exists()


def test_module_runs_in_the_same_guard(program: Program) -> None:
    package = program.folder / "twilio_build_wait"
    shutil.copytree(REPOSITORY / "src" / "twilio_build_wait", package)
    command = (sys.executable, "-m", "twilio_build_wait")
    program.run(build_status("completed"), command=command)
    for name in ("GITHUB_OUTPUT", "TWILIO_BUILD_OUTPUT_FILE"):
        Path(program.environ[name]).unlink()
    (package / "main.py").unlink()
    check_crash(program.run(code=70, check=False, command=command))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_that_cannot_be_printed_exit_70(program: Program, option: str) -> None:
    with Path("/dev/full").open("wb") as full:
        command = (*COMMAND, option)
        with program.start(command=command, stdout=full.fileno()) as process:
            run = process.finish(check=False)
    assert run.code == 70
    assert run.stderr == ""
