"""The Build resource: what is in a build. One piece reads it for the diagnosis and the changes.

Source of the shape: `serverless.v1.service.build` in Twilio's OpenAPI description of Serverless v1
(twilio/twilio-oai, spec/json/twilio_serverless_v1.json). The lists have no type there; in practice
they hold objects with `sid`, `path` and `visibility`, or `name` and `version`
(zingdevlimited/actions-helpers, deploy scripts).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twilio_build_wait.twilio.responses import date

#: The version of one function, asset or dependency; None if it is unknown.
Version = str | None


@dataclass(frozen=True)
class Build:
    """What is in a build; None stands for what is unknown.

    `functions` and `assets` map a path to a version, `dependencies` a name to a version.
    """

    functions: Mapping[str, Version] | None = None
    assets: Mapping[str, Version] | None = None
    dependencies: Mapping[str, Version] | None = None
    runtime: str | None = None
    created: datetime | None = None
    updated: datetime | None = None


#: What is live in an environment before its first deployment.
NOTHING = Build(functions={}, assets={}, dependencies={}, runtime="")


def parse_build(resource: Mapping[str, Any]) -> Build:
    """Return what is in a Build resource. Whose it is, the caller has to check."""
    runtime = resource.get("runtime")
    return Build(
        _versions(resource.get("function_versions"), "path", _file_version),
        _versions(resource.get("asset_versions"), "path", _file_version),
        _versions(resource.get("dependencies"), "name", lambda entry: entry.get("version")),
        runtime if isinstance(runtime, str) else None,
        date(resource.get("date_created")),
        date(resource.get("date_updated")),
    )


def _versions(
    listed: object, key: str, version_of: Callable[[dict[str, Any]], object]
) -> dict[str, Version] | None:
    """Map each name to its version; that of a name listed twice is unknown."""
    if not isinstance(listed, list):
        return None
    versions: dict[str, Version] = {}
    for entry in listed:
        name = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            return None
        version = version_of(entry)
        versions[name] = version if isinstance(version, str) and name not in versions else None
    return versions


def _file_version(entry: dict[str, Any]) -> str | None:
    sid = entry.get("sid")
    return f"{sid} {entry.get('visibility')}".lower() if isinstance(sid, str) else None
