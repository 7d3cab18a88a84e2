"""The job summary: what a person sees on the page of a GitHub run."""

from collections.abc import Sequence

from twilio_build_wait.outcome import Finding, Outcome, count
from twilio_build_wait.reporters import files
from twilio_build_wait.text import markdown

_ICONS = {"completed": "✅", "failed": "❌", "cancelled": "⚪", "timed-out": "⏱️"}


def render(outcome: Outcome, findings: Sequence[Finding] = ()) -> str:
    """Write one table with the verdict, the build, the duration, the reason and where to look."""
    ending, progress = outcome.ending, outcome.progress
    rows = [
        ("Outcome", f"`{ending.outcome}`"),
        ("Build", markdown(progress.build_sid)),
        ("Service", markdown(progress.service_sid)),
        ("Last status", markdown(progress.status)),
        ("Waited", f"{progress.elapsed:.1f} s, {count(progress.polls, 'read')}"),
        ("Reason", markdown(outcome.reason)),
    ]
    rows += [(found.label, _cell(found)) for found in findings or [ending.next_step]]
    table = "".join(f"| {label} | {value} |\n" for label, value in rows if value)
    icon = _ICONS.get(ending.outcome, "❗")
    return f"\n### {icon} {ending.title}\n\n| | |\n| --- | --- |\n{table}\n"


def append(path: str, outcome: Outcome, findings: Sequence[Finding] = ()) -> None:
    """Append the summary to the file that `GITHUB_STEP_SUMMARY` names; raises OSError."""
    files.append(path, render(outcome, findings))


def _cell(found: Finding) -> str:
    shown = markdown(found.text)
    return f"{shown} ([more]({found.page}))" if found.page else shown
