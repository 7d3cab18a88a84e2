"""The outputs in each channel, and what the parser at the other end reads back."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration import runner_model
from tests.unit import hostile
from twilio_build_wait.outcome import OUTPUTS, Ending, Outcome, Progress, outputs, variable
from twilio_build_wait.reporters.channels import GitHubOutput, OutputFile, StandardOutput
from twilio_build_wait.reporters.console import Console
from twilio_build_wait.reporters.dialects import Azure

PROGRESS = Progress("ZB1", "ZS1", "AC1", "https://x.test/a?b", "building", 61.26, 7)
VALUES = outputs(PROGRESS, Outcome(Ending.TIMED_OUT, PROGRESS, "why, and what then"))


# -- GITHUB_OUTPUT ---------------------------------------------------------------------------------


def test_the_runner_reads_every_output(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("earlier=kept")
    channel = GitHubOutput(str(file))
    channel.save({"outcome": "", "build-sid": "ZB1"})
    channel.save(VALUES)
    assert channel.name == "GITHUB_OUTPUT"
    assert runner_model.github_file(file.read_text()) == [
        ("earlier", "kept"),
        ("outcome", ""),
        ("build-sid", "ZB1"),
        *VALUES.items(),
    ]


def test_the_delimiter_cannot_be_known_beforehand(tmp_path: Path) -> None:
    channel = GitHubOutput(str(tmp_path / "output"))
    for _ in range(3):
        channel.save({"a": "1", "b": "2"})
    written = (tmp_path / "output").read_text()
    delimiters = re.findall(r"^[ab]<<(ghadelimiter_[0-9a-f]{32})\n[12]\n\1$", written, re.MULTILINE)
    assert len(delimiters) == 6
    assert len(set(delimiters)) == 3


@given(st.dictionaries(st.sampled_from(list(OUTPUTS)), hostile.TEXT, min_size=1))
def test_no_value_forges_an_output(values: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile("r+", newline="", errors="backslashreplace") as file:
        GitHubOutput(file.name).save(values)
        written = file.read()
    expected = [(n, v.encode(errors="backslashreplace").decode()) for n, v in values.items()]
    assert runner_model.github_file(written) == expected


# -- output-file -----------------------------------------------------------------------------------


def saved(path: Path, values: dict[str, str]) -> tuple[str, list[str]]:
    """Save values to a new channel; return what is in the file then, and what was logged."""
    said: list[str] = []
    OutputFile(str(path), said.append).save(values)
    return path.read_text(), said


def test_json(tmp_path: Path) -> None:
    written, said = saved(tmp_path / "out.json", VALUES)
    assert written == (
        '{\n  "outcome": "timed-out",\n  "status": "building",\n  "build-sid": "ZB1",\n'
        '  "service-sid": "ZS1",\n  "account-sid": "AC1",\n  "url": "https://x.test/a?b",\n'
        '  "elapsed-seconds": 61.3,\n  "polls": 7,\n  "reason": "why, and what then"\n}\n'
    )
    assert said == []


def test_what_is_not_known_is_empty_and_numbers_are_not(tmp_path: Path) -> None:
    written, _ = saved(tmp_path / "out.json", {"build-sid": "ZB1"})
    empty = dict.fromkeys(OUTPUTS, "")
    assert json.loads(written) == empty | {"build-sid": "ZB1", "elapsed-seconds": 0, "polls": 0}


def test_what_was_saved_before_stays(tmp_path: Path) -> None:
    channel = OutputFile(str(tmp_path / "out.json"), print)
    channel.save({"build-sid": "ZB1", "outcome": "failed"})
    channel.save({"reason": "why"})
    read = json.loads((tmp_path / "out.json").read_text())
    assert (read["build-sid"], read["outcome"], read["reason"]) == ("ZB1", "failed", "why")


@pytest.mark.parametrize("name", ["out.env", "out.JSON", "json", "out.json.env", ".jsonx"])
def test_anything_else_is_dotenv(tmp_path: Path, name: str) -> None:
    written, said = saved(tmp_path / name, VALUES)
    assert written == (
        "TWILIO_BUILD_WAIT_OUTCOME=timed-out\n"
        "TWILIO_BUILD_WAIT_STATUS=building\n"
        "TWILIO_BUILD_WAIT_BUILD_SID=ZB1\n"
        "TWILIO_BUILD_WAIT_SERVICE_SID=ZS1\n"
        "TWILIO_BUILD_WAIT_ACCOUNT_SID=AC1\n"
        "TWILIO_BUILD_WAIT_URL=\n"
        "TWILIO_BUILD_WAIT_ELAPSED_SECONDS=61.3\n"
        "TWILIO_BUILD_WAIT_POLLS=7\n"
    )
    (line,) = said
    assert line == (
        f"url is left empty in output-file {tmp_path / name}: "
        "dotenv cannot carry 'https://x.test/a?b'"
    )


def test_what_is_left_empty_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    channel = OutputFile(str(tmp_path / "out.env"), said.append)
    channel.save({"url": "a b", "status": "c d"})
    channel.save({"url": "e f", "status": "c"})
    assert [line.split()[0] for line in said] == ["status", "url"]


def test_a_value_is_cut_where_that_is_said(tmp_path: Path) -> None:
    _, said = saved(tmp_path / "out.env", {"url": 501 * "?"})
    assert said[0].endswith(f"dotenv cannot carry '{499 * '?'}…'")


PLAIN = "azAZ09_./:@%+,-"


@pytest.mark.parametrize("character", [*PLAIN, *" \t\n'\"$`\\;&|<>(){}[]*?!~#^=é"])
def test_dotenv_carries_what_gitlab_and_a_shell_read_alike(tmp_path: Path, character: str) -> None:
    written, said = saved(tmp_path / "out.env", {"status": f"a{character}b"})
    expected = f"a{character}b" if character in PLAIN else ""
    assert runner_model.dotenv(written)["TWILIO_BUILD_WAIT_STATUS"] == expected
    assert bool(said) == (character not in PLAIN)


@given(st.dictionaries(st.sampled_from(list(OUTPUTS)), hostile.TEXT, min_size=1))
def test_nothing_in_it_is_anything_but_a_plain_value(values: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written, _ = saved(Path(folder) / "out.env", values)
    read = runner_model.dotenv(written)
    assert list(read) == [variable(name) for name in OUTPUTS if name != "reason"]
    assert re.fullmatch(rf"(?:[A-Z_]+=[{re.escape(PLAIN)}a-zA-Z0-9]*\n)*", written)


def test_the_name_of_the_file_is_a_piece_of_foreign_text() -> None:
    assert OutputFile("a\nb", print).name == "output-file a b"
    assert OutputFile(501 * "x", print).name == f"output-file {499 * 'x'}…"


# -- standard output -------------------------------------------------------------------------------


def test_outputs_in_the_log() -> None:
    written: list[bytes] = []
    console = Console(written.append, Azure(), str, lambda: 0.0, live=False)
    channel = StandardOutput(console)
    channel.save({"outcome": "failed"})
    assert channel.name == "standard output"
    assert b"".join(written).decode().splitlines() == console.dialect.outputs({"outcome": "failed"})


def test_a_log_that_takes_no_outputs() -> None:
    failure = OSError(28, "No space left on device")
    tries = 0

    def write(_data: bytes) -> None:
        nonlocal tries
        tries += 1
        raise failure

    console = Console(write, Azure(), str, lambda: 0.0, live=False)
    with pytest.raises(OSError, match="No space left") as caught:
        StandardOutput(console).save({"outcome": "failed"})
    assert (caught.value, tries) == (failure, 1)
