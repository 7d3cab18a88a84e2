"""What one read of the status can result in: a reading, or a fault."""

from dataclasses import dataclass
from enum import Enum

#: The statuses of a build (Twilio's OpenAPI description of Serverless v1, `build_enum_status`).
BUILDING, COMPLETED, FAILED = "building", "completed", "failed"


@dataclass(frozen=True)
class Reading:
    """What Twilio says of the build: `status` as sent, the rest empty unless it has the form."""

    status: str
    account_sid: str = ""
    service_sid: str = ""
    url: str = ""


class Kind(Enum):
    """How a fault bears on the wait."""

    PASSING = "passing"  # read again
    MISSING = "missing"  # a 404: read again, for ten seconds
    LASTING = "lasting"  # the wait is over


@dataclass(frozen=True)
class Fault:
    """A read that gave no status.

    `cause` says what happened and `advice` what to do next, both for a person and not yet made
    safe to show. `retry_after` is in seconds. `unanswered` says that nothing but silence came
    back, and `unreachable` that there is no such name or that the connection was refused.
    """

    cause: str
    kind: Kind = Kind.PASSING
    advice: str = ""
    retry_after: float | None = None
    unanswered: bool = False
    unreachable: bool = False
