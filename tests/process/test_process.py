"""The real process: a machine that is broken around it, its isolation, and a broken package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.process.conftest import Program
from tests.support.invariants import credential_forms
from tests.support.run import COMMAND, REPOSITORY, Run
from tests.support.samples import build_status
from tests.support.server import Response

BUILDING, COMPLETED = build_status(), build_status("completed")


def test_verdict_is_saved_without_standard_streams(program: Program) -> None:
    command = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND)
    run = program.run(BUILDING, COMPLETED, command=command, check=False)
    assert run.outputs["outcome"] == "completed"
    assert run.output_file["outcome"] == "completed"


def test_verdict_is_saved_after_the_reader_has_gone(program: Program) -> None:
    reader, writer = os.pipe()
    with program.start(BUILDING, COMPLETED, stdout=writer) as process:
        os.close(writer)
        assert os.read(reader, 1)
        os.close(reader)
        run = process.finish(check=False)
    assert run.code == 0
    assert run.stderr == ""
    assert run.outputs["outcome"] == "completed"


FAST_CLOCK = """
import time
now, start = time.monotonic, time.monotonic()
time.monotonic = lambda: start + 20 * (now() - start)
"""


def test_run_that_nobody_reads_ends_45_s_after_the_deadline(program: Program) -> None:
    """Its clock runs 20 times as fast."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.write(writer, bytes(2**20))  # more than it holds
    os.set_blocking(writer, True)
    program.environ["TWILIO_BUILD_TIMEOUT"] = "0"
    with program.start(BUILDING, preload=FAST_CLOCK, stdout=writer) as process:
        run = process.finish(timeout=5.0, check=False)
    assert run.code == 3
    assert "hangs" in run.outputs["reason"]
    assert run.seconds > 43 / 20
    os.close(reader)
    os.close(writer)


def test_full_disk_leaves_the_files_of_the_runner_as_they_were(program: Program) -> None:
    """A file can grow to 100 bytes: every append stops halfway."""
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    files = dict.fromkeys(["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"], "earlier=1\nunfinished")
    for name, text in files.items():
        Path(program.environ[name]).write_text(text)
    # Standard output is a file elsewhere; coverage would write one, too.
    for name in [name for name in program.environ if name.startswith("COVERAGE_")]:
        del program.environ[name]
    run = program.run(COMPLETED, code=5, check=False, preload=source, stdout=subprocess.DEVNULL)
    assert run.files == files


def test_named_pipes_that_nobody_reads_do_not_hang_the_run(program: Program) -> None:
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        program.environ[name] += ".pipe"
        os.mkfifo(program.environ[name])
    run = program.run(BUILDING, COMPLETED, code=5)
    assert run.output_file["outcome"] == "completed"


def test_working_folder_that_is_removed_does_not_matter(program: Program) -> None:
    folder = program.folder / "folder"
    folder.mkdir()
    command = ("sh", "-c", 'cd folder; exec "$@"', "sh", *COMMAND)
    program.run([lambda _: folder.rmdir(), BUILDING], COMPLETED, command=command)


def test_nothing_is_written_to_standard_error(program: Program) -> None:
    source = "import random, warnings\nrandom.uniform = lambda *_: warnings.warn('odd') or 0.1\n"
    program.run(BUILDING, COMPLETED, preload=source)


def test_deeply_nested_json_does_not_exhaust_a_small_stack(program: Program) -> None:
    deep = b', "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    command = ("sh", "-c", f"ulimit -s 1024; exec {' '.join(COMMAND)}")
    program.run(Response(200, COMPLETED.body[:-1] + deep), command=command)


SECRET_IN_ERROR = "import os\nraise RuntimeError('no ' + os.environ['TWILIO_AUTH_TOKEN'])\n"
TRAP = "import pathlib; pathlib.Path('trapped').touch()\n"


def check_crash(run: Run) -> None:
    """The package did not import: there is no output but the outcome."""
    assert run.files["GITHUB_OUTPUT"] == "outcome=error\n"
    assert "output-file" not in run.files
    assert "Traceback (most recent call last):" in run.lines
    assert len(run.commands("error")) == 1
    assert not [form for form in credential_forms(run.environ) if form in run.stdout]


# Instead of running the package, it ends the process with a secret.
BROKEN_GUARD = """
import os, sys, types
leave = lambda: sys.exit(os.environ["TWILIO_AUTH_TOKEN"])
sys.modules["guard"] = types.SimpleNamespace(main=leave)
"""


def test_guard_that_is_broken_exits_70(program: Program) -> None:
    check_crash(program.run(code=70, check=False, preload=BROKEN_GUARD))


def test_guard_that_is_missing_exits_70_without_standard_output(program: Program) -> None:
    copy = shutil.copy(COMMAND[1], program.folder)
    command = ("sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-S", copy)
    run = program.run(code=70, check=False, command=command)
    assert run.files["GITHUB_OUTPUT"] == "outcome=error\n"


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
