"""action.yml and the README have the same inputs, outputs and exit codes as the code."""

import re
from pathlib import Path
from typing import Any

import yaml

from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import OUTPUTS, Ending, variable

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")

#: The cells of every table row in the README, without backticks.
ROWS = [
    [cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in README.splitlines()
    if line.startswith("|")
]
#: The rows whose first cell is a name in backticks.
NAMED = [row for row in ROWS if f"| `{row[0]}` |" in README]


def test_action_has_every_input() -> None:
    assert list(ACTION["inputs"]) == [known.name for known in INPUTS]
    for known in INPUTS:
        declared = ACTION["inputs"][known.name]
        assert list(declared) == ["description"], known.name  # a default would override env:
        description = declared["description"]
        words = [known.variable, known.shown_default.partition(",")[0]]
        words += ["equired"] * known.is_required
        assert [word for word in words if word not in description] == [], known.name


def test_action_has_every_output() -> None:
    assert list(ACTION["outputs"]) == list(OUTPUTS)
    assert all(list(declared) == ["description"] for declared in ACTION["outputs"].values())


def test_readme_has_every_input_and_output_and_no_other() -> None:
    own = {(known.name, known.variable) for known in INPUTS}
    own |= {(name, variable(name)) for name in OUTPUTS}
    assert own == {(row[0], row[1]) for row in NAMED if row[1].startswith("TWILIO_")}
    for known in INPUTS:
        (row,) = [row for row in NAMED if row[:2] == [known.name, known.variable]]
        assert known.shown_default in " | ".join(row), known.name


def test_readme_has_every_exit_code() -> None:
    found = {
        (code, row[1])
        for row in ROWS
        for code in row[0].split(", ")
        if re.fullmatch("[0-9]+", code)
    }
    assert found == {(str(ending.exit_code), ending.outcome) for ending in Ending}


def test_marketplace_accepts_the_action() -> None:
    # docs.github.com, "Publishing actions in GitHub Marketplace" and "Metadata syntax"
    assert len(ACTION["description"]) < 125
    assert re.fullmatch(r"\w+( \w+)*", ACTION["name"])
