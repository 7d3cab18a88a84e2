"""A file that is replaced as a whole, on disks and in folders that do not allow it."""

import os
import resource
from pathlib import Path
from typing import NoReturn

import pytest

from twilio_build_wait.reporters.files import ReplacedFile


def refuse(*_args: object) -> NoReturn:
    raise PermissionError(13, "Permission denied")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("old and longer")
    return tmp_path / "file"


def test_long_text_is_written_whole(path: Path) -> None:
    ReplacedFile(str(path)).write("ä\udcff" * 100_000)
    assert path.read_bytes() == ("ä" + "\\udcff").encode() * 100_000


def test_file_that_cannot_be_renamed_over_is_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.stat().st_ino
    monkeypatch.setattr(os, "replace", refuse)  # as for a file mounted into a container
    ReplacedFile(str(path)).write("new")
    assert (path.read_text(), path.stat().st_ino) == ("new", before)
    assert [*path.parent.iterdir()] == [path]


def test_new_file_is_created_where_no_temporary_one_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    monkeypatch.setattr(os, "replace", refuse)  # as for a temporary name that is too long
    ReplacedFile(str(path)).write("new")
    assert path.read_text() == "new"


def test_write_that_stops_halfway_leaves_nothing(path: Path) -> None:
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, old_limit[1]))  # as on a full disk
    try:
        with pytest.raises(OSError, match="too large"):
            ReplacedFile(str(path)).write("new and longer than twenty bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
    assert [*path.parent.iterdir()] == []


def test_file_system_that_refuses_a_mode_does_not_matter(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fchmod", refuse)
    ReplacedFile(str(path)).write("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("user", [0, 1000])
def test_root_gives_the_file_to_the_owner_of_the_folder(
    user: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fchown", lambda _fd, owner, group: given.append((owner, group)))
    monkeypatch.chdir(path.parent)
    ReplacedFile("file").write("new")
    owner = path.parent.stat()
    assert given == ([(owner.st_uid, owner.st_gid)] if user == 0 else [])
    monkeypatch.setattr(os, "fchown", refuse)
    ReplacedFile("file").write("newer")
    assert path.read_text() == "newer"
