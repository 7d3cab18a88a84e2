"""Text from the network and from inputs stays text, for every reader of the log and the files.

`run_inside` checks most of it after each run: no opener, no control character and no line break but
the tool's own, and files that the runner's parsers take.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

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
CIS = {
    "GitHub": {"GITHUB_ACTIONS": "true", "RUNNER_DEBUG": "1"},
    "Azure Pipelines": {"TF_BUILD": "True"},
    "TeamCity": {"TEAMCITY_VERSION": "1"},
    "no CI": {},
}


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
        own = re.sub(r"\(\[more\]\(https://[^)]*\)\)|`[a-z-]+`|<!-- -->|&#\d+;", "", cells[1])
        assert not re.search(r"[\\`*_{}\[\]<>#!|~@&$^]|www\.|://", own), row


# --- in a response --------------------------------------------------------------------------------


@pytest.mark.parametrize("ci", CIS.values(), ids=CIS)
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_response_stays_text(
    server: Server, environ: dict[str, str], text: str, ci: dict[str, str]
) -> None:
    status = build_status(text, account_sid=text, service_sid=text, url=f"https://x/{text}")
    server.script(status, error(text, 503), error(text))
    environ = environ if "GITHUB_ACTIONS" in ci else without_github(environ)
    run = run_inside(environ | ci, server)
    assert run.code == 4
    assert run.outputs["status"] == ""
    assert "$(" not in "".join(line for line in run.lines if "task.setvariable" in line)
    if "GITHUB_ACTIONS" in ci:
        assert len(run.commands("debug")) == 3
        assert_one_table(run.summary)


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_diagnosis_stays_text(server: Server, environ: dict[str, str], text: str) -> None:
    contents = build(runtime=text, dependencies=[{"name": text, "version": text}])
    server.script(build_status("failed"))
    server.script(json_response(contents), path=BUILD_PATH)
    server.script(page("alerts", alert(alert_text=text, error_code=text)), path=ALERTS_PATH)
    run = run_inside(environ | {"TWILIO_BUILD_DIAGNOSE": "true"}, server)
    assert run.code == 1
    assert_one_table(run.summary)


def outcome_of(text: str, **more: str) -> Run:
    """Run in a folder of its own, with a text in the status and in an error."""
    with Server(build_status(text), error(text)) as server, tempfile.TemporaryDirectory() as folder:
        return run_inside(step(Path(folder), server.url) | more, server)


@FEW
@given(TEXT)
def test_any_response_stays_text(text: str) -> None:
    run = outcome_of(text)
    if run.code == 4:
        assert_one_table(run.summary)
    else:
        assert text in {"completed", "failed"}


# Each is a link on GitHub, in spite of a character reference for its special character.
LINKS = {
    "e-mail": ("me@example.com", "me<!-- -->&#64;example.com"),
    "e-mails": ("a@b.cd x.y+z@e-f.gh", "a<!-- -->&#64;b.cd x.y+z<!-- -->&#64;e-f.gh"),
    "e-mail with an underscore": ("me_@example.com", "me&#95;<!-- -->&#64;example.com"),
    "e-mail at a host with one": ("me@ex_a.com", "me<!-- -->&#64;ex&#95;a.com"),
    "mailto": ("mailto:me@example.com", "mailto:me<!-- -->&#64;example.com"),
    "xmpp": ("xmpp:me@example.com/x", "xmpp:me<!-- -->&#64;example.com/x"),
    "www": ("www.example.com", "www&#46;example.com"),
    "url": ("http://example.com", "http&#58;//example.com"),
    "user": ("@octocat", "&#64;octocat"),
    "issue": ("#1", "&#35;1"),
    "emoji": (":tada:", "&#58;tada:"),
}


@pytest.mark.parametrize("text, shown", LINKS.values(), ids=LINKS)
def test_summary_has_no_link_but_our_own(
    server: Server, environ: dict[str, str], text: str, shown: str
) -> None:
    body = {"code": 1, "message": f"see {text}", "status": 400}
    server.script(json_response(body, 400))
    run = run_inside(environ, server)
    assert f" see {shown}. Look up" in run.summary


# --- in an input ----------------------------------------------------------------------------------


@FEW
@given(ENVIRONMENT_TEXT)
def test_any_input_stays_text(text: str) -> None:
    names = ("SERVICE_SID", "BUILD_SID", "BUILD_TIMEOUT", "REGION", "EDGE", "BUILD_SUMMARY")
    run = outcome_of("building", **{f"TWILIO_{name}": f"x{text}" for name in names})
    assert run.code == 2


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_hostile_file_name_is_a_name(server: Server, environ: dict[str, str], text: str) -> None:
    server.script(build_status("completed"))
    folder = Path(environ["HOME"], "folder")
    folder.mkdir()
    name = re.sub("[/\0\ud800-\udfff]", "", text).strip()
    run = run_inside(environ | {"TWILIO_BUILD_OUTPUT_FILE": str(folder / name)}, server)
    assert run.code == 0
    assert [path.name for path in folder.iterdir()] == [name]


def test_dotenv_runs_nothing_in_a_shell(server: Server, environ: dict[str, str]) -> None:
    folder = Path(environ["HOME"])
    path = "/$(touch$IFS'ran')/`touch${IFS}ran`;touch%20ran&touch"
    path = re.sub("[`{}]", "", path)  # what no URL may hold
    server.script(build_status("verified;touch", url=None))
    changes = {
        "TWILIO_BASE_URL": server.url + path,
        "TWILIO_BUILD_OUTPUT_FILE": str(folder / "wait.env"),
        "TWILIO_BUILD_TIMEOUT": "0",
    }
    run = run_inside(environ | changes, server)
    assert run.code == 3
    assert path in run.outputs["url"]
    subprocess.run(["/bin/sh", "-euc", ". ./wait.env"], cwd=folder, check=True)
    assert not (folder / "ran").exists()
