"""A file that is replaced as a whole: old content never looks like the result of this run."""

import os
from contextlib import suppress

_MODE = 0o644


class ReplacedFile:
    """A file at a path of the user's."""

    def __init__(self, path: str) -> None:
        self._path = path
        #: What this run has written to it.
        self._text: str | None = None
        self._temporary = ""

    def write(self, text: str) -> None:
        """Replace the file; a symbolic link is replaced, not followed.

        If that fails, the file holds what this run has written to it before. Older content is
        removed where possible: a later step would take it for this run's.

        Raises:
            OSError: it could not be written, or the path names something other than a file.
        """
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise OSError(0, "it is not a regular file", self._path)
        try:
            self._replace(text)
        except OSError as error:
            # A file that is mounted into a container cannot be renamed over, and a folder may be
            # read-only where the file is not.
            try:
                self._overwrite(text)
            except OSError:
                with suppress(OSError):
                    if self._text is None:
                        os.unlink(self._path)
                    else:
                        self._overwrite(self._text)
                raise error from None
        self._text = text

    def discard(self) -> None:
        """Remove a temporary file that an interrupted write has left."""
        if self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary)

    def _replace(self, text: str) -> None:
        folder = os.path.dirname(self._path)
        temporary = os.path.join(folder, f".twilio-build-wait.{os.urandom(8).hex()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, _MODE), "wb") as file:
                self._temporary = temporary
                os.fchmod(file.fileno(), _MODE)  # whatever the umask is
                if os.geteuid() == 0:  # the next step may not run as root
                    with suppress(OSError):
                        owner = os.stat(folder or os.curdir)
                        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                _write(file.fileno(), text)
            os.replace(temporary, self._path)
        except OSError:
            self.discard()
            raise
        finally:
            self._temporary = ""

    def _overwrite(self, text: str) -> None:
        # Not O_TRUNC: on a full disk the space that the file has can still be written to.
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self._path, flags), "wb") as file:
            file.truncate(_write(file.fileno(), text))


def _write(descriptor: int, text: str) -> int:
    """Write all of a text and return its size in bytes."""
    data = text.encode("utf-8", "backslashreplace")
    size = len(data)
    while data:
        data = data[os.write(descriptor, data) :]
    return size
