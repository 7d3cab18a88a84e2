"""What a later step finds: the step outputs, the output file, the job summary."""

import json
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.integration import runner_model
from tests.integration.harness import (
    ACCOUNT_SID,
    BUILD_SID,
    OTHER_ACCOUNT_SID,
    OTHER_BUILD_SID,
    OUTPUT_NAMES,
    SERVICE_SID,
    Exchange,
    Finished,
    Reply,
    ScriptedServer,
    Tool,
    base_env,
    build,
    check_outputs,
    off_github,
    silence,
    twilio_error,
)

OTHER_SERVICE_SID = "ZSabcdefabcdefabcdefabcdefabcdef01"
PATH = f"/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
DOTENV_NAMES = {
    f"TWILIO_BUILD_WAIT_{name.upper().replace('-', '_')}"
    for name in OUTPUT_NAMES
    if name != "reason"
}
DOTENV_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


def completed(tool: Tool, tmp_path: Path, **changes: object) -> Finished:
    """One read of a completed build, with these fields in the reply."""
    with ScriptedServer(build("completed", **changes)) as server:
        run = tool.run(base_env(server.url, tmp_path))
    assert run.code == 0, run.stdout
    return run


class TestValues:
    """Values that come from Twilio are only ever of a known shape."""

    def test_what_twilio_reports_wins(self, tool: Tool, tmp_path: Path) -> None:
        url = f"https://serverless.dublin.ie1.twilio.com/v1/Services/{SERVICE_SID}"
        url += f"/Builds/{BUILD_SID}/Status"
        run = completed(tool, tmp_path, account_sid=OTHER_ACCOUNT_SID, url=url)
        assert run.outputs["account-sid"] == OTHER_ACCOUNT_SID
        assert run.outputs["url"] == url
        assert run.outputs["service-sid"] == SERVICE_SID

    def test_a_unique_name_becomes_the_sid(self, tool: Tool, tmp_path: Path) -> None:
        reported = f"https://serverless.twilio.com/v1/Services/{OTHER_SERVICE_SID}"
        reported += f"/Builds/{BUILD_SID}/Status"
        with ScriptedServer(
            build("completed", service_sid=OTHER_SERVICE_SID, url=reported)
        ) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_SERVICE_SID="my-service"))
        assert run.code == 0, run.stdout
        assert run.outputs["service-sid"] == OTHER_SERVICE_SID
        built = f"{server.url}/v1/Services/my-service/Builds/{BUILD_SID}/Status"
        assert run.outputs["url"] in {reported, built}

    @pytest.mark.parametrize(
        "account",
        [
            None,
            "",
            7,
            "AC",
            ACCOUNT_SID + "0",
            f"SK{'0' * 32}",
            f"{ACCOUNT_SID}\n",
            f" {ACCOUNT_SID}",
            "AC" + "\uff11" * 32,
            "ac" + "0" * 32,
        ],
    )
    def test_an_account_without_the_form_is_empty(
        self, tool: Tool, tmp_path: Path, account: object
    ) -> None:
        assert completed(tool, tmp_path, account_sid=account).outputs["account-sid"] == ""

    @pytest.mark.parametrize(
        "service", [None, "", 7, "a b", f"{SERVICE_SID}\nx=y", f"ZS{'g' * 32}", "$(id)", "é"]
    )
    def test_a_service_without_the_form_stays_as_given(
        self, tool: Tool, tmp_path: Path, service: object
    ) -> None:
        run = completed(tool, tmp_path, service_sid=service)
        assert run.outputs["service-sid"] == SERVICE_SID

    @pytest.mark.parametrize(
        "url",
        [
            None,
            "",
            7,
            f"http://serverless.twilio.com{PATH}",
            f"https://evil.example{PATH}",
            f"https://twilio.com.evil.example{PATH}",
            f"https://eviltwilio.com{PATH}",
            f"https://evil.example\\@serverless.twilio.com{PATH}",
            f"https://evil.example/serverless.twilio.com{PATH}",
            f"https://evil.example#serverless.twilio.com{PATH}",
            f"https://evil.example?serverless.twilio.com{PATH}",
            f"https://serverless.twilio.com{PATH}/../../x",
            f"https://serverless.twilio.com{PATH}?x=y",
            f"https://serverless.twilio.com{PATH}#x",
            f"https://serverless.twilio.com{PATH}\n",
            f"https://serverless.twilio.com/x\ny{PATH}",
            f"https://serverless.twilio.com{PATH.replace(BUILD_SID, OTHER_BUILD_SID)}",
            f"https://serverless.twilio.com{PATH.removesuffix('/Status')}",
            f"javascript:alert('twilio.com{PATH}')",
            PATH,
        ],
    )
    def test_an_address_that_is_not_this_resource_s(
        self, tool: Tool, tmp_path: Path, url: object
    ) -> None:
        with ScriptedServer(build("completed", url=url)) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert run.outputs["url"] == server.url + PATH

    def test_the_last_good_reply_is_what_counts(self, tool: Tool, tmp_path: Path) -> None:
        script = [build(account_sid=OTHER_ACCOUNT_SID), Reply(503), build("completed")]
        with ScriptedServer(*script) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.outputs["account-sid"] == ACCOUNT_SID
        assert run.outputs["polls"] == "3"


class TestStepOutputs:
    """The file behind ``GITHUB_OUTPUT``."""

    @pytest.mark.parametrize("before", ["", "earlier=1\n", "earlier=1", "earlier<<E\n1\nE"])
    def test_it_is_appended_to(self, tool: Tool, tmp_path: Path, before: str) -> None:
        output = tmp_path / "github-output"
        with ScriptedServer(build("completed")) as server:
            env = base_env(server.url, tmp_path)
            output.write_text(before)
            identity = output.stat().st_ino
            run = tool.run(env, check=False)
        assert run.code == 0, run.stdout
        assert output.read_text().startswith(before)
        assert output.stat().st_ino == identity
        outputs = run.outputs
        if before:
            assert outputs.pop("earlier") == "1"
        check_outputs(outputs, 0)

    def test_it_is_created_where_it_is_missing(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(build("completed")) as server:
            env = base_env(server.url, tmp_path)
            (tmp_path / "github-output").unlink()
            run = tool.run(env)
        assert run.code == 0, run.stdout
        assert run.outputs["outcome"] == "completed"

    def test_what_is_known_is_there_before_the_first_read(self, tool: Tool, tmp_path: Path) -> None:
        seen: dict[str, dict[str, object]] = {}

        def look(exchange: Exchange) -> None:
            step = runner_model.github_file((tmp_path / "github-output").read_text())
            seen["step"] = dict(step)
            seen["file"] = json.loads((tmp_path / "outputs.json").read_text())
            silence(exchange)

        with ScriptedServer(look) as server:
            env = base_env(server.url, tmp_path)
            (tmp_path / "outputs.json").write_text('{"outcome": "completed", "old": 1}')
            running = tool.start(env)
            running.wait_until(lambda: "file" in seen)
            running.send_signal(signal.SIGKILL)
            run = running.finish(check=False)
        known = {"build-sid": BUILD_SID, "service-sid": SERVICE_SID, "url": server.url + PATH}
        step = {name: value for name, value in seen["step"].items() if value != ""}
        assert step | known == step
        assert step.get("outcome", "") == ""
        unknown = {"outcome": "", "status": "", "account-sid": "", "reason": ""}
        expected = known | unknown | {"elapsed-seconds": 0.0, "polls": 0}
        assert seen["file"] == expected
        assert run.code == -signal.SIGKILL
        assert run.output_json == expected, "what was written survives the kill"

    def test_a_step_without_the_variable(self, tool: Tool, tmp_path: Path) -> None:
        """No runner does that; it must not crash, and the file is still written."""
        with ScriptedServer(build("completed")) as server:
            run = tool.run(base_env(server.url, tmp_path, GITHUB_OUTPUT=None))
        assert run.code in {0, 5}, run.stdout
        assert run.output_json["outcome"] == "completed"

    def test_after_a_failure_they_are_written_at_once(self, tool: Tool, tmp_path: Path) -> None:
        """While the diagnosis may still be under way: here whatever it asks is never answered."""

        def status_only(exchange: Exchange) -> None:
            if exchange.request.target == PATH:
                build("failed")(exchange)
            else:
                silence(exchange)

        with ScriptedServer(status_only) as server:
            env = base_env(server.url, tmp_path, TWILIO_BUILD_DIAGNOSE="true")
            running = tool.start(env)
            path = tmp_path / "github-output"
            running.wait_until(
                lambda: (
                    dict(runner_model.github_file(path.read_text())).get("outcome") == "failed"
                    or running.process.poll() is not None
                ),
                timeout=4,
            )
            run = running.finish()
        assert run.code == 1, run.stdout
        assert run.seconds < 14


class TestOutputFile:
    """JSON or dotenv, replaced whole."""

    def run_with(self, tool: Tool, tmp_path: Path, path: str | Path, umask: int = -1) -> Finished:
        with ScriptedServer(build("completed")) as server:
            env = base_env(server.url, tmp_path, TWILIO_BUILD_OUTPUT_FILE=str(path))
            return tool.run(env, umask=umask)

    def test_json(self, tool: Tool, tmp_path: Path) -> None:
        run = self.run_with(tool, tmp_path, "nested.name.json")
        assert run.code == 0, run.stdout
        written = run.output_json
        assert set(written) == set(OUTPUT_NAMES)
        assert written["polls"] == 1
        assert isinstance(written["polls"], int)
        assert isinstance(written["elapsed-seconds"], float)
        texts = {name: value for name, value in written.items() if isinstance(value, str)}
        numbers = {"polls": "1", "elapsed-seconds": json.dumps(written["elapsed-seconds"])}
        assert texts | numbers == run.outputs

    @pytest.mark.parametrize("name", ["wait.env", "wait", "wait.txt", "json", "wait.json.env"])
    def test_dotenv(self, tool: Tool, tmp_path: Path, name: str) -> None:
        run = self.run_with(tool, tmp_path, name)
        assert run.code == 0, run.stdout
        pairs = runner_model.dotenv(run.output_text)
        assert set(pairs) == DOTENV_NAMES
        for pair, value in pairs.items():
            assert DOTENV_VALUE.fullmatch(value)
            output = pair.removeprefix("TWILIO_BUILD_WAIT_").lower().replace("_", "-")
            assert value == run.outputs[output]
        assert len(run.output_text.encode()) < 5 * 1024, "GitLab takes no more"

    def test_a_shell_reads_the_same(self, tool: Tool, tmp_path: Path) -> None:
        run = self.run_with(tool, tmp_path, "wait.env")
        pairs = runner_model.dotenv(run.output_text)
        show = ". ./wait.env; " + "; ".join(f'echo "{name}=${name}"' for name in pairs)
        read = subprocess.run(
            ["/bin/sh", "-euc", show], cwd=tool.cwd, capture_output=True, text=True, check=True
        )
        assert runner_model.dotenv(read.stdout) == pairs
        assert read.stderr == ""

    @pytest.mark.parametrize("path", ["/~user", "/a(b)", "/a;b", "/$HOME", "/a&b", "/a'b", "/a*b"])
    def test_a_value_beyond_the_alphabet_is_left_empty_and_said_so(
        self, tool: Tool, tmp_path: Path, path: str
    ) -> None:
        with ScriptedServer(build("completed", url=None)) as server:
            env = base_env(server.url + path, tmp_path, TWILIO_BUILD_OUTPUT_FILE="wait.env")
            run = tool.run(env)
        if run.code == 2:
            return  # such a root may also be refused as no URL
        assert run.code == 0, run.stdout
        assert runner_model.dotenv(run.output_text)["TWILIO_BUILD_WAIT_URL"] == ""
        assert run.outputs["url"].startswith(server.url)
        assert "url" in run.visible.lower()
        plain = self.run_with(tool, tmp_path, "wait.env")
        assert len(run.lines) > len(plain.lines), "the log does not say so"

    @pytest.mark.parametrize("umask", [0o077, 0o000, 0o022])
    def test_anyone_may_read_it(self, tool: Tool, tmp_path: Path, umask: int) -> None:
        old = tmp_path / "outputs.json"
        old.write_text("{}")
        old.chmod(0o600)
        for path in (old, tmp_path / "new.json"):
            run = self.run_with(tool, tmp_path, path, umask=umask)
            assert run.code == 0, run.stdout
            assert stat.S_IMODE(path.stat().st_mode) == 0o644

    def test_it_is_relative_to_the_working_directory(self, tool: Tool, tmp_path: Path) -> None:
        (tool.cwd / "sub").mkdir()
        run = self.run_with(tool, tmp_path, "./sub/../sub/outputs.json")
        assert run.code == 0, run.stdout
        assert [path.name for path in (tool.cwd / "sub").iterdir()] == ["outputs.json"]

    def test_a_symbolic_link_is_replaced_not_followed(self, tool: Tool, tmp_path: Path) -> None:
        target = tmp_path / "precious"
        target.write_text("kept")
        for link_to in (target, tmp_path / "nowhere", tmp_path):
            path = tool.cwd / "outputs.json"
            path.unlink(missing_ok=True)
            path.symlink_to(link_to)
            run = self.run_with(tool, tmp_path, path)
            assert run.code == 0, run.stdout
            assert not path.is_symlink()
            assert run.output_json["outcome"] == "completed"
        assert target.read_text() == "kept"
        assert not (tmp_path / "nowhere").exists()

    def test_a_hard_link_keeps_its_content(self, tool: Tool, tmp_path: Path) -> None:
        """Replaced whole is a new file under the name, not the old one overwritten."""
        path = tool.cwd / "outputs.json"
        path.write_text("old")
        os.link(path, tmp_path / "other-name")
        assert self.run_with(tool, tmp_path, path).code == 0
        assert (tmp_path / "other-name").read_text() == "old"

    @pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
    def test_what_is_no_file_is_refused(self, tool: Tool, tmp_path: Path, kind: str) -> None:
        path = tool.cwd / "special"
        if kind == "folder":
            path.mkdir()
        else:
            os.mknod(path, (stat.S_IFIFO if kind == "pipe" else stat.S_IFSOCK) | 0o644)
        before = path.stat()
        run = self.run_with(tool, tmp_path, path)
        assert run.code == 5, run.stdout
        assert "output-file" in run.visible
        after = path.stat()
        assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
        assert [entry.name for entry in tool.cwd.iterdir()] == ["special"]

    @pytest.mark.parametrize(
        "reply, code", [(build("failed"), 1), (build(), 3), (Reply(403), 4), (None, 2)]
    )
    @pytest.mark.parametrize("name", ["outputs.json", "wait.env"])
    def test_no_earlier_run_s_outcome_survives(
        self, tool: Tool, tmp_path: Path, reply: Reply | None, code: int, name: str
    ) -> None:
        assert self.run_with(tool, tmp_path, name).code == 0
        with ScriptedServer(reply or build("completed")) as server:
            env = base_env(
                server.url,
                tmp_path,
                TWILIO_BUILD_OUTPUT_FILE=name,
                TWILIO_BUILD_TIMEOUT="0",
                TWILIO_BUILD_INTERVAL="100ms" if reply else "wrong",
            )
            run = tool.run(off_github(env))
        assert run.code == code, run.stdout
        assert run.result()["outcome"] not in {"completed", ""}
        assert "completed" not in run.output_text

    def test_nothing_is_left_beside_it(self, tool: Tool, tmp_path: Path) -> None:
        run = self.run_with(tool, tmp_path, "outputs.json")
        assert run.code == 0, run.stdout
        assert [path.name for path in tool.cwd.iterdir()] == ["outputs.json"]

    def test_it_never_holds_half_of_it(self, tool: Tool, tmp_path: Path) -> None:
        """Read at every request: each time it is whole, and without a verdict."""
        seen = []

        def look(exchange: Exchange) -> None:
            seen.append(json.loads((tmp_path / "outputs.json").read_text()))
            build("building" if len(seen) < 5 else "completed")(exchange)

        with ScriptedServer(look) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 0, run.stdout
        assert len(seen) == 5
        assert all(set(written) == set(OUTPUT_NAMES) for written in seen)
        assert all(written["outcome"] == "" for written in seen)


class TestSummary:
    """The job summary: one table."""

    ROW = re.compile(r"\s*\|(?:[^|\\\n]|\\.)*(?:\|(?:[^|\\\n]|\\.)*)*\|\s*")

    def table(self, text: str) -> list[str]:
        rows = [line for line in text.splitlines() if line.lstrip().startswith("|")]
        html = text.count("<table")
        assert (len(rows) > 2) != (html == 1), f"not one table:\n{text}"
        if rows:
            separators = [row for row in rows if re.fullmatch(r"\s*\|(\s*:?-+:?\s*\|)+\s*", row)]
            assert len(separators) == 1, text
            columns = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
            assert len(columns) == 1, text
        return rows

    @pytest.mark.parametrize(
        "reply, code, told",
        [
            (build("completed"), 0, ("completed",)),
            (build("failed"), 1, ("failed",)),
            (build(), 3, ("timed", "building")),
            (twilio_error(401, 20003, "Authenticate"), 4, ("401", "Authenticate")),
        ],
        ids=["completed", "failed", "timed-out", "rejected"],
    )
    def test_one_table_for_each_ending(
        self, tool: Tool, tmp_path: Path, reply: Reply, code: int, told: tuple[str, ...]
    ) -> None:
        with ScriptedServer(reply) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
        assert run.code == code, run.stdout
        self.table(run.summary)
        for text in (BUILD_SID, *told):
            assert text.lower() in run.summary.lower(), run.summary
        assert run.summary.endswith("\n")

    def test_bad_inputs_have_one_too(self, tool: Tool, tmp_path: Path) -> None:
        run = tool.run(base_env("", tmp_path, TWILIO_BUILD_TIMEOUT="often"))
        assert run.code == 2, run.stdout
        self.table(run.summary)
        assert "timeout" in run.summary

    @pytest.mark.parametrize("before", ["# Earlier\n", "an earlier step", "| a |\n| - |\n| b |"])
    def test_it_is_appended_to(self, tool: Tool, tmp_path: Path, before: str) -> None:
        with ScriptedServer(build("completed")) as server:
            env = base_env(server.url, tmp_path)
            (tmp_path / "github-summary").write_text(before)
            run = tool.run(env)
        assert run.code == 0, run.stdout
        assert run.summary.startswith(before)
        ours = run.summary.removeprefix(before)
        assert ours.startswith("\n") or before.endswith("\n"), "glued to the line before"
        self.table(ours)

    def test_it_can_be_turned_off(self, tool: Tool, tmp_path: Path) -> None:
        with ScriptedServer(build("failed")) as server:
            run = tool.run(base_env(server.url, tmp_path, TWILIO_BUILD_SUMMARY="false"))
        assert run.code == 1, run.stdout
        assert run.summary == ""

    def test_hostile_text_stays_in_its_cell(self, tool: Tool, tmp_path: Path) -> None:
        message = (
            "a | b\n| c | d |\n\n# Title <img src=x onerror=alert(1)> `code` <!-- x [l](h://x)"
        )
        message += " ``` ~~~ <details> </td></table> \\| \\"
        with ScriptedServer(twilio_error(400, 1, message)) as server:
            run = tool.run(base_env(server.url, tmp_path))
        assert run.code == 4, run.stdout
        self.table(run.summary)
        outside_code = re.sub(r"`[^`]*`", "", run.summary)
        for markup in ("<img", "<!--", "<details", "</td", "](h:"):
            assert markup not in outside_code, run.summary
        assert "\n# Title" not in run.summary
