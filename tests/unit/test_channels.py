"""What the output channels write."""

from pathlib import Path
from unittest import mock

import pytest

from tests.support import parsers
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.reporters.channels import github_output, output_file
from twilio_build_wait.reporters.ci import choose
from twilio_build_wait.reporters.log import Log

PLAIN = ["", "a-z_0.9/:@%+,", "https://a.test/v1/Status"]
NOT_PLAIN = ["a b", "a'b", 'a"b', "$HOME", "a#b", "a\\b", "ä", "a=b", "a;b", "a\n", "`id`"]


def test_value_cannot_end_its_github_output() -> None:
    append, values = mock.Mock(), {"reason": "a\noutcome=completed", "polls": "3"}
    for _ in range(2):
        github_output("/file", append).save(values)
    assert [call.args[0] for call in append.call_args_list] == ["/file"] * 2
    written = [call.args[1] for call in append.call_args_list]
    assert parsers.github_file(written[0]) == [*values.items()]
    delimiters = {text.split("\n")[0].removeprefix("reason<<") for text in written}
    assert len(delimiters) == 2  # random
    assert all(len(delimiter) >= 32 for delimiter in delimiters)


@pytest.mark.parametrize("value", [*PLAIN, *NOT_PLAIN], ids=ascii)
def test_dotenv_carries_plain_values_only(value: str, tmp_path: Path) -> None:
    path, write = tmp_path / "a\nb", mock.Mock()
    channel = output_file(str(path), Log(write, choose({}), Redactor([]), float, is_live=False))
    assert channel.name == f"output-file {tmp_path}/a b"
    for _ in range(2):
        channel.save({"status": value})
    is_plain = value in PLAIN
    line = f"TWILIO_BUILD_WAIT_STATUS={value if is_plain else ''}\n"
    assert line in path.read_text()
    assert write.call_count == (not is_plain)
