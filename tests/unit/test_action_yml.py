"""action.yml and the README have the same inputs, outputs and exit codes as the code."""

import re
from typing import Any

import yaml

from tests.support.run import REPOSITORY
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.model import Ending
from twilio_build_wait.outputs import OUTPUTS, variable

ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text("utf-8"))
README = (REPOSITORY / "README.md").read_text("utf-8")
#: The cells of every table row in the README, without backticks.
ROWS = [
    [cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in README.splitlines()
    if line.startswith("|")
]
#: The rows whose first cell is a name in backticks.
NAMED = [row for row in ROWS if f"| `{row[0]}` |" in README]


def test_action_has_every_input_and_output() -> None:
    assert list(ACTION["inputs"]) == [spec.name for spec in INPUTS]
    assert list(ACTION["outputs"]) == list(OUTPUTS)


def test_action_declares_no_default_and_nothing_required() -> None:
    for declared in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert list(declared) == ["description"]


def test_description_gives_variable_default_and_whether_it_is_required() -> None:
    for spec in INPUTS:
        description = ACTION["inputs"][spec.name]["description"]
        assert f"Or env {spec.variable}." in description
        assert (f"Default {spec.default_text}" if spec.default_text else "") in description
        assert description.startswith("Required: ") == spec.is_required, description


def test_readme_has_every_input_with_its_default_and_every_output_and_no_other() -> None:
    own = {(spec.name, spec.variable): spec.default_text for spec in INPUTS}
    own |= {(name, variable(name)): "" for name in OUTPUTS}
    rows = {(row[0], row[1]): row for row in NAMED if row[1].startswith("TWILIO_")}
    assert own.keys() == rows.keys()
    for names, default in own.items():
        assert default in " | ".join(rows[names]), names


def test_readme_has_every_exit_code() -> None:
    codes = {(code, row[1]) for row in ROWS for code in row[0].split(", ") if code.isdigit()}
    assert codes == {(str(ending.exit_code), ending.outcome) for ending in Ending}


def test_marketplace_accepts_the_action() -> None:
    # docs.github.com, "Publishing actions in GitHub Marketplace" and "Metadata syntax"
    assert len(ACTION["description"]) < 125
    assert re.fullmatch(r"\w+( \w+)*", ACTION["name"])
