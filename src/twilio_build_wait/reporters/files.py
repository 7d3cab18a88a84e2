"""Writing the files that outlive the process: a runner's own, and the user's output file."""

import os
import stat
from contextlib import suppress

_MODE = 0o644
# O_NONBLOCK: a named pipe that nobody reads is an error at once, and no hang.
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC


def append(path: str, text: str) -> None:
    """Append whole lines to a file, which is made if it is absent and never truncated.

    Raises:
        OSError: it could not be written, or not whole.
    """
    if not _ends_with_newline(path):
        text = "\n" + text
    descriptor = os.open(path, _APPEND, 0o666)
    try:
        _write(descriptor, text)
    finally:
        os.close(descriptor)


def replace(path: str, text: str) -> None:
    """Replace a file whole, by a new one in its place; a symbolic link is not followed.

    If that fails, no earlier content survives where this can be helped: a later step would take
    it for this run's.

    Raises:
        OSError: it could not be written; or there is something at `path` that is no file.
    """
    with suppress(FileNotFoundError):
        mode = os.lstat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(0, "it is not a file", path)
    try:
        _replace(path, text)
    except OSError as error:
        # A file mounted into a container cannot be renamed over, and a folder may be read-only
        # where the file itself is not.
        try:
            _overwrite(path, text)
        except OSError:
            with suppress(OSError):
                os.unlink(path)
            raise error from None


def _replace(path: str, text: str) -> None:
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:100]}.{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        try:
            os.fchmod(descriptor, _MODE)  # whatever the umask
            _write(descriptor, text)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _overwrite(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _write(descriptor, text)
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]


def _ends_with_newline(path: str) -> bool:
    """Say whether what is appended begins a line of its own; True where it cannot be seen."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:  # absent, empty, or not readable
        return True


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a named pipe would wait for its other end
