"""Any text in any place: what a CI reads back is the tool's own, and nothing else.

`check_invariants` runs on every example: the commands are the tool's, one error at most, outputs
complete and of their form, no control character, no stray opener. What is added here is the text.
"""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration import runner_model
from tests.integration.harness import (
    BUILD_SID,
    SERVICE_SID,
    Finished,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    json_reply,
    off_github,
)

PIECES = [
    "\r",
    "\n",
    "\r\n",
    "\x85",
    "\u2028",
    "\u2029",
    "\v",
    "\f",
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x00",
    "\u202e",
    "\ufeff",
    "::",
    "::error::owned",
    "::set-output name=outcome::completed",
    "::add-mask::ZB",
    "::stop-commands::x",
    "##[",
    "##[error]",
    "##[set-output name=status;]completed",
    "##vso[task.setvariable variable=PATH]x",
    "##vso[task.complete result=Succeeded;]",
    "##teamcity[buildStatus text='x']",
    "##",
    "[",
    "]",
    "%0A",
    "%0D%0A::error::owned",
    "%25",
    "%",
    "<<",
    "<<EOF",
    "EOF",
    "ghadelimiter_",
    "=",
    "outcome=completed",
    "\noutcome=completed\n",
    "`",
    "```",
    "|",
    "\\|",
    "\\",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "](https://x)",
    "$(touch owned)",
    "`touch owned`",
    "';touch owned;'",
    '"',
    "'",
    "é",
    "\u4e2d",
    "\U0001f600",
    "\ud800",
    "completed",
    " ",
    "a",
]
hostile = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
in_a_header = hostile.map(
    lambda text: "".join(c for c in text if c.isprintable() and ord(c) < 256 and c not in "\r\n")
)
slowly = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    # A process an example is too slow to look for the smallest one.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fresh(root: str, tmp_path: Path, **changes: str) -> dict[str, str]:
    """An environment whose files are empty again: every example is a step of its own."""
    for name in ("github-output", "github-summary", "outputs.json"):
        (tmp_path / name).unlink(missing_ok=True)
    return base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="0", RUNNER_DEBUG="1", **changes)


def assert_own(run: Finished, tool: Tool) -> None:
    """Beyond the invariants: nothing ran, nothing was forged, the summary is one table."""
    assert not (tool.cwd / "owned").exists()
    assert runner_model.azure_commands(run.stdout) == []
    assert runner_model.teamcity_messages(run.stdout) == []
    for text in (run.summary, run.outputs["reason"], run.output_text):
        assert "\x1b" not in text
        assert "\r" not in text
    rows = [line for line in run.summary.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) <= 1, run.summary
    titles = {command.properties["title"] for command in run.named("error")}
    assert len(titles) <= 1


@slowly
@given(message=hostile, code=hostile, identifier=in_a_header, phrase=in_a_header)
def test_a_refusal_s_text(
    tool: Tool, tmp_path: Path, message: str, code: str, identifier: str, phrase: str
) -> None:
    body = json.dumps({"code": code, "message": message, "detail": message}).encode()
    reply = Reply(403, body, (("Twilio-Request-Id", identifier),), phrase=phrase)
    with ScriptedServer(reply) as server:
        run = tool.run(fresh(server.url, tmp_path))
    assert run.code == 4, run.stdout
    assert run.outputs["outcome"] == "rejected"
    assert run.named("warning") == []
    assert_own(run, tool)


@slowly
@given(status=hostile, account=hostile, service=hostile, url=hostile)
def test_a_reply_s_values(
    tool: Tool, tmp_path: Path, status: str, account: str, service: str, url: str
) -> None:
    reply = build(
        status,
        account_sid=account,
        service_sid=service,
        url=f"https://serverless.twilio.com/{url}/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status",
    )
    with ScriptedServer(reply) as server:
        run = tool.run(fresh(server.url, tmp_path))
    exact = {"completed": 0, "failed": 1}
    assert run.code == exact.get(status, 3), run.stdout
    known = is_an_output(status)
    assert run.outputs["status"] == (status if known else "")
    assert run.outputs["account-sid"] == ""
    assert run.outputs["service-sid"] == SERVICE_SID
    assert len(run.named("warning")) == (0 if status in {*exact, "building"} else 1)
    assert_own(run, tool)


def is_an_output(status: str) -> bool:
    """Whether the contract lets this status out."""
    other_case = status.lower() in {"completed", "failed"} and status != status.lower()
    plain = status.isascii() and status.replace("-", "").replace("_", "").isalnum()
    return bool(plain and len(status) <= 40 and not other_case)


@slowly
@given(phrase=in_a_header, body=st.one_of(hostile.map(str.encode), st.binary(max_size=60)))
def test_a_passing_fault_s_text(tool: Tool, tmp_path: Path, phrase: str, body: bytes) -> None:
    for reply in (Reply(503, body, phrase=phrase), Reply(200, body, phrase=phrase)):
        with ScriptedServer(reply) as server:
            run = tool.run(fresh(server.url, tmp_path))
        assert run.code == 3, run.stdout
        assert run.named("warning") == []
        assert_own(run, tool)


in_the_environment = hostile.map(lambda text: text.replace("\0", "").replace("\ud800", ""))


@slowly
@given(
    build_sid=in_the_environment,
    timeout=in_the_environment,
    region=in_the_environment,
    root=in_the_environment,
)
def test_an_input_s_text(
    tool: Tool, tmp_path: Path, build_sid: str, timeout: str, region: str, root: str
) -> None:
    env = fresh(f"https://{root}", tmp_path, TWILIO_BUILD_SID=f"x{build_sid}")
    env |= {"TWILIO_BUILD_TIMEOUT": f"x{timeout}", "TWILIO_REGION": f"X{region}"}
    run = tool.run(env)
    assert run.code == 2, run.stdout
    assert run.outputs["build-sid"] == ""
    assert run.named("warning") == []
    assert_own(run, tool)


@pytest.mark.parametrize("name", ["outputs.json", "outputs.env"])
@slowly
@given(path=in_the_environment)
def test_a_root_s_path(tool: Tool, tmp_path: Path, name: str, path: str) -> None:
    """It is in the address that is an output, where the root is taken at all."""
    with ScriptedServer(build("building", url=None)) as server:
        env = fresh(f"{server.url}/{path}", tmp_path, TWILIO_BUILD_OUTPUT_FILE=name)
        run = tool.run(env)
    assert run.code in {2, 3, 4}, run.stdout
    assert "\n" not in run.outputs["url"]
    if name.endswith(".env"):
        runner_model.dotenv(run.output_text)
        values = [line.partition("=")[2] for line in run.output_text.splitlines()]
        assert not any(set(value) & set("`$'\"\\;|<>()& \t") for value in values)


@pytest.mark.parametrize(
    "path", ["a\nb", "::error::x", "##[error]x", "\u2028", "\x1b[2J", "$(touch owned)", "a'b|c`d`"]
)
def test_a_hostile_file_name(tool: Tool, tmp_path: Path, path: str) -> None:
    """It is a file like any other, or refused; where it is shown, it is harmless."""
    for folder in ("", "missing/"):
        with ScriptedServer(build("completed")) as server:
            env = fresh(server.url, tmp_path, TWILIO_BUILD_OUTPUT_FILE=f"{folder}{path}")
            run = tool.run(env)
        assert run.code in ({5, 2} if folder else {0, 2}), run.stdout
        assert not (tool.cwd / "owned").exists()


@pytest.mark.parametrize("opener", ["##vso[task.complete]", "##teamcity[x]", "::error::", "##[x]"])
def test_openers_are_broken_wherever_they_stand(tool: Tool, tmp_path: Path, opener: str) -> None:
    message = f"before {opener} middle{opener}{opener} {opener[:3]}{opener}"
    reply = json_reply({"code": 1, "message": message}, 400)
    with ScriptedServer(reply) as server:
        for env in (fresh(server.url, tmp_path), off_github(fresh(server.url, tmp_path))):
            run = tool.run(env)
            assert run.code == 4, run.stdout
            assert "before" in run.visible
            for text in (run.visible, run.result()["reason"], run.output_text):
                assert opener[: 3 if opener[0] == ":" else -1] not in text
