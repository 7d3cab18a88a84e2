"""Containers of the image under test, run by the docker client as a CI system runs them."""

import json
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from tests.integration import runner_model

REPOSITORY = Path(__file__).resolve().parents[2]
#: The command that the image puts on the PATH, and where it keeps itself.
COMMAND = "twilio-build-wait"
HOME = "/opt/twilio-build-wait"

BUILD_SID = "ZB" + "b" * 32
SERVICE_SID = "ZS" + "5" * 32
ACCOUNT_SID = "AC" + "a" * 32
TOKEN = "t0ken-of-the-end-to-end-tests"


def docker(*arguments: str, timeout: float = 60.0) -> str:
    """Run the docker client; its standard output. AssertionError with all it said on failure."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Container:
    """One container of the image, from before its start to its end; removed by the ``with``.

    ``folder`` is mounted at /checkout and is the working directory. ``GITHUB_OUTPUT`` and the job
    summary are files in a folder of their own, as on GitHub, mounted at /commands.
    """

    def __init__(
        self,
        image: str,
        folder: Path,
        env: Mapping[str, str],
        *,
        flags: Sequence[str] = (),
        command: Sequence[str] = (),
        network: str = "host",
    ) -> None:
        """Create it, not yet started. The host's network, so that loopback servers are reached."""
        self.name = f"twilio-build-wait-e2e-{uuid.uuid4().hex[:12]}"
        self._commands = folder.with_name(folder.name + "-commands")
        self._commands.mkdir(exist_ok=True)
        for file in ("output", "summary"):
            (self._commands / file).touch()
            (self._commands / file).chmod(0o666)
        self._commands.chmod(0o777)
        variables = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_OUTPUT": "/commands/output",
            "GITHUB_STEP_SUMMARY": "/commands/summary",
            **env,
        }
        docker(
            "create",
            f"--name={self.name}",
            f"--network={network}",
            f"--volume={folder}:/checkout",
            f"--volume={self._commands}:/commands",
            "--workdir=/checkout",
            *(f"--env={name}={value}" for name, value in variables.items()),
            *flags,
            image,
            *command,
        )

    def __enter__(self) -> Self:
        """Hand out the container; it is still not started."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it, running or not."""
        docker("rm", "--force", "--volumes", self.name)

    def start(self) -> None:
        """Start it; back once its first process runs."""
        docker("start", self.name)

    def signal(self, name: str) -> float:
        """Send its process 1 a signal; the wall-clock time from before it was sent."""
        sent = time.time()
        docker("kill", f"--signal={name}", self.name)
        return sent

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for its end; its exit code."""
        return int(docker("wait", self.name, timeout=timeout))

    def run(self, timeout: float = 30.0) -> int:
        """Start it and wait for its end; its exit code."""
        self.start()
        return self.wait(timeout)

    @property
    def running(self) -> bool:
        """Whether its process 1 still runs."""
        return docker("inspect", "--format={{.State.Running}}", self.name).strip() == "true"

    def finished_at(self) -> float:
        """When its process 1 ended, by the wall clock, as the engine noted it."""
        text = docker("inspect", "--format={{.State.FinishedAt}}", self.name).strip()
        # The engine notes nanoseconds, Python reads microseconds.
        seconds, _, fraction = text.removesuffix("Z").partition(".")
        return datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}+00:00").timestamp()

    @property
    def log(self) -> str:
        """What it has printed so far. Both streams, of which the tool uses one."""
        done = subprocess.run(
            ["docker", "logs", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    def wait_for_log(self, text: str, timeout: float = 10.0) -> None:
        """Until the log holds the text; AssertionError with the log when it does not come."""
        end = time.monotonic() + timeout
        while text not in self.log:
            assert time.monotonic() < end, f"{text!r} never came:\n{self.log}"
            assert self.running, f"ended without {text!r}:\n{self.log}"
            time.sleep(0.05)

    @property
    def outputs(self) -> dict[str, str]:
        """The step outputs as GitHub's runner reads them."""
        text = (self._commands / "output").read_text(encoding="utf-8")
        return dict(runner_model.github_file(text))

    @property
    def summary(self) -> str:
        """The job summary."""
        return (self._commands / "summary").read_text(encoding="utf-8")


def inputs(base_url: str, **changes: str) -> dict[str, str]:
    """A complete set of inputs under their plain names, for the server at ``base_url``."""
    return {
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_SERVICE_SID": SERVICE_SID,
        "TWILIO_BUILD_SID": BUILD_SID,
        "TWILIO_BASE_URL": base_url,
        "TWILIO_BUILD_TIMEOUT": "20s",
        "TWILIO_BUILD_INTERVAL": "200ms",
        "TWILIO_BUILD_DIAGNOSE": "false",
        **changes,
    }


def reply(status: str) -> dict[str, str]:
    """The fields of Twilio's answer about this module's build."""
    path = f"v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
    return {
        "sid": BUILD_SID,
        "service_sid": SERVICE_SID,
        "account_sid": ACCOUNT_SID,
        "status": status,
        "url": f"https://serverless.twilio.com/{path}",
    }


def image_config(image: str) -> dict[str, object]:
    """The image's configuration: Env, Labels, Entrypoint, User."""
    (inspected,) = json.loads(docker("image", "inspect", image))
    config = inspected["Config"]
    assert isinstance(config, dict)
    return config
