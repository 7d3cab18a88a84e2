"""Networks that answer nothing, made by the kernel, in a network namespace of their own.

They need `unshare`, `ip`, and root or `sudo` without a password.
"""

import os
import sys
from pathlib import Path

from tests.support.run import COMMAND, REPOSITORY, Process, Run

HOLE = "2001:db8::2"  # an address for documentation: nobody has it
SUDO = () if os.geteuid() == 0 else ("sudo", "--preserve-env")
UNSHARE = (*SUDO, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")

# The neighbor has a fixed address, so that the kernel sends, and nobody is there. Not even "no
# route to host" comes back.
NAMESPACE = f"""
set -e
ip link set lo up
ip link add hole type veth peer name nowhere
ip link set hole up
ip link set nowhere up
ip -6 addr add 2001:db8::1/64 dev hole nodad
ip -6 neigh add {HOLE} lladdr 02:00:00:00:00:02 dev hole nud permanent
mount --bind hosts /etc/hosts
mount --bind resolv.conf /etc/resolv.conf
exec "$@"
"""

# The server has to be in the namespace, too.
WITH_A_SERVER = """
import os, subprocess, sys
sys.path.insert(0, os.environ["REPOSITORY"])
sys.path.insert(0, os.environ["REPOSITORY"] + "/src")
from tests.support.samples import build_status
from tests.support.server import Server
with Server(build_status("completed")) as server:
    os.environ["TWILIO_BASE_URL"] = f"http://gateway.test:{server.port}"
    sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def run_in_a_namespace(
    environ: dict[str, str], hosts: str, *command: str, timeout: str = "0"
) -> Run:
    """Run a command with these hosts, and a name server that never answers."""
    home = Path(environ["HOME"])
    (home / "hosts").write_text(hosts)
    (home / "resolv.conf").write_text(f"nameserver {HOLE}\n")
    environ |= {
        "TWILIO_BASE_URL": "http://gateway.test:8088",
        "TWILIO_ALLOW_HTTP": "true",
        "TWILIO_BUILD_TIMEOUT": timeout,
        "REPOSITORY": str(REPOSITORY),
    }
    with Process(environ, command=(*UNSHARE, "sh", "-c", NAMESPACE, "sh", *command)) as process:
        return process.finish()


def test_ipv6_black_hole_leaves_time_for_ipv4(environ: dict[str, str]) -> None:
    hosts = f"{HOLE} gateway.test\n127.0.0.1 gateway.test localhost\n"
    command = (sys.executable, "-c", WITH_A_SERVER, *COMMAND)
    run = run_in_a_namespace(environ, hosts, *command, timeout="1m")
    assert run.code == 0
    assert float(run.outputs["elapsed-seconds"]) > 4.9  # it did try the other one first


def test_name_server_that_never_answers_times_out(environ: dict[str, str]) -> None:
    run = run_in_a_namespace(environ, "", *COMMAND)
    assert run.code == 3
    assert 4.9 <= float(run.outputs["elapsed-seconds"]) <= 6
    assert "gateway.test:8088" in run.outputs["reason"]
