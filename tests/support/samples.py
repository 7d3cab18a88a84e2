"""One account, service, build and environment, their credentials, and what Twilio says of them.

The shapes are those of Twilio's OpenAPI descriptions (twilio/twilio-oai, twilio_serverless_v1.json
and twilio_monitor_v1.json). In every builder a field changed to None is null, and one changed to
Ellipsis is left out.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.support.server import Response

# GitHub refuses a push of what has the form of a credential, so these are put together here.
ACCOUNT_SID = "AC" + "0123456789abcdef0123456789ABCDEF"
API_KEY = "SK" + "1111aaaa2222bbbb3333cccc4444dddd"
SERVICE_SID = "ZS00112233445566778899aabbccddeeff"
BUILD_SID = "ZBdeadbeefdeadbeefdeadbeefdeadbeef"
ENVIRONMENT_SID = "ZE0f1e2d3c4b5a69788796a5b4c3d2e1f0"
OTHER_SERVICE_SID = "ZSffeeddccbbaa99887766554433221100"
OTHER_BUILD_SID = "ZBfeedfacefeedfacefeedfacefeedface"
REQUEST_ID = "RQ77777777777777777777777777777777"
# Characters that Base64 and URL-encoding both change, so that no form passes for another.
TOKEN = "t0k/en+with=odd?chars%7e3"
SECRET = "s3c/ret+with=odd&chars#9f"

BUILDS_PATH = f"/v1/Services/{SERVICE_SID}/Builds"
BUILD_PATH = f"{BUILDS_PATH}/{BUILD_SID}"
OTHER_BUILD_PATH = f"{BUILDS_PATH}/{OTHER_BUILD_SID}"
STATUS_PATH = f"{BUILD_PATH}/Status"
ENVIRONMENT_PATH = f"/v1/Services/{SERVICE_SID}/Environments/{ENVIRONMENT_SID}"
ALERTS_PATH = "/v1/Alerts"
STATUS_URL = f"https://serverless.twilio.com{STATUS_PATH}"

#: The wall clock at the start of a run in virtual time, and when the sample build was created.
NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
CREATED = "2026-10-01T11:58:00Z"


def environment(**changes: str | None) -> dict[str, str]:
    """Return the required inputs with some variables changed; None removes one."""
    required = {
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_SERVICE_SID": SERVICE_SID,
        "TWILIO_BUILD_SID": BUILD_SID,
    }
    return {name: value for name, value in (required | changes).items() if value is not None}


def json_response(value: object, status: int = 200, **headers: str) -> Response:
    """Return any JSON value as a response."""
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, json.dumps(value).encode(), content_type | headers)


def twilio_error(status: int = 401, request_id: str = REQUEST_ID, **fields: object) -> Response:
    """Return an error in Twilio's usual form (twilio-cli#252), with its request id."""
    body = {"code": 20003, "message": "no", "status": status} | fields
    return json_response(body, status, **{"Twilio-Request-Id": request_id})


def build_status(status: object = "building", **changes: object) -> Response:
    """Return the sample build's Status resource."""
    return json_response(_resource(BUILD_SID, changes, status=status, url=STATUS_URL))


def build(status: object = "failed", **changes: object) -> dict[str, object]:
    """Return the sample build's Build resource: one function, one asset, one dependency."""
    return _resource(
        BUILD_SID,
        changes,
        status=status,
        runtime="node22",
        function_versions=[{"sid": "ZN" + "1" * 32, "path": "/hello", "visibility": "public"}],
        asset_versions=[{"sid": "ZN" + "2" * 32, "path": "/logo.png", "visibility": "public"}],
        dependencies=[{"name": "@twilio/runtime-handler", "version": "2.0.1"}],
        date_created=CREATED,
        url=f"https://serverless.twilio.com{BUILD_PATH}",
    )


def environment_resource(**changes: object) -> dict[str, object]:
    """Return the sample Environment, in which the other build is live."""
    return _resource(ENVIRONMENT_SID, changes, build_sid=OTHER_BUILD_SID, unique_name="production")


def alert(**changes: object) -> dict[str, object]:
    """Return an alert of Monitor about the sample build."""
    return _resource(
        "NO" + "4" * 32,
        changes,
        resource_sid=BUILD_SID,
        error_code="82003",
        alert_text="Msg=npm+could+not+install+sharp&ErrorCode=82003",
        date_created=CREATED,
        date_generated=CREATED,
    )


def page(key: str, *entries: object, next_page_url: str | None = None) -> Response:
    """Return one page of a list: `key` is `builds` or `alerts`."""
    return json_response({key: entries, "meta": {"key": key, "next_page_url": next_page_url}})


def _resource(sid: str, changes: Mapping[str, object], **fields: object) -> dict[str, object]:
    identity = {"sid": sid, "account_sid": ACCOUNT_SID, "service_sid": SERVICE_SID}
    changed = {**identity, **fields, **changes}
    return {name: value for name, value in changed.items() if value is not ...}
