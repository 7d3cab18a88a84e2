"""The models read what the real parsers read, so that a finding by them is a finding."""

import pytest

from tests.integration import runner_model
from tests.integration.runner_model import Command, MalformedFileCommandError


@pytest.mark.parametrize(
    "line, command",
    [
        ("::error::broken", Command("error", "broken")),
        ("  \t::error::broken", Command("error", "broken")),
        ("\u2028::error::broken", Command("error", "broken")),
        (
            "::error title=a%2Cb%3A%25,file=x::1%0A2%0D3%25",
            Command("error", "1\n2\r3%", {"title": "a,b:%", "file": "x"}),
        ),
        ("::add-mask::a%250A", Command("add-mask", "a%0A")),
        ("some ##[error]text", Command("error", "text")),
        (
            "##[warning file=x;line=3]text%0A",
            Command("warning", "text\n", {"file": "x", "line": "3"}),
        ),
        ("text ::error::no command", None),
        (":: ::text", None),
        ("::no end", None),
        ("##[no end", None),
        ("plain", None),
    ],
)
def test_a_line_of_a_github_log(line: str, command: Command | None) -> None:
    assert runner_model.github_command(line) == command


def test_a_lone_carriage_return_ends_a_line_on_github() -> None:
    log = "one\r::error::two\r\nthree\n::debug::four"
    assert runner_model.github_lines(log) == ["one", "::error::two", "three", "::debug::four"]
    assert [found.name for found in runner_model.github_commands(log)] == ["error", "debug"]


def test_both_forms_of_a_pair_in_a_github_file() -> None:
    text = "a=1=2\n\nb<<END\nline <<x\nk=v\nEND\nc=\nd<<E\nE\ne=x<<y\n"
    assert runner_model.github_file(text) == [
        ("a", "1=2"),
        ("b", "line <<x\nk=v"),
        ("c", ""),
        ("d", ""),
        ("e", "x<<y"),
    ]
    assert runner_model.github_file("a=1\nb=2") == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("text", ["plain\n", "=v\n", "a<<END\nno end\n", "a<<\n\n", "<<E\nE\n"])
def test_a_malformed_github_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedFileCommandError):
        runner_model.github_file(text)


def test_azure_reads_a_command_anywhere_in_a_line() -> None:
    log = "x ##vso[task.setvariable variable=A%5D%3B;isOutput=true]v%0A%AZP25\nplain\n##vso[ ]x"
    expected = Command("task.setvariable", "v\n%", {"variable": "A];", "isOutput": "true"})
    assert runner_model.azure_commands(log) == [expected]


def test_teamcity_reads_its_escapes() -> None:
    log = "x ##teamcity[setParameter name='env.A' value='|'|||||n|r|x|l|p|[|]']\nplain"
    value = "'||\n\r\x85\u2028\u2029[]"
    expected = Command("setParameter", "", {"name": "env.A", "value": value})
    assert runner_model.teamcity_messages(log) == [expected]
    with pytest.raises(ValueError, match="malformed"):
        runner_model.teamcity_messages("##teamcity[setParameter name='a' value='it's']")


def test_a_dotenv_report_is_pairs_and_nothing_else() -> None:
    assert runner_model.dotenv("A=1\nB=\nC='x=y'\n") == {"A": "1", "B": "", "C": "'x=y'"}
    for text in ("A=1", "A=1\n\n", "# note\n", "1A=x\n", "A B=x\n"):
        with pytest.raises(ValueError, match=r"KEY=value|no end"):
            runner_model.dotenv(text)
