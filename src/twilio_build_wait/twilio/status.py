"""One poll: the Build Status resource, or for `latest` the list of builds until one is read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from twilio_build_wait import inputs, model
from twilio_build_wait.durations import render
from twilio_build_wait.model import BuildStatus, ErrorKind, Latest, PollError, PollResult, Reach
from twilio_build_wait.safe_text import join, message
from twilio_build_wait.settings import Settings
from twilio_build_wait.twilio.client import STATUS_BYTES, Client, Resource, read_page
from twilio_build_wait.twilio.responses import date, formatted, has_next_page, is_same

#: How many builds are listed for `latest`, and how many if that is too large.
PAGE_SIZES = (20, 5)
#: How old the newest build may be for `latest`, in seconds.
MAX_AGE = 900.0


@dataclass
class Poller:
    """Polls the build that the settings name; `latest` becomes a SID with the first success."""

    client: Client
    settings: Settings

    def __post_init__(self) -> None:
        # The build's SID; empty while nobody knows what `latest` stands for.
        self._build_sid = "" if self.settings.is_latest else self.settings[inputs.BUILD_SID]

    def poll(self, limit: float) -> PollResult:
        """Poll once within `limit` seconds. Raises `Cancelled`."""
        result = self._status(limit) if self._build_sid else self._latest(limit)
        if not isinstance(result, PollError) or result.kind is not ErrorKind.NOT_FOUND:
            return result
        advice = result.advice
        if result.reach is Reach.TWILIO and not self._build_sid:
            advice = message("Check service-sid, region and the credential's account")
        if self.settings[inputs.BASE_URL]:
            advice = join(". ", message("Check base-url first: it must end before /v1"), advice)
        return replace(result, advice=advice)

    def _status(self, limit: float) -> PollResult:
        body = self.client.read(self.settings.status_url(self._build_sid), limit, STATUS_BYTES)
        if isinstance(body, PollError):
            return body
        if not is_same(body.get("sid"), self._build_sid):
            return self.client.invalid("it is not about this build")
        status = _build_status(body)
        if status is None:
            return self.client.invalid("it has no status")
        return replace(status, url=self._reported_url(body.get("url"), status.service_sid))

    def _reported_url(self, url: object, service_sid: str) -> str:
        """Return `url` if it is https, under twilio.com, and the address of this resource."""
        # Neither has a character that is special in a pattern.
        services = "|".join(filter(None, (self.settings[inputs.SERVICE_SID], service_sid)))
        form = (
            r"https://([a-z0-9-]+\.)*twilio\.com(/[a-z0-9._~-]+)*"
            rf"/v1/Services/({services})/Builds/{self._build_sid}/Status"
        )
        return formatted(url, re.compile(form, re.ASCII | re.IGNORECASE))

    def _latest(self, limit: float) -> PollResult:
        end = self.client.clock() + limit

        def read(page_size: int) -> Resource:
            url = f"{self.settings.service_url}/Builds?PageSize={page_size}"
            return self.client.read(url, max(0.1, end - self.client.clock()))

        body, page_size = read_page(read, PAGE_SIZES)
        if isinstance(body, PollError) and body.is_oversized:
            advice = message("Set build-sid to the SID of the build")
            return replace(body, kind=ErrorKind.PERMANENT, advice=advice)
        return body if isinstance(body, PollError) else self._newest(body, page_size)

    def _newest(self, body: Mapping[str, object], listed: int) -> PollResult:
        """Return the status of the newest build in a list, if it is recent."""
        builds = body.get("builds")
        if not isinstance(builds, list):
            return self.client.invalid("it has no list of builds")
        note = message(f"only the first {listed} builds were read" if has_next_page(body) else "")
        newest = max(_usable(builds), key=lambda build: build[0], default=None)
        problem = message("Twilio lists no valid build of this service")
        if newest:
            created, build_sid, status = newest
            # Twilio's dates were hours ahead for years: one in the future counts as now.
            age = max(0.0, (self.client.now - created).total_seconds())
            latest = Latest(build_sid, f"{created:%Y-%m-%d %H:%M:%S}", render(round(age)), note)
            if age <= MAX_AGE:
                self._build_sid = build_sid
                return replace(status, url=self.settings.status_url(build_sid), latest=latest)
            problem = message(
                "latest accepts only builds from the last 15 minutes, and the newest is {}",
                latest.description,
            )
        return PollError(
            join("; ", problem, note),
            ErrorKind.PERMANENT,
            advice=message("A deployment that has just failed created no build: see its own log"),
            reach=Reach.TWILIO,
            ending=model.Ending.NO_RECENT_BUILD,
        )


def _usable(builds: list[object]) -> Iterator[tuple[datetime, str, BuildStatus]]:
    """Yield date, SID and status of each entry of a list that has all three."""
    for entry in builds:
        if isinstance(entry, dict):
            created, status = date(entry.get("date_created")), _build_status(entry)
            build_sid = formatted(entry.get("sid"), inputs.BUILD_SID_FORM)
            if created and status and build_sid:
                yield created, build_sid, status


def _build_status(resource: Mapping[str, object]) -> BuildStatus | None:
    """Return the status and the owner of a build; None without a status."""
    status = resource.get("status")
    if not isinstance(status, str):
        return None
    return BuildStatus(
        status,
        formatted(resource.get("account_sid"), inputs.ACCOUNT_SID_FORM),
        formatted(resource.get("service_sid"), inputs.SERVICE_SID_FORM),
    )
