"""The examples' commands again, with the real image where their CI has it.

tests/integration/test_examples_commands.py goes through every ending. Here it is about the image:
its shells, its entrypoint replaced or not, a user it does not know, a folder it does not own.
"""

import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.e2e.containers import docker
from tests.e2e.example_images import IMAGE
from tests.integration.example_machine import EXAMPLES, Machine
from tests.integration.example_pipelines import PIPELINES
from tests.integration.example_twilio import BUILD_SID, CREDENTIALS, twilio

STRANGER = "12345:23456"

# The docker client, but for the name of the image, and with this host's loopback within reach.
DOCKER = """#!/bin/sh
for word do
  case $word in {name}) word={image} ;; esac
  set -- "$@" "$word"
done
shift "$(($# / 2))"
[ "$1" = run ] && shift
exec {docker} run --network=host --env TWILIO_BASE_URL --env TWILIO_BUILD_TIMEOUT "$@"
"""


class ImageMachine(Machine):
    """A machine with a Docker engine; what a CI runs in the image runs in a container of it."""

    image: str
    docker: str

    def install(self, image: str) -> None:
        """Take the image, and hide the programs that stand in for it elsewhere."""
        self.image = image
        self.docker = shutil.which("docker") or "docker"
        self.program("docker", DOCKER.format(name=IMAGE, image=image, docker=self.docker))
        self.program("twilio-build-wait", "#!/bin/sh\nexit 127\n")
        self.folder.chmod(0o777)  # the user in the container is nobody's idea of its owner

    def container(self, words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """Run the words in the place of the entrypoint, or where there are none the entrypoint."""
        names = [name for name in environment if name not in {"PATH", "HOME"}]
        return [
            *(self.docker, "run", "--rm", "--network=host", f"--user={STRANGER}"),
            *(f"--env={name}" for name in names),
            *(f"--volume={self.folder}:{self.folder}", f"--workdir={self.folder}"),
            *([f"--entrypoint={words[0]}"] if words else []),
            self.image,
            *words[1:],
        ]


# GitLab's is in test_examples_gitlab.py.
@pytest.mark.parametrize("example", sorted(PIPELINES.keys() - {"gitlab-ci.yml"}))
@pytest.mark.parametrize("ending, timeout", [("completed", "20s"), ("building", "0")])
def test_an_example_with_the_image(
    image: str, tmp_path: Path, example: str, ending: str, timeout: str
) -> None:
    with twilio(ending) as server:
        variables = {
            **server.credentials(),
            "TWILIO_BASE_URL": server.url,
            "TWILIO_BUILD_TIMEOUT": timeout,
        }
        machine = ImageMachine.prepare(tmp_path, variables)
        assert isinstance(machine, ImageMachine)
        machine.install(image)
        green = PIPELINES[example](machine)
    log = "".join(machine.log)
    assert server.deployed == ([BUILD_SID] if ending == "completed" else []), log
    assert green == (ending == "completed" or example != "teamcity.kts"), log
    assert "twilio-build-wait 1" in log, log


def test_as_jenkins_runs_it(image: str, folder: Path) -> None:
    """Docker Pipeline starts `cat` with the arguments of the Jenkinsfile, and each step by exec.

    Source: jenkinsci/docker-workflow-plugin, WithContainerStep.java, which lists the container's
    processes too, and takes it for broken if `cat` is not among them.
    """
    assert "args '--entrypoint='" in (EXAMPLES / "Jenkinsfile").read_text(encoding="utf-8")
    name = f"twilio-build-wait-e2e-{uuid.uuid4().hex[:12]}"
    place = (f"--volume={folder}:{folder}", f"--workdir={folder}")
    with twilio() as server:
        env = {
            **server.credentials(),
            "TWILIO_BASE_URL": server.url,
            "TWILIO_BUILD_SID": BUILD_SID,
            "TWILIO_BUILD_OUTPUT_FILE": "wait.env",
        }
        flags = [f"--env={name}={value}" for name, value in env.items()]
        docker(
            *("run", "--detach", "--tty", f"--name={name}", f"--user={STRANGER}"),
            *("--entrypoint=", "--network=host", *place, *flags, image, "cat"),
        )
        try:
            assert "cat" in docker("top", name, "-eo", "pid,comm").split()
            log = docker("exec", name, "sh", "-xec", "twilio-build-wait; . ./wait.env")
        finally:
            docker("rm", "--force", name)
    assert "Twilio build completed" in log
    assert CREDENTIALS.api_secret not in log
    assert (folder / "wait.env").stat().st_uid == 12345


def test_it_has_what_runners_look_for(image: str) -> None:
    """GitLab, Jenkins and Woodpecker want a shell; CircleCI packs its workspace with the others."""
    look = "for program in sh bash tar gzip; do command -v $program; done"
    found = docker("run", "--rm", "--entrypoint=sh", image, "-ec", look)
    assert [Path(line).name for line in found.split()] == ["sh", "bash", "tar", "gzip"]
