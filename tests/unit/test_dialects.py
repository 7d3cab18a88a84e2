"""The log commands of each CI: exact bytes, and what that CI's parser reads back from them."""

import re

import pytest
from hypothesis import given

from tests.integration import runner_model
from tests.unit import hostile
from twilio_build_wait.outcome import OUTPUTS, Level, variable
from twilio_build_wait.reporters.dialects import (
    Azure,
    GitHub,
    GitLab,
    Plain,
    TeamCity,
    choose,
)

LOUD = {"error": Level.ERROR, "warning": Level.WARNING}
ODD = "100% a:b,c;d]e[f|g'h\r\ni\x85j\u2028k\u2029l"
GITHUB_ODD = "100%25 a:b,c;d]e[f|g'h%0D%0Ai\x85j\u2028k\u2029l"
AZURE_ODD = "100%AZP25 a:b,c;d]e[f|g'h%0D%0Ai\x85j\u2028k\u2029l"
TEAMCITY_ODD = "100% a:b,c;d|]e|[f||g|'h|r|ni|xj|lk|pl"


# -- which -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ, dialect, name",
    [
        ({}, Plain, ""),
        ({"CI": "true"}, Plain, ""),
        ({"GITHUB_ACTIONS": "true"}, GitHub, "GitHub Actions"),
        ({"TF_BUILD": "True"}, Azure, "Azure Pipelines"),
        ({"TEAMCITY_VERSION": "2026.1"}, TeamCity, "TeamCity"),
        ({"GITLAB_CI": "true"}, GitLab, "GitLab CI"),
        (
            {"GITHUB_ACTIONS": "", "TF_BUILD": "", "TEAMCITY_VERSION": "", "GITLAB_CI": ""},
            Plain,
            "",
        ),
        (
            {"GITHUB_ACTIONS": "true", "TF_BUILD": "True", "GITLAB_CI": "true"},
            GitHub,
            "GitHub Actions",
        ),
    ],
)
def test_the_dialect_is_the_one_of_the_ci(
    environ: dict[str, str], dialect: type[Plain], name: str
) -> None:
    chosen = choose(environ)
    assert type(chosen) is dialect
    assert chosen.name == name


@pytest.mark.parametrize(
    "value, line",
    [("1", "::debug::a%250Ab"), ("0", None), ("", None), ("true", None), (None, None)],
)
def test_only_a_debugged_run_has_debug_lines(value: str | None, line: str | None) -> None:
    environ = {"GITHUB_ACTIONS": "true"} | ({} if value is None else {"RUNNER_DEBUG": value})
    assert choose(environ).debug("a%0Ab") == line


# -- no CI -----------------------------------------------------------------------------------------


def test_without_a_ci_there_are_no_commands() -> None:
    plain = Plain()
    assert plain.note(Level.ERROR, "Title", "what") == "error: Title: what"
    assert plain.note(Level.WARNING, "Title", "what") == "warning: Title: what"
    assert plain.note(Level.QUIET, "Title", "what") == "notice: Title: what"
    assert (plain.masks(["secret"]), plain.outputs({"outcome": "failed"})) == ([], [])
    assert (plain.debug("x"), plain.section("x", 1)) == (None, ("", ""))


def test_gitlab_has_sections_and_no_commands() -> None:
    gitlab = GitLab()
    assert gitlab.section("Waiting", 1775030400) == (
        "\x1b[0Ksection_start:1775030400:twilio_build_wait\r\x1b[0KWaiting",
        "\x1b[0Ksection_end:1775030400:twilio_build_wait\r\x1b[0K",
    )
    assert gitlab.note(Level.ERROR, "Title", ODD) == f"error: Title: {ODD}"
    assert (gitlab.masks(["secret"]), gitlab.outputs({"outcome": "failed"})) == ([], [])
    assert gitlab.debug("x") is None


# -- GitHub ----------------------------------------------------------------------------------------


def test_github() -> None:
    github = GitHub(debugging=True)
    assert github.masks([ODD, "a,b"]) == [f"::add-mask::{GITHUB_ODD}", "::add-mask::a,b"]
    assert github.note(Level.ERROR, "a:b,c%", ODD) == f"::error title=a%3Ab%2Cc%25::{GITHUB_ODD}"
    assert github.note(Level.WARNING, "Title", "what") == "::warning title=Title::what"
    assert github.note(Level.QUIET, "Title", "what") == "notice: Title: what"
    assert github.debug(ODD) == f"::debug::{GITHUB_ODD}"
    assert GitHub(debugging=False).debug(ODD) is None
    assert (github.outputs({"outcome": "failed"}), github.section("x", 1)) == ([], ("", ""))


@given(hostile.TEXT, hostile.TEXT)
def test_github_reads_back_what_was_meant(title: str, message: str) -> None:
    github, title = GitHub(debugging=True), title.strip()
    for name, level in LOUD.items():
        line = github.note(level, title, message)
        assert runner_model.github_commands(line) == [
            runner_model.Command(name, message, {"title": title})
        ]
    (mask,) = github.masks([message])
    assert runner_model.github_commands(mask) == [runner_model.Command("add-mask", message)]
    debug = github.debug(message) or ""
    assert runner_model.github_commands(debug) == [runner_model.Command("debug", message)]


# -- Azure -----------------------------------------------------------------------------------------


def test_azure() -> None:
    azure = Azure()
    assert azure.masks([ODD]) == [f"##vso[task.setsecret]{AZURE_ODD}"]
    issue = "##vso[task.logissue type="
    assert azure.note(Level.ERROR, "Title", ODD) == f"{issue}error]Title: {AZURE_ODD}"
    assert azure.note(Level.WARNING, "%", "what") == f"{issue}warning]%AZP25: what"
    assert azure.note(Level.QUIET, "Title", "what") == "notice: Title: what"
    assert azure.section("Waiting", 1) == ("##[group]Waiting", "##[endgroup]")
    assert azure.debug("x") is None
    assert azure.outputs({"outcome": "failed", "build-sid": ODD}) == [
        "##vso[task.setvariable variable=TWILIO_BUILD_WAIT_OUTCOME]failed",
        "##vso[task.setvariable variable=TWILIO_BUILD_WAIT_OUTCOME;isOutput=true]failed",
        f"##vso[task.setvariable variable=TWILIO_BUILD_WAIT_BUILD_SID]{AZURE_ODD}",
        f"##vso[task.setvariable variable=TWILIO_BUILD_WAIT_BUILD_SID;isOutput=true]{AZURE_ODD}",
    ]


@given(hostile.TEXT)
def test_azure_reads_back_what_was_meant(value: str) -> None:
    azure = Azure()
    log = "\n".join([*azure.outputs({"reason": value}), *azure.masks([value])])
    name = {"variable": "TWILIO_BUILD_WAIT_REASON"}
    assert runner_model.azure_commands(log) == [
        runner_model.Command("task.setvariable", value, name),
        runner_model.Command("task.setvariable", value, name | {"isOutput": "true"}),
        runner_model.Command("task.setsecret", value),
    ]
    for kind, level in LOUD.items():
        assert runner_model.azure_commands(azure.note(level, "Title", value)) == [
            runner_model.Command("task.logissue", f"Title: {value}", {"type": kind})
        ]


# -- TeamCity --------------------------------------------------------------------------------------


def test_teamcity() -> None:
    teamcity = TeamCity()
    assert teamcity.note(Level.ERROR, "Title", ODD) == (
        f"##teamcity[buildProblem description='Title: {TEAMCITY_ODD}']"
    )
    assert teamcity.note(Level.WARNING, "|", "what") == (
        "##teamcity[message text='||: what' status='WARNING']"
    )
    assert teamcity.note(Level.QUIET, "Title", ODD) == f"notice: Title: {ODD}"
    assert teamcity.outputs({"outcome": "failed", "build-sid": ODD}) == [
        "##teamcity[setParameter name='env.TWILIO_BUILD_WAIT_OUTCOME' value='failed']",
        f"##teamcity[setParameter name='env.TWILIO_BUILD_WAIT_BUILD_SID' value='{TEAMCITY_ODD}']",
    ]
    assert (teamcity.masks(["secret"]), teamcity.debug("x")) == ([], None)
    assert teamcity.section("x", 1) == ("", "")


@given(hostile.TEXT)
def test_teamcity_reads_back_what_was_meant(value: str) -> None:
    teamcity = TeamCity()
    problem, warning = (teamcity.note(level, "Title", value) for level in LOUD.values())
    (parameter,) = teamcity.outputs({"reason": value})
    messages = runner_model.teamcity_messages(f"{problem}\n{warning}\n{parameter}")
    assert [(message.name, message.properties) for message in messages] == [
        ("buildProblem", {"description": f"Title: {value}"}),
        ("message", {"text": f"Title: {value}", "status": "WARNING"}),
        ("setParameter", {"name": "env.TWILIO_BUILD_WAIT_REASON", "value": value}),
    ]


# -- all of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dialect", [Plain(), GitHub(debugging=True), Azure(), TeamCity(), GitLab()], ids=type
)
def test_a_command_is_one_line_whatever_is_in_it(dialect: Plain) -> None:
    lines = [*dialect.masks(["a\nb\rc"]), *dialect.outputs(dict.fromkeys(OUTPUTS, "a\nb\rc"))]
    assert not [line for line in lines if re.search(r"[\r\n]", line)]


def test_the_variable_of_an_output() -> None:
    assert [variable(name) for name in ("outcome", "elapsed-seconds")] == [
        "TWILIO_BUILD_WAIT_OUTCOME",
        "TWILIO_BUILD_WAIT_ELAPSED_SECONDS",
    ]
