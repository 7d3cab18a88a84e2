"""The steps of a release that can go wrong; docs/releasing.md describes the whole.

They need Python, git and Docker, and no package: a release installs nothing.
"""

import re
from typing import NamedTuple, Self

VERSION = r"((0|[1-9][0-9]*)\.){2}(0|[1-9][0-9]*)"


class ReleaseError(Exception):
    """The release must stop: one line per problem, each with what to do about it."""


class Version(NamedTuple):
    """Three numbers as in SemVer, in their order."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a text such as 1.2.3. ReleaseError for anything else."""
        if not re.fullmatch(VERSION, text):
            raise ReleaseError(f"{text!r} is not a version. Use three numbers, such as 1.2.3.")
        return cls(*map(int, text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
