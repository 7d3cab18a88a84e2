"""The log commands of each CI, byte for byte."""

import pytest

from twilio_build_wait.model import Level
from twilio_build_wait.reporters.ci import CI, choose
from twilio_build_wait.safe_text import message

GITHUB = choose({"GITHUB_ACTIONS": "true", "TF_BUILD": "True", "RUNNER_DEBUG": "1"})
AZURE = choose({"TF_BUILD": "True", "TEAMCITY_VERSION": "1"})
TEAMCITY = choose({"TEAMCITY_VERSION": "2025.11", "GITLAB_CI": "true"})
PLAIN = choose({"GITHUB_ACTIONS": "", "GITLAB_CI": "true"})

# What announces "'a' | [b] %c%".
TEXT = "Title: 'a' | [b] %c%"
AZURE_TEXT = "Title: 'a' | [b] %AZP25c%AZP25"
TEAMCITY_TEXT = "Title: |'a|' || |[b|] %c%"
ANNOTATIONS: dict[str, tuple[CI, Level, str]] = {
    "plain": (PLAIN, "error", f"error: {TEXT}"),
    "GitHub error": (GITHUB, "error", "::error title=Title::'a' | [b] %25c%25"),
    "GitHub notice": (GITHUB, "notice", "::notice title=Title::'a' | [b] %25c%25"),
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
}


@pytest.mark.parametrize("ci, level, line", ANNOTATIONS.values(), ids=ANNOTATIONS)
def test_annotation(ci: CI, level: Level, line: str) -> None:
    assert ci.annotation(level, "Title", message("'{}' | [b] %c%", "a")) == line


VARIABLE = "TWILIO_BUILD_WAIT_BUILD_SID"
# A CI, and its commands that set an output and that mask secrets.
COMMANDS: dict[str, tuple[CI, list[str], list[str]]] = {
    "plain": (PLAIN, [], []),
    "GitHub": (GITHUB, [], ["::add-mask::a%25b%0D%0A", "::add-mask::c"]),
    "Azure": (
        AZURE,
        [
            f"##vso[task.setvariable variable={VARIABLE}]50%AZP25 $ (x) |'[]",
            f"##vso[task.setvariable variable={VARIABLE};isOutput=true]50%AZP25 $ (x) |'[]",
        ],
        ["##vso[task.setsecret]a%AZP25b%0D%0A", "##vso[task.setsecret]c"],
    ),
    "TeamCity": (
        TEAMCITY,
        [f"##teamcity[setParameter name='env.{VARIABLE}' value='50%% $(x) |||'|[|]']"],
        [],
    ),
}


@pytest.mark.parametrize("ci, outputs, masks", COMMANDS.values(), ids=COMMANDS)
def test_outputs_and_masks(ci: CI, outputs: list[str], masks: list[str]) -> None:
    assert ci.outputs({"build-sid": "50% $(x) |'[]"}) == outputs
    assert ci.lines(ci.mask, ["a%b\r\n", "c"]) == masks


def test_no_debug_line_unless_github_asks_for_it() -> None:
    assert choose({"GITHUB_ACTIONS": "true", "RUNNER_DEBUG": "0"}).debug == ""


# How many of these characters fit into an annotation, with their escapes.
LONGEST = {"GitHub": (GITHUB, "%", 1300), "TeamCity": (TEAMCITY, "|", 1950)}


@pytest.mark.parametrize("ci, character, longest", LONGEST.values(), ids=LONGEST)
def test_annotation_is_cut_if_its_escapes_make_it_too_long(
    ci: CI, character: str, longest: int
) -> None:
    def line(text: str) -> str:
        return ci.annotation("error", "title", message(text))

    assert "…" not in line(character * longest)
    assert line(character * (longest + 1)) == line(character * 1299 + "…")
