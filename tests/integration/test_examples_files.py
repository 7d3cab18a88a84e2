"""What holds for every example without running it: schemas, names, shell, secrets, the docs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest
import yaml

from tests.integration.example_machine import EXAMPLES, IMAGE, REPOSITORY
from tests.integration.example_pipelines import PIPELINES
from tools.release import owner
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.outcome import OUTPUTS, variable

FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
GITHUB = sorted((EXAMPLES / "github").glob("*.yml"))
ACTION = f"{owner.ACTION}@v1"
SCRIPTS_OF_THEIR_OWN = {"create-build.sh", "deploy-build.sh"}

#: The schema that check-jsonschema has for it, and what it has to do to the file first.
SCHEMAS = {
    "gitlab-ci.yml": ("gitlab-ci", "--data-transform=gitlab-ci"),
    "azure-pipelines.yml": ("azure-pipelines", "--data-transform=azure-pipelines"),
    "bitbucket-pipelines.yml": ("bitbucket-pipelines",),
    "circleci.yml": ("circle-ci",),
    "buildkite.yml": ("buildkite",),
    "woodpecker.yml": ("woodpecker-ci",),
    **{f"github/{path.name}": ("github-workflows",) for path in GITHUB},
}

every_file = pytest.mark.parametrize(
    "path", FILES, ids=[str(path.relative_to(EXAMPLES)) for path in FILES]
)
every_workflow = pytest.mark.parametrize("path", GITHUB, ids=[path.stem for path in GITHUB])


def tool(name: str) -> str:
    """The path of a program that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def test_none_is_forgotten() -> None:
    """Each is run: by act (tests/e2e/test_examples_act.py), or by the interpreters of its CI."""
    assert len(GITHUB) == 5
    names = {path.name for path in FILES} - {path.name for path in GITHUB}
    assert names == PIPELINES.keys() | SCRIPTS_OF_THEIR_OWN


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_it_is_what_its_ci_s_schema_wants(tmp_path: Path, name: str) -> None:
    schema, *transform = SCHEMAS[name]
    path = EXAMPLES / name
    if schema == "azure-pipelines":
        # To Azure every scalar is a string, `true` and 20 as well; its schema says so.
        strings = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 (strings only)
        path = tmp_path / "azure-pipelines.json"
        path.write_text(json.dumps(strings), encoding="utf-8")
    checked = subprocess.run(
        [tool("check-jsonschema"), f"--builtin-schema=vendor.{schema}", *transform, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@every_file
def test_it_names_the_owner_and_no_other(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"[^\s'\"=]*/twilio-build-wait[@:][^\s'\"]*", text)
    if path.name not in SCRIPTS_OF_THEIR_OWN:
        assert named, text
    assert set(named) <= {ACTION, IMAGE}
    for line in text.splitlines():
        if used := re.match(r"\s*(?:- )?uses: *(.*)", line):
            assert used[1] == ACTION or re.search(r"@[0-9a-f]{40} # v\d", used[1]), line


@every_file
def test_it_branches_on_the_outcome_and_never_on_the_status(path: Path) -> None:
    """A status is only ever asked whether it is there."""
    text = path.read_text(encoding="utf-8")
    if path.name not in SCRIPTS_OF_THEIR_OWN and path.name != "matrix.yml":
        assert "outcome" in text.lower()
    for compared in re.findall(r"outputs\.status\s*([!=]=\s*\S*)", text):
        assert compared.startswith("!= ''"), compared
    assert not re.search(r"case \"\$\$?\{?TWILIO_BUILD_WAIT_STATUS", text)
    assert not re.search(r"\"\$\$?\{?TWILIO_BUILD_WAIT_STATUS\}?\"\s*!?=", text)


@every_file
def test_its_variables_are_ours_or_the_example_s_own(path: Path) -> None:
    known = {known.variable for known in INPUTS} | {variable(name) for name in OUTPUTS}
    known |= {"TWILIO_ENVIRONMENT_SID", "TWILIO_FUNCTION_VERSION"}
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"TWILIO_[A-Z_]+[A-Z]", text)) <= known


@every_workflow
def test_a_workflow_s_inputs_and_outputs_are_the_action_s(path: Path) -> None:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if step.get("uses") == ACTION]
    assert len(ours) == 1
    assert ours[0].get("with", {}).keys() <= action["inputs"].keys()
    read = re.findall(r"steps\.wait\.outputs\.([\w-]+)", path.read_text(encoding="utf-8"))
    assert read
    assert set(read) <= action["outputs"].keys()


@every_file
def test_secrets_come_from_where_secrets_are(path: Path) -> None:
    """And nothing else does: a SID among the secrets is masked wherever it should be handed on."""
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"secrets\.(\w+)", text):
        assert name in {"TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET"}, name
    for secret in ("TWILIO_API_SECRET", "TWILIO_AUTH_TOKEN", "auth-token", "api.secret"):
        # A value beside the name would be one in the file; a reference is fine.
        for value in re.findall(rf"^\s*{secret}(?:: +|=)(\S.*)$", text, re.MULTILINE):
            assert re.match(r"\$\{\{ secrets\.|\$\(TWILIO_API_SECRET\)|credentials\(", value), value
    assert not re.search(r"--env TWILIO_\w*(SECRET|TOKEN)=", text)
    assert not re.search(r"--user \"?\$\{?TWILIO", text), "every process could read that"


# --- docs/ci.md -----------------------------------------------------------------------------------

BLOCK = re.compile(r"<!-- (all of|from) (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[tuple[str, str, str]]:
    """Every marked block of the page: how much of which file it is, and its text."""
    page = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    found = BLOCK.findall(page)
    assert len(found) == page.count("\n```") / 2, "a block of code without its mark"
    return found


def test_every_block_of_the_page_is_its_file() -> None:
    for how_much, name, block in blocks():
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        if how_much == "all of":
            assert block == text, f"docs/ci.md is not {name}: put that file into its block"
        else:
            assert block.count("\n") > 10
            places = [margin for margin in range(0, 12, 2) if indent(block, " " * margin) in text]
            assert places, f"docs/ci.md has what is not in {name}: take it over from there"
            assert dedent(block) == block


def test_every_example_is_on_the_page() -> None:
    page = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    whole = {name for how_much, name, _ in blocks() if how_much == "all of"}
    for path in FILES:
        name = path.relative_to(REPOSITORY).as_posix()
        assert name in whole or f"(../{name})" in page, name


def test_every_section_says_what_one_looks_for() -> None:
    page = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    per_ci = [section for section in sections if not section.startswith("The two scripts")]
    assert len(per_ci) == len(PIPELINES) + 1
    for section in per_ci:
        assert "- **Secrets:**" in section, section[:40]
        assert "- **On a time-out**" in section, section[:40]
        assert re.search(r"- \*\*(The next|What follows)", section), section[:40]
    contents = page[: page.index("\n## ")]
    for section in sections:
        title = section.partition("\n")[0]
        anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        assert f"(#{anchor})" in contents, title
