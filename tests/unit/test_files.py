"""A file that is replaced as a whole."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from twilio_build_wait.reporters.files import ReplacedFile


def refuse(*_args: object) -> NoReturn:
    raise PermissionError(13, "Permission denied")


def write(path: Path, text: str = "new") -> None:
    try:
        ReplacedFile(str(path)).write(text)
    finally:
        assert list(path.parent.glob(".*.tmp")) == []


def test_file_is_created_for_everyone_to_read(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        write(tmp_path / "file", "ä\udcff" * 100_000)
    finally:
        os.umask(umask)
    assert (tmp_path / "file").read_bytes() == ("ä" + "\\udcff").encode() * 100_000
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_relative_path_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ReplacedFile("file").write("new")
    assert (tmp_path / "file").read_text() == "new"
    assert len([*tmp_path.iterdir()]) == 1


def test_any_name_that_the_file_system_accepts(tmp_path: Path) -> None:
    for name in ("€" * 80, "x" * 255, " ", "a\nb"):
        write(tmp_path / name)
        assert (tmp_path / name).read_text() == "new"


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    for name, target in {"link": "target", "dangling": "nothing"}.items():
        (tmp_path / name).symlink_to(tmp_path / target)
        write(tmp_path / name)
        assert not (tmp_path / name).is_symlink()
    assert (tmp_path / "target").read_text() == "old"


NO_FILES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "named pipe": os.mkfifo,
    "link to a device": lambda path: path.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_regular_file_is_refused(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "file")
    before = (tmp_path / "file").lstat()
    with pytest.raises(OSError, match="not a regular file"):
        write(tmp_path / "file")
    assert (tmp_path / "file").lstat() == before


def test_file_that_cannot_be_renamed_over_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("old and longer")
    before = (tmp_path / "file").stat().st_ino
    monkeypatch.setattr(os, "replace", refuse)  # as for a file mounted into a container
    write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"
    assert (tmp_path / "file").stat().st_ino == before


def test_old_content_is_removed_if_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "write", refuse)  # as on a full disk
    with pytest.raises(PermissionError):
        write(tmp_path / "file")
    assert [*tmp_path.iterdir()] == []


def test_this_run_s_content_stays_if_a_later_write_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, real_write = ReplacedFile(str(tmp_path / "file")), os.write

    def refuse_new(descriptor: int, data: bytes) -> int:
        return real_write(descriptor, data) if b"new" not in data else refuse()

    file.write("early")
    monkeypatch.setattr(os, "write", refuse_new)
    with pytest.raises(PermissionError):
        file.write("new")
    assert (tmp_path / "file").read_text() == "early"


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ReplacedFile(str(tmp_path / "no" / "file")).write("new")


@pytest.mark.parametrize("user", [0, 1000])
def test_root_gives_the_file_to_the_owner_of_the_folder(
    user: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fchown", lambda _fd, owner, group: given.append((owner, group)))
    write(tmp_path / "file")
    owner = tmp_path.stat()
    assert given == ([(owner.st_uid, owner.st_gid)] if user == 0 else [])
    monkeypatch.setattr(os, "fchown", refuse)
    write(tmp_path / "file", "newer")
    assert (tmp_path / "file").read_text() == "newer"


def test_interrupted_write_leaves_nothing_after_discard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ReplacedFile(str(tmp_path / "file"))
    file.discard()

    def interrupt(_old: str, _new: str) -> None:
        assert len([*tmp_path.iterdir()]) == 1
        file.discard()
        assert [*tmp_path.iterdir()] == []

    monkeypatch.setattr(os, "replace", interrupt)
    file.write("new")
