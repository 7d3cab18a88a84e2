"""What is in the image, and what is not."""

import io
import stat
import subprocess
import tarfile
import uuid
from importlib.util import MAGIC_NUMBER
from pathlib import PurePosixPath

import pytest

from tests.e2e.conftest import build
from tests.e2e.containers import COMMAND, HOME, docker, image_config

LIMIT = 8 * 1024 * 1024
COMPILED = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ", b"!<arch>")


def layers(image: str) -> list[tuple[int, str]]:
    """Size in bytes and command of each layer, the newest first."""
    rows = docker(
        "history", "--no-trunc", "--human=false", "--format={{.Size}}\t{{.CreatedBy}}", image
    ).splitlines()
    split = (row.partition("\t") for row in rows)
    return [(int(size), command) for size, _, command in split]


def added_layers(image: str, base_image: str) -> list[tuple[int, str]]:
    """What this image has on top of its base."""
    every, base = layers(image), layers(base_image)
    assert every[len(every) - len(base) :] == base
    return every[: len(every) - len(base)]


def files(image: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Everything in the program's folder, by its path relative to it."""
    name = f"twilio-build-wait-e2e-{uuid.uuid4().hex[:12]}"
    docker("create", f"--name={name}", image)
    try:
        archive = subprocess.run(
            ["docker", "cp", f"{name}:{HOME}/.", "-"], capture_output=True, check=True, timeout=60
        ).stdout
    finally:
        docker("rm", name)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            held = tar.extractfile(member) if member.isfile() else None
            found[str(PurePosixPath(member.name))] = (member, held.read() if held else b"")
    return found


@pytest.fixture(scope="module")
def content(image: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """The program's folder, read once."""
    return files(image)


def test_it_adds_less_than_8_mib_to_its_base(image: str, base_image: str) -> None:
    added = sum(size for size, _ in added_layers(image, base_image))
    assert 0 < added < LIMIT


def test_nothing_in_it_is_compiled(content: dict[str, tuple[tarfile.TarInfo, bytes]]) -> None:
    assert "entrypoint.py" in content
    for name, (_, data) in content.items():
        assert not name.endswith((".so", ".pyd", ".a", ".o")), name
        assert not data.startswith(COMPILED), name


def test_every_module_comes_with_byte_code_that_is_never_checked(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    """Flags 1 in a .pyc: bound to the source by hash, not by time, and not compared (PEP 552)."""
    modules = [name for name in content if name.startswith("lib/") and name.endswith(".py")]
    assert any(name.endswith("/twilio_build_wait/__init__.py") for name in modules)
    for name in modules:
        path = PurePosixPath(name)
        (byte_code,) = (
            data
            for other, (_, data) in content.items()
            if other.startswith(f"{path.parent}/__pycache__/{path.stem}.cpython-")
        )
        assert byte_code[4:8] == b"\x01\x00\x00\x00", name
        assert len(byte_code) > 16 > len(MAGIC_NUMBER)


def test_every_user_can_read_it_and_only_root_can_change_it(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    for name, (member, _) in content.items():
        if member.issym():
            continue
        assert (member.uid, member.gid) == (0, 0), name
        assert not member.mode & (stat.S_IWGRP | stat.S_IWOTH), name
        assert member.mode & stat.S_IROTH, name
        if member.isdir() or name == "entrypoint.py":
            assert member.mode & stat.S_IXOTH, name


def test_no_tests_and_no_installer_are_in_it(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    packages = {
        PurePosixPath(name).parts[3]
        for name in content
        if name.startswith("lib/") and len(PurePosixPath(name).parts) > 3
    }
    modules = {name for name in packages if not name.endswith(".dist-info")}
    assert modules == {
        "backoff",
        "certifi",
        "charset_normalizer",
        "idna",
        "requests",
        "twilio_build_wait",
        "urllib3",
    }
    assert {name.partition("-")[0] for name in packages - modules} == modules


def test_its_configuration_is_the_base_s_but_for_entrypoint_and_labels(
    image: str, base_image: str
) -> None:
    config, base = image_config(image), image_config(base_image)
    assert config["Env"] == base["Env"]
    assert config["User"] == base["User"] == ""
    assert config.get("WorkingDir") == base.get("WorkingDir")
    assert config["Entrypoint"] == [f"{HOME}/bin/python", "-I", f"{HOME}/entrypoint.py"]
    assert not config["Cmd"]


def test_its_labels(image: str) -> None:
    labels = image_config(image)["Labels"]
    assert isinstance(labels, dict)
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == COMMAND
    assert labels[f"{prefix}licenses"] == "MIT"
    assert labels[f"{prefix}description"]


def test_a_release_hands_its_labels_in(engine: str) -> None:
    assert engine
    tag = f"twilio-build-wait-e2e:{uuid.uuid4().hex[:12]}"
    given = {"SOURCE": "https://example.com/source", "REVISION": "0" * 40, "VERSION": "9.8.7"}
    build(tag, *(f"--build-arg={name}={value}" for name, value in given.items()))
    try:
        labels = image_config(tag)["Labels"]
    finally:
        docker("image", "rm", "--force", tag)
    assert isinstance(labels, dict)
    for name, value in given.items():
        assert labels[f"org.opencontainers.image.{name.lower()}"] == value


def test_its_history_names_no_credential_and_no_index(image: str, base_image: str) -> None:
    history = "\n".join(command for _, command in added_layers(image, base_image)).lower()
    assert "entrypoint" in history
    for word in ("auth_token", "api_secret", "password", "index-url", "find-links", "http:"):
        assert word not in history
