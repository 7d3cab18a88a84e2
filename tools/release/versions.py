"""Release versions: three numbers as in SemVer 2.0.0, nothing after them."""

import re
from dataclasses import dataclass

from tools.release.problems import ReleaseError

_NUMBER = r"(0|[1-9][0-9]{0,5})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")


@dataclass(frozen=True, order=True)
class Version:
    """`major.minor.patch`, compared as numbers."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `1.2.3`; a `v` before it, a pre-release and build metadata raise ReleaseError."""
        match = _VERSION.fullmatch(text)
        if not match:
            raise ReleaseError(
                f"{text!r} is not a release version: three numbers are expected, such as 1.2.3,"
                " without a v before them and nothing after them."
            )
        return cls(*(int(number) for number in match.groups()))

    @property
    def tag(self) -> str:
        """The tag that never moves, such as v1.2.3."""
        return f"v{self}"

    @property
    def major_tag(self) -> str:
        """The tag that follows the newest release of the major version, such as v1."""
        return f"v{self.major}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
