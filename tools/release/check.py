"""Whether what stands on the main branch can be released under a version."""

import ast
import json
import re
import tomllib

from tools.release import changelog, interface
from tools.release.action_file import NAME as ACTION
from tools.release.action_file import pin
from tools.release.problems import ReleaseError
from tools.release.tags import Release, Tags
from tools.release.versions import Version

_PYPROJECT = "pyproject.toml"
_PACKAGE = "src/twilio_build_wait/__init__.py"
_BASE = re.compile(r"^ARG BASE_IMAGE=(\S+)$", re.MULTILINE)
_ANY_IMAGE = "registry.invalid/owner/name@sha256:" + "0" * 64


def check(version: Version, tags: Tags) -> Release | None:
    """Return the release of this version if it is tagged already, None if it can be made.

    Only what is committed counts. ReleaseError names everything that stands against it at once.
    """
    release = tags.find(version)
    if release is not None:
        return release
    head = tags.head()
    found = [
        *_static_version(tags.read(head, _PYPROJECT), version),
        *_dunder_version(tags.read(head, _PACKAGE), version),
        *changelog.problems(tags.read(head, "CHANGELOG.md"), version),
        *_unpinned(tags.read(head, ACTION)),
        *_upgrade(tags, version),
    ]
    if found:
        raise ReleaseError(*found)
    return None


def base_image(tags: Tags) -> str:
    """Return the base that HEAD's Dockerfile names; ReleaseError unless it names one."""
    named: list[str] = _BASE.findall(tags.read(tags.head(), "Dockerfile"))
    if len(named) != 1:
        raise ReleaseError(
            f"Dockerfile has {len(named)} lines `ARG BASE_IMAGE=…`, where exactly one is expected."
        )
    return named[0]


def _static_version(text: str, version: Version) -> list[str]:
    project = tomllib.loads(text).get("project", {})
    if project.get("version") == str(version):
        return []
    return [f"{_PYPROJECT} has the version {project.get('version')!r}, not {str(version)!r}."]


def _dunder_version(text: str, version: Version) -> list[str]:
    values = [
        node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and [target.id for target in node.targets if isinstance(target, ast.Name)]
        == ["__version__"]
    ]
    if values == [str(version)]:
        return []
    return [f"{_PACKAGE} sets __version__ to {values!r}, not once to {str(version)!r}."]


def _unpinned(text: str) -> list[str]:
    try:
        pin(text, _ANY_IMAGE)
    except ReleaseError as error:
        return list(error.problems)
    return []


def _upgrade(tags: Tags, version: Version) -> list[str]:
    new = json.loads(tags.read(tags.head(), interface.SNAPSHOT))
    if new["version"] != str(version):
        stale = f"{interface.SNAPSHOT} is of {new['version']}, not of {version}"
        return [f"{stale}: run `make snapshot` and commit what it writes."]
    earlier = tags.released()
    if not earlier:
        return []
    newest = earlier[-1]
    if newest > version:
        return [
            f"{newest} is released already: from the main branch, only what is higher can follow."
        ]
    last = tags.find(newest)
    if last is None:
        return [f"{newest.tag} went away on the remote while it was looked at: start again."]
    old = json.loads(tags.read(last.commit, interface.SNAPSHOT))
    return interface.problems(old, new, tags.read(tags.head(), "CHANGELOG.md"))
