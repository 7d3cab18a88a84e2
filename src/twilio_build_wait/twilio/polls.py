"""One poll: the Build Status resource, or for `latest` the list of builds until one is found.

Source of the shapes: `serverless.v1.service.build.build_status` and `serverless.v1.service.build`
in Twilio's OpenAPI description of Serverless v1 (twilio/twilio-oai,
spec/json/twilio_serverless_v1.json).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from twilio_build_wait.durations import render
from twilio_build_wait.inputs import ACCOUNT_SID_FORM, BUILD_SID_FORM, LATEST, SERVICE_SID_FORM
from twilio_build_wait.model import BuildStatus, ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import Settings
from twilio_build_wait.text import LIMIT, SafeText
from twilio_build_wait.twilio.responses import (
    date,
    formatted,
    has_next_page,
    invalid,
    is_same,
    json_object,
)
from twilio_build_wait.twilio.transport import Response

#: The longest body of a status and of any other resource, in bytes.
STATUS_BYTES, MAX_BYTES = 64 * 1024, 4 * 1024 * 1024
#: How many builds are listed for `latest`. Twilio does not document their order.
PAGE_SIZE = 20
#: How old the newest build may be for `latest`.
MAX_AGE = timedelta(hours=1)

_ADVICE = SafeText("Check service-sid, or set build-sid to the SID of the build")

Get = Callable[[str, float, int], Response | PollError]


@dataclass
class Poller:
    """Polls the build that the settings name; `latest` becomes a SID with the first success.

    `get` is `Transport.get`, `now` the wall clock in seconds since 1970, for a response without a
    `Date`.
    """

    get: Get
    settings: Settings
    now: Callable[[], float]
    show: Redactor
    #: The server's clock by the latest response that had one.
    server_date: datetime | None = None

    def __post_init__(self) -> None:
        # The build's SID; empty while `latest` has not been found.
        self._build_sid = "" if self.settings.build_sid == LATEST else self.settings.build_sid

    def poll(self, limit: float) -> BuildStatus | PollError:
        """Poll once within `limit` seconds. Raises `Cancelled`."""
        return self._status(limit) if self._build_sid else self._latest(limit)

    def _read(self, url: str, limit: float, max_bytes: int) -> dict[str, object] | PollError:
        response = self.get(url, limit, max_bytes)
        self._received = response.date if isinstance(response, Response) else None
        self.server_date = self._received or self.server_date
        return json_object(response, url, self.show)

    def _status(self, limit: float) -> BuildStatus | PollError:
        url = self.settings.status_url(self._build_sid)
        body = self._read(url, limit, STATUS_BYTES)
        if isinstance(body, PollError):
            return body
        if not is_same(body.get("sid"), self._build_sid):
            return invalid(url, "it is not about this build", self.show)
        found = _build_status(body)
        if found is None:
            return invalid(url, "it has no status", self.show)
        return replace(found, url=self._reported_url(body.get("url"), found.service_sid))

    def _latest(self, limit: float) -> BuildStatus | PollError:
        url = f"{self.settings.builds_url}?PageSize={PAGE_SIZE}"
        body = self._read(url, limit, MAX_BYTES)
        if isinstance(body, PollError):
            return body
        builds = body.get("builds")
        if not isinstance(builds, list):
            return invalid(url, "it has no list of builds", self.show)
        newest = _newest(builds)
        if newest is None:
            return self._rejected("the service has no build that latest could stand for")
        created, found = newest
        now = self._received or datetime.fromtimestamp(self.now(), UTC)
        age = max(now - created, timedelta(0))
        ago = render(round(age.total_seconds())) if age < timedelta(days=1) else f"{age.days} d"
        text = f"{found.build_sid}, created {created:%Y-%m-%d %H:%M:%S} UTC, {ago} ago"
        if age > MAX_AGE:
            return self._rejected(f"latest takes builds of the last hour; the newest is {text}")
        if has_next_page(body):
            text += f"; only the first {PAGE_SIZE} builds were read"
        self._build_sid = found.build_sid
        url = self.settings.status_url(self._build_sid)
        return replace(found, url=url, found=self.show.line(text))

    def _rejected(self, problem: str) -> PollError:
        return PollError(self.show.line(problem), ErrorKind.PERMANENT, advice=_ADVICE)

    def _reported_url(self, url: object, service_sid: str) -> str:
        """Return `url` if it is https, under twilio.com, and the address of this resource."""
        if not isinstance(url, str) or len(url) > LIMIT:
            return ""
        services = {self.settings.service_sid, service_sid} - {""}
        names = "|".join(map(re.escape, services))
        path = rf"/v1/Services/(?:{names})/Builds/{self._build_sid}/Status"
        host = r"https://(?:[a-z0-9-]+\.)*twilio\.com"
        own = re.fullmatch(rf"{host}(?:/[a-z0-9._~-]+)*{path}", url, re.ASCII | re.IGNORECASE)
        return url if own else ""


def _build_status(resource: dict[str, object]) -> BuildStatus | None:
    """Return the status and the owner of a build; None without a status."""
    status = resource.get("status")
    if not isinstance(status, str):
        return None
    return BuildStatus(
        status,
        account_sid=formatted(resource.get("account_sid"), ACCOUNT_SID_FORM),
        service_sid=formatted(resource.get("service_sid"), SERVICE_SID_FORM),
    )


def _newest(builds: list[object]) -> tuple[datetime, BuildStatus] | None:
    """Return the newest valid entry of a list and its date; the first of two equal dates."""
    dated = []
    for entry in builds:
        if isinstance(entry, dict):
            sid = formatted(entry.get("sid"), BUILD_SID_FORM)
            created, found = date(entry.get("date_created")), _build_status(entry)
            if sid and created and found:
                dated.append((created, replace(found, build_sid=sid)))
    return max(dated, key=itemgetter(0), default=None)
