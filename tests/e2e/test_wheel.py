"""The wheel, installed by pip: its console script runs the guard of entrypoint.py."""

import subprocess
import sys
from pathlib import Path

from tests.support.run import REPOSITORY, Process
from tests.support.samples import build_status
from tests.support.server import Server


def test_console_script_runs_the_guard(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    site, wheels = tmp_path / "site", tmp_path / "wheels"
    pip = ("pip", "install", "-qq", "--no-deps", "--no-index", f"--find-links={wheels}")
    for command in (
        ("flit_core.wheel", f"--outdir={wheels}"),
        (*pip, f"--target={site}", "twilio-build-wait"),
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=REPOSITORY, check=True, timeout=60)
    script = (sys.executable, str(site / "bin" / "twilio-build-wait"))
    environ |= {"PYTHONPATH": str(site)}

    server.script(build_status("completed"))
    with Process(environ, server, command=script) as process:
        assert process.finish().code == 0

    (site / "twilio_build_wait" / "wait.py").unlink()
    with Process(environ, server, command=script) as process:
        run = process.finish(check=False)
    assert (run.code, run.stderr) == (70, "")
    assert run.pairs[-1] == ("outcome", "error")
