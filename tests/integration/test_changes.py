"""After `completed`: what deploying the build would change, or that nobody knows."""

import math

import pytest

from tests.support.hostile import ATTACKS
from tests.support.run import Run, run_inside
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
    twilio_error,
)
from tests.support.server import Connection, Response, Server, Step

Fields = dict[str, object]

COMPLETED = build_status("completed")
ON = {"TWILIO_ENVIRONMENT_SID": ENVIRONMENT_SID}


def listed(*paths: str, version: str = "1", visibility: str = "public") -> list[dict[str, str]]:
    """Return functions or assets as a Build lists them, all in one version."""
    entry = {"sid": "ZN" + version * 32, "visibility": visibility}
    return [{**entry, "path": path} for path in paths]


def compare(
    server: Server,
    environ: dict[str, str],
    live: Fields | None = None,
    new: Fields | None = None,
    **environment: object,
) -> Run:
    """Run to a completed build; `live` and `new` are fields of the two Build resources."""
    server.script(COMPLETED)
    server.script(json_response(environment_resource(**environment)), path=ENVIRONMENT_PATH)
    live_build = build(**{"sid": OTHER_BUILD_SID, **(live or {})})
    server.script(json_response(live_build), path=OTHER_BUILD_PATH)
    server.script(json_response(build(**(new or {}))), path=BUILD_PATH)
    return finish(server, environ)


def finish(server: Server, environ: dict[str, str]) -> Run:
    run = run_inside(environ | ON, server)
    assert run.code == 0
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


def test_removals_are_said_first_and_warned_about(server: Server, environ: dict[str, str]) -> None:
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
    run = compare(server, environ, live, new)
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
    table = run.summary.partition("#### What deploying this build changes in production\n\n")[2]
    assert table.splitlines() == [
        "| | Removed | Added | Another version |",
        "| --- | --- | --- | --- |",
        "| Functions | **/a**, **/moved** | /new | /b, /same |",
        "| Assets |  | /moved |  |",
        "| Dependencies | **gone&#64;1** |  | twilio 4 &#8594; 5 |",
        "| Runtimes |  |  | node20 &#8594; node22 |",
        "",
    ]


VERDICTS: dict[str, tuple[Fields, str]] = {
    "nothing": ({}, "none"),
    "another visibility": ({"asset_versions": listed("/logo.png", visibility="private")}, "some"),
    "removed asset": ({"asset_versions": []}, "removals"),
    "dependencies unknown": ({"dependencies": None}, ""),
    "functions unknown": ({"function_versions": ...}, ""),
    "function without a path": ({"function_versions": [*listed("/hello"), {}]}, ""),
}


@pytest.mark.parametrize("new, verdict", VERDICTS.values(), ids=VERDICTS)
def test_changes_are_proven_or_empty(
    server: Server, environ: dict[str, str], new: Fields, verdict: str
) -> None:
    run = compare(server, environ, {}, new)
    assert run.outputs["changes"] == verdict
    assert len(run.commands("warning")) == (verdict == "removals")
    assert verdict or "of the two builds cannot all be compared" in run.stdout
    if verdict == "none":
        assert change_lines(run) == ["deploying this build would change nothing"]
        assert run.summary.endswith("Nothing.\n\n")


def test_first_deployment_adds_everything(server: Server, environ: dict[str, str]) -> None:
    run = compare(server, environ, build_sid=None)
    assert run.outputs["changes"] == "some"
    lines = change_lines(run)
    assert lines[:3] == [
        "nothing is live there yet",
        "added function /hello",
        "added asset /logo.png",
    ]
    assert "- nothing is live there yet" in run.summary
    assert OTHER_BUILD_PATH not in {request.path for request in run.requests}


def test_live_build_changes_nothing(server: Server, environ: dict[str, str]) -> None:
    run = compare(server, environ, build_sid=BUILD_SID[:2] + BUILD_SID[2:].upper())
    assert run.outputs["changes"] == "none"
    note = "this build is live there already; deploying it again is an error at Twilio"
    assert note in change_lines(run)
    assert len(run.requests) == 2


def test_at_most_20_of_a_kind_are_named(server: Server, environ: dict[str, str]) -> None:
    paths = [f"/{'x' * 300}/{number:02}" for number in range(25)]
    run = compare(server, environ, {"function_versions": listed(*paths)}, {"function_versions": []})
    lines = change_lines(run)
    assert len([line for line in lines if line.startswith("removed function /")]) == 20
    assert "removed 5 more functions" in lines
    (warning,) = run.commands("warning")
    assert warning.data.startswith("25 functions would be removed")
    assert " and 5 more" in warning.data
    assert warning.data.count("…") == 20
    assert run.summary.count("**, ") == 20
    assert "and 5 more" in run.summary


def test_hostile_names_stay_text(server: Server, environ: dict[str, str]) -> None:
    texts = list(ATTACKS.values())
    names = [{"name": text, "version": text} for text in texts]
    live: Fields = {"function_versions": listed(*texts), "dependencies": names}
    gone: Fields = {"function_versions": [], "asset_versions": [], "runtime": texts[0]}
    run = compare(server, environ, live, gone, unique_name="".join(texts))
    (warning,) = run.commands("warning")
    assert warning.data.startswith(f"{len(texts)} functions and 1 asset would be removed")


# --- what could not be read -----------------------------------------------------------------------


def another_service(connection: Connection) -> None:
    """Answer with the resource that was requested, but of another service."""
    sid = connection.request.path.rpartition("/")[2]
    connection.answer(json_response({"sid": sid, "service_sid": OTHER_SERVICE_SID}))


UNREAD: dict[str, Step] = {
    "403": twilio_error(403, 20003, "no"),
    "503": Response(503),  # it is not retried
    "no answer": [math.inf],
    "no JSON": Response(200, b"<html>"),
    "too large": json_response({"x": "y" * 2**22}),
    "another sid": json_response(build(sid="ZB" + "9" * 32)),
    "another service": another_service,
}
PATHS = {
    ENVIRONMENT_PATH: "the environment",
    OTHER_BUILD_PATH: "the build that is live",
    BUILD_PATH: "the new build",
}


@pytest.mark.parametrize("path", PATHS, ids=PATHS.values())
@pytest.mark.parametrize("answer", UNREAD.values(), ids=UNREAD)
def test_what_cannot_be_read_is_not_guessed(
    server: Server, environ: dict[str, str], answer: Step, path: str
) -> None:
    compare(server, environ)
    server.requests.clear()
    server.script(answer, path=path)
    run = finish(server, environ)
    assert run.outputs["changes"] == ""
    assert change_lines(run)[-1].startswith(f"{PATHS[path]} could not be read")
    assert f"- {PATHS[path]} could not be read" in run.summary
    assert not run.commands("warning")
    assert run.seconds == pytest.approx(10 if answer == [math.inf] else 0)


@pytest.mark.parametrize("sid", ["", 7, ...])
def test_unknown_live_build_is_not_guessed(
    server: Server, environ: dict[str, str], sid: object
) -> None:
    run = compare(server, environ, build_sid=sid)
    assert run.outputs["changes"] == ""
    assert "Twilio does not say which build is live in the environment" in run.stdout


def test_service_name_stands_for_one_service(server: Server, environ: dict[str, str]) -> None:
    root = "/v1/Services/my-service"
    server.script(build_status("completed", service_sid=None))
    environment = environment_resource(service_sid=OTHER_SERVICE_SID)
    server.script(json_response(environment), path=f"{root}/Environments/{ENVIRONMENT_SID}")
    server.script(
        json_response(build(sid=OTHER_BUILD_SID)), path=f"{root}/Builds/{OTHER_BUILD_SID}"
    )
    run = finish(server, environ | {"TWILIO_SERVICE_SID": "my-service"})
    assert run.outputs["changes"] == ""
    assert "the build that is live could not be read: it belongs to another service" in run.stdout


def test_comparison_ends_within_10_s(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    server.script([6.0, json_response(environment_resource())], path=ENVIRONMENT_PATH)
    server.script([math.inf], path=OTHER_BUILD_PATH)
    run = finish(server, environ)
    assert run.seconds == pytest.approx(10)
    assert run.outputs["changes"] == ""
    assert run.outputs["elapsed-seconds"] == "0.0"  # outside the deadline


def test_signal_ends_the_comparison_only(server: Server, environ: dict[str, str]) -> None:
    server.script(COMPLETED)
    server.script([math.inf], path=ENVIRONMENT_PATH)
    run = run_inside(environ | ON, server, signal_at=3)
    assert run.code == 0
    assert run.seconds == pytest.approx(3)
    assert run.outputs["outcome"] == "completed"
    assert change_lines(run) == ["the comparison was stopped: a signal arrived"]
    # The outputs were written at once, and no change is known.
    assert [name for name, _ in run.pairs][-1] == "changes"
    assert run.outputs["changes"] == ""


def test_failed_build_is_not_compared(server: Server, environ: dict[str, str]) -> None:
    server.script(build_status("failed"))
    assert len(run_inside(environ | ON, server).requests) == 1
