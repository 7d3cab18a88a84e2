"""Every endpoint: one table, and the functions that it names."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from emulator.account import Account
from emulator.messages import ApiError, Request, Response, json_response
from emulator.resources import ACCOUNT_SID, MONITOR, SERVERLESS, SERVICES, Resource, new_sid

# Low in entropy on purpose, so that no scanner for leaked secrets reports them.
AUTH_TOKEN = "emulator-auth-token"  # noqa: S105 (a default for a local emulator)
API_KEY = "SK" + 32 * "0"
API_SECRET = "emulator-api-secret"  # noqa: S105 (as above)
_CREDENTIALS = {
    "Basic " + b64encode(f"{user}:{secret}".encode()).decode()
    for user, secret in ((ACCOUNT_SID, AUTH_TOKEN), (API_KEY, API_SECRET))
}


class Route(NamedTuple):
    """An endpoint; `path` is a regular expression."""

    name: str
    method: str
    path: str
    handle: Callable[[Account, Request], Response]


def _fetch(account: Account, request: Request) -> Response:
    return json_response(account.get(request.path).show(account.clock()))


def _fetch_status(account: Account, request: Request) -> Response:
    build = account.get(request.path.removesuffix("/Status")).show(account.clock())
    shown = {name: build[name] for name in ("sid", "account_sid", "service_sid", "status")}
    return json_response({**shown, "url": f"{build['url']}/Status"})


def _fetch_list(account: Account, request: Request) -> Response:
    now = account.clock()
    key = request.path.rpartition("/")[2].lower()
    shown = [child.show(now) for child in account.children(request.path)]
    return _page(request, SERVERLESS, key, shown)


def _fetch_alerts(account: Account, request: Request) -> Response:
    now = account.clock()
    start, end = request.value("StartDate", ""), request.value("EndDate", "9")
    shown = [
        alert.fields
        for alert in account.alerts
        if alert.is_listed(now)
        and request.value("LogLevel", "") in {"", alert.fields["log_level"]}
        # Dates in Twilio's form, all in GMT, are in the order of their text.
        and start <= alert.fields["date_generated"] <= end
    ]
    shown.sort(key=lambda fields: str(fields["date_generated"]), reverse=True)
    return _page(request, MONITOR, "alerts", shown)


def _create_build(account: Account, request: Request) -> Response:
    functions = request.values.get("FunctionVersions", [])
    assets = request.values.get("AssetVersions", [])
    if not functions and not assets:  # twilio-cli issue 215
        raise ApiError(400, "At least one Function Version or Asset Version is required for Build.")
    try:
        packages = json.loads(request.value("Dependencies", "null"))
        build = account.add_build(
            new_sid(request.path),
            **account.creation,
            service=request.path.split("/")[3],
            runtime=request.value("Runtime", "node22"),
            dependencies=packages and {package["name"]: package["version"] for package in packages},
            functions=functions,
            assets=assets,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ApiError(400, f"Invalid versions or Dependencies: {error}") from error
    if build.ending == "failed":
        account.add_alert(build=build.fields["sid"])
    return _created(account, build)


def _create_deployment(account: Account, request: Request) -> Response:
    environment = account.get(request.path.removesuffix("/Deployments"))
    sid = request.value("BuildSid")
    build = account.builds.get(sid)
    if build is None or build.fields["service_sid"] != environment.fields["service_sid"]:
        raise ApiError(400, f"Build {sid} is not in this service")
    if build.show(account.clock())["status"] != "completed":
        raise ApiError(400, f"Build {sid} has not completed")
    if environment.fields["build_sid"] == sid:  # twilio-cli issue 215
        raise ApiError(409, "Environment already has requested deployment.")
    own = {"environment_sid": environment.fields["sid"], "build_sid": sid}
    deployment = account.add(f"{request.path}/{new_sid(request.path)}", **own)
    environment.fields["build_sid"] = sid
    return _created(account, deployment)


def _create_file(account: Account, request: Request) -> Response:
    path, name = f"{request.path}/{new_sid(request.path)}", request.value("FriendlyName")
    return _created(account, account.add(path, friendly_name=name))


def _upload_version(account: Account, request: Request) -> Response:
    # The form is on twilio.com/docs, Function Version, and not in the OpenAPI description.
    path, visibility, _ = (request.value(name) for name in ("Path", "Visibility", "Content"))
    if visibility not in {"public", "protected", "private"}:
        raise ApiError(400, "Visibility is public, protected or private")
    parent = request.path.removesuffix("/Versions")
    version = account.add_version(parent, new_sid(request.path), path, visibility)
    return _created(account, version)


_SID = "/[^/]+"
_SERVICE = SERVICES + _SID
_ENVIRONMENT = f"{_SERVICE}/Environments{_SID}"
_FILES = f"{_SERVICE}/(Functions|Assets)"

# A fault chooses its route by the first column.
ROUTES = (
    Route("builds", "GET", f"{_SERVICE}/Builds", _fetch_list),
    Route("create-build", "POST", f"{_SERVICE}/Builds", _create_build),
    Route("build", "GET", f"{_SERVICE}/Builds{_SID}", _fetch),
    Route("status", "GET", f"{_SERVICE}/Builds{_SID}/Status", _fetch_status),
    Route("environment", "GET", _ENVIRONMENT, _fetch),
    Route("create-deployment", "POST", f"{_ENVIRONMENT}/Deployments", _create_deployment),
    Route("files", "GET", _FILES, _fetch_list),
    Route("create-file", "POST", _FILES, _create_file),
    Route("upload-version", "POST", f"{_FILES}{_SID}/Versions", _upload_version),
    Route("alerts", "GET", "/v1/Alerts", _fetch_alerts),
)


def routes_of(path: str) -> dict[str, Route]:
    """Return the routes of a path, by their methods."""
    return {route.method: route for route in ROUTES if re.fullmatch(route.path, path)}


def answer(account: Account, request: Request) -> Response:
    """Return Twilio's response to a request."""
    if request.headers.get("authorization") not in _CREDENTIALS:
        return ApiError(401, **{"WWW-Authenticate": 'Basic realm="Twilio"'}).response()
    routes, parts = routes_of(request.path), request.path.split("/")
    if request.method not in routes:
        return ApiError(405 if routes else 404).response()
    if parts[3:4] and parts[3] in account.names:
        parts[3] = account.names[parts[3]]
    try:
        with account.lock:
            for end in range(4, len(parts) + 1, 2):  # each SID in the path
                account.get("/".join(parts[:end]))
            by_sid = replace(request, path="/".join(parts))
            return routes[request.method].handle(account, by_sid)
    except ApiError as error:
        return error.response()


def _created(account: Account, resource: Resource) -> Response:
    return json_response(resource.show(account.clock()), 201)


def _page(request: Request, host: str, key: str, shown: list[dict[str, Any]]) -> Response:
    """Return the page of a list that the query asks for, of Functions and Assets at most 100."""
    number, wanted = request.value("Page", "0"), request.value("PageSize", "50")
    if not re.fullmatch("[0-9]{1,6}", number) or not re.fullmatch("[1-9][0-9]{0,2}|1000", wanted):
        raise ApiError(400, "Page is not a number, or PageSize is not in 1..1000")
    size = min(int(wanted), 100) if key in {"functions", "assets"} else int(wanted)
    page, start, end = int(number), int(number) * size, (int(number) + 1) * size

    def url(page: int) -> str:
        query = {**request.values, "PageSize": [size], "Page": [page]}
        return f"{host}{request.path}?{urlencode(query, doseq=True)}"

    meta = {
        "key": key,
        "next_page_url": url(page + 1) if len(shown) > end else None,
        "page": page,
        "page_size": size,
        "url": url(page),
    }
    return json_response({key: shown[start:end], "meta": meta})
