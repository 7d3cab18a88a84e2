"""The wheel, built and installed by pip."""

import sys
from pathlib import Path

from tests.support.projects import execute
from tests.support.run import REPOSITORY, Process
from tests.support.samples import build_status
from tests.support.server import Server


def test_console_script_of_the_wheel_waits(
    server: Server, environ: dict[str, str], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    flags = ("-qq", "--no-deps", "--no-index", "--no-build-isolation", f"--target={site}")
    execute(REPOSITORY, [sys.executable, "-m", "pip", "install", *flags, "."])
    script = (sys.executable, str(site / "bin" / "twilio-build-wait"))
    server.script(build_status("completed"))
    with Process(environ | {"PYTHONPATH": str(site)}, server, command=script) as process:
        run = process.finish()
    assert run.code == 0
