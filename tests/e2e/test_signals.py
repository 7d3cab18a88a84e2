"""Cancelled as process 1 of a container, where the kernel drops a signal that nobody handles."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.containers import BUILD_SID, SERVICE_SID, Container, inputs, reply
from tests.integration.harness import ScriptedServer, json_reply, silence

EXITS = {"INT": 130, "TERM": 143}
ANSWERED_WITHIN = 1.0  # seconds

signals = pytest.mark.parametrize("signal", list(EXITS))

# In a network namespace of its own, a name server that takes every question and never answers.
BLACK_HOLE = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("listening", flush=True)
while True:
    server.recv(4096)
    print("asked", flush=True)
"""


def wait_for(condition: Callable[[], bool], container: Container, timeout: float = 10.0) -> None:
    """Until the condition holds; AssertionError with the log when it does not come to."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, container.log
        time.sleep(0.02)


def check_cancelled(container: Container, signal: str, sent: float) -> None:
    """It has ended as cancelled, in time, and its outputs say so."""
    code = container.wait()
    assert code == EXITS[signal], container.log
    assert container.finished_at() - sent < ANSWERED_WITHIN, container.log
    assert container.outputs["outcome"] == "cancelled"
    assert container.outputs["build-sid"] == BUILD_SID
    assert container.outputs["service-sid"] == SERVICE_SID
    assert container.outputs["reason"]


@signals
def test_in_a_sleep(image: str, folder: Path, signal: str) -> None:
    with ScriptedServer(json_reply(reply("building"))) as server:
        env = inputs(server.url, TWILIO_BUILD_INTERVAL="1h")
        with Container(image, folder, env) as container:
            container.start()
            container.wait_for_log("building")
            sent = container.signal(signal)
            check_cancelled(container, signal, sent)
            assert container.outputs["status"] == "building"
            assert container.outputs["polls"] == "1"


@signals
def test_in_a_request_that_hangs(image: str, folder: Path, signal: str) -> None:
    with (
        ScriptedServer(silence) as server,
        Container(image, folder, inputs(server.url)) as container,
    ):
        container.start()
        wait_for(lambda: len(server.requests) == 1, container)
        sent = container.signal(signal)
        check_cancelled(container, signal, sent)
        assert container.outputs["status"] == ""


@contextlib.contextmanager
def black_hole(image: str, folder: Path) -> Iterator[Container]:
    """A container whose name server is itself, and mute."""
    with Container(
        image,
        folder,
        {},
        network="none",
        flags=["--dns=127.0.0.1", "--entrypoint=python3"],
        command=["-c", BLACK_HOLE],
    ) as resolver:
        resolver.start()
        resolver.wait_for_log("listening")
        yield resolver


@signals
def test_in_a_name_look_up_that_never_answers(image: str, folder: Path, signal: str) -> None:
    env = inputs("https://serverless.example.com")
    with (
        black_hole(image, folder) as resolver,
        Container(image, folder, env, network=f"container:{resolver.name}") as container,
    ):
        container.start()
        resolver.wait_for_log("asked")
        sent = container.signal(signal)
        check_cancelled(container, signal, sent)
        assert container.outputs["status"] == ""


@signals
def test_from_the_start_on(image: str, folder: Path, signal: str) -> None:
    """A signal sent again and again from the first moment.

    What comes before Python runs, the kernel drops for process 1; the first one after that counts,
    and those that follow change nothing. A SIGINT that meets the interpreter before it has come to
    the first statement ends it as it ends any Python, without a line of the program's: then again.
    """
    for _ in range(8):
        with (
            ScriptedServer(silence) as server,
            Container(image, folder, inputs(server.url)) as container,
        ):
            container.start()
            sent = container.signal(signal)
            while container.running:
                with contextlib.suppress(AssertionError):  # it may have ended in between
                    container.signal(signal)
            container.wait()
            before = signal == "INT" and "outcome" not in container.outputs
            if not (before and "twilio-build-wait 1" not in container.log):
                check_cancelled(container, signal, sent)
                return
    pytest.fail("not one of eight came to the first statement")
