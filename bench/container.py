"""The container: how long `docker run` takes, and what the image adds to its base."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from bench.processes import WrongVerdictError
from bench.programs import IMPORTS, REPOSITORY, MissingToolError, build_sids, environment
from bench.spread import spread
from emulator.server import Emulator, Options

#: Each container is started once in each round; the first rounds only warm caches up.
ROUNDS, WARM_UP = 11, 1
IMAGE = "twilio-build-wait-bench"
_PYTHON = "/opt/twilio-build-wait/bin/python"
#: What the ratios are over: the bare base running `true`.
BARE = "bare base, `true`"
PYTHON = "bare base, `python3 -c pass`"
IMPORTED = "the image, importing `requests` and `backoff`"
TOOL = "the image, one read of a finished build"


def measure() -> dict[str, Any]:
    """Run every round, and return the data of the page.

    Raises:
        MissingToolError: there is no Docker engine.
    """
    base = base_image()
    with _image(), Emulator(Options(default="completed:0s")) as emulator:
        sids = build_sids()
        took: dict[str, list[float]] = {name: [] for name in (BARE, PYTHON, IMPORTED, TOOL)}
        for number in range(WARM_UP + ROUNDS):
            for name, seconds in one_round(base, IMAGE, emulator.url, next(sids)).items():
                if number >= WARM_UP:
                    took[name].append(seconds)
        sizes = {"base": size(base), "image": size(IMAGE)}
    return {
        "rounds": ROUNDS,
        "base": base,
        # An image that no registry has given a digest was made on this machine.
        "stand_in": not _inspect(base)["RepoDigests"],
        "engine": _docker("version", "--format={{.Server.Version}}").strip(),
        "containers": {
            name: {
                "wall": spread([one / bare for one, bare in zip(some, took[BARE], strict=True)]),
                "rounds": some,
            }
            for name, some in took.items()
        },
        "sizes": sizes,
        "added": sizes["image"] - sizes["base"],
    }


def base_image() -> str:
    """Name the base as the Dockerfile does."""
    text = (REPOSITORY / "Dockerfile").read_text("utf-8")
    (named,) = re.findall(r"^ARG BASE_IMAGE=(\S+)$", text, re.MULTILINE)
    return str(named)


def one_round(base: str, image: str, url: str, build_sid: str) -> dict[str, float]:
    """Start each container once; return the seconds each took, from command to prompt.

    Args:
        base: the bare base image.
        image: the image made on it.
        url: the emulator's, which knows every build as completed.
        build_sid: the build to read.
    """
    with TemporaryDirectory() as folder:
        given = environment(url, build_sid, Path(folder), None)
    flags = [f"--env={name}={value}" for name, value in given.items() if "TWILIO" in name]
    return {
        BARE: _timed(base, "true"),
        PYTHON: _timed(base, "python3", "-c", "pass"),
        IMPORTED: _timed(f"--entrypoint={_PYTHON}", image, "-I", "-c", IMPORTS),
        TOOL: _timed(*flags, image, says="completed"),
    }


def _timed(*arguments: str, says: str = "") -> float:
    started = time.monotonic()
    said = _docker("run", "--rm", "--network=host", *arguments)
    seconds = time.monotonic() - started
    if says not in said:
        raise WrongVerdictError(f"docker run {arguments} said {said!r}")
    return seconds


@contextmanager
def _image() -> Iterator[None]:
    """Build the image from this work tree, and remove its name afterwards."""
    if which("docker") is None:
        raise MissingToolError("the container's figures need Docker, which is not installed here")
    _docker("build", "--quiet", f"--tag={IMAGE}", str(REPOSITORY))
    try:
        yield
    finally:
        _docker("image", "rm", "--force", IMAGE)


def _inspect(image: str) -> dict[str, Any]:
    (inspected,) = json.loads(_docker("image", "inspect", image))
    return dict(inspected)


def size(image: str) -> float:
    """Return the size of an image's layers unpacked, in MiB."""
    return float(_inspect(image)["Size"]) / 2**20


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingToolError(f"docker {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
