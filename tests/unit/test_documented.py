"""The README, `--help`, action.yml and pyproject.toml say what the code does, and nothing else."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from twilio_build_wait import __version__
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.outcome import EXIT_OUTPUT_LOST, OUTPUTS, Ending, variable
from twilio_build_wait.settings import read
from twilio_build_wait.usage import answer, help_text

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

EXITS = sorted(
    [(EXIT_OUTPUT_LOST, "completed"), *((ending.exit_code, ending.outcome) for ending in Ending)]
)


def table(*columns: str) -> list[list[str]]:
    """Return the cells of the README's only table whose head begins with these columns."""
    head = rf"^\| {re.escape(' | '.join(columns))}[^\n]*\|\n\|(?: --- \|)+\n"
    found = re.findall(rf"{head}((?:\|[^\n]*\|\n)+)", README, re.MULTILINE)
    assert len(found) == 1, columns
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in found[0].splitlines()
    ]


def bare(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.replace("`", "") for cell in cells)


# -- the README ------------------------------------------------------------------------------------


def test_the_readme_has_every_input_with_its_name_and_default() -> None:
    documented = [bare(row[:3]) for row in table("input", "plain name", "default")]
    assert documented == [(known.name, known.variable, known.default) for known in INPUTS]


def test_the_readme_has_every_output_with_its_name() -> None:
    documented = [bare(row[:2]) for row in table("output", "elsewhere")]
    assert documented == [(name, variable(name)) for name in OUTPUTS]


def test_the_readme_has_every_exit_code() -> None:
    documented = [bare(row[:2]) for row in table("exit", "outcome")]
    assert documented == [(str(code), outcome) for code, outcome in EXITS]


def test_what_the_readme_says_of_an_input_is_more_than_nothing() -> None:
    for columns in (("input",), ("output",), ("exit",)):
        assert all(cell for row in table(*columns) for cell in (row[0], row[-1]))


def test_every_variable_that_the_readme_names_is_one() -> None:
    known = {name for known in INPUTS for name in known.variables()} | set(map(variable, OUTPUTS))
    known |= {"TWILIO_ALLOW_HTTP"}
    theirs = {"TWILIO_ENVIRONMENT_SID"}  # of the snippet that deploys the build afterwards
    named = set(re.findall(r"\b(?:TWILIO|INPUT|PLUGIN)_[A-Z][A-Z_-]*[A-Z]\b", README))
    assert named - theirs <= known
    assert {known.variable for known in INPUTS} <= named


# -- --help ----------------------------------------------------------------------------------------


def entries(heading: str) -> dict[str, str]:
    """Return the entries below a heading of the help, their text put back into one line."""
    _, found, section = help_text().partition(f"{heading}")
    assert found, heading
    entry = re.compile(r"^  (\S+)\n((?:      .*\n)+)", re.MULTILINE)
    listed = re.split(r"\n\n(?=[A-Z])", section.partition("\n\n")[2])[0] + "\n"
    return {name: " ".join(text.split()) for name, text in entry.findall(listed)}


def test_the_help_has_every_input() -> None:
    assert entries("Inputs. ") == {
        known.variable: f"{known.meaning} ({known.form}"
        + {"": "", "required": "; required"}.get(known.default, f"; default {known.default}")
        + ")"
        for known in INPUTS
    }


def test_the_help_has_every_output() -> None:
    expected = {variable(name): f"{name}: {meaning}" for name, meaning in OUTPUTS.items()}
    assert entries("Outputs, ") == expected


def test_the_help_has_every_exit_code() -> None:
    section = help_text().partition("Exit codes and outcomes:\n\n")[2]
    listed = [re.fullmatch(r" +([0-9]+)  (\S+) +(\S.*)", line) for line in section.splitlines()]
    found = [(int(exit_[1]), exit_[2], exit_[3]) for exit_ in listed if exit_]
    assert len(found) == len(listed)
    assert [(code, outcome) for code, outcome, _ in sorted(found)] == EXITS
    meanings = {ending.exit_code: ending.meaning for ending in Ending}
    meanings[EXIT_OUTPUT_LOST] = "Twilio says completed, but an output could not be written"
    assert {code: meaning for code, _, meaning in found} == meanings


def test_the_help_fits_a_terminal() -> None:
    assert help_text().startswith(f"twilio-build-wait {__version__}: wait for a Twilio")
    assert max(map(len, help_text().splitlines())) <= 96
    assert help_text().endswith("\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_answered_without_any_input(option: str) -> None:
    written: list[bytes] = []
    assert answer(option, written.append) == 0
    assert written == [help_text().encode()]


def test_the_version_is_answered_without_any_input() -> None:
    written: list[bytes] = []
    assert answer("--version", written.append) == 0
    assert written == [f"twilio-build-wait {__version__}\n".encode()]


def test_an_answer_that_nobody_reads() -> None:
    def refuse(_data: bytes) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    code = answer("--help", refuse)
    assert code not in {known for known, _ in EXITS}


# -- action.yml and pyproject.toml -----------------------------------------------------------------


def test_the_action_has_every_input_with_its_name_and_default() -> None:
    assert list(ACTION["inputs"]) == [known.name for known in INPUTS]
    for known in INPUTS:
        declared = ACTION["inputs"][known.name]
        assert list(declared) == ["description"], known.name  # a default would win over `env:`
        assert declared["description"].endswith(f"Or env {known.variable}.")
        default = known.default if known.default != "required" else "Needed: "
        assert default in declared["description"], known.name


def test_the_action_has_every_output() -> None:
    assert list(ACTION["outputs"]) == list(OUTPUTS)
    assert all(list(declared) == ["description"] for declared in ACTION["outputs"].values())


def test_there_is_one_version() -> None:
    assert PROJECT["version"] == __version__


# -- what the table says of the defaults is so -----------------------------------------------------


def test_the_defaults_are_what_they_are_said_to_be() -> None:
    said = {known.name: known.default for known in INPUTS}
    given = {known.variable: known.default for known in INPUTS}
    for name in ("timeout", "interval", "summary", "diagnose"):
        left_out, written_out = read({}), read({name: given[name] for name in given})
        attribute = name.replace("-", "_")
        assert getattr(left_out, attribute) == getattr(written_out, attribute), said[name]
    assert said["max-interval"].startswith("10s")
    assert read({}).max_interval == read({"TWILIO_BUILD_MAX_INTERVAL": "10s"}).max_interval
