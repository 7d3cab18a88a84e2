"""Hostile bytes from the server, in every dialect of log and in every place that outlives the log.

What a model of each CI's parsers reads back is held against what a person was told: the same reason
in every channel, the tool's own commands and no other, a job summary that a Markdown parser sees as
one table of plain text, a dotenv file that a shell can source without running anything.
"""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from emulator.server import Emulator, Options
from tests.integration import runner_model
from tests.integration.harness import (
    BUILD_SID,
    OUTPUT_NAMES,
    SERVICE_SID,
    TOKEN,
    Finished,
    Tool,
    base_env,
    check_outputs,
    off_github,
)
from tests.integration.wire import Act, Wire, head, raw, reply, status

pytestmark = pytest.mark.fault

ALPHABET = [
    "\r",
    "\n",
    "\r\n",
    "\v",
    "\f",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "::",
    "::error::",
    "::set-output name=outcome::completed",
    "::add-mask::a",
    "::stop-commands::halt",
    "##[",
    "##[set-output name=outcome]completed",
    "##vso[",
    "##vso[task.setvariable variable=TWILIO_BUILD_WAIT_OUTCOME]completed",
    "##VSO[task.complete result=Succeeded]",
    "##teamcity[",
    "##teamcity[buildStatus status='SUCCESS']",
    "##",
    "#",
    ":",
    "[",
    "]",
    "%0A",
    "%0D",
    "%25",
    "%AZP25",
    "|n",
    "|'",
    "'",
    '"',
    ";",
    "\x1b[2J",
    "\x1b]8;;http://x\x07",
    "\x9b2J",
    "\x00",
    "\x08",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200d",
    "\ufeff",
    "\ud800",
    "<<",
    "<<ghadelimiter_1",
    "outcome<<X\ncompleted\nX\n",
    "=",
    "\noutcome=completed\n",
    "`",
    "```",
    "$(touch ran)",
    "`touch ran`",
    "&& touch ran #",
    "|",
    "\\|",
    "\\",
    "<b>",
    "<img src=x>",
    "<!--",
    "-->",
    "<details>",
    "[a](http://x.test)",
    "![a](http://x.test/p.png)",
    "http://x.test",
    "www.x.test",
    "a@x.test",
    "@everyone",
    "#1",
    "**",
    "~~",
    "\n\n# ",
    "\n---\n",
    "&lt;",
    "&#10;",
    "&#x60;",
    "completed",
    "word",
    " ",
    "é",
    "中",
    "😀",
]
hostile = st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=8).map("".join)
long_hostile = st.lists(st.sampled_from(ALPHABET), min_size=60, max_size=120).map("".join)
any_hostile = st.one_of(hostile, hostile, long_hostile)

examples = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    # Each example is a whole process: a failure is shown as found, not looked for anew in small.
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CIS: dict[str, dict[str, str]] = {
    "github": {"RUNNER_DEBUG": "1"},
    "azure": {"TF_BUILD": "True"},
    "teamcity": {"TEAMCITY_VERSION": "2025.11"},
    "gitlab": {"GITLAB_CI": "true"},
    "no-ci": {},
}


def env_for(
    ci: str, root: str, tmp_path: Path, name: str = "outputs.json", **changes: str
) -> dict[str, str]:
    """An environment whose files are as good as new: each example is a job of its own."""
    for written in ("github-output", "github-summary", name):
        (tmp_path / written).unlink(missing_ok=True)
    env = base_env(root, tmp_path, **changes)
    env = (env if ci == "github" else off_github(env)) | CIS[ci]
    return env | {"TWILIO_BUILD_OUTPUT_FILE": str(tmp_path / name)}


def run_with(tool: Tool, env: dict[str, str]) -> Finished:
    """The run; what holds of every run on GitHub is told apart here from what a text may say."""
    run = tool.run(env, check=False)
    assert run.stderr == ""
    assert run.code != 70, run.stdout
    assert TOKEN not in run.output_text
    if env.get("GITHUB_OUTPUT"):
        check_outputs(run.outputs, run.code, run.stdout)
    return run


def latin(text: str) -> str:
    """What of a text fits into a header: no line break, and bytes as they come."""
    kept = "".join(c for c in text if c not in "\r\n\x00")
    return kept.encode("utf-8", "ignore").decode("utf-8")


def refusing(code: int, message: str, twilio_code: object, request_id: str, phrase: str) -> Act:
    """A refusal with the same hostility in every place that it has."""
    body = json.dumps(
        {
            "code": twilio_code,
            "message": message,
            "detail": message,
            "more_info": message,
            "status": code,
            "title": message,
        }
    ).encode()
    fields = {
        "Twilio-Request-Id": latin(request_id),
        "Content-Type": latin(phrase),
        "Server": latin(message),
    }
    return raw(head(code, latin(phrase), fields, len(body)) + body)


def own_words_on_github(run: Finished, *, warnings: int) -> None:
    """The runner reads the tool's commands, and only those."""
    names = [command.name for command in run.commands]
    assert names.count("error") == 1, run.stdout
    assert names.count("warning") == warnings, run.stdout
    assert names.count("add-mask") == 2, run.stdout
    assert set(names) <= {"add-mask", "error", "warning", "debug"}
    assert [name for name, _ in run.output_pairs if name not in OUTPUT_NAMES] == []
    assert run.named("error")[0].data.startswith(run.outputs["reason"])


def own_words_on_azure(run: Finished, *, warnings: int) -> None:
    """Azure's agent reads two variables of each output, the masks and the issues."""
    commands = runner_model.azure_commands(run.stdout)
    told = {
        "TWILIO_BUILD_WAIT_" + name.upper().replace("-", "_"): str(value)
        for name, value in run.output_json.items()
    }
    variables: dict[str, list[str]] = {}
    for command in commands:
        if command.name == "task.setvariable":
            variables.setdefault(command.properties["variable"], []).append(command.data)
    assert variables == {name: [value, value] for name, value in told.items()}
    issues = [c.properties["type"] for c in commands if c.name == "task.logissue"]
    assert sorted(issues) == ["error"] + ["warning"] * warnings
    assert {c.name for c in commands} <= {"task.setvariable", "task.setsecret", "task.logissue"}
    assert runner_model.teamcity_messages(run.stdout) == []


def own_words_on_teamcity(run: Finished, *, warnings: int) -> None:
    """TeamCity reads a parameter of each output, the problem and the warnings."""
    messages = runner_model.teamcity_messages(run.stdout)
    told = {
        "env.TWILIO_BUILD_WAIT_" + name.upper().replace("-", "_"): str(value)
        for name, value in run.output_json.items()
    }
    parameters = {
        m.properties["name"]: m.properties["value"] for m in messages if m.name == "setParameter"
    }
    assert parameters == told
    others = [m.name for m in messages if m.name != "setParameter"]
    assert sorted(others) == ["buildProblem"] + ["message"] * warnings
    assert runner_model.azure_commands(run.stdout) == []


def own_words_elsewhere(run: Finished, *, warnings: int) -> None:
    """Where there are no commands, nothing looks like one to anybody."""
    assert sum(line.startswith("warning: ") for line in run.lines) == warnings, run.stdout
    assert runner_model.github_commands(run.stdout) == []
    assert runner_model.azure_commands(run.stdout) == []
    assert runner_model.teamcity_messages(run.stdout) == []


OWN_WORDS = {
    "github": own_words_on_github,
    "azure": own_words_on_azure,
    "teamcity": own_words_on_teamcity,
    "gitlab": own_words_elsewhere,
    "no-ci": own_words_elsewhere,
}


def lines_are_lines(run: Finished, ci: str) -> None:
    """Every reader of lines, however many kinds of line break it knows, reads the same ones."""
    shown = run.stdout
    if ci == "gitlab":  # the section marks are GitLab's own, escape sequences and all
        shown = "\n".join(line for line in shown.split("\n") if not line.startswith("\x1b[0K"))
    assert shown.splitlines() == shown.split("\n")[: -1 if shown.endswith("\n") else None]
    assert not any(character in shown for character in "\x1b\x9b\x00\x08\x7f\u202e\u2066")


@pytest.mark.parametrize("ci", CIS)
@examples
@given(
    words=st.lists(hostile, min_size=1, max_size=5),
    message=any_hostile,
    twilio_code=st.one_of(hostile, st.just(20003)),
    request_id=hostile,
    phrase=hostile,
)
def test_hostile_replies_in_every_log(
    tool: Tool,
    tmp_path: Path,
    ci: str,
    words: list[str],
    message: str,
    twilio_code: object,
    request_id: str,
    phrase: str,
) -> None:
    script = [status(word, url=message, account_sid=message) for word in words]
    refusal = refusing(403, message, twilio_code, request_id, phrase)
    with Wire(*script, refusal) as wire:
        run = run_with(tool, env_for(ci, wire.root, tmp_path))
    ended = [word for word in words if word in {"completed", "failed"}]
    if ended:
        assert run.code == {"completed": 0, "failed": 1}[ended[0]], run.stdout
        return
    assert run.code == 4, run.stdout
    unknown = len(set(words) - {"building"})
    OWN_WORDS[ci](run, warnings=min(3, unknown))
    lines_are_lines(run, ci)
    assert set(run.output_json) == set(OUTPUT_NAMES)
    assert run.output_json["account-sid"] == ""
    assert str(run.output_json["url"]).startswith("http")
    assert len(str(run.output_json["reason"])) <= 500


@pytest.mark.parametrize("ci", ["github", "azure", "teamcity", "no-ci"])
@examples
@given(kind=st.integers(0, 3), message=any_hostile, phrase=hostile, body=any_hostile)
def test_hostile_passing_faults_in_every_log(
    tool: Tool, tmp_path: Path, ci: str, kind: int, message: str, phrase: str, body: str
) -> None:
    act = (
        refusing(503, message, message, message, phrase),
        reply(200, body.encode("utf-8", "replace"), {"Content-Encoding": latin(phrase)}),
        raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {latin(phrase)}\r\n\r\n".encode()),
        raw(latin(message).encode() + b"\r\n\r\n"),
    )[kind]
    with Wire(act) as wire:
        run = run_with(tool, env_for(ci, wire.root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    assert run.code == 3, run.stdout
    OWN_WORDS[ci](run, warnings=0)
    lines_are_lines(run, ci)


# --- the job summary ------------------------------------------------------------------------------

# What GitHub renders: CommonMark with tables, strikethrough, and addresses that become links.
markdown = MarkdownIt("gfm-like")


def everything_in(tokens: list[Token]) -> list[Token]:
    return [inner for token in tokens for inner in (token, *everything_in(token.children or []))]


def cells(text: str) -> list[list[str]]:
    """The rows of the one table, as plain text, the way a Markdown parser sees them."""
    rows: list[list[str]] = []
    for token in markdown.parse(text):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level > 2:
            inline = [inner.content for inner in everything_in(token.children or [])]
            rows[-1].append("".join(inline))
    return rows


def summary_is_plain(run: Finished) -> None:
    """One heading, one table of two columns, and in it plain text and the tool's own links."""
    tokens = everything_in(markdown.parse(run.summary))
    kinds = [token.type for token in tokens]
    assert kinds.count("heading_open") == 1, run.summary
    assert kinds.count("table_open") == 1, run.summary
    assert kinds.count("paragraph_open") == 0, run.summary
    own = {"link_open", "link_close", "code_inline", "text", "inline"}
    block = {"heading_open", "heading_close", "table_open", "table_close"}
    block |= {
        f"{part}_{end}"
        for part in ("thead", "tbody", "tr", "th", "td")
        for end in ("open", "close")
    }
    assert set(kinds) <= own | block, run.summary
    for token in tokens:
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(
                ("https://console.twilio.com/", "https://www.twilio.com/")
            )
    assert all(len(row) == 2 for row in cells(run.summary)), run.summary
    assert "<" not in run.summary


@examples
@given(message=any_hostile, request_id=hostile, word=hostile)
def test_a_job_summary_stays_one_table(
    tool: Tool, tmp_path: Path, message: str, request_id: str, word: str
) -> None:
    with Wire(status(f"x{word}"), refusing(401, message, message, request_id, message)) as wire:
        run = run_with(tool, env_for("github", wire.root, tmp_path))
    assert run.code == 4, run.stdout
    summary_is_plain(run)
    # A person reads there what the output says, character by character.
    reason = next(row[1] for row in cells(run.summary) if row[0] == "Reason")
    assert " ".join(reason.split()) == " ".join(run.outputs["reason"].split())


# --- why a build failed ---------------------------------------------------------------------------


@examples
@given(alert=any_hostile, name=hostile, version=hostile, runtime=hostile)
def test_a_hostile_diagnosis(
    tool: Tool, tmp_path: Path, alert: str, name: str, version: str, runtime: str
) -> None:
    def well_formed(text: str) -> str:
        return text.encode("utf-8", "ignore").decode()

    alert, name = well_formed(alert), well_formed(name)
    version, runtime = well_formed(version), well_formed(runtime)
    with Emulator(Options(default=None)) as emulator:
        emulator.add_build(
            BUILD_SID,
            "failed",
            after="0s",
            runtime=runtime,
            dependencies=[{"name": name, "version": version}],
            alerts=[{"alert_text": alert, "error_code": name, "service_sid": SERVICE_SID}],
        )
        env = env_for(
            "github",
            emulator.url,
            tmp_path,
            TWILIO_ACCOUNT_SID="AC" + 32 * "a",
            TWILIO_AUTH_TOKEN="emulator-auth-token",
            TWILIO_BUILD_DIAGNOSE="true",
        )
        run = run_with(tool, env)
    assert run.code == 1, run.stdout
    own_words_on_github(run, warnings=0)
    lines_are_lines(run, "github")
    summary_is_plain(run)


# --- dotenv ---------------------------------------------------------------------------------------


# What a path of a URL may hold and a shell would act upon, by itself or with its neighbours.
SHELL_PIECES = [
    "a",
    "/",
    "$(ran)",
    ";ran;",
    "&ran&",
    "'",
    "(",
    ")",
    "*",
    "!",
    "=",
    "~",
    "$ran",
    "%60",
]
shell_paths = st.lists(st.sampled_from(SHELL_PIECES), min_size=1, max_size=6).map("".join)


@examples
@given(words=st.lists(hostile, min_size=1, max_size=4), path=shell_paths, message=hostile)
def test_a_dotenv_file_runs_nothing_when_sourced(
    tool: Tool, tmp_path: Path, words: list[str], path: str, message: str
) -> None:
    script = [status(word, url=message, account_sid=message, service_sid=message) for word in words]
    with Wire(*script, refusing(401, message, message, message, message)) as wire:
        root = f"{wire.root}/{path}"
        run = run_with(tool, env_for("github", root, tmp_path, "outputs.env"))
    sourced(tool, run)


def sourced(tool: Tool, run: Finished) -> None:
    """Source the file in `sh`, and compare what the shell has with what GitLab's parser reads."""
    expected = runner_model.dotenv(run.output_text)
    assert set(expected) <= {
        f"TWILIO_BUILD_WAIT_{name.upper().replace('-', '_')}" for name in OUTPUT_NAMES
    }
    shell = subprocess.run(
        ["sh", "-c", f'set -a; . "{run.output_path}"; env -0'],
        cwd=tool.cwd,
        env={"PATH": run.env["PATH"]},
        capture_output=True,
        check=True,
        timeout=10,
    )
    assert shell.stderr == b""
    pairs = (pair.partition("=") for pair in shell.stdout.decode().split("\0"))
    found = {name: value for name, _, value in pairs if name.startswith("TWILIO_")}
    assert found == expected
    assert not (tool.cwd / "ran").exists()


# --- inputs ---------------------------------------------------------------------------------------

HOSTILE_INPUTS = [
    "TWILIO_ACCOUNT_SID",
    "TWILIO_API_KEY",
    "TWILIO_SERVICE_SID",
    "TWILIO_BUILD_SID",
    "TWILIO_BUILD_TIMEOUT",
    "TWILIO_BUILD_INTERVAL",
    "TWILIO_BUILD_MAX_INTERVAL",
    "TWILIO_REGION",
    "TWILIO_EDGE",
    "TWILIO_BASE_URL",
    "TWILIO_BUILD_SUMMARY",
]


@pytest.mark.parametrize("ci", ["github", "azure", "teamcity", "no-ci"])
@examples
@given(text=any_hostile)
def test_hostile_inputs_in_every_log(tool: Tool, tmp_path: Path, ci: str, text: str) -> None:
    value = "x" + text.encode("utf-8", "ignore").decode().replace("\0", "")
    env = env_for(ci, "https://gateway.invalid", tmp_path) | dict.fromkeys(HOSTILE_INPUTS, value)
    run = run_with(tool, env | {"TWILIO_BUILD_DIAGNOSE": value})
    if (
        run.code != 2
    ):  # a plain word can be a region, an edge and a service's unique name, not a SID
        raise AssertionError(run.stdout)
    if ci == "github":
        assert len(run.named("error")) == 1
        summary_is_plain(run)
    else:
        OWN_WORDS[ci](run, warnings=0)
    lines_are_lines(run, ci)
    assert run.output_json["build-sid"] == ""


def test_the_alphabet_is_as_hostile_as_it_claims() -> None:
    """Shown as it is, it would take over every one of the parsers that the tests trust."""
    text = "\n".join(["mine", *ALPHABET])
    assert {"error", "set-output"} <= {c.name for c in runner_model.github_commands(text)}
    assert "task.complete" in {
        c.name for c in runner_model.azure_commands(text.replace("VSO", "vso"))
    }
    with pytest.raises(ValueError, match="malformed"):
        runner_model.teamcity_messages(text)
    assert ("outcome", "completed") in runner_model.github_file("reason=" + "\noutcome=completed\n")
    parsed = [everything_in(markdown.parse(f"a {piece}")) for piece in ALPHABET]
    kinds = {token.type for tokens in parsed for token in tokens}
    assert {"html_inline", "image", "link_open", "heading_open", "code_inline"} <= kinds
