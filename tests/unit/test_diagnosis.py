"""What the diagnosis says, from what it has read."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs

import pytest

from tests.support.samples import BUILD_SID, NOW
from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio.builds import Build, Entry
from twilio_build_wait.twilio.causes import Certainty, Explanation
from twilio_build_wait.twilio.diagnosis import alerts_query, describe, give_reason, where_to_look

NONE_YET = (
    "Twilio has no alert about this build yet. Run the step again with build-sid: " + BUILD_SID
)
GAP = "Twilio's alerts could not be read"
LOOK = "Look for the build's errors in Twilio's Console"

# Certainty of each explanation, gap -> the reason.
REASONS: dict[str, tuple[list[Certainty], str, str]] = {
    "this build": ([Certainty.BUILD, Certainty.LIKELY], GAP, "text 0"),
    "this service": ([Certainty.SERVICE, Certainty.RELATED], "", "text 0"),
    "likely": ([Certainty.LIKELY, Certainty.RELATED], "", f"likely cause: text 0; {NONE_YET}"),
    "possible, with a gap": ([Certainty.POSSIBLE], GAP, f"possible cause: text 0; {GAP}. {LOOK}"),
    "related": ([Certainty.RELATED], "", f"possibly related alert: text 0; {NONE_YET}"),
    "nothing": ([], "", f"Twilio reports that the build failed; {NONE_YET}"),
    "nothing, with a gap": ([], GAP, f"Twilio reports that the build failed; {GAP}. {LOOK}"),
}

# When the build was created -> when the window begins.
WINDOWS: dict[str, tuple[datetime | None, timedelta]] = {
    "a build": (NOW - timedelta(minutes=2), timedelta(minutes=7)),
    "a build of this moment": (NOW, timedelta(minutes=5)),
    "in the future": (NOW + timedelta(seconds=1), timedelta(minutes=65)),
    "unknown": (None, timedelta(minutes=65)),
    "older than Monitor's memory": (NOW - timedelta(days=40), timedelta(days=29, minutes=5)),
}

# Build -> lines about what is in it.
CONTENTS: dict[str, tuple[Build, list[str]]] = {
    "unknown": (Build(), []),
    "without dependencies": (
        Build({"/a": Entry()}, {}, {}, "{0}"),
        ["In the build: {0}, 1 function, 0 assets, 0 dependencies"],
    ),
    "with a date": (Build(created=NOW), ["In the build: created 2026-10-01 12:00:00 UTC"]),
    "with dependencies": (
        Build(dependencies={"lib": Entry("1.0.0"), "{0}": Entry()}),
        ["In the build: 2 dependencies", "Dependencies: lib@1.0.0, {0}"],
    ),
}

PLACES = {
    "us1": ("Twilio's Debugger", "https://console.twilio.com/us1/monitor/logs/debugger"),
    "ie1": ("the error logs of region ie1 in Twilio's Console", ""),
    "": ("the error logs in Twilio's Console", ""),
}


@pytest.mark.parametrize("certainties, gap, reason", REASONS.values(), ids=REASONS)
def test_reason_says_how_sure_it_is(certainties: list[Certainty], gap: str, reason: str) -> None:
    explanations = [
        Explanation(certainty, message("text {}", number))
        for number, certainty in enumerate(certainties)
    ]
    assert give_reason(explanations, gap, BUILD_SID).text() == reason


@pytest.mark.parametrize("created, before", WINDOWS.values(), ids=WINDOWS)
def test_window_of_alerts_begins_before_the_build(
    created: datetime | None, before: timedelta
) -> None:
    start = parse_qs(alerts_query(created, NOW, 1))["StartDate"]
    assert start == [f"{NOW - before:%Y-%m-%dT%H:%M:%SZ}"]


@pytest.mark.parametrize("build, lines", CONTENTS.values(), ids=CONTENTS)
def test_description_of_a_build(build: Build, lines: list[str]) -> None:
    assert [f"{each.label}: {each.text.text()}" for each in describe(build)] == lines


@pytest.mark.parametrize("region", PLACES)
def test_only_us1_has_a_link_to_the_debugger(region: str) -> None:
    finding, (text, page) = where_to_look(region), PLACES[region]
    assert finding.label == "Where to look next"
    assert finding.text.text() == text
    assert finding.page == page
