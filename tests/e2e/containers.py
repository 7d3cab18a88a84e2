"""Containers of the image under test, run by the docker client as a CI system runs them."""

import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.run import REPOSITORY as REPOSITORY  # noqa: PLC0414 (for the tests of examples)
from tests.support.run import Process
from tests.support.server import Server

#: The program's folder in the image.
HOME = "/opt/twilio-build-wait"


def docker(*arguments: str, timeout: float = 60.0) -> str:
    """Run the docker client and return its standard output."""
    command = ["docker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Container(Process):
    """A run in a container: process and files are those of `Process`, the client passes signals on.

    HOME is mounted under its own path, and everyone may write to what is in it. The network is the
    host's, so that loopback servers can be reached. The image's PATH is kept.
    """

    def __init__(
        self,
        image: str,
        environ: Mapping[str, str],
        *servers: Server,
        flags: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        self.name = f"twilio-build-wait-e2e-{uuid.uuid4().hex[:12]}"
        home = Path(environ["HOME"])
        home.chmod(0o777)
        for file in home.iterdir():
            file.chmod(0o777)
        volumes = (f"--volume={home}:{home}", f"--workdir={home}", "--network=host")
        names = [name for name in environ if name != "PATH" and not name.startswith("COVERAGE_")]
        variables = [f"--env={name}" for name in names]  # the client has the values
        command = ("docker", "run", f"--name={self.name}", *volumes, *variables, *flags, image)
        super().__init__(environ, *servers, command=command, arguments=arguments)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        docker("rm", "--force", "--volumes", self.name)
