"""The account that publishes the action and the image, and who must review."""

import re
import subprocess
from pathlib import Path

from tools.release import ReleaseError

#: `python -m tools.release owner ACCOUNT CODE_OWNER` replaces these three here and everywhere else.
ACTION = "OWNER/twilio-build-wait"
IMAGE = "ghcr.io/OWNER/twilio-build-wait"
CODE_OWNER = "@OWNER"
OWNER, _NAME = ACTION.split("/")
_ACCOUNT = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}"


def rename(account: str, code_owner: str) -> None:
    """Write the account that publishes, and @user or @org/team that reviews, into every file."""
    if not re.fullmatch(_ACCOUNT, account):
        raise ReleaseError(f"{account!r} is not the name of an account on GitHub.")
    if not re.fullmatch(rf"@{_ACCOUNT}(/[\w.-]+)?", code_owner):
        raise ReleaseError(f"{code_owner!r} is not a code owner, @user or @org/team.")
    # Names of images are lower case. The image's name comes first, because it holds the action's.
    new = {
        IMAGE: f"ghcr.io/{account.lower()}/{_NAME}",
        ACTION: f"{account}/{_NAME}",
        CODE_OWNER: code_owner,
    }
    names = subprocess.run(["git", "ls-files", "-z"], stdout=subprocess.PIPE, check=True).stdout
    for file in map(Path, names.decode().rstrip("\0").split("\0")):
        before = after = file.read_bytes() if file.is_file() else b""
        for old, text in new.items():
            after = after.replace(old.encode(), text.encode())
        if after != before:
            file.write_bytes(after)
            print(file)
