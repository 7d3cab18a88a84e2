"""Names that do not exist, look-ups that never end, addresses that lead nowhere."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import preload
from tests.integration.harness import Tool, base_env
from tests.integration.wire import Wire, status

pytestmark = pytest.mark.fault

NOWHERE = "http://gateway.invalid:8080"


@contextlib.contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """An address and port where a connection attempt is never answered.

    The queue of a listener that accepts nobody is filled; Linux drops what comes after.
    """
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((address, port))
        yield


def env_with(tmp_path: Path, source: str, root: str = NOWHERE, **env: str) -> dict[str, str]:
    """The environment of a run with this fault in its look-ups."""
    allowed = base_env(root, tmp_path, TWILIO_ALLOW_HTTP="true", **env)
    return preload.preload(allowed, tmp_path, source)


def test_a_name_that_does_not_exist_yet_is_waited_for(tool: Tool, tmp_path: Path) -> None:
    env = env_with(tmp_path, preload.NO_SUCH_NAME, TWILIO_BUILD_TIMEOUT="2s")
    run = tool.run(env)
    assert run.code == 3, run.stdout
    assert "gateway.invalid" in run.outputs["reason"]
    assert int(run.outputs["polls"]) >= 2


def test_the_machines_own_resolver_knows_no_such_name(tool: Tool, tmp_path: Path) -> None:
    env = base_env(NOWHERE, tmp_path, TWILIO_ALLOW_HTTP="true", TWILIO_BUILD_TIMEOUT="0")
    run = tool.run(env)
    assert run.code == 3, run.stdout
    assert "gateway.invalid" in run.outputs["reason"]
    assert float(run.outputs["elapsed-seconds"]) <= 5.1


def test_a_look_up_that_fails_is_tried_again(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed")) as wire:
        root = f"http://localhost:{wire.port}"
        run = tool.run(env_with(tmp_path, preload.NAME_SERVER_FAILS_ONCE, root))
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "2"
    assert f"localhost:{wire.port}" in "".join(run.visible.splitlines()[1:])


def test_a_look_up_that_never_ends_is_cut_off(tool: Tool, tmp_path: Path) -> None:
    env = env_with(tmp_path, preload.NO_NAME_SERVER_ANSWERS, TWILIO_BUILD_TIMEOUT="1s")
    run = tool.run(env)
    assert run.code == 3, run.stdout
    assert "gateway.invalid" in run.outputs["reason"]
    assert float(run.outputs["elapsed-seconds"]) <= 6.1
    assert run.seconds - float(run.outputs["elapsed-seconds"]) < 4  # it holds up no exit


def test_look_ups_that_never_end_do_not_pile_up(tool: Tool, tmp_path: Path) -> None:
    # Each read gives up on its look-up after 10 s at most; the next read comes all the same.
    env = env_with(tmp_path, preload.NO_NAME_SERVER_ANSWERS, TWILIO_BUILD_TIMEOUT="14s")
    run = tool.run(env, timeout=30)
    assert run.code == 3, run.stdout
    assert int(run.outputs["polls"]) >= 2
    assert float(run.outputs["elapsed-seconds"]) <= 19.1


@pytest.mark.parametrize(
    "number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_a_signal_ends_a_look_up_that_hangs(
    tool: Tool, tmp_path: Path, number: int, code: int
) -> None:
    env = env_with(tmp_path, preload.NO_NAME_SERVER_ANSWERS, TWILIO_BUILD_TIMEOUT="60s")
    running = tool.start(env)
    running.wait_for_text("gateway.invalid")
    sent = running.send_signal(number)
    run = running.finish()
    assert run.code == code, run.stdout
    assert running.started + run.seconds - sent < 1
    assert run.outputs["outcome"] == "cancelled"


def test_a_connection_that_nobody_answers_is_cut_off(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed"), listening=False) as wire, black_hole("127.0.0.2", wire.port):
        root = f"http://127.0.0.2:{wire.port}"
        run = tool.run(base_env(root, tmp_path, TWILIO_BUILD_TIMEOUT="0"))
    assert run.code == 3, run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= 5.1
    assert f"127.0.0.2:{wire.port}" in run.outputs["reason"]


@pytest.mark.parametrize("timeout", ["0", "30s"])
def test_an_address_that_leads_nowhere_leaves_time_for_the_next(
    tool: Tool, tmp_path: Path, timeout: str
) -> None:
    # As on a machine whose IPv6 has an address and no route: the first address swallows everything.
    with Wire(status("completed")) as wire, black_hole("127.0.0.2", wire.port):
        source = preload.resolving("127.0.0.2", "127.0.0.1")
        root = f"http://gateway.invalid:{wire.port}"
        run = tool.run(env_with(tmp_path, source, root, TWILIO_BUILD_TIMEOUT=timeout))
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "1"


def test_an_address_that_refuses_leaves_the_next(tool: Tool, tmp_path: Path) -> None:
    with Wire(status("completed")) as wire:
        source = preload.resolving("127.0.0.2", "127.0.0.1")
        run = tool.run(env_with(tmp_path, source, f"http://gateway.invalid:{wire.port}"))
    assert run.code == 0, run.stdout
    assert run.outputs["polls"] == "1"


UNSPEAKABLE = {
    "label-of-70-letters": f"http://{'x' * 70}.test",
    "empty-label": "http://gateway..test",
    "name-of-300-letters": "http://" + ".".join(["x" * 50] * 6),
}


@pytest.mark.parametrize("root", UNSPEAKABLE.values(), ids=UNSPEAKABLE)
def test_a_name_that_cannot_be_looked_up_is_no_crash(tool: Tool, tmp_path: Path, root: str) -> None:
    env = base_env(root, tmp_path, TWILIO_ALLOW_HTTP="true", TWILIO_BUILD_TIMEOUT="0")
    run = tool.run(env)
    assert run.code in {2, 3, 4}, run.stdout
