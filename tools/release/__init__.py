"""The steps of a release that can go wrong; docs/releasing.md describes the whole."""

import re

from packaging.version import Version

VERSION = r"(?:(?:0|[1-9][0-9]*)\.){2}(?:0|[1-9][0-9]*)"


class ReleaseError(Exception):
    """The release must stop: one line per problem, each with what to do about it."""


def parse_version(text: str) -> Version:
    """Parse three numbers as in SemVer, such as 1.2.3. ReleaseError for anything else."""
    if not re.fullmatch(VERSION, text):
        raise ReleaseError(f"{text!r} is not a release version. Use three numbers, such as 1.2.3.")
    return Version(text)
