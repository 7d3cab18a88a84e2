"""What GitHub Marketplace asks of an action before it can be listed.

The rules are of docs.github.com, "Publishing actions in GitHub Marketplace" and "Metadata syntax";
the icons and colours that it admits are read from the schema that check-jsonschema ships.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCHEMA = files("check_jsonschema") / "builtin_schemas/vendor/github-actions.json"


def test_the_metadata_is_one_file_at_the_root() -> None:
    assert [path.name for path in ROOT.glob("action.y*ml")] == ["action.yml"]


def test_the_name_is_a_few_plain_words() -> None:
    # It becomes the address of the page, its words joined by hyphens, and has to be no one else's.
    assert ACTION["name"].replace(" ", "").isalnum()
    assert ACTION["name"] == " ".join(ACTION["name"].split())
    assert "twilio" in ACTION["name"].lower()


def test_the_description_fits() -> None:
    assert 0 < len(ACTION["description"]) < 125
    assert ACTION["description"].isprintable()


@pytest.mark.parametrize("what", ["icon", "color"])
def test_the_branding_is_from_the_list(what: str) -> None:
    branding = json.loads(SCHEMA.read_text())["properties"]["branding"]["properties"]
    assert len(branding[what]["enum"]) > 5
    assert ACTION["branding"][what] in branding[what]["enum"]


def test_there_is_a_page_to_show() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert any("uses:" in line for line in lines)
