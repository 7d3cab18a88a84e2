"""The output channels: GITHUB_OUTPUT, the output file, and standard output."""

import json
from pathlib import Path

import pytest

from tests.support import parsers
from tests.support.samples import BUILD_SID, STATUS_URL
from twilio_build_wait.model import OUTPUTS, Progress, outputs, variable
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.reporters.channels import GitHubOutput, OutputFile, StandardOutput
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log

VALUES = outputs(Progress(BUILD_SID, "name", url=STATUS_URL, elapsed=1.25, polls=3))
# What dotenv can carry, and what it leaves empty.
PLAIN = ["", "a-z_0.9/:@%+,", BUILD_SID, STATUS_URL]
QUOTED = ["a b", "a'b", 'a"b', "$HOME", "a#b", "a\\b", "ä", "a=b", "a;b", "a\n", "`id`"]


class Lines:
    """A log that notes what is written to it."""

    def __init__(self, **environ: str) -> None:
        self.text = ""
        self.log = Log(self.write, choose(environ), Redactor([]), lambda: 0.0, is_live=False)

    def write(self, data: bytes) -> None:
        self.text += data.decode()


def dotenv(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_github_output_cannot_be_ended_by_a_value() -> None:
    written: list[tuple[str, str]] = []
    channel = GitHubOutput("/file", lambda path, text: written.append((path, text)))
    for _ in range(2):
        channel.save({"reason": "a\noutcome=completed", "polls": "3"})
    channel.discard()
    assert [path for path, _ in written] == ["/file"] * 2
    pairs = parsers.github_file(written[0][1])
    assert pairs == [("reason", "a\noutcome=completed"), ("polls", "3")]
    delimiters = {text.split("\n")[0] for _, text in written}
    assert len(delimiters) == 2  # random
    assert all(len(delimiter) >= len("reason<<") + 32 for delimiter in delimiters)


def test_json_file_has_every_output_and_numbers(tmp_path: Path) -> None:
    channel = OutputFile(str(tmp_path / "out.json"), Lines().log)
    channel.save({"polls": "2"})
    channel.save(VALUES | {"reason": 'a "b" ä'})
    text = (tmp_path / "out.json").read_text()
    expected = VALUES | {"reason": 'a "b" ä', "elapsed-seconds": 1.2, "polls": 3}
    assert list(json.loads(text).items()) == list(expected.items())
    assert text.endswith("}\n")


def test_dotenv_file_has_every_output_but_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "out.env"
    channel = OutputFile(str(path), Lines().log)
    channel.save({"build-sid": BUILD_SID})
    names = [variable(name) for name in OUTPUTS if name != "reason"]
    expected = {"TWILIO_BUILD_WAIT_BUILD_SID": BUILD_SID, "TWILIO_BUILD_WAIT_POLLS": "0"}
    expected |= {"TWILIO_BUILD_WAIT_ELAPSED_SECONDS": "0.0"}
    assert list(dotenv(path).items()) == list((dict.fromkeys(names, "") | expected).items())
    channel.save(VALUES | {"outcome": "failed", "reason": "a b"})
    assert dotenv(path)["TWILIO_BUILD_WAIT_OUTCOME"] == "failed"
    assert "a b" not in path.read_text()


@pytest.mark.parametrize("value", [*PLAIN, *QUOTED])
def test_dotenv_carries_plain_values_only(value: str, tmp_path: Path) -> None:
    lines = Lines()
    channel = OutputFile(str(tmp_path / "out"), lines.log)
    for _ in range(2):
        channel.save({"status": value})
    is_plain = value in PLAIN
    assert dotenv(tmp_path / "out")["TWILIO_BUILD_WAIT_STATUS"] == (value if is_plain else "")
    assert lines.text.count("status is left empty") == (not is_plain)


def test_channels_have_names(tmp_path: Path) -> None:
    file = OutputFile(str(tmp_path / "a\nb"), Lines().log)
    assert file.name == f"output-file {tmp_path}/a b"
    channels = (GitHubOutput("", lambda *_: None), file, StandardOutput(Lines().log))
    assert [channel.is_file for channel in channels] == [True, True, False]


def test_standard_output_gets_log_commands() -> None:
    lines = Lines(TEAMCITY_VERSION="1")
    channel = StandardOutput(lines.log)
    channel.save({"polls": "3"})
    channel.discard()
    assert lines.text == ("##teamcity[setParameter name='env.TWILIO_BUILD_WAIT_POLLS' value='3']\n")
