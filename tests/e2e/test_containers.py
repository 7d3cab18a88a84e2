"""The image in containers: as process 1, locked down, in a hostile workspace."""

import math
import signal
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import docker
from tests.support.run import REPOSITORY, Process
from tests.support.samples import build_status
from tests.support.server import Server

ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text("utf-8"))
# What action.yml tells a runner to start instead of the image's entrypoint.
BY_PATH = f"--entrypoint={ACTION['runs']['entrypoint']}"


class Container(Process):
    """A run in a container, with HOME and the host's network; the client passes signals on."""

    def __init__(
        self, image: str, environ: Mapping[str, str], server: Server, flags: Sequence[str] = ()
    ) -> None:
        self.name = f"twilio-build-wait-e2e-{uuid.uuid4().hex[:12]}"
        home = Path(environ["HOME"])
        for path in (home, *home.iterdir()):
            path.chmod(0o777)  # for any user
        volumes = (f"--volume={home}:{home}", f"--workdir={home}", "--network=host")
        names = [name for name in environ if name != "PATH" and not name.startswith("COVERAGE_")]
        variables = [f"--env={name}" for name in names]  # the client has the values
        command = ("docker", "run", f"--name={self.name}", *volumes, *variables, *flags, image)
        super().__init__(environ, server.requests, command=command)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        docker("rm", "--force", "--volumes", self.name)


SIGNALS = {
    "SIGTERM, the image's entrypoint": (signal.SIGTERM, ()),
    "SIGINT, the action's entrypoint": (signal.SIGINT, (BY_PATH,)),
}


@pytest.mark.parametrize("number, flags", SIGNALS.values(), ids=SIGNALS)
def test_signal_ends_process_1(
    image: str, environ: dict[str, str], server: Server, number: int, flags: tuple[str, ...]
) -> None:
    server.script([math.inf])
    with Container(image, environ, server, flags) as container:
        container.wait_for(lambda: server.requests)
        container.send_signal(number)
        run = container.finish(timeout=2.0)  # the client and the engine take a part of it
    assert run.code == 128 + number


def test_other_user_and_read_only_file_system(
    image: str, environ: dict[str, str], server: Server
) -> None:
    server.script(build_status("completed"))
    flags = ("--user=12345:23456", "--read-only", "--cap-drop=ALL")
    with Container(image, environ, server, flags) as container:
        run = container.finish()
    assert run.code == 0
    assert run.output_file["outcome"] == "completed"


# Modules and programs, as somebody else's workspace may have them.
MODULES = ("sitecustomize", "usercustomize", "signal", "requests", "twilio_build_wait")
PROGRAMS = ("python", "python3", "env")
STARTS = {
    "image's entrypoint": (),
    "action's entrypoint": (BY_PATH,),
    "command": ("--entrypoint=/usr/local/bin/twilio-build-wait",),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_nothing_in_the_workspace_is_run(
    image: str, environ: dict[str, str], server: Server, tmp_path: Path, start: tuple[str, ...]
) -> None:
    server.script(build_status("completed"))
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text("import pathlib; pathlib.Path('trapped').touch()\n")
    for name in PROGRAMS:
        (tmp_path / name).write_text("#!/bin/sh\ntouch trapped\n")
    for name in ("PYTHONPATH", "PYTHONUSERBASE", "PYTHONHOME"):
        environ[name] = str(tmp_path)
    flags = (f"--env=PATH={tmp_path}:/usr/local/bin:/usr/bin:/bin", *start)
    with Container(image, environ, server, flags) as container:
        run = container.finish()
    assert run.code == 0
    assert not (tmp_path / "trapped").exists()
