"""The same source gives the same program in the image, without a cache.

The classic builder dates the folders above the program and the link on the PATH. In a release,
BuildKit sets those dates too.
"""

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import build
from tests.e2e.containers import HOME, docker

# Two builds on a busy machine.
pytestmark = pytest.mark.timeout(300)

# Type, path, mode, owner, time, size and link target of everything, then the files' hashes.
LISTING = (
    "find . -mindepth 1 -printf '%y %p %m %U:%G %T@ %s %l\\n' | LC_ALL=C sort"
    " && find . -type f -exec sha256sum {} + | LC_ALL=C sort"
)


@pytest.fixture
def another_image(engine: str) -> Iterator[str]:
    assert engine
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    build(tag, "--no-cache")
    yield tag
    docker("image", "rm", "--force", tag)


def program(image: str) -> list[str]:
    flags = ("--rm", "--network=none", f"--workdir={HOME}", "--entrypoint=sh")
    return docker("run", *flags, image, "-c", LISTING).splitlines()


def test_second_build_has_the_same_program(image: str, another_image: str) -> None:
    once, again = program(image), program(another_image)
    assert once == again
    # A link in the source, to a file outside the package.
    assert [line[0] for line in once if "twilio_build_wait/__main__.py " in line] == ["f"]
