"""README, docs, examples and workflows: snippets are valid, links lead somewhere, names exist.

What `make bench` has written, docs/performance.md and the pictures, is what it would write now.
"""

import html
import inspect
import json
import re
import shlex
import subprocess
from textwrap import indent
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from bench import charts, page, simulation
from bench.policies import LOOP, OWN
from emulator import AUTH_TOKEN
from tests.support.run import REPOSITORY
from tools import pictures
from tools.pictures import ENVIRONMENT, FAILED, IMAGES, SMALLER
from tools.release import owner
from tools.release.__main__ import STEPS
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.outputs import OUTPUTS, variable


def read(*globs: str) -> dict[str, str]:
    """Return the text of files by their path in the repository."""
    paths = sorted(path for glob in globs for path in REPOSITORY.glob(glob) if path.is_file())
    return {str(path.relative_to(REPOSITORY)): path.read_text("utf-8") for path in paths}


PAGES = read("*.md", "docs/*.md")
EXAMPLES = read("examples/**/*")
ACTION, IMAGE = f"{owner.ACTION}@v1", f"{owner.IMAGE}:1"
# A link to a file or a heading. `../../` leads to other pages of the repository on GitHub.
LINK = re.compile(r"\]\((?!https?:|mailto:|\.\./\.\./)([^)#\s]*)#?([^)\s]*)\)")
SNIPPET = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SNIPPETS = {
    f"{name} {number}": (name, kind, text)
    for name in ("README.md", "docs/ci.md", "docs/migrating.md")
    for number, (kind, text) in enumerate(SNIPPET.findall(PAGES[name]))
}


def check_steps(value: Any) -> None:  # noqa: ANN401 (YAML)
    """Check that steps with our action use its inputs, and outputs that it has."""
    if isinstance(value, dict):
        if "twilio-build-wait" in str(value.get("uses", "")):
            assert value["uses"] == ACTION
            assert value.get("with", {}).keys() <= {known.name for known in INPUTS}
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        check_steps(item)


@pytest.mark.parametrize("page, kind, text", SNIPPETS.values(), ids=SNIPPETS)
def test_snippet_is_valid(page: str, kind: str, text: str) -> None:
    if page == "docs/ci.md":
        indented = [indent(text, " " * width) for width in range(0, 21, 2)]
        assert any(part in example for part in indented for example in EXAMPLES.values())
    elif kind == "yaml":
        check_steps(yaml.safe_load(text))
    else:
        assert kind == "sh"
        subprocess.run(["sh", "-n", "-c", text], check=True, timeout=10)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_names_what_exists(name: str) -> None:
    named = re.findall(r"[\w./-]*/twilio-build-wait[@:][\w.]+", EXAMPLES[name])
    assert set(named) <= {ACTION, IMAGE}
    known = {known.variable for known in INPUTS} | {variable(output) for output in OUTPUTS}
    assert set(re.findall(r"TWILIO_[A-Z_]+[A-Z]", EXAMPLES[name])) <= known
    assert set(re.findall(r"steps\.wait\.outputs\.([\w-]+)", EXAMPLES[name])) <= OUTPUTS.keys()
    if "/github/" in name:
        check_steps(yaml.safe_load(EXAMPLES[name]))


def test_example_is_linked_from_a_page() -> None:
    text = PAGES["README.md"] + PAGES["docs/ci.md"]
    assert [name for name in EXAMPLES if f"{name})" not in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_link_leads_to_a_file_and_a_heading(name: str) -> None:
    page = REPOSITORY / name
    for target, anchor in LINK.findall(PAGES[name]):
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in headings]
            assert anchor in slugs, f"{target}#{anchor}"


def test_readme_names_targets_that_exist() -> None:
    targets = re.findall(r"^make (\w+)", PAGES["README.md"], re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    assert [name for name in targets if f"\n{name}:" not in makefile] == []


DATA = json.loads(page.DATA.read_text("utf-8"))


def test_performance_page_and_its_charts_show_the_data() -> None:
    assert page.PAGE.read_text("utf-8") == page.render(DATA)
    for name, description in charts.describe(DATA).items():
        text = page.DATA.with_name(name).read_text("utf-8")
        assert ET.fromstring(text)[0].text == description  # noqa: S314 (the project's own file)


def test_lag_is_as_low_as_the_performance_page_says() -> None:
    measured = simulation.simulate(OWN, waits=20)
    for measure in ("mean_lag", "p95_lag", "polls", "mean_lag_with_errors"):
        promised = DATA["policies"][OWN][measure]
        assert measured[measure] == pytest.approx(promised, rel=0.02), measure
    # A shell loop is later for builds of less than 2 minutes.
    own, loop = (DATA["policies"][name]["by_build_time"] for name in (OWN, LOOP))
    for times in ("5 s to 10 s", "10 s to 30 s", "30 s to 1 min", "1 min to 2 min"):
        assert own[times]["mean_lag"] < 0.8 * loop[times]["mean_lag"], times


def normalize(text: str) -> str:
    """Leave out the version and the seconds, and all space: the picture wraps lines."""
    return "".join(re.sub(r"(?<=build-wait\s)\S+(?=:)|\d+\.\d\s?s\b", "N", text).split())


def test_pictures_show_what_the_tool_writes() -> None:
    matrix = (IMAGES / "log.svg").read_text("utf-8").partition('class="log-matrix"')[2]
    shown = html.unescape("".join(re.findall(r"<text [^>]*>([^<]*)</text>", matrix)))
    log, failed = pictures.run(TWILIO_BUILD_SID=FAILED)
    assert normalize(shown) == normalize(log)
    _, changes = pictures.run(TWILIO_BUILD_SID=SMALLER, TWILIO_ENVIRONMENT_SID=ENVIRONMENT)
    for name, summary in {"summary-failed.md": failed, "summary-changes.md": changes}.items():
        assert normalize((IMAGES / name).read_text("utf-8")) == normalize(summary), name


def test_pictures_load_nothing_and_hold_no_secret_or_address() -> None:
    for path in [*IMAGES.iterdir(), *page.DATA.parent.glob("*.svg")]:
        text = path.read_text("utf-8")
        assert not re.search(r"@import|@font-face|url\((?!#)|127\.0\.0\.1|add-mask", text), path
        assert AUTH_TOKEN not in text, path


WORKFLOWS = read(".github/workflows/*.yml")
JOBS: dict[str, dict[str, Any]] = {
    name: job for text in WORKFLOWS.values() for name, job in yaml.safe_load(text)["jobs"].items()
}


def test_workflows_call_every_step_with_its_arguments() -> None:
    text = "\n".join((WORKFLOWS | read(".github/actions/*/action.yml")).values())
    calls = [shlex.split(call) for call in re.findall(r"tools\.release ([^|>\n]+)", text)]
    for step, *arguments in calls:
        inspect.signature(STEPS[step]).bind(*arguments)
    assert {call[0] for call in calls} == STEPS.keys() - {"owner"}


def test_whatever_can_publish_needs_an_approval() -> None:
    writes = dict.fromkeys(("attestations", "contents", "packages"), "write")
    publish = {name for name, job in JOBS.items() if writes.items() & job["permissions"].items()}
    assert publish == {"release", "publish"}
    assert {JOBS[name]["environment"] for name in publish} == {"release"}


def test_required_checks_are_jobs() -> None:
    ruleset = json.loads((REPOSITORY / ".github/rulesets/main.json").read_text("utf-8"))
    (rule,) = [rule for rule in ruleset["rules"] if rule["type"] == "required_status_checks"]
    names = {job["name"] for job in JOBS.values()}
    names |= {f"Analyze {each}" for each in JOBS["analyze"]["strategy"]["matrix"]["language"]}
    assert names >= {check["context"] for check in rule["parameters"]["required_status_checks"]}


def test_ci_passes_only_with_each_of_its_jobs() -> None:
    jobs = yaml.safe_load(WORKFLOWS[".github/workflows/ci.yml"])["jobs"]
    assert set(jobs["passed"]["needs"]) == jobs.keys() - {"passed"}
