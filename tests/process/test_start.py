"""How the process starts: its isolation, and a package that does not import."""

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
TRAP = "import pathlib; pathlib.Path('trapped').touch()\n"


def check_crash(run: Run) -> None:
    """The package did not import: there is no output but the outcome."""
    assert run.files["GITHUB_OUTPUT"] == "outcome=error\n"
    assert "output-file" not in run.files
    assert "Traceback (most recent call last):" in run.lines
    assert len(run.commands("error")) == 1
    assert not [form for form in credential_forms(run.environ) if form in run.stdout]


@pytest.fixture
def broken(program: Program) -> tuple[str, ...]:
    """The command that starts the entrypoint where its package is missing."""
    copy = str(shutil.copy(COMMAND[1], program.folder))
    return (sys.executable, "-S", copy)  # -S: without what is installed


def test_package_that_is_missing_exits_70(program: Program, broken: tuple[str, ...]) -> None:
    check_crash(program.run(code=70, check=False, command=broken))


def test_package_that_is_missing_exits_70_without_standard_output(
    program: Program, broken: tuple[str, ...]
) -> None:
    command = ("sh", "-c", 'exec "$@" >&-', "sh", *broken)
    run = program.run(code=70, check=False, command=command)
    assert run.files["GITHUB_OUTPUT"] == "outcome=error\n"


def test_package_that_is_missing_exits_70_even_if_nobody_reads_the_log(
    program: Program, broken: tuple[str, ...], full_pipe: int
) -> None:
    program.run(code=70, check=False, timeout=3.0, command=broken, stdout=full_pipe)


def test_module_runs_in_the_same_guard(program: Program) -> None:
    package = program.folder / "twilio_build_wait"
    shutil.copytree(REPOSITORY / "src" / "twilio_build_wait", package)
    command = (sys.executable, "-m", "twilio_build_wait")
    program.run(build_status("completed"), command=command)
    for name in ("GITHUB_OUTPUT", "TWILIO_BUILD_OUTPUT_FILE"):
        Path(program.environ[name]).unlink()
    (package / "main.py").write_text(SECRET_IN_ERROR)
    check_crash(program.run(code=70, check=False, command=command))


def test_modules_in_the_workspace_are_not_imported(program: Program) -> None:
    """Its first line isolates the program if it is started by its path."""
    for name in ("sitecustomize", "signal", "guard", "requests", "twilio_build_wait"):
        (program.folder / f"{name}.py").write_text(TRAP)
    program.environ.update(
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        PYTHONPATH=str(program.folder),
        PYTHONSTARTUP=str(program.folder / "signal.py"),
        PYTHONWARNINGS="error",
    )
    program.run(build_status("completed"), command=(COMMAND[1],))
    assert not (program.folder / "trapped").exists()
