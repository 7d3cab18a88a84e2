"""Inputs in a whole run: nothing is requested with a wrong one, and what is said of it.

`tests/unit/test_inputs.py`, `test_settings.py` and `test_output_path.py` have formats and problems.
"""

from pathlib import Path

from tests.integration.conftest import Tool
from tests.support.run import run_inside
from tests.support.samples import BUILD_SID, STATUS_PATH, build_status
from twilio_build_wait import __version__

#: Values that are wrong in their format, in the order of the inputs.
WRONG = {
    "TWILIO_ACCOUNT_SID": "AC12",
    "TWILIO_AUTH_TOKEN": "t\u00f6ken",
    "TWILIO_BUILD_SID": f"{BUILD_SID}\u200b",
    "TWILIO_BUILD_TIMEOUT": "soon",
    "TWILIO_BASE_URL": "ftp://example.com",
}


def test_variable_of_with_steers_the_wait(tool: Tool) -> None:
    tool |= {"INPUT_BUILD-SID": f" {BUILD_SID}\n", "TWILIO_BUILD_SID": "newest"}
    run = tool.run(build_status("completed"), PLUGIN_TIMEOUT="42s")
    assert f" at 127.0.0.1:{tool.server.port}, timeout 42s" in run.stdout
    assert [request.path for request in run.requests] == [STATUS_PATH]


def test_every_wrong_input_is_reported_and_becomes_no_output(tool: Tool) -> None:
    run = (tool | WRONG).run(code=2)
    assert run.lines[len(run.commands("add-mask"))] == f"twilio-build-wait {__version__}"
    problems = [line.strip() for line in run.lines if line.startswith("  ")]
    names = [problem.partition(": expected ")[0] for problem in problems]
    assert names == ["account-sid", "auth-token", "build-sid", "timeout", "base-url"]
    (error,) = run.commands("error")
    assert error.title == "Wrong inputs"
    assert error.data.startswith("; ".join(problems))
    assert error.data.endswith(". Fix the inputs above, then re-run the step")
    assert run.requests == []
    assert run.outputs["build-sid"] == ""
    assert run.outputs["url"] == ""


def test_long_values_leave_the_words_of_every_problem_in_the_reason(tool: Tool) -> None:
    tool |= {"TWILIO_BUILD_INTERVAL": "i" * 600, "TWILIO_BUILD_SID": "b" * 600}
    reason = tool.run(code=2, TWILIO_BUILD_OUTPUT_FILE="/no" * 200).outputs["reason"]
    assert "build-sid: expected ZB followed by 32 hexadecimal digits, or latest; got 'b" in reason
    assert "interval: expected a duration such as 500ms or 2s, from 100ms to 1h; got 'i" in reason
    assert reason.endswith("whose folder does not exist")


def test_arguments_are_not_repeated(tool: Tool) -> None:
    run = run_inside(tool.environ, tool.server, arguments=["--build-sid", BUILD_SID])
    assert "arguments: got 2, expected none" in run.stdout
    assert "docker run --entrypoint COMMAND" in run.stdout
    assert BUILD_SID not in run.stdout


def test_credential_in_another_input_is_shown_nowhere(tool: Tool) -> None:
    proxy = "http://user:hunter22-proxy@127.0.0.1:9"
    run = tool.run(code=2, HTTPS_PROXY=proxy, TWILIO_SERVICE_SID="hunter22-proxy")
    assert run.requests == []
    assert "hunter22-proxy" not in run.stdout + "".join(run.files.values())


def test_file_of_the_runner_is_not_overwritten(tool: Tool, tmp_path: Path) -> None:
    target, link = tmp_path / "runner", tmp_path / "link"
    target.write_text("EARLIER=1\n")
    link.symlink_to(target)
    changes = {"GITHUB_ENV": str(target), "TWILIO_BUILD_OUTPUT_FILE": str(link)}
    assert run_inside(tool.environ | changes, tool.server, check=False).code == 2
    assert target.read_text() == "EARLIER=1\n"
    assert link.is_symlink()
