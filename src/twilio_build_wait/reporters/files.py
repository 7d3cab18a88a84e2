"""Replacing a file as a whole: old content never looks like the result of this run."""

import os
from contextlib import suppress

from twilio_build_wait.guard import open_file


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
    except OSError:
        # A file that is mounted into a container cannot be renamed over, a folder may be read-only
        # where the file is not, and the temporary name can be too long.
        _overwrite(path, data)


def _replace(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".twilio-build-wait.{os.urandom(8).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            # The next step can use it, whatever the umask is and whoever that runs as. A network
            # share may refuse both.
            with suppress(OSError):
                os.fchmod(file.fileno(), 0o644)
                if os.geteuid() == 0:
                    owner = os.stat(folder or os.curdir)
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _overwrite(path: str, data: bytes) -> None:
    descriptor = open_file(path, os.O_TRUNC | os.O_NOFOLLOW)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        os.truncate(path, 0)
        with suppress(OSError):
            os.unlink(path)
        raise
