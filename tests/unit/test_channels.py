"""What the output channels write, on disks and in folders that do not allow it, too."""

import contextlib
import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support import parsers
from twilio_build_wait.reporters.channels import github_output, output_file, replace_file
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log


def test_value_cannot_end_its_github_output() -> None:
    texts: list[str] = []
    values = {"reason": "a\noutcome=completed", "polls": "3"}
    github_output("", lambda _, text: texts.append(text)).save(values)
    assert parsers.github_file(texts[0]) == [*values.items()]


def test_delimiter_of_a_github_output_is_long_and_random() -> None:
    texts: list[str] = []
    for _ in range(2):
        github_output("", lambda _, text: texts.append(text)).save({"polls": "3"})
    first, second = (text.split("\n")[0] for text in texts)
    assert first != second
    assert len(first) >= len("polls<<") + 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("old and longer")
    return tmp_path / "file"


@pytest.fixture
def shown() -> list[str]:
    """The lines of the log."""
    return []


@pytest.fixture
def log(shown: list[str]) -> Log:
    return Log(lambda line: shown.append(line.decode()), choose({}), float, is_live=False)


PLAIN = "a-Z_0.9/:@%+,"
# Value -> what dotenv carries of it.
CARRIED = {PLAIN: PLAIN} | dict.fromkeys(["a b", "a'b", "$HOME", "a#b", "a=b", "ä", "a\n"], "")


@pytest.mark.parametrize("value", CARRIED)
def test_dotenv_carries_only_plain_values(value: str, path: Path, log: Log) -> None:
    output_file(str(path), log).save({"status": value})
    assert f"TWILIO_BUILD_WAIT_STATUS={CARRIED[value]}\n" in path.read_text()


def test_value_that_dotenv_cannot_carry_is_reported_once_but_the_reason_never(
    path: Path, log: Log, shown: list[str]
) -> None:
    channel = output_file(str(path), log)
    channel.save({"status": "a b", "reason": "two words"})
    channel.save({"status": "a b", "polls": "2"})
    assert shown == [f"status is left empty in output-file {path}: dotenv cannot carry 'a b'\n"]
    assert "REASON" not in path.read_text()


def test_file_is_written_before_the_log_that_nobody_may_read(path: Path) -> None:
    seen: list[str] = []
    log = Log(lambda _: seen.append(path.read_text()), choose({}), float, is_live=False)
    output_file(str(path), log).save({"status": "a b", "outcome": "failed"})
    assert "TWILIO_BUILD_WAIT_OUTCOME=failed\n" in seen[0]


def refuse(*_args: object) -> NoReturn:
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.fixture
def mounted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that cannot be renamed over, as one that is mounted into a container."""
    monkeypatch.setattr(os, "replace", refuse)
    return path


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let the disk take only a part of a write. Not a fixture: pytest writes to files, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_link_with_a_long_name_is_replaced_not_followed(path: Path) -> None:
    link = path.with_name("€" * 85)  # 255 bytes
    link.symlink_to(path)
    replace_file(str(link), "new")
    assert link.read_text() == "new"
    assert path.read_text() == "old and longer"


def test_file_that_cannot_be_renamed_over_is_overwritten(mounted: Path) -> None:
    mounted.chmod(0o600)
    before = mounted.stat()
    replace_file(str(mounted), "new")
    assert mounted.read_text() == "new"
    assert mounted.stat().st_ino == before.st_ino
    assert mounted.stat().st_mode == before.st_mode
    assert [*mounted.parent.iterdir()] == [mounted]


def test_link_that_cannot_be_replaced_is_not_followed(mounted: Path) -> None:
    link = mounted.with_name("link")
    link.symlink_to(mounted)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        replace_file(str(link), "new")
    assert mounted.read_text() == "old and longer"


def test_write_that_stops_halfway_leaves_nothing(path: Path) -> None:
    with pytest.raises(OSError, match="too large"), full_disk():
        replace_file(str(path), "new and longer than twenty bytes")
    assert [*path.parent.iterdir()] == []


def test_mounted_file_is_left_empty_by_a_write_that_stops_halfway(
    mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(OSError, match="too large"), full_disk():
        replace_file(str(mounted), "new and longer than twenty bytes")
    assert mounted.read_text() == ""


def test_new_file_has_mode_0644_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    replace_file(str(tmp_path / "file"), "new")
    os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["fchmod", "fchown"])
def test_file_system_that_refuses_mode_or_owner_does_not_matter(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(os, name, refuse)
    replace_file(str(path), "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("user", [0, 1000], ids=["root", "another user"])
def test_only_root_gives_a_file_to_the_owner_of_the_folder(
    user: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fchown", lambda _fd, owner, group: given.append((owner, group)))
    monkeypatch.chdir(path.parent)
    replace_file("file", "new")
    owner = path.parent.stat()
    assert given == ([(owner.st_uid, owner.st_gid)] if user == 0 else [])
