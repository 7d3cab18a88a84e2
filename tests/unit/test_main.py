"""The whole story in this process: environment in, log, outputs and exit code out."""

import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from tests.integration import runner_model
from tests.unit.samples import (
    ACCOUNT_SID,
    BUILD_SID,
    SERVICE_SID,
    STATUS_URL,
    TOKEN,
    environment,
)
from tests.unit.wire import Wire, reply, wire
from twilio_build_wait import __version__, main
from twilio_build_wait.outcome import OUTPUTS
from twilio_build_wait.signals import Cancelled, Signals

__all__ = ["wire"]

pytestmark = pytest.mark.usefixtures("alarms")

T = TypeVar("T")

ROOT = "http://localhost:8080"


def build(status: str) -> bytes:
    fields = {"sid": BUILD_SID, "account_sid": ACCOUNT_SID, "service_sid": SERVICE_SID}
    return reply(json.dumps({**fields, "status": status, "url": STATUS_URL}).encode())


class Awake(Signals):
    """Never sleeps: it notes for how long it was to, and then does what a test wants."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        super().__init__([])
        self.slept: list[float] = []
        self._then = then

    def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
            self._then()
        super().sleep(0)


class Run:
    """One run of `main` against scripted replies, and all that it leaves."""

    def __init__(
        self,
        tmp_path: Path,
        signals: Signals | None = None,
        arguments: tuple[str, ...] = (),
        **changes: str | None,
    ) -> None:
        self.outputs_file = tmp_path / "outputs.json"
        environ = environment(
            **{
                "TWILIO_BASE_URL": ROOT,
                "TWILIO_BUILD_OUTPUT_FILE": str(self.outputs_file),
                "TWILIO_BUILD_DIAGNOSE": "false",
                **changes,
            }
        )
        written: list[bytes] = []
        self.signals = signals or Awake()
        self.code = main.main(environ, arguments, self.signals, written.append, live=False)
        self.log = b"".join(written).decode()
        self.lines = self.log.splitlines()

    @property
    def outputs(self) -> Mapping[str, object]:
        found = json.loads(self.outputs_file.read_text())
        assert isinstance(found, dict)
        assert list(found) == list(OUTPUTS)
        return found


def test_a_build_that_has_completed(wire: Wire, tmp_path: Path) -> None:
    wire.answer(build("completed"))
    run = Run(tmp_path)
    assert run.code == 0
    assert run.outputs == {
        "outcome": "completed",
        "status": "completed",
        "build-sid": BUILD_SID,
        "service-sid": SERVICE_SID,
        "account-sid": ACCOUNT_SID,
        "url": STATUS_URL,
        "elapsed-seconds": pytest.approx(0, abs=5),
        "polls": 1,
        "reason": "",
    }
    assert run.lines[0].startswith(
        f"twilio-build-wait {__version__}: waiting for build {BUILD_SID}"
    )
    assert run.lines[1].endswith("s  completed")
    assert run.lines[2].startswith("Twilio build completed after ")
    assert len(run.lines) == 3


def test_a_build_that_has_failed(wire: Wire, tmp_path: Path) -> None:
    wire.answer(build("failed"))
    run = Run(tmp_path)
    assert (run.code, run.outputs["outcome"]) == (1, "failed")
    assert run.outputs["reason"] == "Twilio reports that the build failed"
    assert run.lines[-1].startswith("error: Twilio build failed: Twilio reports that")


def test_it_pauses_between_two_reads(wire: Wire, tmp_path: Path) -> None:
    wire.answer(build("building"), build("completed"))
    run = Run(tmp_path, TWILIO_BUILD_INTERVAL="500ms")
    assert isinstance(run.signals, Awake)
    assert (run.code, run.outputs["polls"]) == (0, 2)
    (pause,) = run.signals.slept
    assert 0.4 <= pause <= 0.6


def test_it_shows_that_it_is_alive_in_a_long_pause(wire: Wire, tmp_path: Path) -> None:
    pauses = iter([None, None, signal.SIGTERM])

    def then() -> None:
        if number := next(pauses):
            signal.raise_signal(number)

    wire.answer(build("building"))
    signals = Awake(then)
    run = Run(tmp_path, signals, TWILIO_BUILD_INTERVAL="30s", TWILIO_BUILD_MAX_INTERVAL="30s")
    assert signals.slept == [1, 1, 1]
    assert run.code == 143


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_pause(wire: Wire, tmp_path: Path, number: int, code: int) -> None:
    wire.answer(build("building"))
    run = Run(tmp_path, Awake(lambda: signal.raise_signal(number)))
    name = signal.Signals(number).name
    assert (run.code, run.outputs["outcome"], run.outputs["status"]) == (
        code,
        "cancelled",
        "building",
    )
    assert str(run.outputs["reason"]).startswith(f"cancelled by {name} after ")
    assert run.lines[-1].startswith(f"warning: Wait cancelled: cancelled by {name} after ")


def test_a_signal_that_came_first_wins_over_wrong_inputs(tmp_path: Path) -> None:
    run = Run(tmp_path, Signals([signal.SIGINT]), TWILIO_BUILD_SID="wrong")
    assert (run.code, run.outputs["outcome"]) == (130, "cancelled")
    assert run.outputs["reason"] == "cancelled by SIGINT"


def test_wrong_inputs(wire: Wire, tmp_path: Path) -> None:
    run = Run(tmp_path, TWILIO_BUILD_SID="wrong", TWILIO_BUILD_TIMEOUT="soon")
    assert (run.code, wire.addresses) == (2, [])
    assert run.outputs == dict.fromkeys(OUTPUTS, "") | {
        "outcome": "invalid",
        "service-sid": SERVICE_SID,
        "elapsed-seconds": 0,
        "polls": 0,
        "reason": run.outputs["reason"],
    }
    reason = str(run.outputs["reason"])
    assert reason.startswith("build-sid: expected ZB followed by")
    assert "; timeout: expected a duration" in reason


def test_arguments_are_wrong_inputs(tmp_path: Path) -> None:
    run = Run(tmp_path, arguments=("--wait",))
    assert (run.code, run.outputs["outcome"]) == (2, "invalid")


def test_a_lasting_fault(wire: Wire, tmp_path: Path) -> None:
    wire.answer(reply(b"", 401))
    run = Run(tmp_path)
    assert (run.code, run.outputs["outcome"]) == (4, "rejected")
    assert str(run.outputs["reason"]).startswith("HTTP 401 from localhost:8080. Check the SID")


def test_no_time_at_all(wire: Wire, tmp_path: Path) -> None:
    wire.answer(build("building"))
    run = Run(tmp_path, TWILIO_BUILD_TIMEOUT="0")
    assert (run.code, run.outputs["outcome"], run.outputs["polls"]) == (3, "timed-out", 1)


def test_what_is_not_told_to_the_next_step_is_another_exit(wire: Wire, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no" / "output")
    wire.answer(build("completed"))
    run = Run(tmp_path, GITHUB_OUTPUT=nowhere)
    assert (run.code, run.outputs["outcome"]) == (5, "completed")
    wire.answer(build("failed"))
    assert Run(tmp_path, GITHUB_OUTPUT=nowhere).code == 1


def test_an_address_that_holds_a_secret_is_no_output(wire: Wire, tmp_path: Path) -> None:
    body = {"sid": BUILD_SID, "status": "completed"}
    wire.answer(reply(json.dumps(body).encode()))
    run = Run(
        tmp_path, TWILIO_BASE_URL=f"{ROOT}/within/token-in-path", TWILIO_AUTH_TOKEN="token-in-path"
    )
    assert (run.code, run.outputs["url"]) == (0, "")
    wire.answer(reply(json.dumps(body).encode()))
    expected = f"{ROOT}/within/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status"
    assert Run(tmp_path, TWILIO_BASE_URL=f"{ROOT}/within").outputs["url"] == expected


# -- the diagnosis ---------------------------------------------------------------------------------


def test_a_reason_is_looked_for(wire: Wire, tmp_path: Path) -> None:
    alert = {
        "error_code": "82003",
        "resource_sid": BUILD_SID,
        "alert_text": "Msg=npm%20could%20not%20install%20it",
        "date_generated": "2026-04-01T08:00:00Z",
    }
    wire.answer(
        build("failed"),
        reply(json.dumps({"sid": BUILD_SID, "runtime": "node22"}).encode()),
        reply(json.dumps({"alerts": [alert]}).encode()),
    )
    run = Run(tmp_path, TWILIO_BUILD_DIAGNOSE=None)
    assert (run.code, run.outputs["outcome"]) == (1, "failed")
    assert "npm could not install it" in str(run.outputs["reason"])
    assert "looking for the reason in Twilio, for 10 s at most" in run.lines
    assert "  In the build: node22" in run.lines
    assert "npm could not install it" in run.lines[-1]


def test_a_bug_in_looking_for_it_does_not_change_the_verdict(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diagnose(*_: object, **__: object) -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr("twilio_build_wait.diagnosis.diagnose", diagnose)
    wire.answer(build("failed"))
    run = Run(tmp_path, TWILIO_BUILD_DIAGNOSE=None)
    assert (run.code, run.outputs["outcome"]) == (1, "failed")
    assert run.outputs["reason"] == "Twilio reports that the build failed"
    assert "the reason could not be looked up: RuntimeError" in run.lines
    assert TOKEN not in run.log


# -- bugs, and the last resort ---------------------------------------------------------------------


def test_a_bug_is_an_outcome_of_its_own(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(*_: object) -> None:
        raise RuntimeError(f"the token is {TOKEN}")

    monkeypatch.setattr("twilio_build_wait.status.judge", judge)
    wire.answer(build("completed"))
    run = Run(tmp_path, GITHUB_ACTIONS="true")
    assert (run.code, run.outputs["outcome"]) == (70, "error")
    assert run.outputs["reason"] == (
        "this is a bug in twilio-build-wait, and nothing is known about the build"
    )
    assert "Traceback (most recent call last):" in run.lines
    assert "RuntimeError: the token is ***" in run.lines
    said = [line for line in run.lines if not line.startswith("::add-mask::")]
    assert TOKEN not in "\n".join(said)
    last = runner_model.github_commands(run.log)[-1]
    assert (last.name, last.properties) == (
        "error",
        {"title": "Internal error in twilio-build-wait"},
    )


class Hanging(Signals):
    """Hangs where a signal is not answered: calls the last will there, as the alarm would."""

    def __init__(self) -> None:
        super().__init__([])
        self.code: int | None = None

    def run(self, work: Callable[[], T], limit: float) -> T:
        signal.raise_signal(signal.SIGTERM)
        self.code = self.last_will()
        return super().run(work, limit)


def test_a_signal_that_finds_it_hanging_leaves_everything_in_order(
    wire: Wire, tmp_path: Path
) -> None:
    wire.answer()
    signals = Hanging()
    run = Run(tmp_path, signals)
    assert signals.code == run.code == 143
    assert run.outputs["outcome"] == "cancelled"
    assert [line for line in run.lines if line.startswith("warning: Wait cancelled: ")]


def test_a_verdict_stays_what_it_is_when_what_follows_hangs(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = Awake()
    codes: list[int] = []

    def diagnose(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        codes.append(signals.last_will())
        raise Cancelled(signal.SIGTERM)

    monkeypatch.setattr("twilio_build_wait.diagnosis.diagnose", diagnose)
    wire.answer(build("failed"))
    run = Run(tmp_path, signals, TWILIO_BUILD_DIAGNOSE=None)
    assert (codes, run.code, run.outputs["outcome"]) == ([1], 1, "failed")
