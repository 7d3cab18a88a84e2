"""`make demo`: runs the tool three times against an emulator of Twilio on this machine.

1. As any CI system runs it: a build that completes.
2. As a step on GitHub, after a deployment tool has failed: `latest` finds the build that failed.
3. As a step on GitHub, before a deployment: it would remove a function.

Exits with 0 if every run ended as it should, otherwise with 1.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emulator import Emulator

ENTRYPOINT = Path(__file__).resolve().parents[1] / "entrypoint.py"
COMPLETES, FAILS = "ZB" + 32 * "c", "ZB" + 32 * "f"
LIVE, NEXT, ENVIRONMENT = "ZB" + 32 * "1", "ZB" + 32 * "2", "ZE" + 32 * "e"
LIMIT = 30  # seconds for a run; the builds end after 3 s at most


def main() -> int:
    """Run the demo, and return the exit code."""
    print("This shows twilio-build-wait with an emulator of Twilio on this machine: it needs no")
    print("account and no network. These variables are set for every run:\n")
    with Emulator() as emulator, tempfile.TemporaryDirectory() as temporary:
        add_builds(emulator)
        show(as_lines(emulator.variables))
        runs = (run_as_plain_ci, explain_failure, compare)
        results = [run(emulator, Path(temporary)) for run in runs]
    title("end")
    if all(results):
        print("Every run ended as it should. Try more by hand: python3 -m emulator --help")
        return 0
    print("A run did not end as it should. Please report it with this log.")
    return 1


def add_builds(emulator: Emulator) -> None:
    """Add the builds of the three runs; the one that fails is the newest."""
    packages = {"twilio": "5.3.0", "@twilio/runtime-handler": "1.3.0", "sharp": "0.33.5"}
    live, following = ["/hello", "/orders"], ["/hello@2", "/cart"]
    emulator.add_build(COMPLETES, after="3s", created="-1m")
    emulator.add_build(FAILS, "failed", after="2s", dependencies=packages)
    emulator.add_alert(build=FAILS)
    emulator.add_build(LIVE, created="-72h", functions=live)
    emulator.add_build(NEXT, created="-1m", functions=following, dependencies=packages)
    emulator.add_environment(ENVIRONMENT, build_sid=LIVE)


def run_as_plain_ci(emulator: Emulator, folder: Path) -> bool:
    """Wait for a build that completes; returns whether the run ended as it should."""
    title("1. Any CI: a build that completes")
    file = folder / "build.env"
    code = run_tool(
        emulator, {"TWILIO_BUILD_SID": COMPLETES, "TWILIO_BUILD_OUTPUT_FILE": str(file)}
    )
    print("\nThe output file, for the next step:\n")
    show(written := file.read_text("utf-8"))
    return code == 0 and "TWILIO_BUILD_WAIT_OUTCOME=completed\n" in written


def explain_failure(emulator: Emulator, folder: Path) -> bool:
    """Explain the latest build, which fails; returns whether the run ended as it should."""
    title("2. GitHub: why did the deployment fail?")
    code, outputs = run_on_github(emulator, folder, {"TWILIO_BUILD_SID": "latest"})
    return code == 1 and outputs["build-sid"] == FAILS and "sharp" in outputs["reason"]


def compare(emulator: Emulator, folder: Path) -> bool:
    """Compare a build with what is live; returns whether the run ended as it should."""
    title("3. GitHub: what would a deployment change?")
    variables = {"TWILIO_BUILD_SID": NEXT, "TWILIO_ENVIRONMENT_SID": ENVIRONMENT}
    code, outputs = run_on_github(emulator, folder, variables)
    return code == 0 and outputs["changes"] == "removals"


def run_on_github(
    emulator: Emulator, folder: Path, variables: dict[str, str]
) -> tuple[int, dict[str, str]]:
    """Run the tool as a step on GitHub, and return the exit code and the outputs."""
    output, summary = folder / "output", folder / "summary"
    output.write_text("")
    summary.write_text("")
    files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    code = run_tool(emulator, {**variables, "GITHUB_ACTIONS": "true"}, **files)
    # Each output is NAME<<DELIMITER, its value, DELIMITER; the last value of a name counts.
    block = re.compile(r"^(\S+)<<(\S+)\n(.*?)\n\2$", re.DOTALL | re.MULTILINE)
    outputs = {name: value for name, _, value in block.findall(output.read_text("utf-8"))}
    print("\nThe outputs of the step:\n")
    show(as_lines(outputs))
    print("\nThe job summary, which GitHub renders as a table:\n")
    show(summary.read_text("utf-8").strip())
    return code, outputs


def run_tool(emulator: Emulator, shown: dict[str, str], **hidden: str) -> int:
    """Run the tool with these variables, print those in `shown`, and return the exit code."""
    show(as_lines(shown) + "python3 entrypoint.py")
    print(flush=True)
    kept = {name: os.environ[name] for name in ("PATH", "TERM", "CI") if name in os.environ}
    env = {**kept, **emulator.variables, **shown, **hidden}
    started = time.monotonic()
    command = [sys.executable, str(ENTRYPOINT)]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False)
    print(f"\nExit code {done.returncode}, after {time.monotonic() - started:.1f} s")
    return done.returncode


def as_lines(values: dict[str, str]) -> str:
    """Return a line for each value."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def title(text: str) -> None:
    """Print a title."""
    print(f"\n--- {text} {'-' * (90 - len(text))}\n")


def show(text: str) -> None:
    """Print text with a margin."""
    print("\n".join(f"    {line}" for line in text.splitlines()))


if __name__ == "__main__":
    sys.exit(main())
