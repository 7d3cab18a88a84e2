"""The account that publishes the action and the image, and every file that names it."""

import re
from pathlib import Path

from tools.release import ReleaseError

#: `python -m tools.release owner NAME` replaces the account here and in _FILES.
ACTION = "OWNER/twilio-build-wait"
IMAGE = "ghcr.io/OWNER/twilio-build-wait"
OWNER = ACTION.partition("/")[0]

_FILES = ("*.md", "docs/*.md", "examples/**/*", ".github/**/*", "tools/release/owner.py")
# OWNER/twilio-build-wait after ghcr.io/, after github.com/, or without a path before it (such as
# /opt/); and the owner of all files in CODEOWNERS.
_NAMED = re.compile(
    r"(?P<registry>\bghcr\.io/)[\w-]+(?=/twilio-build-wait\b)"
    r"|(?:(?<=github\.com/)|(?<![\w.$/-]))[\w-]+(?=/twilio-build-wait\b)|(?<=^\* @)[\w-]+",
    re.MULTILINE,
)


def renamed(root: Path, owner: str) -> dict[Path, str]:
    """Return the files that do not name `owner` everywhere, each with its text if it did.

    ReleaseError if GitHub allows no account of that name.
    """
    if not re.fullmatch(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", owner):
        raise ReleaseError(f"{owner!r} is not the name of an account on GitHub.")
    changed = {}
    for file in sorted({file for pattern in _FILES for file in root.glob(pattern)}):
        before = file.read_bytes().decode() if file.is_file() else ""
        # Names of images are lower case.
        after = _NAMED.sub(
            lambda match: f"ghcr.io/{owner.lower()}" if match["registry"] else owner, before
        )
        if after != before:
            changed[file.relative_to(root)] = after
    return changed
