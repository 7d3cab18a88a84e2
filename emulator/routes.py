"""Every endpoint: one table, and the functions that it names."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from emulator.account import ACCOUNT_SID, MONITOR, SERVERLESS, SERVICES, Account, Resource, new_sid
from emulator.messages import ApiError, Request, Response, json_response

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
    if key == "versions":
        key = "function_versions" if "/Functions/" in request.path else "asset_versions"
    shown = [child.show(now) for child in account.children(request.path)]
    return _page(request, SERVERLESS, key, shown)


def _fetch_alerts(account: Account, request: Request) -> Response:
    now = account.clock()
    start, end = request.value("StartDate", ""), request.value("EndDate", "9")
    shown = [
        fields
        for fields, build in account.alerts
        if (build is None or build.status(now) != "building")
        and request.value("LogLevel", "") in {"", fields["log_level"]}
        # Dates in Twilio's form, all in GMT, are in the order of their text.
        and start <= fields["date_generated"] <= end
    ]
    shown.sort(key=lambda fields: str(fields["date_generated"]), reverse=True)
    return _page(request, MONITOR, "alerts", shown)


def _create_build(account: Account, request: Request) -> Response:
    try:
        packages = json.loads(request.value("Dependencies", "null"))
        build = account.add_build(
            new_sid(request.path),
            service=request.path.split("/")[3],
            runtime=request.value("Runtime", "node22"),
            dependencies=packages and {package["name"]: package["version"] for package in packages},
            functions=request.values.get("FunctionVersions", []),
            assets=request.values.get("AssetVersions", []),
            **account.creation,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ApiError(400, f"Invalid versions or Dependencies: {error}") from error
    return _created(account, build)


def _create_environment(account: Account, request: Request) -> Response:
    environment = account.add_environment(
        new_sid(request.path),
        service=request.path.split("/")[3],
        unique_name=request.value("UniqueName"),
        domain_suffix=request.value("DomainSuffix", ""),
    )
    return _created(account, environment)


def _create_deployment(account: Account, request: Request) -> Response:
    environment = account.get(request.path.removesuffix("/Deployments"))
    sid = request.value("BuildSid")
    build = account.builds.get(sid)
    if build is None or build.fields["service_sid"] != environment.fields["service_sid"]:
        raise ApiError(400, f"Build {sid} is not in this service")
    if build.show(account.clock())["status"] != "completed":
        raise ApiError(400, f"Build {sid} has not completed")
    if environment.fields["build_sid"] == sid:
        raise ApiError(409, f"Build {sid} is already deployed to this environment")
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
_ENVIRONMENTS = f"{_SERVICE}/Environments"
_FILES = f"{_SERVICE}/(Functions|Assets)"
_VERSIONS = f"{_FILES}{_SID}/Versions"

# A fault chooses its route by the first column.
ROUTES = (
    Route("services", "GET", SERVICES, _fetch_list),
    Route("service", "GET", _SERVICE, _fetch),
    Route("builds", "GET", f"{_SERVICE}/Builds", _fetch_list),
    Route("create-build", "POST", f"{_SERVICE}/Builds", _create_build),
    Route("build", "GET", f"{_SERVICE}/Builds{_SID}", _fetch),
    Route("status", "GET", f"{_SERVICE}/Builds{_SID}/Status", _fetch_status),
    Route("environments", "GET", _ENVIRONMENTS, _fetch_list),
    Route("create-environment", "POST", _ENVIRONMENTS, _create_environment),
    Route("environment", "GET", f"{_ENVIRONMENTS}{_SID}", _fetch),
    Route("create-deployment", "POST", f"{_ENVIRONMENTS}{_SID}/Deployments", _create_deployment),
    Route("deployment", "GET", f"{_ENVIRONMENTS}{_SID}/Deployments{_SID}", _fetch),
    Route("files", "GET", _FILES, _fetch_list),
    Route("create-file", "POST", _FILES, _create_file),
    Route("file", "GET", f"{_FILES}{_SID}", _fetch),
    Route("versions", "GET", _VERSIONS, _fetch_list),
    Route("upload-version", "POST", _VERSIONS, _upload_version),
    Route("version", "GET", f"{_VERSIONS}{_SID}", _fetch),
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
    """Return the page of a list that the query asks for."""
    number, size = request.value("Page", "0"), request.value("PageSize", "50")
    if not re.fullmatch("[0-9]{1,6}", number) or not re.fullmatch("[1-9][0-9]{0,2}|1000", size):
        raise ApiError(400, "Page is not a number, or PageSize is not in 1..1000")
    page, start, end = int(number), int(number) * int(size), (int(number) + 1) * int(size)

    def url(page: int) -> str:
        query = {**request.values, "PageSize": [size], "Page": [page]}
        return f"{host}{request.path}?{urlencode(query, doseq=True)}"

    meta = {
        "first_page_url": url(0),
        "key": key,
        "next_page_url": url(page + 1) if len(shown) > end else None,
        "page": page,
        "page_size": int(size),
        "previous_page_url": url(page - 1) if page else None,
        "url": url(page),
    }
    return json_response({key: shown[start:end], "meta": meta})
