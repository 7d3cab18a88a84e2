"""The log commands of each CI, byte for byte."""

import pytest

from twilio_build_wait.model import Level
from twilio_build_wait.reporters.ci import Plain, choose
from twilio_build_wait.safe_text import message, safe

GITHUB = choose({"GITHUB_ACTIONS": "true", "TF_BUILD": "True", "RUNNER_DEBUG": "1"})
AZURE = choose({"TF_BUILD": "True", "TEAMCITY_VERSION": "1"})
TEAMCITY = choose({"TEAMCITY_VERSION": "2025.11", "GITLAB_CI": "true"})
PLAIN = choose({"GITHUB_ACTIONS": "", "GITLAB_CI": "true"})

# What announces "'a' | [b] %c%" with the title "1: 5%, twice".
TEXT = "1: 5%, twice: 'a' | [b] %c%"
GITHUB_TEXT = "title=1%3A 5%25%2C twice::'a' | [b] %25c%25"
AZURE_TEXT = "1: 5%AZP25, twice: 'a' | [b] %AZP25c%AZP25"
TEAMCITY_TEXT = "1: 5%, twice: |'a|' || |[b|] %c%"
ANNOTATIONS: dict[str, tuple[Plain, Level, str]] = {
    "plain error": (PLAIN, "error", f"error: {TEXT}"),
    "plain notice": (PLAIN, "notice", f"notice: {TEXT}"),
    "plain line": (PLAIN, "", TEXT),
    "GitHub error": (GITHUB, "error", f"::error {GITHUB_TEXT}"),
    "GitHub notice": (GITHUB, "notice", f"::notice {GITHUB_TEXT}"),
    "GitHub line": (GITHUB, "", TEXT),
    "Azure error": (AZURE, "error", f"##vso[task.logissue type=error]{AZURE_TEXT}"),
    "Azure warning": (AZURE, "warning", f"##vso[task.logissue type=warning]{AZURE_TEXT}"),
    "Azure notice": (AZURE, "notice", f"notice: {TEXT}"),
    "TeamCity error": (
        TEAMCITY,
        "error",
        f"##teamcity[buildProblem description='{TEAMCITY_TEXT}']",
    ),
    "TeamCity warning": (
        TEAMCITY,
        "warning",
        f"##teamcity[message text='{TEAMCITY_TEXT}' status='WARNING']",
    ),
    "TeamCity notice": (TEAMCITY, "notice", f"notice: {TEXT}"),
}


@pytest.mark.parametrize("ci, level, line", ANNOTATIONS.values(), ids=ANNOTATIONS)
def test_annotation(ci: Plain, level: Level, line: str) -> None:
    assert ci.annotation(level, "1: 5%, twice", message("'{}' | [b] %c%", "a")) == line


@pytest.mark.parametrize("ci", [GITHUB, AZURE, TEAMCITY, PLAIN])
def test_only_azure_and_teamcity_read_outputs_in_the_log(ci: Plain) -> None:
    assert ci.has_outputs == (ci.variable in {"TF_BUILD", "TEAMCITY_VERSION"})


VARIABLE = "TWILIO_BUILD_WAIT_BUILD_SID"
OUTPUTS = {
    "plain": (PLAIN, []),
    "GitHub": (GITHUB, []),
    "Azure": (
        AZURE,
        [
            f"##vso[task.setvariable variable={VARIABLE}]50%AZP25 $ (x) |'[]",
            f"##vso[task.setvariable variable={VARIABLE};isOutput=true]50%AZP25 $ (x) |'[]",
        ],
    ),
    "TeamCity": (
        TEAMCITY,
        [f"##teamcity[setParameter name='env.{VARIABLE}' value='50%% $(x) |||'|[|]']"],
    ),
}


@pytest.mark.parametrize("ci, lines", OUTPUTS.values(), ids=OUTPUTS)
def test_outputs(ci: Plain, lines: list[str]) -> None:
    assert ci.outputs({"build-sid": "50% $(x) |'[]"}) == lines


MASKS = {
    "plain": (PLAIN, []),
    "GitHub": (GITHUB, ["::add-mask::a%25b%0D%0A", "::add-mask::c"]),
    "Azure": (AZURE, ["##vso[task.setsecret]a%AZP25b%0D%0A", "##vso[task.setsecret]c"]),
    "TeamCity": (TEAMCITY, []),
}


@pytest.mark.parametrize("ci, lines", MASKS.values(), ids=MASKS)
def test_masks(ci: Plain, lines: list[str]) -> None:
    assert ci.masks(["a%b\r\n", "c"]) == lines


def test_debug_line_is_escaped() -> None:
    assert GITHUB.debug(safe("50%")) == ["::debug::50%25"]


def test_no_debug_line_unless_github_asks_for_it() -> None:
    assert choose({"GITHUB_ACTIONS": "true", "RUNNER_DEBUG": "0"}).debug(safe("50%")) == []


# How many of these characters fit into an annotation, with their escapes.
LONGEST = {"GitHub": (GITHUB, "%", 1300), "TeamCity": (TEAMCITY, "|", 1950)}


@pytest.mark.parametrize("ci, character, longest", LONGEST.values(), ids=LONGEST)
def test_annotation_is_cut_if_its_escapes_make_it_too_long(
    ci: Plain, character: str, longest: int
) -> None:
    def line(text: str) -> str:
        return ci.annotation("error", "title", message(text))

    assert "…" not in line(character * longest)
    assert line(character * (longest + 1)) == line(character * 1299 + "…")


def test_annotation_cuts_each_value_to_500_characters() -> None:
    line = GITHUB.annotation("error", "title", message("{}", "x" * 501))
    assert line == f"::error title=title::{'x' * 499}…"
