"""What a test asks the emulator itself, under ``/emulator/``: no credentials, JSON both ways.

- ``GET /emulator/requests[?build=SID]``: the log, see `emulator.log`
- ``POST /emulator/builds``: add or replace a build, or a list of them
- ``POST /emulator/script[?append=true]``: replace, or extend, what is left of the script
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from emulator import resources
from emulator.builds import from_fields
from emulator.faults import Script

if TYPE_CHECKING:
    from emulator.server import Server
    from emulator.wire import Reply, Request

PREFIX = "/emulator/"


def reply(server: Server, request: Request) -> Reply:
    """Carry out one control request; what is wrong with it comes back as a 400."""
    query = {name: values[-1] for name, values in parse_qs(request.query).items()}
    asked = (request.method, request.path.removeprefix(PREFIX))
    try:
        if asked == ("GET", "requests"):
            content = server.log.content(server.catalogue.all(), query.get("build"))
            return resources.json_reply(200, content)
        if asked == ("POST", "builds"):
            return _add_builds(server, request)
        if asked == ("POST", "script"):
            return _set_script(server, request, append=query.get("append") == "true")
    except (ValueError, TypeError) as error:
        return resources.json_reply(400, {"error": str(error)})
    known = "GET requests, POST builds, POST script"
    return resources.json_reply(404, {"error": f"under {PREFIX} there are: {known}"})


def _add_builds(server: Server, request: Request) -> Reply:
    given = json.loads(request.body)
    builds = [from_fields(fields) for fields in (given if isinstance(given, list) else [given])]
    for build in builds:
        server.catalogue.add(build)
    return resources.json_reply(201, {"builds": [build.sid for build in builds]})


def _set_script(server: Server, request: Request, *, append: bool) -> Reply:
    script = Script.parse(json.loads(request.body))
    if append:
        server.script.extend(script)
    else:
        server.script = script
    return resources.json_reply(201, {})
