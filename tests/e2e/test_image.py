"""What is in the image, and what is not."""

import io
import json
import stat
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from tests.e2e.conftest import built, docker
from tools.release import ReleaseError, trial
from twilio_build_wait import __version__

HOME = "/opt/twilio-build-wait"  # the program's folder in the image
LIMIT = 8 * 1024 * 1024  # bytes
COMPILED = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ", b"!<arch>")
PACKAGES = {"backoff", "requests", "certifi", "charset_normalizer", "idna", "urllib3"}
LABELS = "org.opencontainers.image."

Content = Mapping[str, tuple[tarfile.TarInfo, bytes]]


def layers(image: str) -> list[tuple[int, str]]:
    """Return the size in bytes and the command of each layer, the newest first."""
    form = "--format={{.Size}}\t{{.CreatedBy}}"
    rows = docker("history", "--no-trunc", "--human=false", form, image).splitlines()
    return [(int(size), command) for size, _, command in (row.partition("\t") for row in rows)]


def config(image: str) -> dict[str, object]:
    """Return an image's configuration without empty fields, which Docker drops since version 29."""
    fields = json.loads(docker("image", "inspect", image))[0]["Config"]
    return {name: value for name, value in fields.items() if value}


@pytest.fixture(scope="module")
def content(image: str) -> Content:
    """Everything in the program's folder, by its path relative to it."""
    command = ["docker", "run", "--rm", "--entrypoint=tar", image, "-c", f"--directory={HOME}", "."]
    archive = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            found[str(PurePosixPath(member.name))] = (member, file.read() if file else b"")
    return found


def test_image_adds_less_than_8_mib_and_no_credential(image: str, base_image: str) -> None:
    every, base = layers(image), layers(base_image)
    added = every[: -len(base)]
    assert every[-len(base) :] == base
    assert 0 < sum(size for size, _ in added) < LIMIT
    history = " ".join(command for _, command in added).lower()
    for word in ("auth_token", "api_secret", "password", "index-url", "find-links", "http:"):
        assert word not in history


def test_image_has_the_packages_and_nothing_compiled(content: Content) -> None:
    parts = [PurePosixPath(name).parts for name in content]
    names = {each[3] for each in parts if len(each) > 3 and each[0] == "lib"}
    names = {name for name in names if not name.endswith(".dist-info")}
    assert names == {"twilio_build_wait", *PACKAGES}
    for name, (_, data) in content.items():
        assert not name.endswith((".so", ".pyd", ".a", ".o")), name
        assert not data.startswith(COMPILED), name


def test_modules_have_byte_code_that_is_never_checked(content: Content) -> None:
    """Flags 1 in a .pyc file: it is not compared with the source (PEP 552)."""
    modules = [PurePosixPath(name) for name in content if name.endswith(".py") and "lib/" in name]
    assert modules
    for path in modules:
        start = f"{path.parent}/__pycache__/{path.stem}.cpython-"
        (data,) = (data for name, (_, data) in content.items() if name.startswith(start))
        assert data[4:8] == b"\x01\x00\x00\x00", path


def test_only_root_can_change_the_program(content: Content) -> None:
    for name, (member, _) in content.items():
        assert member.uid == 0, name
        assert member.issym() or not member.mode & (stat.S_IWGRP | stat.S_IWOTH), name


def test_configuration_is_that_of_the_base(image: str, base_image: str) -> None:
    changed = {"Entrypoint", "Cmd", "Labels", "Image"}
    ours, base = config(image), config(base_image)
    for name in (ours.keys() | base.keys()) - changed:
        assert ours.get(name) == base.get(name), name
    assert "User" not in ours  # GitHub's runner needs root
    assert ours["Entrypoint"] == [f"{HOME}/bin/python", "-I", f"{HOME}/entrypoint.py"]
    assert "Cmd" not in ours


def test_release_sets_labels(dockerfile: Path) -> None:
    values = {"source": "https://example.com/source", "revision": "0" * 40, "version": "9.8.7"}
    with built(dockerfile, *(f"--build-arg={k.upper()}={v}" for k, v in values.items())) as tag:
        labels = config(tag)["Labels"]
    assert isinstance(labels, dict)
    values |= {"title": "twilio-build-wait", "licenses": "MIT"}
    assert {f"{LABELS}{name}": value for name, value in values.items()}.items() <= labels.items()
    assert labels[f"{LABELS}description"]


def test_image_has_the_programs_that_runners_use(image: str) -> None:
    """Actions Runner Controller's container hooks (actions/runner-container-hooks#416)."""
    script = (
        "for p in sh env tail mkdir cp tar; do command -v $p; done; stat --version; find --version"
    )
    log = docker("run", "--rm", "--network=none", "--entrypoint=sh", image, "-ec", script)
    assert log.count("(GNU ") == 2


def test_image_of_another_version_is_not_released(image: str) -> None:
    trial.run(image, __version__)
    with pytest.raises(ReleaseError, match="Do not release"):
        trial.run(image, "0.0.1")
