"""Networks that swallow what is sent into them, as the kernel itself makes them.

Each in a network namespace of its own (`unshare`, `ip`: root and Linux alone), with the program and
the server in it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import preload
from tests.integration.harness import (
    ENTRYPOINT,
    REPOSITORY,
    Finished,
    Running,
    Tool,
    base_env,
    refusing_root,
)

pytestmark = pytest.mark.fault

PORT = 8088
ROOT = f"http://gateway.test:{PORT}"
HOLE = "2001:db8::2"  # from the block for documentation, so that it is nobody's

# With the first of its processes the rest ends, too.
NEW_NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]

# A pair of cables that end in nothing: the address behind it has a neighbour's entry, so that the
# kernel sends, and nobody ever answers, not even that there is nobody.
NAMESPACE = f"""
set -e
ip link set lo up
ip link add hole type veth peer name nowhere
ip link set hole up
ip link set nowhere up
ip -6 addr add 2001:db8::1/64 dev hole nodad
ip -6 neigh add {HOLE} lladdr 02:00:00:00:00:02 dev hole nud permanent
mount --bind "$1" /etc/hosts
mount --bind "$2" /etc/resolv.conf
shift 2
exec "$@"
"""


def in_a_namespace(
    tmp_path: Path, env: dict[str, str], hosts: str, resolver: str, *command: str
) -> Finished:
    """Run a command where these hosts are known, and this name server is asked for others."""
    places = tmp_path / "hosts", tmp_path / "resolv.conf"
    places[0].write_text(hosts, encoding="utf-8")
    places[1].write_text(resolver, encoding="utf-8")
    process = subprocess.Popen(
        [*NEW_NAMESPACES, "sh", "-c", NAMESPACE, "sh", *map(str, places), *command],
        env=env,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return Running(process, env, tmp_path).finish(60)


EMULATOR_THEN_TOOL = f"""
cd {REPOSITORY}
"$1" -m emulator --port {PORT} --default completed:1s >/dev/null 2>&1 &
exec "$1" "$2"
"""


@pytest.mark.parametrize("timeout", ["0", "20s"])
def test_an_ipv6_black_hole_leaves_time_for_ipv4(tmp_path: Path, timeout: str) -> None:
    env = base_env(
        ROOT,
        tmp_path,
        TWILIO_ALLOW_HTTP="true",
        TWILIO_ACCOUNT_SID="AC" + 32 * "a",
        TWILIO_AUTH_TOKEN="emulator-auth-token",
        TWILIO_BUILD_TIMEOUT=timeout,
    )
    hosts = f"{HOLE} gateway.test\n127.0.0.1 gateway.test localhost\n"
    shell = ["sh", "-c", EMULATOR_THEN_TOOL, "sh", sys.executable, str(ENTRYPOINT)]
    run = in_a_namespace(tmp_path, env, hosts, "nameserver 127.0.0.1\n", *shell)
    assert run.code == (3 if timeout == "0" else 0), run.stdout
    assert run.outputs["status"] == ("building" if timeout == "0" else "completed")


def test_nothing_but_an_ipv6_black_hole(tmp_path: Path) -> None:
    env = base_env(ROOT, tmp_path, TWILIO_ALLOW_HTTP="true", TWILIO_BUILD_TIMEOUT="1s")
    hosts, command = f"{HOLE} gateway.test\n", [sys.executable, str(ENTRYPOINT)]
    run = in_a_namespace(tmp_path, env, hosts, "nameserver 127.0.0.1\n", *command)
    assert run.code == 3, run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= 6.1
    assert f"gateway.test:{PORT}" in run.outputs["reason"]


def test_a_name_server_that_is_a_black_hole(tmp_path: Path) -> None:
    env = base_env(ROOT, tmp_path, TWILIO_ALLOW_HTTP="true", TWILIO_BUILD_TIMEOUT="1s")
    command = [sys.executable, str(ENTRYPOINT)]
    run = in_a_namespace(tmp_path, env, "127.0.0.1 localhost\n", f"nameserver {HOLE}\n", *command)
    assert run.code == 3, run.stdout
    assert float(run.outputs["elapsed-seconds"]) <= 6.1
    assert run.seconds < 8
    assert f"gateway.test:{PORT}" in run.outputs["reason"]


def test_no_route_at_all_is_waited_for(tmp_path: Path) -> None:
    env = base_env(ROOT, tmp_path, TWILIO_ALLOW_HTTP="true", TWILIO_BUILD_TIMEOUT="2s")
    command = [sys.executable, str(ENTRYPOINT)]
    hosts = "192.0.2.1 gateway.test\n"
    run = in_a_namespace(tmp_path, env, hosts, "nameserver 127.0.0.1\n", *command)
    assert run.code == 3, run.stdout
    assert int(run.outputs["polls"]) >= 2
    assert f"gateway.test:{PORT}" in run.outputs["reason"]


# --- a minute of nothing --------------------------------------------------------------------------


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[tuple[Tool, Path, Tool, Path]]:
    """Two of them, to wait side by side, each with a folder of its own."""
    folders = tmp_path / "refused", tmp_path / "unknown"
    for folder in folders:
        (folder / "workspace").mkdir(parents=True)
    first, second = (Tool(folder / "workspace") for folder in folders)
    yield first, folders[0], second, folders[1]
    first.close()
    second.close()


def test_a_minute_of_refused_or_no_such_name_is_lasting(
    tools: tuple[Tool, Path, Tool, Path],
) -> None:
    refused, refused_folder, unknown, unknown_folder = tools
    with refusing_root() as root:
        env = base_env(root, refused_folder, TWILIO_BUILD_TIMEOUT="10m")
        one = refused.start(env)
        env = base_env(ROOT, unknown_folder, TWILIO_ALLOW_HTTP="true", TWILIO_BUILD_TIMEOUT="10m")
        other = unknown.start(preload.preload(env, unknown_folder, preload.NO_SUCH_NAME))
        ended = one.finish(110), other.finish(110)
    for run, cause in zip(ended, ("refused", "no such name"), strict=True):
        assert run.code == 4, run.stdout
        assert json.loads(run.output_text)["outcome"] == "rejected"
        assert cause in run.outputs["reason"]
        # The row is looked at with each read, and two reads are at most 30 s apart.
        assert 60 <= float(run.outputs["elapsed-seconds"]) < 92
