"""What the output channels write."""

import json
from pathlib import Path
from unittest import mock

import pytest

from tests.support import parsers
from twilio_build_wait.outputs import OUTPUTS
from twilio_build_wait.reporters.channels import github_output, output_file
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log

# Value -> what dotenv carries of it.
DOTENV = {
    "a-Z_0.9/:@%+,": "a-Z_0.9/:@%+,",
    "a b": "",
    "a'b": "",
    "$HOME": "",
    "a#b": "",
    "a=b": "",
    "ä": "",
    "a\n": "",
}


@pytest.fixture
def lines() -> list[bytes]:
    """The lines of the log."""
    return []


@pytest.fixture
def log(lines: list[bytes]) -> Log:
    return Log(lines.append, choose({}), float, is_live=False)


def test_value_cannot_end_its_github_output() -> None:
    append, values = mock.Mock(), {"reason": "a\noutcome=completed", "polls": "3"}
    github_output("/file", append).save(values)
    ((path, text),) = (call.args for call in append.call_args_list)
    assert path == "/file"
    assert parsers.github_file(text) == [*values.items()]


def test_delimiter_of_a_github_output_is_long_and_random() -> None:
    append = mock.Mock()
    for _ in range(2):
        github_output("/file", append).save({"reason": "a"})
    first, second = (call.args[1].split("\n")[0] for call in append.call_args_list)
    assert first != second
    assert len(first) >= len("reason<<") + 32


@pytest.mark.parametrize("value", DOTENV)
def test_dotenv_carries_plain_values_only(value: str, tmp_path: Path, log: Log) -> None:
    path = tmp_path / "wait.env"
    output_file(str(path), log).save({"status": value})
    assert f"TWILIO_BUILD_WAIT_STATUS={DOTENV[value]}\n" in path.read_text()


def test_value_that_dotenv_cannot_carry_is_reported_once(
    tmp_path: Path, log: Log, lines: list[bytes]
) -> None:
    channel = output_file(str(tmp_path / "a\nb"), log)
    for _ in range(2):
        channel.save({"status": "a b"})
    name = f"output-file {tmp_path}/a b"
    problem = f"status is left empty in {name}: dotenv cannot carry 'a b'\n"
    assert lines == [problem.encode()]


def test_dotenv_omits_the_reason(tmp_path: Path, log: Log, lines: list[bytes]) -> None:
    path = tmp_path / "wait.env"
    output_file(str(path), log).save({"reason": "two words"})
    assert "REASON" not in path.read_text()
    assert not lines


def test_file_is_written_before_the_log_that_nobody_may_read(tmp_path: Path) -> None:
    path = tmp_path / "wait.env"
    seen: list[str] = []
    log = Log(lambda _: seen.append(path.read_text()), choose({}), float, is_live=False)
    output_file(str(path), log).save({"status": "a b", "outcome": "failed"})
    assert "TWILIO_BUILD_WAIT_OUTCOME=failed\n" in seen[0]


def test_json_has_every_output_and_the_last_value_of_each(tmp_path: Path, log: Log) -> None:
    path = tmp_path / "wait.json"
    channel = output_file(str(path), log)
    channel.save({"status": "building", "polls": "2"})
    channel.save({"status": "failed", "elapsed-seconds": "1.5"})
    changed = {"status": "failed", "polls": 2, "elapsed-seconds": 1.5}
    assert json.loads(path.read_text()) == dict.fromkeys(OUTPUTS, "") | changed
