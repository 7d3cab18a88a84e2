"""`make demo`: runs the tool three times against an emulator of Twilio on this machine.

Exits with 0 if every run ended as it should, otherwise with 1.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import indent

from emulator import Emulator
from tests.support.parsers import github_file

ENTRYPOINT = Path(__file__).resolve().parents[1] / "entrypoint.py"
COMPLETES, FAILS, LIVE, NEXT = ("ZB" + 32 * digit for digit in "cf12")
ENVIRONMENT = "ZE" + 32 * "e"
GITHUB = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


def main() -> int:
    """Run the demo, and return the exit code."""
    latest = {"GITHUB_ACTIONS": "true", "TWILIO_BUILD_SID": "latest"}
    following = {**latest, "TWILIO_BUILD_SID": NEXT, "TWILIO_ENVIRONMENT_SID": ENVIRONMENT}
    with Emulator() as emulator:
        add_builds(emulator)
        print("This needs no account and no network. These variables are set for every run:\n")
        show(as_lines(emulator.variables))
        print("\n--- 1. Any CI: a build that completes ---\n")
        code, text = run(emulator, {"TWILIO_BUILD_SID": COMPLETES}, ("TWILIO_BUILD_OUTPUT_FILE",))
        right = code == 0 and "TWILIO_BUILD_WAIT_OUTCOME=completed\n" in text
        print("\n--- 2. GitHub: why did the deployment fail? ---\n")
        code, text = run(emulator, latest, GITHUB)
        explained = re.search(r"^reason=.*\b82003\b", text, re.MULTILINE)
        right &= code == 1 and f"build-sid={FAILS}\n" in text and explained is not None
        print("\n--- 3. GitHub: what would a deployment change? ---\n")
        code, text = run(emulator, following, GITHUB)
        right &= code == 0 and "changes=removals\n" in text
    if right:
        print("\nEvery run ended as it should. Try more by hand: python3 -m emulator --help")
        return 0
    print("\nA run did not end as it should. Please report it with this log.")
    return 1


def add_builds(emulator: Emulator) -> None:
    """Add the builds of the three runs; the one that fails is the newest."""
    packages = {"twilio": "5.3.0", "@twilio/runtime-handler": "1.3.0", "sharp": "0.33.5"}
    live, following = ["/hello", "/orders"], ["/hello@2", "/cart"]
    emulator.add_build(COMPLETES, after="3s", created="-1m")
    emulator.add_build(FAILS, "failed", after="2s", dependencies=packages)
    emulator.add_alert(build=FAILS, delay="3s")
    emulator.add_build(LIVE, created="-72h", functions=live)
    emulator.add_build(NEXT, created="-1m", functions=following, dependencies=packages)
    emulator.add_environment(ENVIRONMENT, build_sid=LIVE)


def run(emulator: Emulator, variables: dict[str, str], files: tuple[str, ...]) -> tuple[int, str]:
    """Run the tool, and print and return its exit code and what it writes.

    `files` are the variables that name the files to write. Outputs become lines of NAME=VALUE.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, name) for name in files}
        for path in paths.values():
            path.touch()
        own = variables | {name: str(path) for name, path in paths.items()}
        show(as_lines(own) + "python3 entrypoint.py")
        print(flush=True)
        command, env = [sys.executable, str(ENTRYPOINT)], emulator.variables | own
        code = subprocess.run(command, env=env, timeout=30, check=False).returncode
        written = {name: path.read_text("utf-8") for name, path in paths.items()}
    print(f"\nExit code {code}")
    if outputs := github_file(written.get("GITHUB_OUTPUT", "")):
        written["GITHUB_OUTPUT"] = as_lines(dict(outputs))  # the last value of a name counts
    for name, text in written.items():
        print(f"\n{name} has now:\n")
        show(text)
    return code, "".join(written.values())


def as_lines(values: dict[str, str]) -> str:
    """Return a line for each value."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def show(text: str) -> None:
    """Print text with a margin."""
    print(indent(text.strip(), "    "))


if __name__ == "__main__":
    sys.exit(main())
