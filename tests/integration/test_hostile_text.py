"""Text from the network and from inputs stays text, for every reader of the log and the files.

`run_inside` checks most of it after each run: no log command, no control character and no line
break but the tool's own, and files that the runner's parsers take. `tests/unit/test_safe_text.py`
has the characters.
"""

import re

import pytest

from tests.integration.conftest import Tool
from tests.support import samples
from tests.support.samples import alert, build, build_status, json_response, page, twilio_error
from tests.support.server import Response

# Attacks on each reader of what the tool writes.
ATTACKS = {
    "GitHub command in a line of its own": "\n::set-output name=outcome::completed\n",
    "GitHub command after a carriage return": "\r::error::forged",
    "GitHub command anywhere in a line": "##[set-output name=outcome]completed",
    "GitHub output": "\noutcome=completed\n",
    "Azure variable": "##vso[task.setvariable variable=TWILIO_BUILD_WAIT_OUTCOME]completed",
    "macros": "$(TWILIO_AUTH_TOKEN) %env.TWILIO_AUTH_TOKEN% ${TWILIO_AUTH_TOKEN}",
    "TeamCity message": "##teamcity[buildStatus status='SUCCESS']",
    "escapes": "%0A::error::forged%0D%25%AZP0A|n|'",
    "other line breaks": "a\v::error::b\f::error::c\x85::error::d\u2028::error::e\u2029::error::f",
    "terminal": "\x1b[2J\x1b]8;;http://x.test\x07\x9b2J\x08\x7f\x00",
    "reordered and invisible": "\u202edetelpmoc\u2066\u200b\ufeff\u2069\ud800",
    "shell": "$(touch ran) `touch ran` ; touch ran && touch ran # ' \" \\",
    "Markdown": "| a | ``` **b** [c](http://x.test) ![d](http://x.test/p.png) @all #1 ~~e~~",
    "HTML": "<img src=x onerror=alert(1)> <!-- <details> &amp;",
}


def error(text: str, status: int = 400) -> Response:
    """Return an error with a text in each of its places."""
    request_id = re.sub("[\r\n\ud800-\udfff]", "", text)
    return twilio_error(status, request_id, message=text, title=text, detail=text)


# A code span, with as many backticks on both sides (GitHub Flavored Markdown, 6.3).
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")


def assert_one_table(summary: str) -> None:
    """A heading and one table of two columns, in which nothing but our own is markup."""
    heading, _, rows = summary.partition("\n\n| | |\n| --- | --- |\n")
    assert re.fullmatch(r"### .+", heading)
    for row in rows.rstrip("\n").split("\n"):
        # A bar ends a cell, in a code span too, unless there is a backslash before it.
        cells = re.fullmatch(r"\| [A-Za-z' ]+ \| ((?:\\.|[^\\|])+) \|", row)
        assert cells, row
        own = re.sub(r"\(\[more\]\(https://[^)]*\)\)|<br>", "", CODE_SPAN.sub("", cells[1]))
        assert not re.search(r"[\\`*_{}\[\]<>#!|~@&$^]|www\.|://", own), row


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_response_stays_text(tool: Tool, text: str) -> None:
    status = build_status(text, account_sid=text, service_sid=text, url=f"https://x/{text}")
    run = tool.run(status, error(text, 503), error(text), code=4, RUNNER_DEBUG="1")
    assert run.outputs["status"] == ""
    assert len(run.commands("debug")) == 3
    assert_one_table(run.summary)


@pytest.mark.parametrize("ci", ["TF_BUILD", "TEAMCITY_VERSION", "CI"])
def test_hostile_response_stays_text_in_other_logs(tool: Tool, ci: str) -> None:
    errors = [error(text, 503) for text in ATTACKS.values()]
    answers = [build_status(ATTACKS["shell"]), *errors, error(ATTACKS["macros"])]
    run = tool.elsewhere(ci).run(*answers, code=4)
    values = [line for line in run.lines if line.startswith("##vso[task.setvariable")]
    assert [value for value in values if "$(" in value] == []


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_input_stays_text(tool: Tool, text: str) -> None:
    value = re.sub("[\0\ud800]", "", text)  # which no variable can hold
    tool.run(code=2, TWILIO_BUILD_SID=value, TWILIO_REGION=value)


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_diagnosis_stays_text(tool: Tool, text: str) -> None:
    contents = build(runtime=text, dependencies=[{"name": text, "version": text}])
    tool.server.script(json_response(contents), path=samples.BUILD_PATH)
    alerts = page("alerts", alert(alert_text=text, error_code=text))
    tool.server.script(alerts, path=samples.ALERTS_PATH)
    run = tool.run(build_status("failed"), code=1, TWILIO_BUILD_DIAGNOSE="true")
    assert_one_table(run.summary)


def test_hostile_names_stay_text(tool: Tool) -> None:
    texts = list(ATTACKS.values())
    functions = [{"sid": "ZN" + "1" * 32, "path": text, "visibility": "public"} for text in texts]
    names = [{"name": text, "version": text} for text in texts]
    live = build(sid=samples.OTHER_BUILD_SID, function_versions=functions, dependencies=names)
    gone = build(function_versions=[], asset_versions=[], runtime=texts[0])
    environment = samples.environment_resource(unique_name="".join(texts))
    tool.server.script(json_response(environment), path=samples.ENVIRONMENT_PATH)
    tool.server.script(json_response(live), path=samples.OTHER_BUILD_PATH)
    tool.server.script(json_response(gone), path=samples.BUILD_PATH)
    run = tool.run(build_status("completed"), TWILIO_ENVIRONMENT_SID=samples.ENVIRONMENT_SID)
    (warning,) = run.commands("warning")
    assert warning.data.startswith(f"{len(texts)} functions and 1 asset would be removed")
