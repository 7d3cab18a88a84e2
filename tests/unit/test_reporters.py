"""All reporters together: what is written where, in which order, at each turn of the story."""

import json
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.unit.samples import BUILD_SID, SERVICE_SID, STATUS_URL, TOKEN, environment
from twilio_build_wait import __version__
from twilio_build_wait.outcome import DEBUGGER, OUTPUTS, Ending, Finding, Outcome, Progress
from twilio_build_wait.reporters import Reporters
from twilio_build_wait.reporters.console import Console
from twilio_build_wait.reporters.dialects import choose
from twilio_build_wait.settings import read
from twilio_build_wait.text import Redactor

CLEAR, MARK = "\x1b[0K", "twilio_build_wait"
KNOWN = Progress(BUILD_SID, SERVICE_SID, url=STATUS_URL)
DONE = Progress(BUILD_SID, SERVICE_SID, "AC1", STATUS_URL, "completed", 61.26, 7)
FIRST = (
    f"twilio-build-wait {__version__}: waiting for build {BUILD_SID} of service {SERVICE_SID} "
    "at serverless.twilio.com, time-out 15m, with auth token"
)


class Story:
    """Reporters for an environment, and the lines that they write."""

    def __init__(self, **changes: str | None) -> None:
        self.environ = environment(**changes)
        self.settings = read(self.environ)
        self.failure: OSError | None = None
        self._written: list[bytes] = []
        redact = Redactor(self.settings.secrets)
        console = Console(self._write, choose(self.environ), redact, lambda: 0.0, live=False)
        self.reporters = Reporters(self.environ, self.settings, console, lambda: 1775030400.9)

    def _write(self, data: bytes) -> None:
        if self.failure:
            raise self.failure
        self._written.append(data)

    @property
    def lines(self) -> list[str]:
        return b"".join(self._written).decode().split("\n")[:-1]

    def taken(self) -> list[str]:
        lines = self.lines
        self._written.clear()
        return lines


def github(tmp_path: Path, **changes: str | None) -> Story:
    files = {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    return Story(**{"GITHUB_ACTIONS": "true", **files, **changes})


# -- the beginning ---------------------------------------------------------------------------------


def test_the_first_line_says_what_is_waited_for() -> None:
    story = Story()
    story.reporters.open(None)
    assert story.lines == [FIRST]


def test_the_masks_come_before_it(tmp_path: Path) -> None:
    story = github(tmp_path, TWILIO_BUILD_OUTPUT_FILE="out.json")
    story.reporters.open(None)
    masks = [f"::add-mask::{mask}" for mask in story.settings.masks]
    # The dialect escapes what it is given.
    assert [runner_model.github_command(line) for line in story.lines[:2]] == [
        runner_model.Command("add-mask", mask) for mask in story.settings.masks
    ]
    assert len(masks) == 2
    assert story.lines[2:] == [
        FIRST,
        "GitHub Actions; outputs go to: GITHUB_OUTPUT, output-file out.json",
    ]


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"GITHUB_ACTIONS": "true"}, "GitHub Actions; outputs go to: none"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": ""}, "GitHub Actions; outputs go to: none"),
        ({"TF_BUILD": "True"}, "Azure Pipelines; outputs go to: standard output"),
        ({"TEAMCITY_VERSION": "1"}, "TeamCity; outputs go to: standard output"),
        (
            {"GITLAB_CI": "true", "TWILIO_BUILD_OUTPUT_FILE": "x.env"},
            "GitLab CI; outputs go to: output-file x.env",
        ),
    ],
)
def test_it_is_said_where_outputs_go(changes: dict[str, str], line: str) -> None:
    story = Story(**changes)
    story.reporters.open(None)
    assert story.lines[-1] == line


def test_warnings_about_the_inputs() -> None:
    story = Story(TWILIO_AUTH_TOKEN="short")
    story.reporters.open(None)
    assert story.lines[1:] == [
        f"warning: Check the inputs: {warning}" for warning in story.settings.warnings
    ]
    assert len(story.lines) == 2


def test_wrong_inputs_are_listed_one_a_line() -> None:
    story = Story(TWILIO_BUILD_SID="x", TWILIO_BUILD_TIMEOUT="soon")
    story.reporters.open(Outcome(Ending.INVALID, Progress(), "see above"))
    assert story.lines == [
        f"twilio-build-wait {__version__}",
        *(f"  {problem}" for problem in story.settings.problems),
    ]
    assert len(story.lines) == 3


def test_nothing_is_listed_where_a_signal_came_first() -> None:
    story = Story(TWILIO_BUILD_SID="x")
    story.reporters.open(Outcome(Ending.TERMINATED, Progress(), "cancelled"))
    assert story.lines == [f"twilio-build-wait {__version__}"]


# -- before the first read -------------------------------------------------------------------------


def test_what_is_known_is_saved_before_the_first_read(tmp_path: Path) -> None:
    output_file = tmp_path / "out.json"
    output_file.write_text('{"outcome": "completed"}')
    story = github(tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(output_file))
    story.reporters.begin(KNOWN)
    known = {
        "build-sid": BUILD_SID,
        "service-sid": SERVICE_SID,
        "url": STATUS_URL,
        "elapsed-seconds": "0.0",
        "polls": "0",
    }
    assert dict(runner_model.github_file((tmp_path / "output").read_text())) == known
    empty = dict.fromkeys(OUTPUTS, "")
    saved = json.loads(output_file.read_text())
    assert saved == empty | known | {"elapsed-seconds": 0, "polls": 0}
    assert story.lines == []


def test_commands_in_the_log_are_saved_for_the_end() -> None:
    for ci in ("TF_BUILD", "TEAMCITY_VERSION"):
        story = Story(**{ci: "1"})
        story.reporters.begin(KNOWN)
        assert not [line for line in story.lines if BUILD_SID in line]


def test_a_failure_before_the_first_read_is_said(tmp_path: Path) -> None:
    story = github(tmp_path, GITHUB_OUTPUT=str(tmp_path / "no" / "output"))
    story.reporters.begin(KNOWN)
    assert story.lines == ["GITHUB_OUTPUT could not be written: No such file or directory"]


# -- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ci, opened, closed",
    [
        ("TF_BUILD", "##[group]Waiting for the Twilio build", "##[endgroup]"),
        (
            "GITLAB_CI",
            f"{CLEAR}section_start:1775030400:{MARK}\r{CLEAR}Waiting for the Twilio build",
            f"{CLEAR}section_end:1775030400:{MARK}\r{CLEAR}",
        ),
    ],
)
def test_the_wait_is_a_section_of_the_log(ci: str, opened: str, closed: str) -> None:
    story = Story(**{ci: "true"})
    ended = Outcome(Ending.COMPLETED, DONE)
    story.reporters.begin(KNOWN)
    assert story.reporters.save(ended) == []
    first = story.taken()
    story.reporters.save(ended)
    assert first == [opened, closed, *story.lines]


def test_every_output_is_saved_in_every_channel(tmp_path: Path) -> None:
    output_file = tmp_path / "out.json"
    story = Story(
        TF_BUILD="True",
        GITHUB_OUTPUT=str(tmp_path / "output"),
        TWILIO_BUILD_OUTPUT_FILE=str(output_file),
    )
    assert story.reporters.save(Outcome(Ending.COMPLETED, DONE)) == []
    saved = dict(runner_model.github_file((tmp_path / "output").read_text()))
    assert list(saved) == list(OUTPUTS)
    assert (saved["outcome"], saved["polls"]) == ("completed", "7")
    assert json.loads(output_file.read_text())["outcome"] == "completed"
    commands = runner_model.azure_commands("\n".join(story.lines))
    assert len(commands) == 2 * len(OUTPUTS)
    assert commands[0].data == "completed"


def test_a_channel_that_cannot_be_written_does_not_keep_the_others(tmp_path: Path) -> None:
    output_file = tmp_path / "out.json"
    output_file.mkdir()
    nowhere = str(tmp_path / "no" / "output")
    story = github(
        tmp_path, GITHUB_OUTPUT=nowhere, TWILIO_BUILD_OUTPUT_FILE=str(output_file), TF_BUILD="1"
    )
    lost = story.reporters.save(Outcome(Ending.COMPLETED, DONE))
    assert lost == ["GITHUB_OUTPUT", f"output-file {output_file}"]
    assert story.lines == [
        "GITHUB_OUTPUT could not be written: No such file or directory",
        f"output-file {output_file} could not be written: it is not a file",
    ]


def test_what_an_output_file_cannot_carry_is_said_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "out.env"
    story = Story(TWILIO_BASE_URL="https://gateway.test/(x)", TWILIO_BUILD_OUTPUT_FILE=str(path))
    story.reporters.begin(Progress(url=story.settings.status_url))
    (line,) = story.lines
    assert line.startswith(f"url is left empty in output-file {path}: dotenv cannot carry 'https:")


def test_a_log_that_carries_outputs_can_be_lost_too() -> None:
    story = Story(TF_BUILD="1")
    story.failure = BrokenPipeError()
    assert story.reporters.save(Outcome(Ending.COMPLETED, DONE)) == ["standard output"]


def test_an_error_without_words_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = github(tmp_path)

    def fail(_path: str, _text: str) -> None:
        raise TimeoutError

    monkeypatch.setattr("twilio_build_wait.reporters.files.append", fail)
    assert story.reporters.save(Outcome(Ending.COMPLETED, DONE)) == ["GITHUB_OUTPUT"]
    assert story.lines == ["GITHUB_OUTPUT could not be written: TimeoutError"]


def test_a_better_reason_is_saved_once_more(tmp_path: Path) -> None:
    output_file = tmp_path / "out.json"
    story = github(tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(output_file))
    story.reporters.save(Outcome(Ending.FAILED, DONE, "no reason"))
    story.reporters.amend(Outcome(Ending.FAILED, DONE, "82003"))
    pairs = runner_model.github_file((tmp_path / "output").read_text())
    assert pairs[-2:] == [("reason", "no reason"), ("reason", "82003")]
    saved = json.loads(output_file.read_text())
    assert (saved["reason"], saved["outcome"]) == ("82003", "failed")


# -- the announcement ------------------------------------------------------------------------------


def test_a_build_that_has_completed_is_announced_quietly(tmp_path: Path) -> None:
    story = github(tmp_path)
    story.reporters.announce(Outcome(Ending.COMPLETED, DONE))
    assert story.lines == ["Twilio build completed after 1m1s, 7 reads"]
    assert (tmp_path / "summary").read_text().startswith("\n### ✅ Twilio build completed\n")


def test_outputs_that_are_lost_are_an_error(tmp_path: Path) -> None:
    story = github(tmp_path)
    lost = ["GITHUB_OUTPUT", "output-file x"]
    story.reporters.announce(Outcome(Ending.COMPLETED, DONE), lost=lost)
    assert story.lines[1] == (
        "::error title=Outputs lost::the Twilio build completed, but later steps would not learn "
        "of it: GITHUB_OUTPUT, output-file x could not be written (the log says why); mend that "
        "and run the step again"
    )
    assert len(story.lines) == 2


def test_another_ending_says_what_to_do_next(tmp_path: Path) -> None:
    story = github(tmp_path)
    story.reporters.announce(Outcome(Ending.FAILED, DONE, "it failed"), lost=["x"])
    (line,) = story.taken()
    assert line == (
        "::error title=Twilio build failed::it failed. "
        f"Look for the build's errors in Twilio's Debugger {DEBUGGER}"
    )
    story.reporters.announce(Outcome(Ending.TERMINATED, DONE, "cancelled"))
    (line,) = story.taken()
    assert line == (
        "::warning title=Wait cancelled::cancelled. "
        "Run the step again, which goes on waiting for the same build"
    )


def test_what_was_found_is_listed_before_it(tmp_path: Path) -> None:
    story = github(tmp_path)
    findings = [
        Finding("Alert", f"a\n::error::{TOKEN}", "https://x.test"),
        Finding("Runtime", "node"),
    ]
    story.reporters.announce(Outcome(Ending.FAILED, DONE, "82003"), findings)
    assert story.lines == [
        "  Alert: a : :error::*** https://x.test",
        "  Runtime: node",
        "::error title=Twilio build failed::82003",
    ]
    summary = (tmp_path / "summary").read_text()
    assert "| Runtime | node |" in summary
    assert TOKEN not in summary
    assert "Where to look next" not in summary


def test_a_finding_is_cut() -> None:
    story = Story()
    story.reporters.announce(Outcome(Ending.FAILED, DONE, "x"), [Finding("Alert", 501 * "x")])
    assert story.lines[0] == f"  Alert: {499 * 'x'}…"


@pytest.mark.parametrize(
    "changes", [{"TWILIO_BUILD_SUMMARY": "false"}, {"GITHUB_STEP_SUMMARY": None}]
)
def test_there_may_be_no_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None]
) -> None:
    monkeypatch.chdir(tmp_path)
    story = github(tmp_path, **changes)
    story.reporters.announce(Outcome(Ending.COMPLETED, DONE))
    assert not list(tmp_path.iterdir())
    assert len(story.lines) == 1


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    story = github(tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "summary"))
    story.reporters.announce(Outcome(Ending.COMPLETED, DONE))
    warning, last = story.lines
    assert warning == (
        "::warning title=No job summary::GITHUB_STEP_SUMMARY could not be written (No such "
        "file or directory); nothing else is affected"
    )
    assert last == "Twilio build completed after 1m1s, 7 reads"


# -- a bug -----------------------------------------------------------------------------------------


def fail(message: str) -> None:
    raise RuntimeError(message)


def test_a_traceback_gives_nothing_away() -> None:
    story = Story(GITHUB_ACTIONS="true")
    with pytest.raises(RuntimeError) as caught:
        fail(f"{TOKEN}\n::error::x\u2028##[group]")
    story.reporters.crash(caught.value)
    assert story.lines[0] == "Traceback (most recent call last):"
    assert story.lines[-3:] == ["RuntimeError: ***", ": :error: :x", "# #[group]"]
    assert runner_model.github_commands("\n".join(story.lines)) == []
