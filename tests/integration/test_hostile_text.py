"""Text from the network and from inputs stays text, for every reader of the log and the files.

`run_inside` checks most of it after each run: no opener, no control character and no line break but
the tool's own, and files that the runner's parsers take.
"""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.integration.conftest import Tool
from tests.support.hostile import ATTACKS, ENVIRONMENT_TEXT, TEXT
from tests.support.run import Run, run_inside
from tests.support.samples import (
    ALERTS_PATH,
    BUILD_PATH,
    alert,
    build,
    build_status,
    json_response,
    page,
    step,
    without_github,
)
from tests.support.server import Response, Server

FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def error(text: str, status: int = 400) -> Response:
    """Return an error with a text in each of its places."""
    body = {"code": 1, "message": text, "title": text, "detail": text, "status": status}
    header = {"Twilio-Request-Id": re.sub("[\r\n\ud800-\udfff]", "", text)}
    return Response(status, json.dumps(body).encode(), header)


def assert_one_table(summary: str) -> None:
    """A heading and one table of two columns, in which nothing but our own is markup."""
    heading, _, rows = summary.partition("\n\n| | |\n| --- | --- |\n")
    assert heading.startswith("### ")
    assert "\n" not in heading
    for row in rows.rstrip("\n").split("\n"):
        cells = re.fullmatch(r"\| [A-Z][a-z' ]+ \| (.+) \|", row)
        assert cells, row
        own = re.sub(r"\(\[more\]\(https://[^)]*\)\)|`[\w.+@-]+`|&#\d+;", "", cells[1])
        assert not re.search(r"[\\`*_{}\[\]<>#!|~@&$^]|www\.|://", own), row


@pytest.mark.parametrize("ci", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", "CI"])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_response_stays_text(
    server: Server, environ: dict[str, str], text: str, ci: str
) -> None:
    status = build_status(text, account_sid=text, service_sid=text, url=f"https://x/{text}")
    server.script(status, error(text, 503), error(text))
    environ = environ if ci == "GITHUB_ACTIONS" else without_github(environ) | {ci: "true"}
    run = run_inside(environ | {"RUNNER_DEBUG": "1"}, server)
    assert run.code == 4
    assert run.outputs["status"] == ""
    assert "$(" not in "".join(line for line in run.lines if "task.setvariable" in line)
    if ci == "GITHUB_ACTIONS":
        assert len(run.commands("debug")) == 3
        assert_one_table(run.summary)


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_diagnosis_stays_text(tool: Tool, text: str) -> None:
    contents = build(runtime=text, dependencies=[{"name": text, "version": text}])
    tool.server.script(json_response(contents), path=BUILD_PATH)
    tool.server.script(page("alerts", alert(alert_text=text, error_code=text)), path=ALERTS_PATH)
    run = tool.run(build_status("failed"), code=1, TWILIO_BUILD_DIAGNOSE="true")
    assert_one_table(run.summary)


def outcome_of(text: str, **more: str) -> Run:
    """Run in a folder of its own, with a text in the status and in an error."""
    with Server(build_status(text), error(text)) as server, tempfile.TemporaryDirectory() as folder:
        return run_inside(step(Path(folder), server.url) | more, server)


@pytest.mark.slow
@FEW
@given(TEXT)
def test_any_response_stays_text(text: str) -> None:
    run = outcome_of(text)
    if run.code == 4:
        assert_one_table(run.summary)
    else:
        assert text in {"completed", "failed"}


@pytest.mark.slow
@FEW
@given(ENVIRONMENT_TEXT)
def test_any_input_stays_text(text: str) -> None:
    names = ("SERVICE_SID", "BUILD_SID", "BUILD_TIMEOUT", "REGION", "EDGE", "BUILD_SUMMARY")
    run = outcome_of("building", **{f"TWILIO_{name}": f"x{text}" for name in names})
    assert run.code == 2
