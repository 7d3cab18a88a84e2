"""The job summary: what a person sees on the page of a GitHub run."""

from twilio_build_wait.outcome import Ending, Outcome
from twilio_build_wait.reporters import files
from twilio_build_wait.text import markdown

_ICONS = {"completed": "✅", "failed": "❌", "cancelled": "⚪", "timed-out": "⏱️"}


def render(outcome: Outcome, details: str = "") -> str:
    """Write one table with the verdict, the build, the duration, the reason and where to look.

    `details` is Markdown that follows the table.
    """
    ending, progress = outcome.ending, outcome.progress
    rows = {
        "Outcome": f"`{ending.outcome}`",
        "Build": markdown(progress.build_sid),
        "Service": markdown(progress.service_sid),
        "Last status": markdown(progress.status),
        "Waited": f"{progress.elapsed:.1f} s, {progress.polls} reads",
        "Reason": markdown(outcome.reason),
        "Next": "" if ending is Ending.COMPLETED else ending.next_step,
    }
    icon = _ICONS.get(ending.outcome, "❗")
    table = "".join(f"| {name} | {value} |\n" for name, value in rows.items() if value)
    return f"\n### {icon} {ending.title}\n\n| | |\n| --- | --- |\n{table}{details}\n"


def append(path: str, outcome: Outcome, details: str = "") -> None:
    """Append the summary to the file that `GITHUB_STEP_SUMMARY` names; raises OSError."""
    files.append(path, render(outcome, details))
