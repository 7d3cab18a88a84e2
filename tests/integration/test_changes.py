"""After `completed`: what deploying the build would change, or that nobody knows.

`tests/unit/test_changes.py` has the table of verdicts, `test_builds.py` that of what is unknown.
"""

import math

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run
from tests.support.samples import (
    BUILD_PATH,
    BUILD_SID,
    ENVIRONMENT_PATH,
    ENVIRONMENT_SID,
    OTHER_BUILD_PATH,
    OTHER_BUILD_SID,
    OTHER_SERVICE_SID,
    build,
    build_status,
    environment_resource,
    json_response,
)
from tests.support.server import Connection, Response, Step

Fields = dict[str, object]

COMPLETED = build_status("completed")


def listed(*paths: str, version: str = "1", visibility: str = "public") -> list[dict[str, str]]:
    """Return functions or assets as a Build lists them, all in one version."""
    entry = {"sid": "ZN" + version * 32, "visibility": visibility}
    return [{**entry, "path": path} for path in paths]


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """The tool with an environment to compare with."""
    return tool | {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT_SID}


def compare(
    tool: Tool, live: Fields | None = None, new: Fields | None = None, **environment: object
) -> Run:
    """Run to a completed build; `live` and `new` are fields of the two Build resources."""
    server = tool.server
    server.script(json_response(environment_resource(**environment)), path=ENVIRONMENT_PATH)
    live_build = build(**{"sid": OTHER_BUILD_SID, **(live or {})})
    server.script(json_response(live_build), path=OTHER_BUILD_PATH)
    server.script(json_response(build(**(new or {}))), path=BUILD_PATH)
    return finish(tool)


def finish(tool: Tool) -> Run:
    tool.server.requests.clear()
    run = tool.run(COMPLETED)
    assert run.outputs["outcome"] == run.output_file["outcome"] == "completed"
    assert run.output_file["changes"] == run.outputs["changes"]
    assert {request.method for request in run.requests} == {"GET"}
    paths = [request.path for request in run.requests]
    assert len(paths) == len(set(paths)), "once each"
    return run


def change_lines(run: Run) -> list[str]:
    """Return the lines between the announcement and the end."""
    start = run.lines.index(f"comparing the build with environment {ENVIRONMENT_SID}")
    return [line[2:] for line in run.lines[start + 1 :] if line.startswith("  ")]


def test_removals_are_said_first_and_warned_about(tool: Tool) -> None:
    live: Fields = {
        "function_versions": [
            *listed("/a", "/b", "/moved"),
            *listed("/same", visibility="private"),
        ],
        "asset_versions": listed("/logo.png"),
        "dependencies": [{"name": "gone", "version": "1"}, {"name": "twilio", "version": "4"}],
        "runtime": "node20",
    }
    new: Fields = {
        "function_versions": [*listed("/b", version="2"), *listed("/new", "/same")],
        "asset_versions": listed("/logo.png", "/moved"),
        "dependencies": [{"name": "twilio", "version": "5"}],
    }
    run = compare(tool, live, new)
    assert run.outputs["changes"] == "removals"
    assert run.pairs[-1] == ("changes", "removals")
    assert change_lines(run) == [
        "removed function /a",
        "removed function /moved",
        "removed dependency gone@1",
        "added function /new",
        "added asset /moved",
        "another version of function /b",
        "another version of function /same",
        "another version of dependency twilio 4 → 5",
        "another version of runtime node20 → node22",
    ]
    (warning,) = run.commands("warning")
    assert warning.title == "Deploying this build removes functions or assets"
    assert warning.data.startswith("2 functions would be removed from the environment: /a, /moved.")
    assert "#### What deploying this build changes in production" in run.summary
    assert "| Functions | **/a**, **/moved** | /new | /b, /same |" in run.summary


def test_builds_are_called_equal_only_if_compared_in_full(tool: Tool) -> None:
    run = compare(tool)
    assert run.outputs["changes"] == "none"
    assert change_lines(run) == ["deploying this build would change nothing"]
    assert run.summary.endswith("Nothing.\n\n")
    run = compare(tool, {}, {"dependencies": None})
    assert run.outputs["changes"] == ""
    assert "of the two builds cannot all be compared" in run.stdout


def test_first_deployment_adds_everything(tool: Tool) -> None:
    run = compare(tool, build_sid=None)
    assert run.outputs["changes"] == "some"
    start = ["nothing is live there yet", "added function /hello", "added asset /logo.png"]
    assert change_lines(run)[:3] == start
    assert "- nothing is live there yet" in run.summary
    assert OTHER_BUILD_PATH not in {request.path for request in run.requests}


def test_live_build_changes_nothing(tool: Tool) -> None:
    run = compare(tool, build_sid=BUILD_SID[:2] + BUILD_SID[2:].upper())
    assert run.outputs["changes"] == "none"
    note = "this build is live there already; deploying it again is an error at Twilio"
    assert note in change_lines(run)
    assert len(run.requests) == 2


def test_at_most_20_of_a_kind_are_named(tool: Tool) -> None:
    paths = [f"/{'x' * 300}/{number:02}" for number in range(25)]
    run = compare(tool, {"function_versions": listed(*paths)}, {"function_versions": []})
    lines = change_lines(run)
    assert len([line for line in lines if line.startswith("removed function /")]) == 20
    assert "removed 5 more functions" in lines
    (warning,) = run.commands("warning")
    assert warning.data.startswith("25 functions would be removed from the environment: ")
    end = "… and 5 more. Check that the build was made from a complete checkout"
    assert warning.data.endswith(end)
    assert warning.data.count("…") == 20
    assert run.summary.count("**, ") == 20


def another_service(connection: Connection) -> None:
    """Answer with the resource that was requested, but of another service."""
    sid = connection.request.path.rpartition("/")[2]
    connection.answer(json_response({"sid": sid, "service_sid": OTHER_SERVICE_SID}))


# Path, answer -> what could not be read.
UNREAD: dict[str, tuple[str, Step, str]] = {
    "503": (ENVIRONMENT_PATH, Response(503), "the environment"),  # it is not retried
    "no answer": (OTHER_BUILD_PATH, [math.inf], "the build that is live"),
    "too large": (BUILD_PATH, json_response({"x": "y" * 2**22}), "the new build"),
    "another sid": (BUILD_PATH, json_response(build(sid="ZB" + "9" * 32)), "the new build"),
    "another service": (OTHER_BUILD_PATH, another_service, "the build that is live"),
}


@pytest.mark.parametrize("path, answer, what", UNREAD.values(), ids=UNREAD)
def test_what_cannot_be_read_is_not_guessed(tool: Tool, path: str, answer: Step, what: str) -> None:
    compare(tool)
    tool.server.script(answer, path=path)
    run = finish(tool)
    assert run.outputs["changes"] == ""
    assert change_lines(run)[-1].startswith(f"{what} could not be read")
    assert f"- {what} could not be read" in run.summary
    assert not run.commands("warning")
    assert run.seconds == pytest.approx(10 if answer == [math.inf] else 0)


@pytest.mark.parametrize("sid", [7, ...])
def test_unknown_live_build_is_not_guessed(tool: Tool, sid: object) -> None:
    run = compare(tool, build_sid=sid)
    assert run.outputs["changes"] == ""
    assert "Twilio does not say which build is live in the environment" in run.stdout


def test_service_name_stands_for_one_service(tool: Tool) -> None:
    root = "/v1/Services/my-service"
    environment = environment_resource(service_sid=OTHER_SERVICE_SID)
    live = json_response(build(sid=OTHER_BUILD_SID))
    tool.server.script(json_response(environment), path=f"{root}/Environments/{ENVIRONMENT_SID}")
    tool.server.script(live, path=f"{root}/Builds/{OTHER_BUILD_SID}")
    answer = build_status("completed", service_sid=None)
    run = tool.run(answer, TWILIO_SERVICE_SID="my-service")
    assert run.outputs["changes"] == ""
    assert "the build that is live could not be read: it belongs to another service" in run.stdout


def test_comparison_ends_within_10_s(tool: Tool) -> None:
    slow: Step = [6.0, json_response(environment_resource())]
    tool.server.script(slow, path=ENVIRONMENT_PATH)
    tool.server.script([math.inf], path=OTHER_BUILD_PATH)
    run = finish(tool)
    assert run.seconds == pytest.approx(10)
    assert run.outputs["elapsed-seconds"] == "0.0"  # outside the deadline


def test_signal_ends_the_comparison_only(tool: Tool) -> None:
    tool.server.script([math.inf], path=ENVIRONMENT_PATH)
    run = tool.run(COMPLETED, signal_at=3)
    assert run.seconds == pytest.approx(3)
    assert change_lines(run) == ["the comparison was stopped: a signal arrived"]
    # The outputs were written at once, and no change is known.
    assert run.pairs[-1] == ("changes", "")


def test_failed_build_is_not_compared(tool: Tool) -> None:
    assert len(tool.run(build_status("failed"), code=1).requests) == 1
