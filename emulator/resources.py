"""Resources of Serverless v1 and Monitor v1, with the fields of Twilio's OpenAPI descriptions.

The descriptions are in twilio/twilio-oai, spec/json.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from emulator.durations import seconds

ACCOUNT_SID = "AC" + 32 * "a"
SERVERLESS, MONITOR = "https://serverless.twilio.com", "https://monitor.twilio.com"
SERVICES = "/v1/Services"
# The last part of a collection's address: the letters of the SIDs in it.
_LETTERS = {
    "Services": "ZS",
    "Builds": "ZB",
    "Environments": "ZE",
    "Deployments": "ZD",
    "Functions": "ZH",
    "Assets": "ZH",
    "Versions": "ZN",
}


@dataclass
class Resource:
    """A resource: its address without the host, and its fields."""

    path: str
    fields: dict[str, Any]

    def show(self, _now: float) -> dict[str, Any]:
        """Return the fields as a response has them at a reading of the clock."""
        return self.fields


@dataclass
class Build(Resource):
    """A build: ``building`` until `after` seconds after it was first shown, then `ending`."""

    ending: str
    after: float
    started: float | None = None

    @property
    def ends_at(self) -> float | None:
        """The reading of the clock at which the build ends; None if it has not been shown."""
        return None if self.started is None else self.started + self.after

    def has_ended(self, now: float) -> bool:
        """Return whether the build has ended at a reading of the clock."""
        return self.ends_at is not None and now >= self.ends_at

    def show(self, now: float) -> dict[str, Any]:
        """Start the build unless it has started, and return its fields."""
        if self.started is None:
            self.started = now
        return self.fields | {"status": self.ending if self.has_ended(now) else "building"}


@dataclass
class Alert:
    """An alert: listed `delay` seconds after its build has ended, or at once without a build."""

    fields: dict[str, Any]
    build: Build | None
    delay: float

    def is_listed(self, now: float) -> bool:
        """Return whether Monitor lists the alert at a reading of the clock."""
        return self.build is None or self.build.has_ended(now - self.delay)


def new_sid(collection: str) -> str:
    """Return a SID for a new resource of a collection such as ``/v1/Services/ZS…/Builds``."""
    return _LETTERS[collection.rpartition("/")[2]] + uuid4().hex


def resolve_date(date: str) -> str:
    """Return a date as Twilio writes it, in GMT and whole seconds.

    ``-72h`` and ``+7h`` count from now, and an empty text is now; any other stays as it is.
    """
    if date and not re.fullmatch(r"[+-][0-9].*", date):
        return date
    sign = -1 if date.startswith("-") else 1
    moment = datetime.now(UTC) + sign * timedelta(seconds=seconds(date[1:] or "0"))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def fields_at(path: str, created: str = "", /, **own: object) -> dict[str, Any]:
    """Return the fields of the resource at an address; ValueError if that ends in no SID.

    For `created` see `resolve_date`. `own` are the fields of its kind; the others are those that
    every resource of Serverless has.
    """
    collection, sid = path.split("/")[-2:]
    letters = _LETTERS[collection]
    if not re.fullmatch(letters + "[0-9a-fA-F]{32}", sid):
        raise ValueError(f"{sid!r} is not a SID: {letters} and 32 hex digits are expected")
    fields: dict[str, Any] = {"sid": sid, "account_sid": ACCOUNT_SID}
    if collection != "Services":
        fields["service_sid"] = path.split("/")[3]
    fields |= {**own, "date_created": resolve_date(created)}
    if collection != "Versions":  # they never change
        fields["date_updated"] = fields["date_created"]
    return fields | {"url": SERVERLESS + path}


def alert_fields(code: str, text: str, date: str) -> dict[str, Any]:
    """Return the fields of an alert that names no resource."""
    sid = f"NO{uuid4().hex}"
    # twilio-cli's debugger/logs/list.js decodes the text like a query string, and shows its
    # `parserMessage` or `Msg`.
    message = {"Msg": text, "parserMessage": text, "ErrorCode": code, "LogLevel": "ERROR"}
    return {
        "sid": sid,
        "account_sid": ACCOUNT_SID,
        "alert_text": urlencode(message),
        **dict.fromkeys(("date_created", "date_generated", "date_updated"), resolve_date(date)),
        "error_code": code,
        "log_level": "error",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "resource_sid": None,
        "service_sid": None,
        "url": f"{MONITOR}/v1/Alerts/{sid}",
    }
