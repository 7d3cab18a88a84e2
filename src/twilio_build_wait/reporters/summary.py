"""The job summary: what a person sees on the page of a GitHub run."""

import re
from collections.abc import Iterable
from itertools import groupby

from twilio_build_wait.model import Finding, Outcome, count
from twilio_build_wait.safe_text import NOTHING, message, safe


def render(outcome: Outcome, findings: Iterable[Finding] = ()) -> str:
    """Return one table with verdict, build, duration, reason and where to look next."""
    progress, ending, latest = outcome.progress, outcome.ending, outcome.progress.latest
    build = (
        message("latest: {}", latest.description) if latest else message("{}", progress.build_sid)
    )
    waited = f"{progress.elapsed:.1f} s, {count(progress.polls, 'poll')}"
    rows = [
        Finding("Outcome", message("{}", ending.outcome)),
        Finding("Build", build),
        Finding("Note", latest.caution if latest else NOTHING),
        Finding("Service", message("{}", progress.service_sid)),
        Finding("Last status", message("{}", progress.status)),
        Finding("Waited", message(waited)),
        Finding("Reason", outcome.reason),
        Finding("What to do", outcome.advice),
        *findings,
    ]
    text = f"### {ending.icon} {ending.title}\n\n| | |\n| --- | --- |\n"
    for label, group in groupby(rows, lambda row: row.label):
        if cell := "<br>".join(filter(None, map(_cell, group))):
            text += f"| {label} | {cell} |\n"
    return f"{text}\n"


def _cell(row: Finding) -> str:
    text = row.text.render(code_span)
    return f"{text} ([more]({row.page}))" if row.page else text


def code_span(value: str) -> str:
    """Write untrusted text as a code span in a table (GitHub Flavored Markdown, 6.3, 4.10)."""
    text = re.sub(r"(\\*)\|", r"\1\1\\|", safe(value))
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""
