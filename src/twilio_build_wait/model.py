"""The data: what a poll can return, what is known of the wait, and how it can end."""

import signal
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from twilio_build_wait.text import NO_TEXT, SafeText

#: The statuses of a build (Twilio's OpenAPI description of Serverless v1, `build_enum_status`).
COMPLETED, FAILED = "completed", "failed"
STATUSES = frozenset({"building", COMPLETED, FAILED})


@dataclass(frozen=True)
class BuildStatus:
    """A successful poll.

    `status` is as Twilio sent it. The other fields are empty unless they have their format.
    `found` describes the build that `latest` stands for, in the poll that found it.
    """

    status: str
    build_sid: str = ""
    account_sid: str = ""
    service_sid: str = ""
    url: str = ""
    found: SafeText = NO_TEXT


class ErrorKind(Enum):
    """What a failed poll means for the wait."""

    TRANSIENT = "transient"  # retried
    NOT_FOUND = "not found"  # a 404: retried for ten seconds
    PERMANENT = "permanent"  # ends the wait


@dataclass(frozen=True)
class PollError:
    """A poll that returned no status.

    `cause` is what happened in our words, `message` what the other side said about it, `advice`
    what to do next. `retry_after` is in seconds. `is_answer` is False if nothing has come back.
    `is_unreachable` is True if the poll failed before it reached anything that could answer.
    """

    cause: SafeText
    kind: ErrorKind = ErrorKind.TRANSIENT
    message: SafeText = NO_TEXT
    advice: SafeText = NO_TEXT
    retry_after: float | None = None
    is_answer: bool = True
    is_unreachable: bool = False

    @property
    def text(self) -> SafeText:
        """The cause and the message."""
        return SafeText(f"{self.cause}: {self.message}") if self.message else self.cause


PollResult = BuildStatus | PollError


@dataclass(frozen=True)
class Progress:
    """What is known of the wait at one moment.

    `status` is the last status that Twilio reported if it may be an output, `elapsed` is in
    seconds since the first poll started, `polls` counts the polls started.
    """

    build_sid: str = ""
    service_sid: str = ""
    account_sid: str = ""
    url: str = ""
    status: str = ""
    elapsed: float = 0.0
    polls: int = 0
    found: SafeText = NO_TEXT


class _Row(NamedTuple):
    """One row of the table of outcomes; `meaning` is for `--help`, `advice` what to do next."""

    outcome: str
    exit_code: int
    title: str
    meaning: str
    advice: SafeText = NO_TEXT


_RERUN = SafeText("Re-run the step to go on waiting for the same build")


class Ending(_Row, Enum):
    """The table of outcomes."""

    COMPLETED = "completed", 0, "Twilio build completed", "Twilio says completed"
    FAILED = (
        *("failed", 1, "Twilio build failed", "Twilio says failed"),
        SafeText("Look for the build's errors in Twilio's Console"),
    )
    INVALID = (
        *("invalid", 2, "Wrong inputs", "an input is missing or invalid; no request was sent"),
        SafeText("Fix the inputs above, then re-run the step"),
    )
    TIMED_OUT = (
        *("timed-out", 3, "Timed out waiting for the Twilio build"),
        "the deadline passed; the build may still be running",
        SafeText(f"{_RERUN}, or set a longer timeout"),
    )
    REJECTED = (
        *("rejected", 4, "Twilio build status cannot be read"),
        "a permanent error: credentials, a wrong SID, a certificate, a proxy",
        SafeText("Fix the problem above, then re-run the step; the build itself may be fine"),
    )
    OUTPUT_LOST = (
        *("completed", 5, "Outputs lost"),
        "Twilio says completed, but an output could not be written",
        SafeText("Fix the file or the disk, then re-run the step"),
    )
    ERROR = (
        *("error", 70, "Internal error in twilio-build-wait", "a bug in this tool"),
        SafeText("Report the traceback in the log, then re-run the step"),
    )
    # A shell reports a process that was ended by signal n with exit code 128 + n.
    INTERRUPTED = "cancelled", 130, "Wait cancelled", "cancelled by SIGINT", _RERUN
    TERMINATED = "cancelled", 143, "Wait cancelled", "cancelled by SIGTERM", _RERUN

    @classmethod
    def of_signal(cls, number: int) -> "Ending":
        """Return the ending of a wait that SIGINT or SIGTERM has cancelled."""
        return cls.INTERRUPTED if number == signal.SIGINT else cls.TERMINATED


@dataclass(frozen=True)
class Outcome:
    """How the wait ended; `reason` is one line for a person, `advice` what to do next."""

    ending: Ending
    progress: Progress
    reason: SafeText = NO_TEXT
    advice: SafeText = NO_TEXT


@dataclass(frozen=True)
class Finding:
    """One thing that the diagnosis found: our label, a text, and a page about it or none."""

    label: str
    text: SafeText
    page: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The reason of a failed build, and everything found in the order to read it."""

    reason: SafeText
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Difference:
    """What deploying a build changes for one sort of thing.

    `sort` is function, asset, dependency or runtime. The entries are paths, or names with versions.
    """

    sort: str
    removed: tuple[SafeText, ...] = ()
    added: tuple[SafeText, ...] = ()
    other_version: tuple[SafeText, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What deploying a build would change in an environment.

    `verdict` is the output: `none`, `some`, `removals` or empty. `environment` is its name.
    `notes` are sentences about what is special or could not be read.
    """

    verdict: str = ""
    environment: SafeText = NO_TEXT
    differences: tuple[Difference, ...] = ()
    notes: tuple[SafeText, ...] = ()


#: Every output in the order in which it is written, with its meaning for `--help`.
OUTPUTS = {
    "outcome": "completed, failed, invalid, timed-out, rejected, cancelled or error",
    "status": "the last status that Twilio reported, such as building",
    "build-sid": "the build waited for; with latest, empty until it is known",
    "service-sid": "the service's SID as Twilio reports it; until then the input",
    "account-sid": "the account's SID as Twilio reports it",
    "url": "the address of the Build Status resource",
    "elapsed-seconds": "the time waited, in seconds with one decimal",
    "polls": "the polls started, failed ones included",
    "reason": "one line for a person; empty when completed",
    "changes": "none, some or removals: what deploying would change in environment-sid",
}

#: The outputs that are numbers where a channel has numbers.
NUMBERS = frozenset({"elapsed-seconds", "polls"})


def variable(output: str) -> str:
    """Return the environment variable that carries an output outside GitHub."""
    return "TWILIO_BUILD_WAIT_" + output.upper().replace("-", "_")


def outputs(progress: Progress, outcome: Outcome | None = None) -> dict[str, str]:
    """Return every output as text; `changes`, which is found later, is empty."""
    return {
        "outcome": outcome.ending.outcome if outcome else "",
        "status": progress.status,
        "build-sid": progress.build_sid,
        "service-sid": progress.service_sid,
        "account-sid": progress.account_sid,
        "url": progress.url,
        "elapsed-seconds": f"{progress.elapsed:.1f}",
        "polls": str(progress.polls),
        "reason": outcome.reason if outcome else "",
        "changes": "",
    }


def plural(noun: str) -> str:
    """Return the plural of one of our nouns: `polls`, `dependencies`."""
    return noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"


def count(number: int, noun: str) -> str:
    """Write a number of things for a person: `1 poll`, `2 polls`."""
    return f"{number} {noun if number == 1 else plural(noun)}"
