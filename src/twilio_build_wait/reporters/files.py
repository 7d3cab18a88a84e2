"""A file that is replaced as a whole: old content never looks like the result of this run."""

import os
from contextlib import suppress

from twilio_build_wait.guard import open_file

_MODE = 0o644


class ReplacedFile:
    """A file at a path of the user's."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._temporary = ""

    def write(self, text: str) -> None:
        """Replace the file, or overwrite it in place where it cannot be replaced.

        A symbolic link is replaced, not followed. A write that fails leaves no part of the text.

        Raises:
            OSError: it could not be written, or the path names something other than a file.
        """
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise OSError(0, "it is not a regular file", self._path)
        data = text.encode("utf-8", "backslashreplace")
        try:
            self._replace(data)
        except OSError as error:
            # A file that is mounted into a container cannot be renamed over, a folder may be
            # read-only where the file is not, and the temporary name can be too long.
            try:
                self._overwrite(data)
            except OSError:
                raise error from None

    def discard(self) -> None:
        """Remove a temporary file that an interrupted write has left."""
        if self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary)

    def _replace(self, data: bytes) -> None:
        folder = os.path.dirname(self._path)
        temporary = os.path.join(folder, f".twilio-build-wait.{os.urandom(8).hex()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, _MODE), "wb") as file:
                self._temporary = temporary
                # Whatever the umask is, and for a next step that does not run as root. A network
                # share may refuse either.
                with suppress(OSError):
                    os.fchmod(file.fileno(), _MODE)
                    if os.geteuid() == 0:
                        owner = os.stat(folder or os.curdir)
                        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                file.write(data)
            os.replace(temporary, self._path)
        except OSError:
            self.discard()
            raise
        finally:
            self._temporary = ""

    def _overwrite(self, data: bytes) -> None:
        # Not O_TRUNC: on a full disk the space that the file has can still be written to.
        with open(open_file(self._path, os.O_NOFOLLOW, _MODE), "wb", buffering=0) as file:
            try:
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
                file.truncate(written)
            except OSError:
                file.truncate(0)
                with suppress(OSError):
                    os.unlink(self._path)
                raise
