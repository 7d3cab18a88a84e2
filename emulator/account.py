"""A Twilio account: services, builds, environments, versions and alerts."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from uuid import NAMESPACE_URL, uuid5

from emulator.durations import seconds
from emulator.messages import ApiError
from emulator.resources import SERVICES, Alert, Build, Resource, alert_fields, fields_at

SERVICE_SID = "ZS" + 32 * "0"
# Twilio adds packages of its own to a build that names none.
_DEFAULT_DEPENDENCIES = {"twilio": "5.3.0", "@twilio/runtime-handler": "1.3.0"}
_NPM_FAILED = "npm could not install sharp@0.33.5: node-gyp needs gcc, which is missing"


class Account:
    """An account with one service, SERVICE_SID, whose unique name is `demo`.

    `clock` is in seconds. Resources are listed in the order in which they were added. `creation`
    has the arguments of `add_build` for the builds that clients create. Dates are given as
    `resources.resolve_date` takes them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.names: dict[str, str] = {}  # SIDs of services by unique name
        self.builds: dict[str, Build] = {}  # by SID
        self.alerts: list[Alert] = []
        self._resources: dict[str, Resource] = {}  # by address, in lower case
        self._versions: dict[str, Resource] = {}  # by SID
        self.creation: dict[str, str] = {}
        self.add_service(SERVICE_SID, "demo")

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
        and is added if it is missing. `dependencies` are versions by name, None for those that
        Twilio adds. `functions` and `assets` are SIDs of versions that exist, or paths with a
        visibility if it is not public: ``/admin:protected``. The same text in two builds is the
        same version, and ``/hello@2`` is another version of ``/hello``.
        """
        home = self.add_service(service)
        packages = _DEFAULT_DEPENDENCIES if dependencies is None else dependencies
        path = f"{home}/Builds/{sid}"
        fields = fields_at(
            path,
            created,
            runtime=runtime,
            dependencies=[{"name": name, "version": packages[name]} for name in packages],
            function_versions=[self._version(f"{home}/Functions", text) for text in functions],
            asset_versions=[self._version(f"{home}/Assets", text) for text in assets],
        )
        duration = math.inf if status == "building" else seconds(after)
        build = self.builds[sid] = Build(path, fields, status, duration)
        self._resources[path.lower()] = build
        return build

    def add_alert(
        self,
        code: str = "82003",
        text: str = _NPM_FAILED,
        *,
        build: str = "",
        delay: str = "0s",
        date: str = "",
        **fields: object,
    ) -> None:
        """Add an alert.

        With `build`, the SID of a build that was added, it names this build and its service, and is
        listed when the duration `delay` has passed since the build ended; otherwise it names
        nothing and is listed at once. The default of `date` is the build's date, or now. `fields`
        replace what the alert would show, such as ``resource_sid=None``.
        """
        about = self.builds[build] if build else None
        if about:
            fields = {"resource_sid": build, "service_sid": about.fields["service_sid"], **fields}
            date = date or about.fields["date_created"]
        shown = alert_fields(code, text, date) | fields
        self.alerts.append(Alert(shown, about, seconds(delay)))

    def add_environment(
        self, sid: str, *, service: str = SERVICE_SID, build_sid: str | None = None
    ) -> Resource:
        """Add an environment in which the build `build_sid` is live, or no build yet."""
        path = f"{self.add_service(service)}/Environments/{sid}"
        own = {"unique_name": "production", "domain_name": "demo-1234.twil.io"}
        return self.add(path, build_sid=build_sid, domain_suffix=None, **own)

    def add_version(self, parent: str, sid: str, path: str, visibility: str) -> Resource:
        """Add a version of the function or the asset at the address `parent`."""
        collection, parent_sid = parent.split("/")[-2:]
        key = "function_sid" if collection == "Functions" else "asset_sid"
        own = {key: parent_sid, "path": path, "visibility": visibility}
        version = self._versions[sid] = self.add(f"{parent}/Versions/{sid}", **own)
        return version

    def add(self, path: str, /, **own: object) -> Resource:
        """Add the resource at an address if it is missing; `own` are the fields of its kind."""
        resource = Resource(path, fields_at(path, **own))
        return self._resources.setdefault(path.lower(), resource)

    def get(self, path: str) -> Resource:
        """Return the resource at an address such as ``/v1/Services/ZS…``; raises ApiError."""
        if path.lower() not in self._resources:
            raise ApiError(404, f"The requested resource {path} was not found")
        return self._resources[path.lower()]

    def children(self, collection: str) -> list[Resource]:
        """Return the resources of a collection such as ``/v1/Services/ZS…/Builds``."""
        items = list(self._resources.items())
        return [child for path, child in items if path.rpartition("/")[0] == collection.lower()]

    def _version(self, collection: str, text: str) -> dict[str, object]:
        """Return what a Build lists of a version, by its path or SID: see `add_build`."""
        sid = text
        if text.startswith("/"):
            name, _, visibility = text.partition(":")
            path = name.partition("@")[0]
            parent = f"{collection}/ZH{uuid5(NAMESPACE_URL, collection + path).hex}"
            self.add(parent, friendly_name=path)
            sid = f"ZN{uuid5(NAMESPACE_URL, collection + text).hex}"
            self.add_version(parent, sid, path, visibility or "public")
        version = self._versions.get(sid)
        if version is None or not version.path.startswith(collection):
            raise ValueError(f"{sid} is no version in {collection}")
        return {name: value for name, value in version.fields.items() if name != "url"}
