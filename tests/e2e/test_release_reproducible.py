"""The same source gives the same program in the image, built anew from the first instruction on.

What the classic builder itself adds with the time of the build, the folders on the way to the
program and the link on the PATH, is left out; a release has BuildKit set those as well.
"""

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import build
from tests.e2e.containers import HOME, docker

# Path, mode, time, size and target of everything, and then what is in each file.
LISTING = (
    "find . -mindepth 1 -printf '%p %m %U:%G %T@ %s %l\\n' | LC_ALL=C sort"
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


def test_building_again_without_a_cache_gives_the_same_program(
    image: str, another_image: str
) -> None:
    once, again = program(image), program(another_image)
    assert any("wait.py" in line for line in once)
    assert once == again
