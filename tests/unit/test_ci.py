"""The log commands of each CI, byte for byte."""

import pytest

from twilio_build_wait.reporters.ci import Level, Plain, choose
from twilio_build_wait.text import SafeText

CIS: dict[str, dict[str, str]] = {
    "GitHub Actions": {"GITHUB_ACTIONS": "true", "TF_BUILD": "True"},
    "Azure Pipelines": {"TF_BUILD": "True", "TEAMCITY_VERSION": "1"},
    "TeamCity": {"TEAMCITY_VERSION": "2025.11", "GITLAB_CI": "true"},
}
GITHUB, AZURE, TEAMCITY = map(choose, CIS.values())
PLAIN = choose({"GITHUB_ACTIONS": "", "GITLAB_CI": "true"})
TITLE, MESSAGE = "1: 5%, twice", SafeText("'a' | [b] %c%")

ANNOTATIONS: dict[str, tuple[Plain, Level, str]] = {
    "plain error": (PLAIN, "error", f"error: {TITLE}: {MESSAGE}"),
    "GitHub error": (GITHUB, "error", "::error title=1%3A 5%25%2C twice::'a' | [b] %25c%25"),
    "Azure warning": (
        *(AZURE, "warning"),
        "##vso[task.logissue type=warning]1: 5%AZP25, twice: 'a' | [b] %AZP25c%AZP25",
    ),
    "TeamCity warning": (
        *(TEAMCITY, "warning"),
        "##teamcity[message text='1: 5%, twice: |'a|' || |[b|] %c%' status='WARNING']",
    ),
    "TeamCity error": (
        *(TEAMCITY, "error"),
        "##teamcity[buildProblem description='1: 5%, twice: |'a|' || |[b|] %c%']",
    ),
}


def test_ci_is_known_by_the_variable_that_it_sets() -> None:
    assert [GITHUB.name, AZURE.name, TEAMCITY.name, PLAIN.name] == [*CIS, ""]
    assert [ci.has_outputs for ci in (GITHUB, AZURE, TEAMCITY, PLAIN)] == [False, True, True, False]


@pytest.mark.parametrize("ci, level, line", ANNOTATIONS.values(), ids=ANNOTATIONS)
def test_annotation(ci: Plain, level: Level, line: str) -> None:
    assert ci.annotation(level, TITLE, MESSAGE) == line


def test_outputs_are_log_commands_on_azure_and_teamcity() -> None:
    values = {"build-sid": "50% $(x) |'[]"}
    assert GITHUB.outputs(values) == PLAIN.outputs(values) == []
    variable = "TWILIO_BUILD_WAIT_BUILD_SID"
    assert AZURE.outputs(values) == [
        f"##vso[task.setvariable variable={variable}]50%AZP25 $ (x) |'[]",
        f"##vso[task.setvariable variable={variable};isOutput=true]50%AZP25 $ (x) |'[]",
    ]
    assert TEAMCITY.outputs(values) == [
        f"##teamcity[setParameter name='env.{variable}' value='50%% $(x) |||'|[|]']"
    ]


def test_masks() -> None:
    assert GITHUB.masks(["a%b\r\n", "c"]) == ["::add-mask::a%25b%0D%0A", "::add-mask::c"]
    assert AZURE.masks(["a%b\r\n"]) == ["##vso[task.setsecret]a%AZP25b%0D%0A"]
    assert PLAIN.masks(["a"]) == TEAMCITY.masks(["a"]) == []


@pytest.mark.parametrize("ci, character, longest", [(GITHUB, "%", 1300), (TEAMCITY, "|", 1996)])
def test_annotation_that_is_too_long_is_cut(ci: Plain, character: str, longest: int) -> None:
    def line(text: str) -> str:
        return ci.annotation("error", "title", SafeText(text))

    assert "…" not in line(character * longest)
    assert line(character * (longest + 1)) == line(character * 1299 + "…")
