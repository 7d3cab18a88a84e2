"""``docker run``, as far as the examples use it, with the real program in the container's place.

The program gets what a container would: the variables that ``--env`` hands on and no others, and
the folder that is mounted at its working directory. A flag that is not known here is an error.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

ENTRYPOINT = Path(__file__).resolve().parents[2] / "entrypoint.py"
#: What the tests hand on beside what the example says: where the emulator is, how long to wait.
ALWAYS = ("TWILIO_BASE_URL", "TWILIO_BUILD_TIMEOUT")


def main(arguments: list[str]) -> NoReturn:
    """Run ``docker ARGUMENTS`` in the place of this process."""
    parser = argparse.ArgumentParser(prog="docker", allow_abbrev=False)
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--rm", action="store_true", required=True)
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--user", choices=[f"{os.getuid()}:{os.getgid()}"])
    parser.add_argument("--volume", default=f"{Path.cwd()}:/")
    parser.add_argument("--workdir", default="/")
    parser.add_argument("image")
    given = parser.parse_args(arguments)

    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ALWAYS or name.startswith("COVERAGE_")
    }
    for name, equals, value in (word.partition("=") for word in given.env):
        if equals or name in os.environ:
            environment[name] = value if equals else os.environ[name]
    outside, _, inside = given.volume.partition(":")
    if given.workdir != inside:
        parser.error(f"{given.workdir} is not what {outside} is mounted at")
    os.chdir(outside)
    os.execve(sys.executable, [sys.executable, str(ENTRYPOINT)], environment)  # noqa: S606 (as docker does)


if __name__ == "__main__":
    main(sys.argv[1:])
