"""Uploads functions/ and assets/, creates a Twilio Serverless build of them, and prints its SID.

As in Twilio's toolkit, the name of a file decides who can reach it: hello.js is public,
admin.protected.js is protected, helper.private.js is private, and so are assets, such as
logo.private.png. Folders become part of the path. If there is a name or a type that this program
does not handle, it uploads nothing. A build has only the files that it is created with, so every
file is uploaded, whether it has changed or not.

Needs the package `requests`, package.json, and in the environment TWILIO_API_KEY,
TWILIO_API_SECRET and TWILIO_SERVICE_SID. TWILIO_REGION is us1 by default.
"""

import json
import mimetypes
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

REGIONS = {"us1": "", "ie1": ".dublin.ie1", "au1": ".sydney.au1"}
FUNCTION = re.compile(r"functions(/[A-Za-z0-9/_-]+)(?:\.(protected|private))?(\.js)")
ASSET = re.compile(r"assets(/[A-Za-z0-9/_.-]+?)(?:\.(protected|private))?(\.[a-z0-9]+)")
UNCLEAR = re.compile(r"/\.|node_modules|protected|private", re.IGNORECASE)

session = requests.Session()
session.auth = (os.environ["TWILIO_API_KEY"], os.environ["TWILIO_API_SECRET"])


def describe(file: Path) -> tuple[str, str, str] | None:
    """Return path, visibility and content type; None for a name or a type that is not handled."""
    match = FUNCTION.fullmatch(file.as_posix()) or ASSET.fullmatch(file.as_posix())
    content_type = mimetypes.guess_type(file.name)[0]
    if match is None or content_type is None or UNCLEAR.search(match[1]):
        return None
    path = match[1] if file.parts[0] == "functions" else match[1] + match[3]
    return path, match[2] or "public", content_type


def twilio(
    url: str,
    data: list[tuple[str, str]] | None = None,
    files: dict[str, tuple[str, bytes, str]] | None = None,
) -> dict[str, Any]:
    """Return Twilio's response, to a POST if there is data; exit with its message for an error."""
    method = "POST" if data else "GET"
    response = session.request(method, url, data=data, files=files, timeout=60)
    if not response.ok:
        sys.exit(f"No build was created. Twilio's response: {response.status_code} {response.text}")
    return dict(response.json())


def list_sids(url: str) -> dict[str, str]:
    """Return the SIDs of the functions or assets that the service has, by name."""
    sids: dict[str, str] = {}
    query = "PageSize=100"
    while query:
        page = twilio(f"{url}?{query}")
        sids |= {item["friendly_name"]: item["sid"] for item in page[page["meta"]["key"]]}
        query = urlsplit(page["meta"]["next_page_url"] or "").query
    return sids


def create_build(region: str, plan: Mapping[Path, tuple[str, str, str]], packages: str) -> str:
    """Upload the files, create a build of them, and return its SID."""
    base, service = os.environ.get("TWILIO_BASE_URL"), os.environ["TWILIO_SERVICE_SID"]
    api = f"{base or f'https://serverless{region}.twilio.com'}/v1/Services/{service}"
    upload = f"{base or f'https://serverless-upload{region}.twilio.com'}/v1/Services/{service}"
    existing = {kind: list_sids(f"{api}/{kind}") for kind in ("Functions", "Assets")}
    build: list[tuple[str, str]] = [("Dependencies", packages), ("Runtime", "node22")]
    for file, (path, visibility, content_type) in plan.items():
        kind = file.parts[0].title()
        sid = existing[kind].get(path)
        if sid is None:
            sid = twilio(f"{api}/{kind}", data=[("FriendlyName", path)])["sid"]
        version = twilio(
            f"{upload}/{kind}/{sid}/Versions",
            data=[("Path", path), ("Visibility", visibility)],
            files={"Content": (file.name, file.read_bytes(), content_type)},
        )
        build.append((f"{kind.removesuffix('s')}Versions", version["sid"]))
    return str(twilio(f"{api}/Builds", data=build)["sid"])


def main() -> None:
    """Check what can be checked before the first upload, and create the build."""
    region = os.environ.get("TWILIO_REGION") or "us1"
    if region not in REGIONS:
        sys.exit(f"TWILIO_REGION is {region}. This program knows {', '.join(REGIONS)}.")
    try:
        dependencies = json.loads(Path("package.json").read_text("utf-8"))["dependencies"].items()
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        sys.exit('package.json has no "dependencies". Write {} if there are none.')
    packages = json.dumps([{"name": name, "version": version} for name, version in dependencies])

    found = [file for folder in ("functions", "assets") for file in sorted(Path(folder).rglob("*"))]
    files = [file for file in found if file.is_symlink() or not file.is_dir()]
    if not files:
        sys.exit("There is no file in functions/ or assets/.")
    plan = {file: description for file in files if (description := describe(file))}
    if refused := [f"\n  {file}" for file in files if file not in plan]:
        names = "".join(refused[:10])
        sys.exit(f"Nothing was uploaded. The name or type of these files is not handled:{names}")
    try:
        print(create_build(REGIONS[region], plan, packages))
    except requests.RequestException as error:
        sys.exit(f"No build was created. {error}")


if __name__ == "__main__":
    main()
