"""The one line of action.yml that a release changes: which image the action runs."""

import re

from tools.release.problems import ReleaseError

NAME = "action.yml"

#: What stands in the file on the main branch, where every run builds its own image.
_BUILT = "  image: Dockerfile"
#: Wider than what is accepted, so that another spelling is refused and not overlooked.
_KEY = re.compile(r"""[\s"'{-]*image["']?\s*:""")
_PINNED = re.compile(r"  image: docker://(?P<reference>\S+)")

# A reference as in github.com/distribution/reference, narrowed: a registry's host is always there,
# a tag never is, and the digest is SHA-256.
_HOST = r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(rf"{_HOST}(?:/{_COMPONENT})+@sha256:[0-9a-f]{{64}}")


def pin(text: str, reference: str) -> str:
    """Return action.yml with `image: Dockerfile` replaced by `image: docker://{reference}`.

    `reference` is `registry/owner/name@sha256:…`, without a tag. ReleaseError if it is anything
    else, or if the file has not exactly one `image:`, with exactly that value, below `runs:`.
    """
    if not _REFERENCE.fullmatch(reference):
        raise ReleaseError(
            f"{reference!r} does not fix an image: registry/owner/name@sha256:… is expected, in"
            " lower case, with 64 hexadecimal digits and without a tag."
        )
    lines = text.split("\n")
    where = _image_line(lines)
    if lines[where] != _BUILT:
        raise ReleaseError(
            f"{NAME}: line {where + 1} is {lines[where]!r}, not {_BUILT!r}. Only the main branch's"
            " file can be pinned; a release's file is pinned already."
        )
    lines[where] = f"  image: docker://{reference}"
    return "\n".join(lines)


def pinned(text: str) -> str:
    """Return the reference that a released action.yml runs; ReleaseError if it is not pinned."""
    lines = text.split("\n")
    line = lines[_image_line(lines)]
    match = _PINNED.fullmatch(line)
    if not match or not _REFERENCE.fullmatch(match["reference"]):
        raise ReleaseError(f"{NAME}: {line!r} does not name an image by digest.")
    return match["reference"]


def _image_line(lines: list[str]) -> int:
    """Find the index of the only line that begins with `image:`; it has to stand below `runs:`."""
    found = [index for index, line in enumerate(lines) if _KEY.match(line)]
    if len(found) != 1:
        raise ReleaseError(
            f"{NAME} has {len(found)} lines that begin with `image:`, where exactly one is"
            f" expected: {_BUILT!r} below `runs:`."
        )
    above = [line for line in lines[: found[0]] if line and line[0] not in " \t#"]
    if not above or above[-1] != "runs:":
        raise ReleaseError(
            f"{NAME}: line {found[0] + 1}, its `image:`, does not stand below `runs:`."
        )
    return found[0]
