"""Whether an image in a registry waits for builds as it should."""

import subprocess

from emulator import Emulator
from tools.release import ReleaseError


def run(reference: str, version: str) -> None:
    """Run the image with Docker for two builds, one of which fails. ReleaseError on a problem."""
    _expect(0, f"twilio-build-wait {version}", reference, "--version")
    with Emulator() as emulator:
        for code, status in enumerate(("completed", "failed")):
            build = f"ZB{code:032}"
            emulator.add_build(build, status, after="1s")
            emulator.add_alert(build=build)  # without it, the diagnosis would wait for one
            variables = emulator.variables | {"TWILIO_BUILD_SID": build}
            env = [f"--env={name}={value}" for name, value in variables.items()]
            _expect(code, status, "--network=host", *env, reference)


def _expect(code: int, text: str, *arguments: str) -> None:
    command = ["docker", "run", "--rm", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    print(done.stdout, done.stderr, flush=True)
    if done.returncode != code or text not in done.stdout:
        raise ReleaseError(
            f"Expected exit code {code} and {text!r} in the log above. Do not release this image."
        )
