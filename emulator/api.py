"""Which request gets which honest reply: routes, credentials, parameters."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from emulator import resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.builds import Catalogue
    from emulator.wire import Reply, Request

# Low in entropy on purpose, so that no scanner for leaked secrets takes them for real ones.
ACCOUNT_SID = "AC" + 32 * "a"
AUTH_TOKEN = "emulator-auth-token"  # noqa: S105 - a default for a local emulator
API_KEY = "SK" + 32 * "0"
API_SECRET = "emulator-api-secret"  # noqa: S105 - as above

_BUILD = re.compile(r"/v1/Services/(?P<service>[^/]+)/Builds/(?P<build>[^/]+)(?P<status>/Status)?")
_ALERTS = "/v1/Alerts"
_FILTERS: tuple[str, ...] = ("LogLevel", "StartDate", "EndDate")
_DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE = 50, 1000  # Monitor's OpenAPI description


@dataclass(frozen=True)
class Credentials:
    """The two pairs that are let in."""

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    api_key: str = API_KEY
    api_secret: str = API_SECRET

    def admit(self, authorization: str) -> bool:
        """Tell whether the value of an Authorization header is one of the pairs."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:  # no Base64, or no UTF-8 in it
            return False
        pairs = {(self.account_sid, self.auth_token), (self.api_key, self.api_secret)}
        return scheme.lower() == "basic" and (user, password) in pairs


@dataclass(frozen=True)
class Route:
    """Where a request goes: ``status``, ``build``, ``alerts`` or ``unknown``."""

    name: str
    service: str = ""
    build: str = ""


def route(path: str) -> Route:
    """Return the route of a path below the API's root."""
    if path == _ALERTS:
        return Route("alerts")
    match = _BUILD.fullmatch(path)
    if not match:
        return Route("unknown")
    name = "status" if match["status"] else "build"
    return Route(name, unquote(match["service"]), unquote(match["build"]))


class Api:
    """The honest half of the emulator."""

    def __init__(
        self,
        catalogue: Catalogue,
        credentials: Credentials,
        clock: Callable[[], float],
        wall: Callable[[], datetime],
    ) -> None:
        """Serve `catalogue`; `clock` is monotonic seconds, `wall` the time of day."""
        self._catalogue = catalogue
        self._credentials = credentials
        self._clock = clock
        self._wall = wall

    def reply(self, request: Request, where: Route) -> Reply:
        """Return the honest reply to a request."""
        if not self._credentials.admit(request.headers.get("authorization", "")):
            refusal = resources.error(401)
            return refusal.adding({"WWW-Authenticate": 'Basic realm="Twilio API"'})
        if where.name == "unknown":
            return self._not_found(request)
        if request.method != "GET":
            return resources.error(405).adding({"Allow": "GET"})
        if where.name == "alerts":
            return self._alerts(request)
        build = self._catalogue.find(where.service, where.build)
        if build is None:
            return self._not_found(request)
        now = self._clock()
        build.start(now, self._wall())
        shape = resources.build_status if where.name == "status" else resources.build_resource
        return resources.json_reply(200, shape(build, self._credentials.account_sid, now))

    def _not_found(self, request: Request) -> Reply:
        path = request.path.removeprefix("/v1")
        return resources.error(404, message=f"The requested resource {path} was not found")

    def _alerts(self, request: Request) -> Reply:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        try:
            page = int(query.get("Page", "0"))
            page_size = int(query.get("PageSize", _DEFAULT_PAGE_SIZE))
            start = _moment(query["StartDate"]) if "StartDate" in query else None
            end = _moment(query["EndDate"]) if "EndDate" in query else None
        except ValueError as reason:
            return resources.error(400, message=f"Invalid parameter: {reason}")
        if page < 0 or not 1 <= page_size <= _MAX_PAGE_SIZE:
            return resources.error(400, message="Invalid parameter: Page or PageSize")
        level = query.get("LogLevel")
        account_sid, now = self._credentials.account_sid, self._clock()
        alerts = [
            alert
            for build in self._catalogue.all()
            for alert in resources.alerts_of(build, account_sid, now)
            if level in {None, alert["log_level"]} and _within(start, alert["date_generated"], end)
        ]
        alerts.sort(key=lambda alert: str(alert["date_generated"]), reverse=True)
        filters = {name: query[name] for name in _FILTERS if name in query}
        return resources.json_reply(200, resources.alerts_page(alerts, filters, page, page_size))


def _moment(text: str) -> datetime:
    """Read ``YYYY-MM-DD`` or ``YYYY-MM-DDThh:mm:ssZ``, in GMT; ValueError for anything else."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00))?", text, re.ASCII):
        raise ValueError(f"{text!r} is not a date")
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _within(start: datetime | None, when: object, end: datetime | None) -> bool:
    """Tell whether an alert lies in the window; one with an odd date always does."""
    try:
        moment = _moment(str(when))
    except ValueError:
        return True
    return (start is None or start <= moment) and (end is None or moment <= end)
