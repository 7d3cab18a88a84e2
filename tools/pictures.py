"""Write docs/images: the log of a failed build as an SVG, and two job summaries as Markdown.

The tool runs against the emulator in virtual time, so it prints the same every time.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

from emulator import API_KEY, API_SECRET, Emulator
from tests.support.clocks import VirtualClock
from tests.support.run import run_inside
from twilio_build_wait.settings import Settings, read

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
FAILED, LIVE, SMALLER = ("ZB" + 32 * digit for digit in "f12")
ENVIRONMENT = "ZE" + 32 * "e"


def run(**variables: str) -> tuple[str, str]:
    """Run the tool as a step on GitHub; return its log, as GitHub shows it, and its job summary."""
    clock, texts = VirtualClock(), list[str]()
    with Emulator(clock=clock.now) as emulator:
        libraries = {"sharp": "0.33.5", "@twilio/runtime-handler": "1.3.0"}
        created = "2026-11-02T09:30:00Z"
        emulator.add_build(FAILED, "failed", after="4s", created=created, dependencies=libraries)
        emulator.add_alert(build=FAILED)
        emulator.add_build(LIVE, functions=("/hello", "/call", "/sms"))
        emulator.add_build(SMALLER, functions=("/hello@2", "/fax"))
        emulator.add_environment(ENVIRONMENT, build_sid=LIVE)

        def read_settings(environ: Mapping[str, str], arguments: Sequence[str]) -> Settings:
            """Let the emulator stand for Twilio's own hosts, as no base-url could."""
            return replace(read(environ, arguments), root=emulator.url, monitor=emulator.url)

        environ = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": "/dev/null",
            "GITHUB_STEP_SUMMARY": "summary",
            "TWILIO_API_KEY": API_KEY,
            "TWILIO_API_SECRET": API_SECRET,
            "TWILIO_SERVICE_SID": emulator.variables["TWILIO_SERVICE_SID"],
        }
        with mock.patch("twilio_build_wait.main.read", read_settings):
            ended = run_inside(
                environ | variables,
                clock=clock,
                uniform=min,  # the shortest delays
                append=lambda _, text: texts.append(text),
                check=False,
            )
    log = re.sub(r"::add-mask::.*\n", "", ended.stdout)
    log = re.sub(r"(?m)^::(error|warning) [^:]*::", lambda found: f"{found[1].title()}: ", log)
    log = log.replace(emulator.url.removeprefix("http://"), "serverless.twilio.com")
    return log, texts[-1].strip() + "\n"  # the texts before it are outputs


def draw(log: str) -> str:
    """Return a log as an SVG, without the web fonts that rich would load."""
    from rich.console import Console  # noqa: PLC0415 (`make test` does without)
    from rich.text import Text  # noqa: PLC0415 (as above)

    console = Console(record=True, width=100, file=io.StringIO())
    for line in log.splitlines():
        console.print(Text(line, "red" if line.startswith("Error: ") else ""))
    svg = console.export_svg(title="Twilio build failed", unique_id="log")
    return re.sub(r"(?s)@font-face \{.*?\}\s*", "", svg).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    failed, failed_summary = run(TWILIO_BUILD_SID=FAILED)
    _, changes_summary = run(TWILIO_BUILD_SID=SMALLER, TWILIO_ENVIRONMENT_SID=ENVIRONMENT)
    (IMAGES / "log.svg").write_text(draw(failed), "utf-8")
    (IMAGES / "summary-failed.md").write_text(failed_summary, "utf-8")
    (IMAGES / "summary-changes.md").write_text(changes_summary, "utf-8")
