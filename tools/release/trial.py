"""Whether an image, as it lies in the registry, does what it is for."""

import subprocess

from emulator.api import ACCOUNT_SID, AUTH_TOKEN
from emulator.server import Emulator, Options
from tools.release.problems import ReleaseError
from tools.release.versions import Version

#: The build that each verdict is waited for, and the exit code that users branch on.
_BUILDS = {"completed": ("ZB" + "c" * 32, 0), "failed": ("ZB" + "f" * 32, 1)}
_LIMIT = 60  # seconds for one run, the pull of the image aside


def run(reference: str, version: Version) -> None:
    """Run the image by Docker: its version, and a wait for each verdict against the emulator.

    ReleaseError if it says or does anything else.
    """
    _expect(reference, (), {}, 0, f"twilio-build-wait {version}")
    with Emulator(Options(default=None)) as emulator:
        for verdict, (build, code) in _BUILDS.items():
            emulator.add_build(build, verdict, after="1s")
            settings = {
                "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
                "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
                "TWILIO_SERVICE_SID": "trial",
                "TWILIO_BUILD_SID": build,
                "TWILIO_BASE_URL": emulator.url,
            }
            _expect(reference, ("--network=host",), settings, code, verdict)


def _expect(
    reference: str, flags: tuple[str, ...], settings: dict[str, str], code: int, words: str
) -> None:
    environment = [f"--env={name}={value}" for name, value in settings.items()]
    arguments = () if settings else ("--version",)
    done = subprocess.run(
        ["docker", "run", "--rm", *flags, *environment, reference, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    print(done.stdout, end="", flush=True)
    if done.returncode != code or words not in done.stdout:
        raise ReleaseError(
            f"{reference} ended with exit code {done.returncode}, where {code} and the words"
            f" {words!r} were expected: it must not be released. What it said stands above."
        )
