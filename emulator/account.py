"""What a Twilio account holds: services, builds, environments, versions and alerts.

The fields are those of Twilio's OpenAPI descriptions of Serverless v1 and Monitor v1
(twilio/twilio-oai, spec/json).
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid4, uuid5

from emulator.durations import seconds
from emulator.messages import ApiError

ACCOUNT_SID = "AC" + 32 * "a"
SERVICE_SID = "ZS" + 32 * "0"
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
# Twilio adds packages of its own to a build that names none.
_DEFAULT_DEPENDENCIES = {"twilio": "5.3.0", "@twilio/runtime-handler": "1.3.0"}
_NPM_FAILED = "npm could not install sharp@0.33.5: node-gyp needs gcc, which is missing"


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

    def show(self, now: float) -> dict[str, Any]:
        """Start the build unless it has started, and return its fields."""
        if self.started is None:
            self.started = now
        return self.fields | {"status": self.status(now)}

    @property
    def ends_at(self) -> float | None:
        """The reading of the clock at which the build ends; None if it has not started."""
        return None if self.started is None else self.started + self.after

    def status(self, now: float) -> str:
        """Return the status at a reading of the clock."""
        return "building" if self.ends_at is None or now < self.ends_at else self.ending


class Account:
    """An account with one service, SERVICE_SID, whose unique name is `demo`.

    `clock` is in seconds. Resources are listed in the order in which they were added.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.names: dict[str, str] = {}  # SIDs of services by unique name
        self.builds: dict[str, Build] = {}  # by SID
        self._versions: dict[str, Resource] = {}  # by SID
        self._resources: dict[str, Resource] = {}  # by address, in lower case
        self.alerts: list[tuple[dict[str, Any], Build | None]] = []
        self.create_as("completed")
        self.add_service(SERVICE_SID, "demo")

    def create_as(self, status: str, after: str = "0s") -> None:
        """Set how the builds end that a client creates, see `add_build`."""
        self.creation = {"status": status, "after": after}

    def add_service(self, sid: str, unique_name: str = "") -> str:
        """Return the address of a service, and add it if it is missing."""
        name = unique_name or sid
        self.names[name] = sid
        return self.add(f"{SERVICES}/{sid}", unique_name=name, friendly_name=name).path

    def add_build(  # noqa: PLR0913 (what a build has)
        self,
        sid: str,
        status: str = "completed",
        *,
        after: str = "0s",
        service: str = SERVICE_SID,
        created: str = "",
        runtime: str = "node22",
        dependencies: Mapping[str, str] | None = None,
        functions: Iterable[str] = ("/hello",),
        assets: Iterable[str] = (),
    ) -> Build:
        """Add a build, or replace the one with this SID; raises ValueError for malformed values.

        The build is ``building``, from the first response that shows it for the duration `after`,
        and then has the `status`; with the status ``building`` it never ends. `service` is a SID
        and is added if it is missing. For `created` see `resolve_date`. `dependencies` are versions
        by name, None for those that Twilio adds. `functions` and `assets` are paths, or SIDs of
        versions that exist: the same path in two builds is the same version, and ``/hello@2`` is
        another version of ``/hello``.
        """
        home = self.add_service(service)
        packages = _DEFAULT_DEPENDENCIES if dependencies is None else dependencies
        path = f"{home}/Builds/{sid}"
        fields = _new_fields(
            path,
            resolve_date(created),
            runtime=runtime,
            dependencies=[{"name": name, "version": packages[name]} for name in packages],
            function_versions=[self._version(f"{home}/Functions", text) for text in functions],
            asset_versions=[self._version(f"{home}/Assets", text) for text in assets],
            links={"build_status": f"{SERVERLESS}{path}/Status"},
        )
        build = self.builds[sid] = Build(path, fields, status, seconds(after))
        self._resources[path.lower()] = build
        return build

    def add_alert(
        self,
        code: str = "82003",
        text: str = _NPM_FAILED,
        *,
        build: str = "",
        date: str = "",
        level: str = "error",
        **fields: object,
    ) -> None:
        """Add an alert.

        With `build`, the SID of a build that was added, it names this build and its service, and is
        listed once the build has ended; otherwise it names nothing and is listed at once. For
        `date` see `resolve_date`; the default is the build's date, or now. `fields` replace what
        the alert would show, such as ``resource_sid=None``.
        """
        about = self.builds[build] if build else None
        if about:
            fields = {"resource_sid": build, "service_sid": about.fields["service_sid"], **fields}
            date = date or about.fields["date_created"]
        sid = f"NO{uuid4().hex}"
        # twilio-cli's debugger/logs/list.js decodes the text like a query string, and shows its
        # `parserMessage` or `Msg`.
        message = {"Msg": text, "parserMessage": text, "ErrorCode": code, "LogLevel": level.upper()}
        shown = {
            "sid": sid,
            "account_sid": ACCOUNT_SID,
            "alert_text": urlencode(message),
            "api_version": "2010-04-01",
            **dict.fromkeys(("date_created", "date_generated", "date_updated"), resolve_date(date)),
            "error_code": code,
            "log_level": level,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "request_method": "POST",
            "request_url": f"{SERVERLESS}{SERVICES}",
            "resource_sid": None,
            "service_sid": None,
            "url": f"{MONITOR}/v1/Alerts/{sid}",
        }
        self.alerts.append(({**shown, **fields}, about))

    def add_environment(
        self,
        sid: str,
        *,
        service: str = SERVICE_SID,
        build_sid: str | None = None,
        unique_name: str = "production",
        domain_suffix: str = "",
    ) -> Resource:
        """Add an environment in which the build `build_sid` is live, or no build yet."""
        return self.add(
            f"{self.add_service(service)}/Environments/{sid}",
            build_sid=build_sid,
            unique_name=unique_name,
            domain_suffix=domain_suffix or None,
            domain_name=f"demo-1234-{domain_suffix}".strip("-") + ".twil.io",
        )

    def add_version(self, parent: str, sid: str, path: str, visibility: str) -> Resource:
        """Add a version of the function or the asset at the address `parent`."""
        collection, parent_sid = parent.split("/")[-2:]
        key = "function_sid" if collection == "Functions" else "asset_sid"
        own = {key: parent_sid, "path": path, "visibility": visibility}
        version = self._versions[sid] = self.add(f"{parent}/Versions/{sid}", **own)
        return version

    def add(self, path: str, /, **own: object) -> Resource:
        """Add the resource at an address if it is missing; `own` are the fields of its kind."""
        resource = Resource(path, _new_fields(path, resolve_date(""), **own))
        return self._resources.setdefault(path.lower(), resource)

    def get(self, path: str) -> Resource:
        """Return the resource at an address such as ``/v1/Services/ZS…``; raises ApiError."""
        if path.lower() not in self._resources:
            raise ApiError(404, f"The requested resource {path} was not found")
        return self._resources[path.lower()]

    def children(self, collection: str) -> list[Resource]:
        """Return the resources of a collection such as ``/v1/Services``."""
        items = list(self._resources.items())
        return [child for path, child in items if path.rpartition("/")[0] == collection.lower()]

    def _version(self, collection: str, text: str) -> dict[str, object]:
        """Return what a Build lists of a version, by its path or SID: see `add_build`."""
        if text.startswith("/"):
            path = text.partition("@")[0]
            parent = f"{collection}/ZH{uuid5(NAMESPACE_URL, collection + path).hex}"
            text = f"ZN{uuid5(NAMESPACE_URL, collection + text).hex}"
            if text not in self._versions:
                self.add(parent, friendly_name=path)
                self.add_version(parent, text, path, "public")
        if text not in self._versions:
            raise ValueError(f"there is no version {text}")
        fields = self._versions[text].fields
        return {name: fields[name] for name in fields if name != "url"}


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


def _new_fields(path: str, date: str, /, **own: object) -> dict[str, Any]:
    """Return the fields that every resource of Serverless has, and its own."""
    collection, sid = path.split("/")[-2:]
    letters = _LETTERS[collection]
    if not re.fullmatch(letters + "[0-9a-fA-F]{32}", sid):
        raise ValueError(f"{sid!r} is not a SID: {letters} and 32 hex digits are expected")
    fields: dict[str, Any] = {"sid": sid, "account_sid": ACCOUNT_SID}
    if collection != "Services":
        fields["service_sid"] = path.split("/")[3]
    fields |= {**own, "date_created": date}
    if collection != "Versions":  # they never change
        fields["date_updated"] = date
    return fields | {"url": SERVERLESS + path}
