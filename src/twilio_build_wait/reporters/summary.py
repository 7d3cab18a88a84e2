"""The job summary: what a person sees on the page of a GitHub run."""

import re
from collections.abc import Sequence

from twilio_build_wait.model import Changes, Finding, Outcome, count, plural
from twilio_build_wait.text import SafeText

_ICONS = {"completed": "✅", "failed": "❌", "cancelled": "⚪", "timed-out": "⏱️"}

#: How many names of a kind are shown.
SHOWN = 20

# Everything that Markdown, HTML or GitHub's additions could take for markup: any punctuation but
# the harmless, the colon of a URL or of an `:emoji:`, and the dot that makes a link of `www.`.
_MARKUP = re.compile(r"[^\w\s/.,:;%+?='\"()-]|_|:(?=//|[a-z+-][\w+-]*:)|(?<=www)\.", re.IGNORECASE)
# GitHub links an e-mail address in spite of character references (cmark-gfm, autolink.c), but not
# in a code span.
_EMAIL = re.compile(r"([\w.+-]+@[\w-]+\.[\w.-]*[a-z])", re.IGNORECASE)


def render(
    outcome: Outcome, findings: Sequence[Finding] = (), changes: Changes | None = None
) -> str:
    """Return one table with verdict, build, duration, reason and where to look next.

    With `changes`, a second table says what deploying the build would change.
    """
    ending, progress = outcome.ending, outcome.progress
    reason = outcome.reason.lower()
    # What the reason repeats is not said twice; a cause stands in it with its label.
    repeated = [
        item
        for item in findings
        if reason == item.text.lower() or reason.startswith(f"{item.label}: {item.text}".lower())
    ]
    found = f" ({markdown(progress.found)})" if progress.found else ""
    rows = [
        ("Outcome", f"`{ending.outcome}`"),
        ("Build", f"latest{found}" if found else markdown(SafeText(progress.build_sid))),
        ("Service", markdown(SafeText(progress.service_sid))),
        ("Last status", markdown(SafeText(progress.status))),
        ("Waited", f"{progress.elapsed:.1f} s, {count(progress.polls, 'poll')}"),
        ("Reason", _cell(outcome.reason, repeated[0].page if repeated else "")),
    ]
    rows += [(item.label, _cell(item.text, item.page)) for item in findings if item not in repeated]
    if not findings:
        rows.append(("What to do", markdown(outcome.advice)))
    table = "".join(f"| {label} | {value} |\n" for label, value in rows if value)
    icon = _ICONS.get(ending.outcome, "❗")
    text = f"### {icon} {ending.title}\n\n| | |\n| --- | --- |\n{table}\n"
    return text + (_changes(changes) if changes else "")


def markdown(text: SafeText) -> str:
    """Make a text literal in a cell of a GitHub Markdown table, by character references."""
    pieces = _EMAIL.split(text)  # text and addresses in turn
    pieces[::2] = [_MARKUP.sub(lambda at: f"&#{ord(at[0])};", piece) for piece in pieces[::2]]
    pieces[1::2] = [f"`{address}`" for address in pieces[1::2]]
    return "".join(pieces)


def _cell(text: SafeText, page: str) -> str:
    return f"{markdown(text)} ([more]({page}))" if page else markdown(text)


def _changes(changes: Changes) -> str:
    where = f" in {markdown(changes.environment)}" if changes.environment else ""
    text = f"#### What deploying this build changes{where}\n\n"
    if changes.differences:
        text += "| | Removed | Added | Another version |\n| --- | --- | --- | --- |\n"
        for difference in changes.differences:
            removed = _names(difference.removed, "**")
            # Last: deployment tools often upload every file anew.
            other = _names(difference.other_version)
            is_one = difference.sort == "runtime"
            sort = (difference.sort if is_one else plural(difference.sort)).capitalize()
            text += f"| {sort} | {removed} | {_names(difference.added)} | {other} |\n"
        text += "\n"
    elif changes.verdict == "none":
        text += "Nothing.\n\n"
    notes = "".join(f"- {markdown(note)}\n" for note in changes.notes)
    return text + (f"{notes}\n" if notes else "")


def _names(names: Sequence[SafeText], bold: str = "") -> str:
    shown = [f"{bold}{markdown(name)}{bold}" for name in names[:SHOWN]]
    if len(names) > SHOWN:
        shown.append(f"and {len(names) - SHOWN} more")
    return ", ".join(shown)
