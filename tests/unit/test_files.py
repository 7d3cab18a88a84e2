"""The files that outlive the process, each in the state in which a runner may have left it."""

import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twilio_build_wait.reporters import files

NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """Make a folder that every user can get at (pytest's own is for one alone)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def _as_nobody(place: Path) -> Iterator[None]:  # noqa: ARG001 (made while there are rights)
    """Give up root's rights where there are any: they would make every folder writable."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(before)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Set the umask for a test; return the function that does."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# -- appending -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after",
    [
        (None, b"new\n"),
        (b"", b"new\n"),
        (b"old\n", b"old\nnew\n"),
        (b"old", b"old\nnew\n"),
        (b"old\r", b"old\r\nnew\n"),
        (b"\n", b"\nnew\n"),
    ],
)
def test_what_is_appended_begins_a_line_of_its_own(
    tmp_path: Path, before: bytes | None, after: bytes
) -> None:
    file = tmp_path / "output"
    if before is not None:
        file.write_bytes(before)
    files.append(str(file), "new\n")
    assert file.read_bytes() == after


@pytest.mark.usefixtures("_as_nobody")
def test_a_file_that_can_be_written_and_not_read_is_appended_to(place: Path) -> None:
    file = place / "output"
    file.write_bytes(b"old\n")
    file.chmod(0o200)
    files.append(str(file), "new\n")
    file.chmod(0o600)
    assert file.read_bytes() == b"old\nnew\n"


@pytest.mark.parametrize("masked, expected", [(0o077, 0o600), (0o022, 0o644), (0, 0o666)])
def test_a_new_file_has_the_mode_that_the_user_wants(
    tmp_path: Path, umask: Callable[[int], int], masked: int, expected: int
) -> None:
    umask(masked)
    files.append(str(tmp_path / "output"), "new\n")
    assert mode(tmp_path / "output") == expected


def test_a_link_of_the_runner_s_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("output")
    files.append(str(tmp_path / "link"), "new\n")
    assert (tmp_path / "output").read_text() == "new\n"


def test_text_that_is_no_unicode(tmp_path: Path) -> None:
    files.append(str(tmp_path / "a"), "é\udcff\n")
    files.replace(str(tmp_path / "b"), "é\udcff\n")
    expected = "é\\udcff\n".encode()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == expected


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        yield


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        files.append(str(tmp_path / "output"), "new\n")


def test_appending_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.append(str(tmp_path / "no" / "output"), "new\n")


def test_a_pipe_that_nobody_reads_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device or address"):
        files.append(str(tmp_path / "pipe"), "new\n")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (only their number matters)


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = open_files()
    files.append(str(tmp_path / "a"), "new\n")
    files.append(str(tmp_path / "a"), "new\n")
    files.replace(str(tmp_path / "b"), "new\n")
    assert open_files() == before


@pytest.mark.usefixtures("full_disk")
def test_nothing_stays_open_on_a_full_disk(tmp_path: Path) -> None:
    before = open_files()
    for write in (files.append, files.replace):
        with pytest.raises(OSError, match="No space left"):
            write(str(tmp_path / "a"), "new\n")
    assert open_files() == before


# -- replacing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, "", "old\n", 9999 * "old "])
def test_a_file_is_replaced_whole(tmp_path: Path, before: str | None) -> None:
    file = tmp_path / "output"
    if before is not None:
        file.write_text(before)
        file.chmod(0o600)
    files.replace(str(file), "new\n")
    assert (file.read_text(), mode(file)) == ("new\n", 0o644)
    assert os.listdir(tmp_path) == ["output"]  # noqa: PTH208 (names are what is compared)


@pytest.mark.parametrize("masked", [0o077, 0o022, 0])
def test_its_mode_does_not_hang_on_the_umask(
    tmp_path: Path, umask: Callable[[int], int], masked: int
) -> None:
    umask(masked)
    files.replace(str(tmp_path / "output"), "new\n")
    assert mode(tmp_path / "output") == 0o644


def test_it_is_a_new_file_in_the_old_one_s_place(tmp_path: Path) -> None:
    file, other = tmp_path / "output", tmp_path / "other"
    file.write_text("old\n")
    other.hardlink_to(file)
    files.replace(str(file), "new\n")
    assert (file.read_text(), other.read_text()) == ("new\n", "old\n")


@pytest.mark.parametrize("target", ["precious", "nowhere", "."])
def test_a_link_is_replaced_and_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "precious").write_text("precious\n")
    (tmp_path / "output").symlink_to(target)
    files.replace(str(tmp_path / "output"), "new\n")
    assert not (tmp_path / "output").is_symlink()
    assert (tmp_path / "output").read_text() == "new\n"
    assert (tmp_path / "precious").read_text() == "precious\n"
    assert not (tmp_path / "nowhere").exists()


def test_a_relative_path_is_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files.replace("output", "new\n")
    assert (tmp_path / "output").read_text() == "new\n"


@pytest.mark.parametrize("length", [90, 100, 101, 250, 255])
def test_a_long_name(tmp_path: Path, length: int) -> None:
    file = tmp_path / (length * "n")
    files.replace(str(file), "new\n")
    assert file.read_text() == "new\n"


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
def test_what_is_no_file_is_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # No real device: under mutation testing, by root, it would be replaced one day.
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = "output"
    if kind == "folder":
        Path(path).mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path)
    before = Path(path).lstat()
    with pytest.raises(OSError, match="it is not a file") as caught:
        files.replace(path, "new\n")
    problem = caught.value
    assert (problem.errno, problem.strerror, problem.filename) == (0, "it is not a file", path)
    after = Path(path).lstat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)


def test_a_file_that_cannot_be_renamed_over_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As one that is mounted into a container; mounting takes root, and the kernel's answer is this.
    made_in: list[Path] = []

    def busy(source: str, target: str) -> None:
        made_in.append(Path(source).parent)
        raise OSError(16, "Device or resource busy", target)

    monkeypatch.setattr(os, "replace", busy)
    file = tmp_path / "output"
    file.write_text("older and longer\n")
    inode = file.stat().st_ino
    files.replace(str(file), "new\n")
    assert (file.read_text(), file.stat().st_ino) == ("new\n", inode)
    assert made_in == [tmp_path]  # where alone it can be renamed
    assert os.listdir(tmp_path) == ["output"]  # noqa: PTH208 (names are what is compared)


def test_a_file_that_is_cleaned_away_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cleaned(source: str, _target: str) -> None:
        Path(source).unlink()
        raise FileNotFoundError(2, "No such file or directory", source)

    monkeypatch.setattr(os, "replace", cleaned)
    file = tmp_path / "output"
    file.write_text("older and longer\n")
    files.replace(str(file), "new\n")
    assert file.read_text() == "new\n"


def test_what_is_in_the_way_of_a_new_file_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody can guess its name; if someone could, a link there would have anything written over.
    monkeypatch.setattr(os, "urandom", bytes)
    (tmp_path / "precious").write_text("precious\n")
    (tmp_path / f".output.{16 * '0'}.tmp").symlink_to("precious")
    with pytest.raises(FileExistsError):
        files.replace(str(tmp_path / "output"), "new\n")
    assert (tmp_path / "precious").read_text() == "precious\n"


@pytest.mark.usefixtures("_as_nobody")
def test_a_file_in_a_folder_that_cannot_be_written_is_written_over(place: Path) -> None:
    folder = place / "folder"
    folder.mkdir()
    (folder / "output").write_text("older and longer\n")
    folder.chmod(0o555)
    try:
        files.replace(str(folder / "output"), "new\n")
        assert (folder / "output").read_text() == "new\n"
    finally:
        folder.chmod(0o755)


@pytest.mark.usefixtures("_as_nobody")
def test_what_cannot_be_made_is_said_as_it_is(place: Path) -> None:
    # And not as what the last attempt met: that there is no file to write over.
    folder = place / "folder"
    folder.mkdir(mode=0o555)
    with pytest.raises(PermissionError):
        files.replace(str(folder / "output"), "new\n")


@pytest.mark.usefixtures("_as_nobody")
def test_a_link_is_not_followed_there_either(place: Path) -> None:
    (place / "precious").write_text("precious\n")
    folder = place / "folder"
    folder.mkdir()
    (folder / "output").symlink_to(place / "precious")
    folder.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            files.replace(str(folder / "output"), "new\n")
        assert (place / "precious").read_text() == "precious\n"
    finally:
        folder.chmod(0o755)


@pytest.mark.usefixtures("full_disk")
def test_no_earlier_content_survives_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("old\n")
    with pytest.raises(OSError, match="No space left on device"):
        files.replace(str(file), "new\n")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_takes_a_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    files.append(str(tmp_path / "a"), "a longer line\n")
    files.replace(str(tmp_path / "b"), "a longer line\n")
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() == "a longer line\n"
