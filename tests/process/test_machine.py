"""A broken machine under the process: standard output, disks, named pipes, threads, the stack."""

import os
import subprocess
from pathlib import Path

from tests.process.conftest import Program
from tests.support.run import COMMAND
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


def test_run_that_nobody_reads_ends_45_s_after_the_deadline(
    program: Program, full_pipe: int
) -> None:
    """Its clock runs 20 times as fast."""
    program.environ["TWILIO_BUILD_TIMEOUT"] = "0"
    with program.start(BUILDING, preload=FAST_CLOCK, stdout=full_pipe) as process:
        run = process.finish(timeout=5.0, check=False)
    assert run.code == 3
    assert "hangs" in run.outputs["reason"]
    assert run.seconds > 43 / 20


def test_full_disk_leaves_the_files_of_the_runner_as_they_were(program: Program) -> None:
    """A file can grow to 100 bytes: every append stops halfway."""
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    files = dict.fromkeys(["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"], "earlier=1\nunfinished")
    for name, text in files.items():
        Path(program.environ[name]).write_text(text)
    # Standard output is a file elsewhere; coverage would write one, too.
    for name in [name for name in program.environ if name.startswith("COVERAGE_")]:
        del program.environ[name]
    with program.start(BUILDING, COMPLETED, preload=source, stdout=subprocess.DEVNULL) as process:
        run = process.finish(check=False)
    assert run.code == 5
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
