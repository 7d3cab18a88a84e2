"""The builds the emulator knows: when each began, when it ends, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulator.durations import seconds
from emulator.faults import Script

# SIDs as in Twilio's OpenAPI description of Serverless: two letters and 32 hexadecimal digits.
BUILD_SID = re.compile(r"ZB[0-9a-fA-F]{32}")
SERVICE_SID = re.compile(r"ZS[0-9a-fA-F]{32}")
UNIQUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
DEFAULT_SERVICE_SID = "ZS" + 32 * "0"
ENDINGS = ("completed", "failed", "building")
ALERTS = ("82003", "82007", "nameless", "unrelated", "none")
_SID_LENGTH = 34


@dataclass
class Build:
    """One build: ``building`` from its start, `ending` once `after` seconds have passed.

    `started` is a reading of the server's monotonic clock and `created` one of the wall clock,
    both None until the build is first asked for. An `ending` of ``building`` never ends.
    `alerts` names what Monitor says once the build has failed (see ALERTS), or holds fields that
    are laid over the alert for 82003.
    """

    sid: str
    ending: str = "completed"
    after: float = 0.0
    service_sid: str | None = None
    runtime: str = "node22"
    dependencies: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"name": "twilio", "version": "5.3.0"},
            {"name": "@twilio/runtime-handler", "version": "1.3.0"},
            {"name": "sharp", "version": "0.33.5"},
        ]
    )
    functions: int = 2
    assets: int = 1
    alerts: list[str | dict[str, Any]] = field(default_factory=lambda: ["82003"])
    script: Script = field(default_factory=Script)
    started: float | None = None
    created: datetime | None = None

    def start(self, now: float, wall: datetime) -> None:
        """Begin building, unless it has begun before."""
        if self.started is None:
            self.started, self.created = now, wall

    @property
    def ends_at(self) -> float | None:
        """The monotonic time at which the build ends; None if not begun, or never."""
        if self.started is None or self.ending == "building":
            return None
        return self.started + self.after

    def status(self, now: float) -> str:
        """Return the status at the monotonic time `now`."""
        ends_at = self.ends_at
        return self.ending if ends_at is not None and now >= ends_at else "building"

    def updated(self, now: float) -> datetime | None:
        """Return the wall time of the last change of status."""
        if self.created is None or self.status(now) == "building":
            return self.created
        return self.created + timedelta(seconds=self.after)


def from_text(spec: str) -> Build:
    """Read ``SID:ENDING[:AFTER][:KEY=VALUE…]``, the form of ``--build``."""
    sid, _, rest = spec.partition(":")
    return from_fields({"sid": sid, **fields_of(rest)})


def fields_of(spec: str) -> dict[str, Any]:
    """Read ``ENDING[:AFTER][:KEY=VALUE…]`` into the fields that `from_fields` takes."""
    fields: dict[str, Any] = {}
    positional = ["ending", "after"]
    for part in spec.split(":") if spec else []:
        key, equals, value = part.partition("=")
        if not equals:
            if not positional:
                raise ValueError(f"{part!r} in {spec!r}: after ENDING:AFTER come KEY=VALUE pairs")
            fields[positional.pop(0)] = part
        elif key == "dep":
            name, _, version = value.rpartition("@")
            fields.setdefault("dependencies", []).append({"name": name, "version": version})
        elif key == "alert":
            fields["alerts"] = value.split("+")
        else:
            fields[key] = value
    return fields


def from_fields(fields: dict[str, Any]) -> Build:
    """Make a build of a JSON object's fields; raises ValueError that says what is wrong."""
    fields = dict(fields)
    build = Build(sid=_matching(BUILD_SID, fields.pop("sid", ""), "a build's SID, ZB + 32 hex"))
    build.ending = _one_of(ENDINGS, fields.pop("ending", build.ending), "an ending")
    build.after = seconds(fields.pop("after", 0.0))
    if "service" in fields:
        build.service_sid = _matching(
            SERVICE_SID, fields.pop("service"), "a service's SID, ZS + 32 hex"
        )
    build.runtime = str(fields.pop("runtime", build.runtime))
    build.functions = int(fields.pop("functions", build.functions))
    build.assets = int(fields.pop("assets", build.assets))
    build.dependencies = [dict(given) for given in fields.pop("dependencies", build.dependencies)]
    build.alerts = [
        alert if isinstance(alert, dict) else _one_of(ALERTS, alert, "an alert")
        for alert in fields.pop("alerts", build.alerts)
    ]
    build.script = Script.parse(fields.pop("script", []))
    if fields:
        raise ValueError(f"a build has no {', '.join(sorted(fields))}")
    return build


def _matching(pattern: re.Pattern[str], value: object, what: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise ValueError(f"{value!r} is not {what}")


def _one_of(choices: tuple[str, ...], value: object, what: str) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{value!r} is not {what}: {', '.join(choices)}")


class Catalogue:
    """All builds and services, found by what stands in a request's path.

    Without `services` every well-formed service exists, and every unique name means the default
    service. Without `default` only builds that were added exist.
    """

    def __init__(self, services: dict[str, str], default: dict[str, Any] | None) -> None:
        """Take `services` as {SID: unique name or ''} and `default` as a new build's fields."""
        self._names = {name: sid for sid, name in services.items() if name}
        self._services = {sid.lower(): sid for sid in services}
        self._default = default
        self._builds: dict[str, Build] = {}

    def add(self, build: Build) -> None:
        """Add a build, in place of one with the same SID."""
        self._builds[build.sid.lower()] = build

    def known(self, sid: str) -> Build | None:
        """Return the build of that SID if there is one by now."""
        return self._builds.get(sid.lower())

    def all(self) -> list[Build]:
        """Return every build, in the order they came."""
        return list(self._builds.values())

    def service(self, name: str) -> str | None:
        """Return the SID of a service given by SID or unique name; None if there is none."""
        if len(name) == _SID_LENGTH and name.startswith("ZS"):
            if not SERVICE_SID.fullmatch(name):
                return None
            return self._services.get(name.lower()) if self._services else name
        if self._services:
            return self._names.get(name)
        return DEFAULT_SERVICE_SID if UNIQUE_NAME.fullmatch(name) else None

    def find(self, service: str, sid: str) -> Build | None:
        """Return the build `sid` of the service; made by default where that is allowed."""
        service_sid = self.service(service)
        if service_sid is None or not BUILD_SID.fullmatch(sid):
            return None
        build = self.known(sid)
        if build is None and self._default is not None:
            build = from_fields({"sid": sid, **self._default})
            self.add(build)
        if build is not None and build.service_sid is None:
            build.service_sid = service_sid
        if build is None or (build.service_sid or "").lower() != service_sid.lower():
            return None
        return build
