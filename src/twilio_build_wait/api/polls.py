"""One poll: the Build Status resource, or for `latest` the list of builds until one is found.

Source of the shapes: `serverless.v1.service.build.build_status` and `serverless.v1.service.build`
in Twilio's OpenAPI description of Serverless v1 (twilio/twilio-oai,
spec/json/twilio_serverless_v1.json).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from twilio_build_wait.api.responses import date, is_same, json_object, matches
from twilio_build_wait.api.transport import Response
from twilio_build_wait.durations import render
from twilio_build_wait.inputs import ACCOUNT_SID_FORM, BUILD_SID_FORM, LATEST, SERVICE_SID_FORM
from twilio_build_wait.model import BuildStatus, ErrorKind, PollError
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.settings import Settings
from twilio_build_wait.text import LIMIT, SafeText

#: The longest body of a status and of a list of builds, in bytes.
STATUS_BYTES, LIST_BYTES = 64 * 1024, 4 * 1024 * 1024
#: How many builds are listed for `latest`. Twilio does not document their order.
PAGE_SIZE = 20
#: How old the newest build may be for `latest`.
MAX_AGE = timedelta(hours=1)

_ADVICE = SafeText("Check service-sid, or set build-sid to the SID of the build")

Get = Callable[[str, float, int], Response | PollError]


class Poller:
    """Polls the build that the settings name; `latest` becomes a SID with the first success."""

    def __init__(
        self, get: Get, settings: Settings, now: Callable[[], float], show: Redactor
    ) -> None:
        """Take what sends requests.

        Args:
            get: `Transport.get`.
            settings: which build, and where.
            now: the wall clock in seconds since 1970, for a response without a `Date`.
            show: makes foreign text safe.
        """
        self._get = get
        self._settings = settings
        self._now = now
        self._show = show
        #: The build's SID; empty while `latest` has not been found.
        self.build_sid = "" if settings.build_sid == LATEST else settings.build_sid
        #: The server's clock by the latest response that had one.
        self.server_date: datetime | None = None

    def poll(self, limit: float) -> BuildStatus | PollError:
        """Poll once within `limit` seconds. Raises `Cancelled`."""
        if self.build_sid:
            return self._status(limit)
        return self._latest(limit)

    def _read(self, url: str, limit: float, max_bytes: int) -> dict[str, object] | PollError:
        response = self._get(url, limit, max_bytes)
        received = response.date if isinstance(response, Response) else None
        self._received = received
        self.server_date = received or self.server_date
        return json_object(response, url, self._show)

    def _status(self, limit: float) -> BuildStatus | PollError:
        body = self._read(self._settings.status_url(self.build_sid), limit, STATUS_BYTES)
        if isinstance(body, PollError):
            return body
        status = body.get("status")
        if not is_same(body.get("sid"), self.build_sid):
            return self._invalid("it is not about this build")
        if not isinstance(status, str):
            return self._invalid("it has no status")
        account, service = body.get("account_sid"), body.get("service_sid")
        service_sid = service if matches(service, SERVICE_SID_FORM) else ""
        return BuildStatus(
            status,
            account_sid=account if matches(account, ACCOUNT_SID_FORM) else "",
            service_sid=service_sid,
            url=self._reported_url(body.get("url"), service_sid),
        )

    def _latest(self, limit: float) -> BuildStatus | PollError:
        url = f"{self._settings.builds_url}?PageSize={PAGE_SIZE}"
        body = self._read(url, limit, LIST_BYTES)
        if isinstance(body, PollError):
            return body
        builds = body.get("builds")
        if not isinstance(builds, list):
            return self._invalid("it has no list of builds")
        now = self._received or datetime.fromtimestamp(self._now(), UTC)
        newest = _newest(builds)
        if newest is None:
            return self._rejected("the service has no build that latest could stand for")
        sid, status, created, entry = newest
        age = max(now - created, timedelta(0))
        described = f"{sid}, created {created:%Y-%m-%d %H:%M:%S} UTC, {_age(age)} ago"
        if age > MAX_AGE:
            return self._rejected(f"the newest build is {described}: more than 1h, too old")
        self.build_sid = sid
        account, service = entry.get("account_sid"), entry.get("service_sid")
        return BuildStatus(
            status,
            build_sid=sid,
            account_sid=account if matches(account, ACCOUNT_SID_FORM) else "",
            service_sid=service if matches(service, SERVICE_SID_FORM) else "",
            url=self._settings.status_url(sid),
            found=self._show.line(described + _next_page(body)),
        )

    def _invalid(self, problem: str) -> PollError:
        host = self._show.line(self._settings.host)
        return PollError(SafeText(f"{host}: invalid response ({problem})"))

    def _rejected(self, problem: str) -> PollError:
        return PollError(self._show.line(problem), ErrorKind.PERMANENT, advice=_ADVICE)

    def _reported_url(self, url: object, service_sid: str) -> str:
        """Return `url` if it is https, under twilio.com, and the address of this resource."""
        if not isinstance(url, str) or len(url) > LIMIT:
            return ""
        services = {self._settings.service_sid, service_sid} - {""}
        names = "|".join(map(re.escape, services))
        path = rf"/v1/Services/(?:{names})/Builds/{self.build_sid}/Status"
        host = r"https://(?:[a-z0-9-]+\.)*twilio\.com"
        own = re.fullmatch(rf"{host}(?:/[a-z0-9._~-]+)*{path}", url, re.ASCII | re.IGNORECASE)
        return url if own else ""


def _newest(builds: list[object]) -> tuple[str, str, datetime, dict[str, object]] | None:
    """Return SID, status, date and entry of the newest build; the first of two equal dates."""
    newest = None
    for entry in builds:
        if not isinstance(entry, dict):
            continue
        sid, status, created = (
            entry.get("sid"),
            entry.get("status"),
            date(entry.get("date_created")),
        )
        if not matches(sid, BUILD_SID_FORM) or not isinstance(status, str) or created is None:
            continue
        if newest is None or created > newest[2]:
            newest = (sid, status, created, entry)
    return newest


def _age(age: timedelta) -> str:
    if age < timedelta(days=1):
        return render(float(round(age.total_seconds())))
    return f"{age.days} d"


def _next_page(body: dict[str, object]) -> str:
    meta = body.get("meta")
    more = meta.get("next_page_url") if isinstance(meta, dict) else None
    return f"; only the first {PAGE_SIZE} builds were read" if more else ""
