"""The data: what a poll can return, how far a wait has got, and how it can end."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Literal, NamedTuple

from twilio_build_wait.safe_text import NOTHING, Message, join, message

#: The statuses of a build (Twilio's OpenAPI description of Serverless v1, `build_enum_status`).
COMPLETED, FAILED = "completed", "failed"
STATUSES = frozenset({"building", COMPLETED, FAILED})

#: How loudly something is announced.
Level = Literal["error", "warning", "notice"]


class Reach(IntEnum):
    """How far a request got, by what has arrived."""

    LOCAL = 0  # it failed on this machine, before the network
    NOWHERE = 1  # it was not sent: no address, no connection, or no TLS
    SENT = 2  # it was sent, and nothing came back
    ANSWERED = 3  # something answered, but nothing shows that it was Twilio
    TWILIO = 4  # a valid resource, or an error in one of Twilio's shapes


@dataclass(frozen=True)
class Latest:
    """The build that `latest` stands for; `note` says if only a part of the builds was read."""

    build_sid: str
    created: str
    age: str
    note: Message = NOTHING

    @property
    def description(self) -> Message:
        """The build, when it was created, and its age."""
        return message(f"{self.build_sid}, created {self.created} UTC, {self.age} ago")

    @property
    def caution(self) -> Message:
        """What nobody can know about it, and what follows."""
        doubt = message("If the deployment began later, it created no build: see its own log")
        return message("{} ({})", doubt, self.note) if self.note else doubt

    def qualify(self, reason: Message) -> Message:
        """Add to the reason of a failed build which build it is about."""
        about = message("About the newest build, {}", self.description)
        return join(". ", reason, about, self.caution)


@dataclass(frozen=True)
class BuildStatus:
    """A successful poll: `status` as it was sent; the other fields are valid, or empty."""

    status: str
    account_sid: str = ""
    service_sid: str = ""
    url: str = ""
    latest: Latest | None = None


class _Row(NamedTuple):
    """One row of the table of outcomes; without a `level`, it is announced in a plain line.

    `advice` is a template in which `{}` is the build's SID. `icon` is for the job summary.
    """

    outcome: str
    exit_code: int
    title: str
    advice: str = ""
    icon: str = "❗"
    level: Level | None = "error"


_RERUN = "Run the step again with build-sid: {}"
_RERUN_LONGER = f"{_RERUN}, or set a longer timeout"
_RERUN_TO_WAIT = f"{_RERUN}, or set a timeout to wait for it"
_REPORT = "Report the traceback in the log, then re-run the step"
_FAILED_ELSEWHERE = (
    "A deployment that failed did so before it created a build, or after this one had completed: "
    "see its own log"
)


class Ending(_Row, Enum):
    """The table of outcomes; of those with the same exit code, the first is the usual one."""

    COMPLETED = _Row("completed", 0, "Twilio build completed", "", "✅", None)
    NEWEST_COMPLETED = _Row(
        "completed", 0, "The newest build has completed", _FAILED_ELSEWHERE, "❔", None
    )
    FAILED = _Row(
        "failed", 1, "Twilio build failed", "Look for the build's errors in Twilio's Console", "❌"
    )
    INVALID = _Row("invalid", 2, "Wrong inputs", "Fix the inputs above, then re-run the step")
    TIMED_OUT = _Row("timed-out", 3, "Timed out waiting for the Twilio build", _RERUN_LONGER, "⏱️")
    NOT_FINISHED = _Row(
        "timed-out", 3, "Twilio build is not finished", _RERUN_TO_WAIT, "⏳", "notice"
    )
    REJECTED = _Row("rejected", 4, "Twilio build status cannot be read")
    NO_RECENT_BUILD = _Row("rejected", 4, "The Twilio service has no recent build")
    OUTPUT_LOST = _Row(
        "completed", 5, "Outputs lost", "Fix the file or the disk, then re-run the step"
    )
    ERROR = _Row("error", 70, "Internal error in twilio-build-wait", _REPORT)
    # A shell reports a process that was ended by signal n with exit code 128 + n.
    INTERRUPTED = _Row("cancelled", 130, "Wait cancelled", _RERUN, "⚪", "warning")
    TERMINATED = _Row("cancelled", 143, "Wait cancelled", _RERUN, "⚪", "warning")


class ErrorKind(Enum):
    """What a failed poll means for the wait."""

    TRANSIENT = "transient"  # retried
    NOT_FOUND = "not found"  # a 404: retried for ten seconds
    PERMANENT = "permanent"  # ends the wait


@dataclass(frozen=True)
class PollError:
    """A poll that returned no status.

    `cause` is what happened in our words, `said` what the other side said about it. A permanent one
    ends the wait with `ending`; `advice` is shown if the wait ends with this error. `retry_after`
    is in seconds, `request_id` Twilio's, `is_oversized` True if the body was larger than allowed.
    """

    cause: Message
    kind: ErrorKind = ErrorKind.TRANSIENT
    said: Message = NOTHING
    advice: Message = NOTHING
    reach: Reach = Reach.ANSWERED
    retry_after: float | None = None
    request_id: str = ""
    ending: Ending = Ending.REJECTED
    is_oversized: bool = False

    @property
    def text(self) -> Message:
        """The cause, the request ID, and what the other side said."""
        text = self.cause
        if self.request_id:
            text = message("{} (Twilio-Request-Id {})", text, self.request_id)
        return message("{}: {}", text, self.said) if self.said else text


PollResult = BuildStatus | PollError


@dataclass(frozen=True)
class Progress:
    """How far the wait has got: `elapsed` in seconds, `polls` started, `status` as an output."""

    build_sid: str = ""
    service_sid: str = ""
    account_sid: str = ""
    url: str = ""
    status: str = ""
    elapsed: float = 0.0
    polls: int = 0
    latest: Latest | None = None


@dataclass(frozen=True)
class Outcome:
    """How the wait ended, why, and what to do next, unless the reason says it."""

    ending: Ending
    progress: Progress
    reason: Message = NOTHING
    advice: Message = NOTHING


@dataclass(frozen=True)
class Finding:
    """Our label, a text, a page or none; with a `warning`, its title, it is an annotation."""

    label: str
    text: Message
    page: str = ""
    warning: str = ""


def plural(noun: str) -> str:
    """Return the plural of one of our nouns: `polls`, `dependencies`."""
    return noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"


def count(number: int, noun: str) -> str:
    """Write a number of things for a person: `1 poll`, `2 polls`."""
    return f"{number} {noun if number == 1 else plural(noun)}"
