"""After `completed`: what deploying the build would change, or that nobody knows.

`tests/unit/test_changes.py` has the table of results, `test_builds.py` that of what is unknown.
"""

import math

import pytest

from tests.integration.conftest import Tool
from tests.support import samples
from tests.support.run import Run
from tests.support.samples import BUILD_PATH, ENVIRONMENT_PATH, OTHER_BUILD_PATH, json_response
from tests.support.server import Response

COMPLETED = samples.build_status("completed")
LABEL = "  What deploying changes: "
ADVICE = ". Check environment-sid, or run the step again"


def environment(**changes: object) -> Response:
    return json_response(samples.environment_resource(**changes))


def live_build(**changes: object) -> Response:
    return json_response(samples.build(**{"sid": samples.OTHER_BUILD_SID, **changes}))


def new_build(**changes: object) -> Response:
    return json_response(samples.build(**changes))


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """The tool with an environment, in which a build with the same contents is live."""
    tool.server.script(environment(), path=ENVIRONMENT_PATH)
    tool.server.script(live_build(), path=OTHER_BUILD_PATH)
    tool.server.script(new_build(), path=BUILD_PATH)
    return tool | {"TWILIO_ENVIRONMENT_SID": samples.ENVIRONMENT_SID}


def compare(tool: Tool, signal_at: float = math.inf) -> Run:
    """Run to a completed build."""
    run = tool.run(COMPLETED, signal_at=signal_at)
    assert run.outputs["elapsed-seconds"] == "0.0"  # the comparison is outside the deadline
    assert run.output_file["changes"] == run.outputs["changes"]
    assert {request.method for request in run.requests} == {"GET"}
    assert run.seconds < 10.001
    return run


def change_lines(run: Run) -> list[str]:
    """Return the lines between the announcement and the end that are no annotations."""
    start = run.lines.index(f"comparing the build with environment {samples.ENVIRONMENT_SID}")
    return [line for line in run.lines[start + 1 :] if line.startswith("  ")]


def listed(*paths: str, version: str = "1", visibility: str = "public") -> list[dict[str, str]]:
    """Return functions or assets as a Build lists them, all in one version."""
    return [{"path": path, "sid": f"ZN{version}", "visibility": visibility} for path in paths]


def test_removals_are_an_output_lines_a_warning_and_rows(tool: Tool) -> None:
    old = live_build(function_versions=listed("/a", "/b", "/c"), runtime="node20")
    new = new_build(function_versions=listed("/b", version="2"))
    tool.server.script(old, path=OTHER_BUILD_PATH)
    tool.server.script(new, path=BUILD_PATH)
    run = compare(tool)
    assert [value for name, value in run.pairs if name == "changes"] == ["", "removals"]
    assert change_lines(run) == [
        "  removed function: /a",
        "  removed function: /c",
        "  another version of function: /b",
        "  runtime: node20 → node22",
    ]
    (warning,) = run.commands("warning")
    assert warning.title == "Deploying this build removes functions or assets"
    assert warning.data.startswith("2 functions would be removed from the environment: /a, /c. ")
    assert "| removed function | `/a`<br>`/c` |" in run.summary


def test_asset_that_becomes_public_is_warned_about(tool: Tool) -> None:
    paths = [f"/{number:02}/{'x' * 600}%" for number in range(25)]
    old = live_build(asset_versions=listed(*paths, visibility="private"))
    tool.server.script(old, path=OTHER_BUILD_PATH)
    tool.server.script(new_build(asset_versions=listed(*paths)), path=BUILD_PATH)
    run = compare(tool)
    assert change_lines(run)[0].endswith("x… (private → public)")
    (warning,) = run.commands("warning")
    assert warning.title == "Deploying this build makes functions or assets more visible"
    assert warning.data.count("x… (private → public)") == 20
    assert warning.data.endswith(", and 5 more. Check that this is intended")


def test_environment_without_a_build_gets_everything(tool: Tool) -> None:
    tool.server.script(environment(build_sid=None), path=ENVIRONMENT_PATH)
    run = compare(tool)
    assert run.outputs["changes"] == "some"
    assert change_lines(run)[0] == f"{LABEL}nothing is live there yet"


def test_build_that_is_live_already_changes_nothing(tool: Tool) -> None:
    live_sid = samples.BUILD_SID[:2] + samples.BUILD_SID[2:].upper()
    tool.server.script(environment(build_sid=live_sid), path=ENVIRONMENT_PATH)
    run = compare(tool)
    assert run.outputs["changes"] == "none"
    note = "this build is live there already; deploying it again is an error at Twilio"
    assert change_lines(run) == [f"{LABEL}{note}"]
    assert len(run.requests) == 2


OTHER_OWNER = {"service_sid": samples.OTHER_SERVICE_SID}
ENVIRONMENT = f"the environment {samples.ENVIRONMENT_SID}"
# What is wrong with a resource -> its path and the answer.
UNREAD = {
    "the new build could not be read: Twilio sent another one": (BUILD_PATH, new_build(sid=None)),
    f"{ENVIRONMENT} could not be read: it belongs to another service": (
        ENVIRONMENT_PATH,
        environment(**OTHER_OWNER),
    ),
    "the build that is live could not be read: it belongs to another service": (
        OTHER_BUILD_PATH,
        live_build(service_sid=7),
    ),
}


@pytest.mark.parametrize("problem", UNREAD)
def test_what_cannot_be_read_is_warned_about(tool: Tool, problem: str) -> None:
    path, answer = UNREAD[problem]
    tool.server.script(answer, path=path)
    run = compare(tool)
    assert run.outputs["changes"] == ""
    (warning,) = run.commands("warning")
    assert warning.title == "The changes are unknown"
    assert "| What deploying changes | " in run.summary
    assert warning.data == problem + ADVICE


@pytest.mark.parametrize("sid", [7, "", "ZB1", ...], ids=repr)
def test_live_build_that_is_unknown_is_not_guessed(tool: Tool, sid: object) -> None:
    tool.server.script(environment(build_sid=sid), path=ENVIRONMENT_PATH)
    run = compare(tool)
    assert run.outputs["changes"] == ""
    assert run.commands("warning")[0].data == f"Twilio does not say which build is live{ADVICE}"


def test_name_stands_for_the_first_service_that_is_named(tool: Tool) -> None:
    root = "/v1/Services/my-service"
    script = tool.server.script
    script(environment(**OTHER_OWNER), path=f"{root}/Environments/{samples.ENVIRONMENT_SID}")
    script(live_build(service_sid=None), path=f"{root}/Builds/{samples.OTHER_BUILD_SID}")
    script(new_build(), path=f"{root}/Builds/{samples.BUILD_SID}")
    status = samples.build_status("completed", service_sid=None)
    run = tool.run(status, TWILIO_SERVICE_SID="my-service")
    assert "the new build could not be read: it belongs to another service" in run.stdout


def test_resources_are_read_again_after_errors_for_10_s_in_total(tool: Tool) -> None:
    tool.server.script(Response(503), [1.0, environment()], path=ENVIRONMENT_PATH)
    tool.server.script([math.inf], path=OTHER_BUILD_PATH)
    run = compare(tool)
    assert run.seconds == pytest.approx(10)
    problem = "the build that is live could not be read: no complete response"
    assert run.commands("warning")[0].data.startswith(problem)


def test_signal_ends_the_comparison_only(tool: Tool) -> None:
    tool.server.script([math.inf], path=ENVIRONMENT_PATH)
    run = compare(tool, signal_at=3)
    assert run.seconds == pytest.approx(3)
    assert run.outputs["changes"] == ""
    assert change_lines(run) == [f"{LABEL}the comparison was stopped: a signal arrived"]


def test_failed_build_is_not_compared(tool: Tool) -> None:
    assert len(tool.run(samples.build_status("failed"), code=1).requests) == 1
