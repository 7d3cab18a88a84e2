"""`make demo`: the real program, twice, against the emulator of Twilio's endpoint on this machine.

Once as any CI system runs it, with a build that completes, and once as a step on GitHub, with a
build that fails. Shows the program's own log and what a later step gets to read. Exit 0 when both
ended as they must, 1 otherwise.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emulator.api import Credentials
from emulator.server import Emulator, Options

ENTRYPOINT = Path(__file__).resolve().parents[1] / "entrypoint.py"
SERVICE_SID = "ZS" + "5" * 32
COMPLETES = "ZB" + "c" * 32
FAILS = "ZB" + "f" * 32
#: Seconds that a run may take. The builds end after 3 and 2.
LIMIT = 30


def heading(text: str) -> None:
    """Print a line that is seen among the others, and let nothing overtake it."""
    print(f"\n--- {text} {'-' * max(3, 80 - len(text))}", flush=True)


def show(text: str) -> None:
    """Print text with a margin, so that it is told from the program's log."""
    for line in text.splitlines():
        print(f"    {line}" if line.strip() else "", flush=True)


def run(env: dict[str, str]) -> int | None:
    """Run the program in an environment of these variables alone.

    Its exit code; None when it was ended because it had not within LIMIT seconds.
    """
    for name, value in env.items():
        if name.startswith("TWILIO"):
            show(f"{name}={value}")
    show("python3 entrypoint.py\n")
    print(flush=True)
    kept = {name: os.environ[name] for name in ("PATH", "TERM", "CI") if name in os.environ}
    command = [sys.executable, str(ENTRYPOINT)]
    started = time.monotonic()
    try:
        code = subprocess.run(
            command, env=kept | env, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        show(f"\nstill running after {LIMIT} s, and therefore ended")
        return None
    show(f"\nexit code {code}, after {time.monotonic() - started:.1f} s")
    return code


def step_outputs(file: Path) -> dict[str, str]:
    """Read a step's outputs as GitHub does: NAME<<DELIMITER blocks, the last of a name counts."""
    blocks = re.findall(
        r"^(\S+)<<(\S+)\n(.*?)\n\2$", file.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return {name: value for name, _, value in blocks}


def completing(inputs: dict[str, str], folder: Path) -> bool:
    """Show a build that completes; whether it ended so."""
    heading("1. A build that completes after 3 s, as any CI system waits for it")
    file = folder / "verdict.env"
    file.touch()
    code = run(inputs | {"TWILIO_BUILD_SID": COMPLETES, "TWILIO_BUILD_OUTPUT_FILE": str(file)})
    written = file.read_text("utf-8")
    print("\n    The output file, for the next step to read:\n")
    show(written)
    return code == 0 and "TWILIO_BUILD_WAIT_OUTCOME=completed\n" in written


def failing(inputs: dict[str, str], folder: Path) -> bool:
    """Show a build that fails; whether it ended so."""
    heading("2. A build that fails after 2 s, as a step of a GitHub workflow waits for it")
    show("(a line that begins with :: is for GitHub: a secret to hide, an error to show)\n")
    print()
    outputs_file, summary_file = folder / "outputs", folder / "summary.md"
    outputs_file.touch()
    summary_file.touch()
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(outputs_file),
        "GITHUB_STEP_SUMMARY": str(summary_file),
    }
    code = run(inputs | github | {"TWILIO_BUILD_SID": FAILS})
    outputs = step_outputs(outputs_file)
    print("\n    The step's outputs:\n")
    show("\n".join(f"{name:16} {value}" for name, value in outputs.items()))
    print("\n    The job summary:\n")
    show(summary_file.read_text("utf-8").strip())
    return code == 1 and outputs.get("outcome") == "failed"


def main() -> int:
    """Run the demo; its exit code."""
    credentials = Credentials()
    options = Options(default=None, services={SERVICE_SID: "demo"})
    with Emulator(options) as emulator, tempfile.TemporaryDirectory() as temporary:
        emulator.add_build(COMPLETES, "completed", after="3s", service=SERVICE_SID)
        emulator.add_build(FAILS, "failed", after="2s", service=SERVICE_SID)
        print("twilio-build-wait, against an emulator of Twilio on this machine: no account is")
        print(f"needed, nothing goes beyond {emulator.url}.")
        print("To play with the emulator by hand: python3 -m emulator --help")
        inputs = {
            "TWILIO_ACCOUNT_SID": credentials.account_sid,
            "TWILIO_AUTH_TOKEN": credentials.auth_token,
            "TWILIO_SERVICE_SID": "demo",
            "TWILIO_BASE_URL": emulator.url,
        }
        ended = [completing(inputs, Path(temporary)), failing(inputs, Path(temporary))]
    heading("the end")
    if all(ended):
        show("Both ended as they must: exit 0 for the build that completed, exit 1 for the")
        show("one that failed. README.md says what every other exit code means.")
        return 0
    show("At least one did not end as it must, see above: 1 had to be completed with exit 0,")
    show("2 failed with exit 1. Please report it with this log.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
