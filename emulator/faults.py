"""What can be scripted: which reply comes instead of the honest one, and how often.

Only the plan is here; how each kind looks on the wire is in `emulator.delivery`.
"""

from __future__ import annotations

import base64
import json
import random
import re
import shlex
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from emulator.durations import seconds
from emulator.resources import SHAPES

ROUTES = ("status", "build", "alerts", "any")

# Kind → what the client meets. `--help` prints this table, and `emulator.delivery` has one
# function for each name in it.
KINDS = {
    "ok": "the honest reply",
    "chunked": "the honest reply, in chunks of 16 bytes",
    "stale": "the honest reply; a reset once the connection is used again",
    "reply": "another reply: a number such as 503, or a JSON object (see below)",
    "merge": "the honest reply with fields changed: status=QUEUED, or a JSON object",
    "other-build": "the honest reply about another build",
    "html": "200 with an HTML page, as a captive portal sends",
    "empty": "200 with no body",
    "oversize": "the honest reply behind 128 KiB of white space",
    "gzip-bomb": "the honest reply behind 200 MiB of white space, gzipped to 200 KB",
    "raw": 'these bytes and a close: {"raw": "text"} or {"raw_base64": "…"}',
    "garbage": "bytes that are not HTTP, and a close",
    "close": "a close before any byte",
    "half-close": "a close of the server's side only, before any byte",
    "cut": "a close in the middle of the body",
    "chunk-cut": "a close in the middle of a chunked body",
    "reset": "a TCP reset before any byte",
    "reset-head": "a TCP reset within the head",
    "reset-body": "a TCP reset within the body",
    "hang": "no byte at all; hang=5s closes after 5 s, without a time never",
    "hang-body": "the head, and then no byte; hang-body=5s closes after 5 s",
    "drip-head": "the honest reply, a byte every 100 ms from the start; drip-head=1s: a second",
    "drip-body": "the head at once, the body a byte every 100 ms; drip-body=1s: every second",
    "endless-head": "header lines without an end",
    "endless": "a body without an end",
}

# The kinds of which no status line reaches the client.
SILENT = frozenset({"raw", "garbage", "close", "half-close", "reset", "hang"})

# The kinds that a client has to survive by reading again; a random fault is one of them unless
# others are named. Nothing here is a lasting refusal, and nothing holds a client for long.
PASSING = (
    "500", "502 shape=html", "503 retry-after=1", "429", "408",
    "reset", "reset-head", "reset-body", "close", "half-close", "cut", "chunk-cut", "stale",
    "garbage", "html", "empty", "oversize", "other-build", "hang=1s",
)  # fmt: skip

_HEAD = re.compile(
    rf"(?:(?P<route>{'|'.join(ROUTES)}):)?(?P<kind>[a-z0-9-]+)(?:=(?P<value>.*?))?"
    r"(?P<repeat>\*(?P<times>[0-9]*))?"
)
_TIMED = {"hang", "hang-body", "drip-head", "drip-body"}


@dataclass(frozen=True)
class Fault:
    """One scripted reply.

    `route` is whose requests it waits for, `times` how many of them it answers (None: all from
    then on) and `delay` the seconds before it. `span` is the time that belongs to the kind, in
    seconds, None for its default. The other fields belong to single kinds: `status`, `headers`,
    `body`, `shape`, `code` and `message` to ``reply``, `fields` to ``merge`` and `raw` to
    ``raw``. `label` is how the log of requests names it.
    """

    kind: str = "ok"
    route: str = "status"
    times: int | None = 1
    delay: float = 0.0
    span: float | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    shape: str | None = None
    code: int | None = None
    message: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    label: str = "ok"

    @classmethod
    def parse(cls, spec: str | dict[str, Any]) -> Fault:
        """Read a fault from ``[ROUTE:]KIND[=VALUE][*[TIMES]] [OPTION=VALUE …]`` or an object.

        Raises ValueError, with what was expected, for what is neither.
        """
        if isinstance(spec, str) and spec.lstrip().startswith("{"):
            spec = json.loads(spec)
        try:
            return _from_fields(spec) if isinstance(spec, dict) else _from_text(spec)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{spec!r} is not a fault: {error}") from error


def _from_text(spec: str) -> Fault:
    head, *options = shlex.split(spec) or [""]
    match = _HEAD.fullmatch(head)
    if not match:
        raise ValueError(
            f"{spec!r} is not a fault: write [ROUTE:]KIND[=VALUE][*[TIMES]] [OPTION=VALUE …]"
        )
    fields: dict[str, Any] = {"on": match["route"] or "status", "label": spec}
    if match["repeat"]:
        fields["times"] = int(match["times"]) if match["times"] else None
    kind, value = match["kind"], match["value"]
    if kind.isdigit():
        fields |= {"kind": "reply", "status": int(kind)}
    elif kind == "status" and value is not None:
        fields |= {"kind": "merge", "merge": {"status": value}}
    else:
        fields |= {"kind": kind}
        if value is not None:
            fields["span"] = value
    headers: dict[str, str] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise ValueError(f"{option!r} in {spec!r} is not OPTION=VALUE")
        if name in {"delay", "shape", "code", "message", "body"}:
            fields[name] = text
        else:
            headers[name.title()] = text
    return _from_fields({**fields, "headers": headers})


def _from_fields(given: dict[str, Any]) -> Fault:
    fields = dict(given)
    kind = fields.pop("kind", None) or _implied_kind(fields)
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of fault: {', '.join(KINDS)}, or an HTTP status")
    route = fields.pop("on", "status")
    if route not in ROUTES:
        raise ValueError(f"{route!r} is not a route: {', '.join(ROUTES)}")
    span = fields.pop("span", None)
    if span is not None and kind not in _TIMED:
        raise ValueError(f"{kind} takes no time")
    times = fields.pop("times", 1)
    status = int(fields.pop("status", 200))
    if not 100 <= status <= 999:  # noqa: PLR2004 - three digits are all a status line can hold
        raise ValueError(f"{status} is not an HTTP status of three digits")
    shape = fields.pop("shape", None)
    if shape is not None and shape not in SHAPES:
        raise ValueError(f"{shape!r} is not a shape of error: {', '.join(SHAPES)}")
    code = fields.pop("code", None)
    fault = Fault(
        kind=kind,
        route=route,
        times=None if times is None else int(times),
        delay=seconds(fields.pop("delay", 0.0)),
        span=None if span is None else seconds(span),
        status=status,
        headers={str(name): str(value) for name, value in fields.pop("headers", {}).items()},
        body=_bytes(fields, "body"),
        shape=shape,
        code=None if code is None else int(code),
        message=fields.pop("message", None),
        fields=dict(fields.pop("merge", {})),
        raw=_bytes(fields, "raw") or b"",
        label=fields.pop("label", None) or (str(status) if kind == "reply" else kind),
    )
    if fields:
        raise ValueError(f"a fault has no {', '.join(sorted(fields))}")
    return fault


def _implied_kind(fields: dict[str, Any]) -> str:
    if "raw" in fields or "raw_base64" in fields:
        return "raw"
    return "merge" if "merge" in fields else "reply"


def _bytes(fields: dict[str, Any], name: str) -> bytes | None:
    """Take `name` from the fields: text, Base64 of bytes, or (a body only) any JSON value."""
    if f"{name}_base64" in fields:
        return base64.b64decode(fields.pop(f"{name}_base64"), validate=True)
    if name == "body" and "json" in fields:
        return json.dumps(fields.pop("json")).encode()
    text = fields.pop(name, None)
    return None if text is None else str(text).encode("utf-8", "surrogateescape")


class Script:
    """Faults waiting for their requests, in order; each route has its own row."""

    def __init__(self, faults: list[Fault] | None = None) -> None:
        """Line up the faults."""
        self._rows: dict[str, deque[Fault]] = {route: deque() for route in ROUTES}
        self._left: dict[str, int] = {}
        for fault in faults or []:
            if fault.times != 0:
                self._rows[fault.route].append(fault)

    @classmethod
    def parse(cls, specs: object) -> Script:
        """Read a list of faults; raises ValueError if one is none, or it is no list."""
        if not isinstance(specs, list):
            # ValueError like for all other bad input.
            raise ValueError(f"a script is a list of faults, not {specs!r}")  # noqa: TRY004
        return cls([Fault.parse(spec) for spec in specs])

    def extend(self, other: Script) -> None:
        """Append what another script has left."""
        for route, row in other._rows.items():
            self._rows[route].extend(row)

    def take(self, route: str) -> Fault | None:
        """Return the fault for the next request of `route`, or None when nothing is scripted."""
        for name in (route, "any"):
            row = self._rows.get(name)  # None for a path that is no route
            if row:
                return self._take_first(name, row)
        return None

    def _take_first(self, name: str, row: deque[Fault]) -> Fault:
        fault = row[0]
        if fault.times is None:
            return fault
        left = self._left.pop(name, fault.times) - 1
        if left:
            self._left[name] = left
        else:
            row.popleft()
        return fault


class RandomFaults:
    """One reply in so many a fault, drawn from a list; the same seed draws the same row."""

    def __init__(self, rate: float, kinds: list[str] | None, seed: int | None) -> None:
        """Draw a fault with probability `rate`; `kinds` are specs as in `Fault.parse`."""
        if not 0 <= rate <= 1:
            raise ValueError(f"the rate of faults is {rate}: it must lie between 0 and 1")
        self._rate = rate
        self._kinds = [Fault.parse(kind) for kind in kinds or PASSING]
        self._random = random.Random(seed)  # noqa: S311 - repeatable, nothing to keep secret

    def take(self, route: str) -> Fault | None:
        """Return a fault for the next request of `route`, most often None."""
        if not self._rate or self._random.random() >= self._rate:
            return None
        fault = self._random.choice(self._kinds)
        return fault if fault.route in {route, "any"} else None
