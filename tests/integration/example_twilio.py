"""Twilio as the examples meet it: the emulator, and in front of it the two writes they make."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from emulator.api import Credentials
from emulator.server import Emulator, Options

CREDENTIALS = Credentials()
SERVICE_SID = "ZS" + "5" * 32
BUILD_SID = "ZB" + "c" * 32
FUNCTION_VERSION = "ZN" + "7" * 32
ENVIRONMENT_SID = "ZE" + "e" * 32

#: How a wait can end, and what the emulator is told for it. `building` and `silent` are read once,
#: with a time-out of 0: the first has a status then, the second has none.
ENDINGS: dict[str, tuple[str, list[str]]] = {
    "completed": ("completed", []),
    "failed": ("failed", []),
    "building": ("building", []),
    "silent": ("completed", ["503*"]),
    "refused": ("completed", ["401"]),
}


@dataclass
class Twilio:
    """What is asked of it goes to ``url``; what was written stands in ``created``, ``deployed``."""

    url: str
    emulator: Emulator
    created: list[str] = field(default_factory=list)
    deployed: list[str] = field(default_factory=list)

    def credentials(self) -> dict[str, str]:
        """The variables that a CI holds for its pipelines."""
        return {
            "TWILIO_API_KEY": CREDENTIALS.api_key,
            "TWILIO_API_SECRET": CREDENTIALS.api_secret,
            "TWILIO_SERVICE_SID": SERVICE_SID,
            "TWILIO_ENVIRONMENT_SID": ENVIRONMENT_SID,
        }


@contextlib.contextmanager
def twilio(ending: str = "completed") -> Iterator[Twilio]:
    """Serve one build of that ending, which exists from the start, and the writes around it."""
    how, script = ENDINGS[ending]
    server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
    with Emulator(Options(default=None)) as emulator, server:
        emulator.add_build(BUILD_SID, how, service=SERVICE_SID, script=script)
        running = Twilio(server.url_for("").rstrip("/"), emulator)

        def admitted(request: Request) -> bool:
            return CREDENTIALS.admit(request.headers.get("Authorization", ""))

        def create(request: Request) -> Response:
            if not admitted(request) or not request.form.get("FunctionVersions"):
                return Response(status=400)
            running.created.append(request.form["FunctionVersions"])
            return Response(f'{{"sid": "{BUILD_SID}", "status": "building"}}', 201)

        def deploy(request: Request) -> Response:
            if not admitted(request):
                return Response(status=401)
            running.deployed.append(request.form["BuildSid"])
            return Response('{"sid": "ZD"}', 201)

        def read(request: Request) -> Response:
            asked = {"Authorization": request.headers.get("Authorization", "")}
            reply = requests.get(emulator.url + request.full_path, headers=asked, timeout=30)
            return Response(reply.content, reply.status_code, content_type="application/json")

        builds = f"/v1/Services/{SERVICE_SID}/Builds"
        deployments = f"/v1/Services/{SERVICE_SID}/Environments/{ENVIRONMENT_SID}/Deployments"
        server.expect_request(builds, method="POST").respond_with_handler(create)
        server.expect_request(deployments, method="POST").respond_with_handler(deploy)
        server.expect_request(re.compile(".*"), method="GET").respond_with_handler(read)
        yield running
        server.check()
