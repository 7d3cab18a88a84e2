"""How a wait can end: the name, the exit code and the title of every ending, in one place."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

#: Twilio said `completed`, and an output channel could not be written.
EXIT_OUTPUT_LOST = 5


#: Where Twilio's Console shows errors (twilio-labs/serverless-toolkit,
#: packages/twilio-run/src/printers/utils.ts).
DEBUGGER = "https://console.twilio.com/us1/monitor/logs/debugger"

# What a shell reports for a process that a signal ended.
_SIGNAL_BASE = 128


class Level(Enum):
    """How loudly an ending is announced in a CI's log."""

    QUIET = "notice"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing to tell beside the reason: our label, a text, and a page of Twilio's (or none)."""

    label: str
    text: str
    page: str = ""


class _Ending(NamedTuple):
    outcome: str
    exit_code: int
    level: Level
    title: str
    meaning: str
    then: str


class Ending(Enum):
    """One row of the table of endings: `outcome` output, exit code, annotation level and title."""

    COMPLETED = _Ending(
        "completed", 0, Level.QUIET, "Twilio build completed", "Twilio says completed: go on", ""
    )
    FAILED = _Ending(
        "failed",
        1,
        Level.ERROR,
        "Twilio build failed",
        "Twilio says failed",
        "Look for the build's errors in Twilio's Debugger",
    )
    INVALID = _Ending(
        "invalid",
        2,
        Level.ERROR,
        "Wrong inputs",
        "an input is missing or wrong; nothing was requested",
        "Correct the inputs named above and run the step again",
    )
    TIMED_OUT = _Ending(
        "timed-out",
        3,
        Level.ERROR,
        "Timed out waiting for the Twilio build",
        "no verdict within the time-out; the build may still be running",
        "Run the step again, which goes on waiting for the same build, or give it a longer timeout",
    )
    REJECTED = _Ending(
        "rejected",
        4,
        Level.ERROR,
        "Twilio build status cannot be read",
        "a lasting fault: credentials, a wrong SID, a certificate, a proxy",
        "Mend what the reason names and run the step again; the build itself may be fine",
    )
    INTERRUPTED = _Ending(
        "cancelled",
        130,
        Level.WARNING,
        "Wait cancelled",
        "cancelled by SIGINT",
        "Run the step again, which goes on waiting for the same build",
    )
    TERMINATED = _Ending(
        "cancelled",
        143,
        Level.WARNING,
        "Wait cancelled",
        "cancelled by SIGTERM",
        "Run the step again, which goes on waiting for the same build",
    )
    ERROR = _Ending(
        "error",
        70,
        Level.ERROR,
        "Internal error in twilio-build-wait",
        "a bug in this tool; no verdict was reached",
        "Report the traceback in the log, and run the step again",
    )

    @property
    def outcome(self) -> str:
        """The value of the `outcome` output."""
        return self.value.outcome

    @property
    def exit_code(self) -> int:
        """The process's exit code."""
        return self.value.exit_code

    @property
    def level(self) -> Level:
        """How the ending is annotated."""
        return self.value.level

    @property
    def title(self) -> str:
        """The title of the annotation and of the job summary."""
        return self.value.title

    @property
    def meaning(self) -> str:
        """What the exit code means, in a few words for `--help`."""
        return self.value.meaning

    @property
    def next_step(self) -> "Finding":
        """What to do next; its text is empty where there is nothing to do."""
        page = DEBUGGER if self is Ending.FAILED else ""
        return Finding("Where to look next", self.value.then, page)

    @classmethod
    def of_signal(cls, number: int) -> "Ending":
        """Return the ending of a wait that a signal cancelled."""
        return next(ending for ending in cls if ending.exit_code == _SIGNAL_BASE + number)


#: Every output in the order in which it is written, with its meaning for `--help`.
OUTPUTS = {
    "outcome": "completed, failed, invalid, timed-out, rejected, cancelled or error",
    "status": "the last status that Twilio reported, such as building",
    "build-sid": "the build waited for",
    "service-sid": "the service's SID as Twilio reports it; until then as given",
    "account-sid": "the account's SID as Twilio reports it",
    "url": "the address of the Build Status resource",
    "elapsed-seconds": "time waited, in seconds with one decimal",
    "polls": "status requests begun, the failed ones too",
    "reason": "one line for a person; empty when completed",
}

#: The outputs that are numbers wherever the channel has numbers.
NUMBERS = frozenset({"elapsed-seconds", "polls"})


def variable(output: str) -> str:
    """Name the environment variable that carries an output outside GitHub."""
    return "TWILIO_BUILD_WAIT_" + output.upper().replace("-", "_")


@dataclass(frozen=True)
class Progress:
    """What is known of the wait at one moment; every text in it is safe to show.

    `status` is the last status that Twilio reported if it is a word, else empty; `elapsed` is in
    seconds since the first read began; `polls` counts the reads begun.
    """

    build_sid: str = ""
    service_sid: str = ""
    account_sid: str = ""
    url: str = ""
    status: str = ""
    elapsed: float = 0.0
    polls: int = 0


@dataclass(frozen=True)
class Outcome:
    """How the wait ended, and why (`reason`: one line for a person, empty when completed)."""

    ending: Ending
    progress: Progress
    reason: str = ""


def count(number: int, noun: str) -> str:
    """Write a number of things for a person: `1 read`, `2 reads`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def outputs(progress: Progress, outcome: Outcome | None = None) -> dict[str, str]:
    """Render every output as text; before the end, `outcome` and `reason` are empty."""
    values = {
        "outcome": outcome.ending.outcome if outcome else "",
        "status": progress.status,
        "build-sid": progress.build_sid,
        "service-sid": progress.service_sid,
        "account-sid": progress.account_sid,
        "url": progress.url,
        "elapsed-seconds": f"{progress.elapsed:.1f}",
        "polls": str(progress.polls),
        "reason": outcome.reason if outcome else "",
    }
    return {name: values[name] for name in OUTPUTS}
