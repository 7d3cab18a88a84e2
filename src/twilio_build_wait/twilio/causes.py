"""The table of what makes builds fail: Twilio's error codes, and what a Build itself shows.

What the Build shows is a likely or a possible cause, never a proven one.
"""

import re
from dataclasses import dataclass

from twilio_build_wait.model import count
from twilio_build_wait.twilio.builds import Build

_HANDLER = "@twilio/runtime-handler"
_HANDLER_FOR_NODE24 = (1, 2, 0)
_RUNTIME = re.compile(r"node([0-9]{1,3})")
_LAST_UNSUPPORTED, _NEEDS_NEW_HANDLER = 18, 24
_EXACT = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")


@dataclass(frozen=True)
class ErrorCode:
    """One of Twilio's error codes that a build raises: its title, and what to do."""

    title: str
    advice: str


#: Sources: twilio.com/docs/errors/82003 and /82007.
ERROR_CODES = {
    "82003": ErrorCode(
        "Deployment Installation Failure",
        "Deploy again after some time: npm may be degraded. If it fails again, check that every "
        "dependency and version exists, is small, and installs without a compiler (gcc)",
    ),
    "82007": ErrorCode(
        "Unsupported Runtime",
        "Create the build with a runtime that Twilio supports, such as the newest node it lists",
    ),
}


@dataclass(frozen=True)
class Cause:
    """A cause that a Build shows: how sure it is (`likely`, `possible`), what, and what to do."""

    certainty: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.certainty} cause: {self.text}"


def causes(build: Build) -> list[Cause]:
    """Return the causes that a Build shows, the likely ones first."""
    number, handler = _runtime_number(build), _handler_version(build)
    found = []
    # twilio.com/en-us/changelog, the end of support for Node.js 18 (2025-11-10)
    if number is not None and number <= _LAST_UNSUPPORTED:
        cause = f"Twilio no longer supports the runtime {build.runtime}"
        advice = "Create the build with a newer runtime, such as node22"
        found.append(Cause("likely", cause, advice))
    # twilio.com/en-us/changelog, Node.js 24 for Functions (2026-07-08)
    if number == _NEEDS_NEW_HANDLER and handler and handler < _HANDLER_FOR_NODE24:
        version = ".".join(map(str, handler))
        cause = f"node24 needs {_HANDLER} 1.2.0 or newer, and the build has {version}"
        advice = f"Set {_HANDLER} to 1.2.0 or newer, or choose the runtime node22"
        found.append(Cause("likely", cause, advice))
    # twilio-labs/serverless-toolkit#390: Twilio adds it only if there are no others
    if build.dependencies and _HANDLER not in build.dependencies:
        cause = f"the build has {count(len(build.dependencies), 'dependency')} without {_HANDLER}"
        found.append(Cause("possible", cause, f"Add {_HANDLER} to the dependencies"))
    return found


def hints(build: Build) -> list[str]:
    """Return what often is the cause, without what the Build disproves."""
    may_depend = build.dependencies is None or bool(build.dependencies)
    handler = _handler_version(build)
    hints = []
    if may_depend:  # twilio.com/docs/errors/82003
        hints.append("every dependency exists in its version and installs without a compiler")
    if may_depend and (not handler or handler < _HANDLER_FOR_NODE24):
        # twilio-labs/serverless-toolkit#390
        hints.append(f"{_HANDLER} is among the dependencies, and new enough for the runtime")
    if _runtime_number(build) is None:  # twilio.com/docs/errors/82007
        hints.append("Twilio still supports the runtime")
    return hints


def _runtime_number(build: Build) -> int | None:
    found = _RUNTIME.fullmatch(build.runtime or "")
    return int(found[1]) if found else None


def _handler_version(build: Build) -> tuple[int, ...] | None:
    """Return the three numbers of an exact version; ranges and tags are not compared."""
    found = _EXACT.fullmatch((build.dependencies or {}).get(_HANDLER) or "")
    return tuple(map(int, found.groups())) if found else None
