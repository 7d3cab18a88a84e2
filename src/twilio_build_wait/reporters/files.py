"""Replacing a file as a whole: old content never looks like the result of this run."""

import os
from contextlib import suppress
from typing import BinaryIO

from twilio_build_wait.guard import open_file

_MODE = 0o644


def replace_file(path: str, text: str) -> None:
    """Replace a regular file or a symbolic link, or create a file.

    A link is not followed. A file that cannot be replaced is overwritten in place. A write that
    fails leaves no part of the text.

    Raises:
        OSError: it could not be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        _replace(path, data)
    except OSError as error:
        # A file that is mounted into a container cannot be renamed over, a folder may be read-only
        # where the file is not, and the temporary name can be too long.
        try:
            _overwrite(path, data)
        except OSError:
            raise error from None


def _replace(path: str, data: bytes) -> None:
    name = f".twilio-build-wait.{os.urandom(8).hex()}.tmp"
    temporary = os.path.join(os.path.dirname(path), name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, _MODE), "wb") as file:
            _give_away(file, path)
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _overwrite(path: str, data: bytes) -> None:
    is_new = not os.path.exists(path)
    descriptor = open_file(path, os.O_TRUNC | os.O_NOFOLLOW, _MODE)
    try:
        with open(descriptor, "wb") as file:
            if is_new:
                _give_away(file, path)
            file.write(data)
    except OSError:
        os.truncate(path, 0)
        with suppress(OSError):
            os.unlink(path)
        raise


def _give_away(file: BinaryIO, path: str) -> None:
    """Let the next step use a new file, whatever the umask is and whoever it runs as.

    A network share may refuse either.
    """
    with suppress(OSError):
        os.fchmod(file.fileno(), _MODE)
    if os.geteuid() == 0:
        with suppress(OSError):
            owner = os.stat(os.path.dirname(path) or os.curdir)
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
