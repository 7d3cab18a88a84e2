"""The program itself: its command line, log and controls, and that nothing takes it down."""

import base64
import http.client
import json
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import trustme
from requests.auth import HTTPBasicAuth

from emulator import faults
from emulator.api import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN
from emulator.server import Emulator, Options
from tests.integration.emulator_process import REPOSITORY, EmulatorProcess, emulator

BUILD, OTHER = "ZB" + 32 * "1", "ZB" + 32 * "2"
AUTH = (ACCOUNT_SID, AUTH_TOKEN)


def path(build: str = BUILD) -> str:
    return f"/v1/Services/demo/Builds/{build}/Status"


def get(url: str, build: str = BUILD, auth: tuple[str, str] = AUTH) -> requests.Response:
    return requests.get(url + path(build), auth=auth, timeout=20, allow_redirects=False)


def connect(process: EmulatorProcess) -> socket.socket:
    address = urlsplit(process.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emulator", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def process() -> Iterator[EmulatorProcess]:
    with emulator("--default", "completed:0", "--keep-alive", "30s") as process:
        yield process


# --- the command line ----------------------------------------------------------------------------


def test_help_explains_every_kind_and_its_examples_run() -> None:
    text = run("--help").stdout
    for kind in faults.KINDS:
        assert re.search(rf"^  {re.escape(kind)} +\S", text, re.MULTILINE), kind
    examples = re.findall(r"^  python3 -m emulator (.*)$", text, re.MULTILINE)
    assert len(examples) >= 4
    for example in examples:
        # The port of an example may be taken on this machine.
        with emulator(*shlex.split(example.replace("--port 8080", "--port 0"))) as running:
            assert running.control("requests")["requests"] == []
    (curl,) = re.findall(r"^  curl (.*?)\n\n?(?=\S|\Z)", text, re.MULTILINE | re.DOTALL)
    with emulator() as running:
        words = shlex.split(curl.replace("http://127.0.0.1:8080", running.url))
        reply = requests.get(words[-1], auth=HTTPBasicAuth(*words[1].split(":")), timeout=20)
        assert reply.json()["status"] == "building"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_well(number: signal.Signals) -> None:
    with emulator("--fault", "hang*") as running, connect(running) as connection:
        connection.sendall(f"GET {path()} HTTP/1.1\r\n\r\n".encode())
        while not running.control("requests")["requests"]:
            time.sleep(0.01)  # until the server has seen the request
        start = time.monotonic()
        assert running.end(number) == (0, "", "")
        assert time.monotonic() - start < 10
        assert connection.recv(1) == b""


def test_the_port_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "port"
    with emulator("--port-file", str(file)) as running:
        assert file.read_text(encoding="ascii") == f"{urlsplit(running.url).port}\n"
        assert list(tmp_path.iterdir()) == [file]


def test_ipv6_loopback() -> None:
    with emulator("--host", "::1") as running:
        assert running.url.startswith("http://[::1]:")
        assert get(running.url).status_code == 200


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["--host", "0.0.0.0"], "0.0.0.0 is not a loopback address"),
        (["--host", "localhost"], "'localhost' does not appear to be an IPv4 or IPv6 address"),
        (["--build", "ZB1:failed"], "'ZB1' is not a build's SID"),
        (["--default", "sometimes"], "'sometimes' is not an ending"),
        (["--fault", "explode"], "'explode' is not a kind of fault"),
        (["--fault-rate", "2"], "between 0 and 1"),
        (["--latency", "long"], "'long' is not a duration"),
        (["--service", "demo"], "--service demo does not begin with a service's SID"),
        (["--script", "/nonexistent.json"], "--script /nonexistent.json is not a JSON list"),
        (["--tls-cert", "/nonexistent.pem"], "cannot serve on 127.0.0.1:0"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(arguments: list[str], complaint: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("emulator: ")
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_port_that_is_taken(process: EmulatorProcess) -> None:
    port = str(urlsplit(process.url).port)
    result = run("--port", port)
    assert result.returncode == 2
    assert result.stderr.startswith(f"emulator: cannot serve on 127.0.0.1:{port}: ")
    with pytest.raises(OSError, match=port), Emulator(Options(port=int(port))):
        pass


def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with emulator("--tls-cert", str(certificate), "--fault", "ok", "--fault", "reset") as running:
        assert running.url.startswith("https://127.0.0.1:")
        with pytest.raises(requests.exceptions.SSLError):
            get(running.url)
        with connect(running) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")  # plain HTTP on the port of TLS
            assert b"HTTP/" not in connection.recv(100)
        authority_file = str(tmp_path / "ca.pem")

        def trusting(where: str) -> requests.Response:
            return requests.get(running.url + where, auth=AUTH, timeout=20, verify=authority_file)

        assert trusting(path()).status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            trusting(path())
        assert trusting(path()).status_code == 200
        log = trusting("/emulator/requests").json()
    assert [entry["reply"] for entry in log["requests"]] == ["ok", "reset", "ok"]


def test_a_path_in_front_of_the_api() -> None:
    with emulator("--root", "/gate/way/") as running:
        assert running.url.endswith("/gate/way")
        assert get(running.url).json()["status"] == "building"
        assert get(running.url.removesuffix("/gate/way")).status_code == 404
        log = requests.get(
            running.url.removesuffix("/gate/way") + "/emulator/requests", timeout=20
        ).json()
        assert [entry["route"] for entry in log["requests"]] == ["status", "unknown"]


def test_credentials_of_ones_own() -> None:
    options = ["--account-sid", "AC" + 32 * "b", "--auth-token", "t", "--api-secret", "s"]
    with emulator(*options) as running:
        assert get(running.url).status_code == 401
        assert get(running.url, auth=(API_KEY, API_SECRET)).status_code == 401
        assert get(running.url, auth=(API_KEY, "s")).status_code == 200
        reply = get(running.url, auth=("AC" + 32 * "b", "t"))
        assert reply.json()["account_sid"] == "AC" + 32 * "b"


def test_basic_is_the_only_scheme(process: EmulatorProcess) -> None:
    encoded = base64.b64encode(":".join(AUTH).encode()).decode()
    for scheme, status in {"Basic": 200, "basic": 200, "Bearer": 401, "Basics": 401}.items():
        headers = {"Authorization": f"{scheme} {encoded}"}
        reply = requests.get(process.url + path(), headers=headers, timeout=20)
        assert reply.status_code == status


def test_a_script_from_a_file_follows_the_faults_of_the_command_line(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(["502", {"status": 418, "times": 2}]), encoding="utf-8")
    with emulator("--script", str(script), "--fault", "500") as running:
        seen = [get(running.url).status_code for _ in range(5)]
    assert seen == [500, 502, 418, 418, 200]


def test_random_faults_are_of_many_kinds_and_repeat_with_their_seed() -> None:
    def play() -> list[str]:
        with emulator("--fault-rate", "0.5", "--seed", "2", "--default", "completed:0") as running:
            for _ in range(40):
                try:
                    get(running.url)
                except requests.RequestException:
                    continue
            return [entry["reply"] for entry in running.control("requests")["requests"]]

    replies = play()
    assert replies == play()
    assert 10 <= replies.count("ok") <= 30
    assert len(set(replies)) > 6


# --- many clients, and bad ones ------------------------------------------------------------------


def test_two_hundred_clients_at_once(process: EmulatorProcess) -> None:
    builds = [f"ZB{number:032x}" for number in range(200)]

    def client(build: str) -> list[int]:
        address = urlsplit(process.url)
        basic = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        statuses = []
        for _ in range(5):
            connection.request("GET", path(build), headers={"Authorization": f"Basic {basic}"})
            reply = connection.getresponse()
            assert json.loads(reply.read())["sid"] == build
            statuses.append(reply.status)
        connection.close()
        return statuses

    with ThreadPoolExecutor(len(builds)) as pool:
        assert list(pool.map(client, builds)) == [[200] * 5] * len(builds)
    entries = process.control("requests")["requests"]
    count = Counter(entry["build"] for entry in entries)
    assert [count[build] for build in builds] == [5] * len(builds)
    # Kept alive: every client had one connection for its five requests.
    used = {(entry["build"], entry["connection"]) for entry in entries}
    assert len([pair for pair in used if pair[0] in builds]) == len(builds)


def test_more_than_the_allowed_number_at_once_is_a_429() -> None:
    with (
        emulator("--max-concurrent", "1", "--fault", "hang", "--default", "completed:0") as running,
        connect(running) as holder,
    ):
        holder.sendall(f"GET {path()} HTTP/1.1\r\n\r\n".encode())
        while not running.control("requests")["requests"]:
            time.sleep(0.01)  # until the server has seen the request
        refused = get(running.url)
        assert (refused.status_code, refused.json()["code"]) == (429, 20429)
        assert refused.json()["detail"]
        assert refused.headers["Twilio-Concurrent-Requests"] == "2"
        holder.close()
        while running.control("requests")["requests"][0]["ended"] is None:
            time.sleep(0.01)  # until the server has seen that its client is gone
        assert get(running.url).status_code == 200


@pytest.mark.parametrize(
    "sent, answer",
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"GET / HT", b""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/2\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET http://[ HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nnothing\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"HTTP/1.1 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"HTTP/1.1 400 "),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort", b""),
        (b"CONNECT x:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 401 "),
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 401 "),
        (b"GET / HTTP/1.1\r\nAuthorization: Basic \xff\r\n\r\n", b"HTTP/1.1 401 "),
        (b"GET / HTTP/1.1\r\nAuthorization: Basic /w==\r\n\r\n", b"HTTP/1.1 401 "),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_bad_requests_are_refused_or_ignored_and_never_fatal(
    process: EmulatorProcess, sent: bytes, answer: bytes
) -> None:
    with connect(process) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            assert len(sent) > 65_536  # its server closed without reading all of it
        assert received[: len(answer)] == answer
        assert bool(received) is bool(answer)
    assert get(process.url).status_code == 200


def test_clients_that_reset_are_never_fatal(process: EmulatorProcess) -> None:
    process.control("script", ["endless*20", "drip-body*20", "oversize*20", "hang*20"])
    for _ in range(80):
        with connect(process) as connection:
            basic = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode())
            connection.sendall(
                b"GET %s HTTP/1.1\r\nAuthorization: Basic %s\r\n\r\n" % (path().encode(), basic)
            )
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    process.control("script", [])
    assert get(process.url).status_code == 200


def test_an_idle_connection_is_closed() -> None:
    with emulator("--keep-alive", "2s") as running, connect(running) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        assert connection.recv(65536) == b""


@pytest.mark.parametrize(
    "request_head", [b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"]
)
def test_a_client_that_wants_one_reply_gets_one(
    process: EmulatorProcess, request_head: bytes
) -> None:
    with connect(process) as connection:
        connection.sendall(request_head)
        reply = connection.recv(65536)
        assert b"\r\nConnection: close\r\n" in reply
        assert connection.recv(65536) == b""


def test_a_head_request_gets_no_body(process: EmulatorProcess) -> None:
    reply = requests.head(process.url + path(), auth=AUTH, timeout=20)
    assert (reply.status_code, reply.content) == (405, b"")


# --- the log and the controls --------------------------------------------------------------------


def test_the_log_tells_what_happened_and_when(process: EmulatorProcess) -> None:
    build = "ZB" + 32 * "a"
    process.control("builds", {"sid": build, "ending": "failed", "after": "0.2s"})
    process.control("script", ["503", "reset"])
    before = process.control("requests", build=build)
    assert (before["requests"], before["builds"][0]["started"]) == ([], None)
    get(process.url, build)
    with pytest.raises(requests.ConnectionError):
        get(process.url, build)
    get(process.url, build, auth=("nobody", ""))
    while get(process.url, build).json()["status"] == "building":
        pass
    after = process.control("requests", build=build)
    entries = after["requests"]
    assert [(entry["reply"], entry["status"]) for entry in entries[:4]] == [
        ("503", 503), ("reset", None), ("ok", 401), ("ok", 200),
    ]  # fmt: skip
    assert entries[-1]["build_status"] == "failed"
    assert entries[0]["user_agent"].startswith("python-requests/")
    assert (entries[0]["method"], entries[0]["path"], entries[0]["route"]) == (
        "GET", path(build), "status",
    )  # fmt: skip
    (times,) = after["builds"]
    assert times["ends_at"] == pytest.approx(times["started"] + 0.2)
    moments = [before["now"]]
    for entry in entries:
        moments += [entry["time"], entry["ended"]]
    assert moments == sorted(moments)
    assert entries[0]["time"] <= times["started"] <= entries[0]["ended"]
    assert times["ends_at"] <= entries[-1]["ended"] <= after["now"]


def test_credentials_are_nowhere_in_the_log() -> None:
    pairs = [AUTH, (API_KEY, API_SECRET), (ACCOUNT_SID, "a-wrong-token")]
    with emulator("--verbose", "--fault", "500") as running:
        for auth in pairs:
            get(running.url, auth=auth)
        shown = json.dumps(running.control("requests"))
        code, output, errors = running.end()
    assert (code, output) == (0, "")
    assert errors.count(path()) == len(pairs)
    for auth in pairs:
        encoded = base64.b64encode(":".join(auth).encode()).decode()
        for text in (shown, errors):
            assert auth[1] not in text
            assert encoded not in text


def test_builds_and_scripts_are_added_and_replaced_while_it_runs(process: EmulatorProcess) -> None:
    builds = [
        {"sid": BUILD, "ending": "failed", "script": ["500"], "service": "ZS" + 32 * "3"},
        {"sid": OTHER, "ending": "building"},
    ]
    assert process.control("builds", builds) == {"builds": [BUILD, OTHER]}
    process.control("script", ["404", "410"])
    process.control("script", ["502"])
    process.control("script", ["503"], append="true")
    with_service = f"{process.url}/v1/Services/ZS{32 * '3'}/Builds/{BUILD}/Status"
    seen = [requests.get(with_service, auth=AUTH, timeout=20).status_code for _ in range(4)]
    assert seen == [500, 502, 503, 200]  # its own script first
    assert get(process.url, BUILD).status_code == 404  # under another service
    assert get(process.url, OTHER).json()["status"] == "building"
    process.control("builds", {"sid": OTHER, "ending": "completed"})
    assert get(process.url, OTHER).json()["status"] == "completed"
    process.control("builds", {"sid": BUILD, "ending": "completed"})


@pytest.mark.parametrize(
    "method, name, body, status, complaint",
    [
        ("GET", "nothing", "", 404, "GET requests, POST builds, POST script"),
        ("DELETE", "requests", "", 404, "GET requests"),
        ("POST", "builds", "{", 400, "Expecting"),
        ("POST", "builds", '{"sid": "ZB1"}', 400, "'ZB1' is not a build's SID"),
        ("POST", "builds", "[3]", 400, "int"),
        ("POST", "script", '"500"', 400, "a script is a list"),
        ("POST", "script", '["explode"]', 400, "'explode' is not a kind of fault"),
    ],
)
def test_a_wrong_control_is_told_what_is_wrong(
    process: EmulatorProcess, method: str, name: str, body: str, status: int, complaint: str
) -> None:
    reply = requests.request(method, f"{process.url}/emulator/{name}", data=body, timeout=20)
    assert reply.status_code == status
    assert complaint in reply.json()["error"]


@pytest.mark.parametrize(
    "query", ["StartDate=yesterday", "EndDate=2026-13-01", "PageSize=0", "PageSize=1001", "Page=x"]
)
def test_alerts_with_parameters_that_cannot_be(process: EmulatorProcess, query: str) -> None:
    reply = requests.get(f"{process.url}/v1/Alerts?{query}", auth=AUTH, timeout=20)
    assert (reply.status_code, reply.json()["code"]) == (400, 20001)


def test_monitor_can_refuse_or_hang_while_the_rest_goes_on(process: EmulatorProcess) -> None:
    process.control("script", ["alerts:403*"])
    for _ in range(3):
        reply = requests.get(f"{process.url}/v1/Alerts", auth=AUTH, timeout=20)
        assert (reply.status_code, reply.json()["code"]) == (403, 20403)
        assert get(process.url).status_code == 200
    process.control("script", ["alerts:hang*"])
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{process.url}/v1/Alerts", auth=AUTH, timeout=0.3)
    assert get(process.url).status_code == 200
    process.control("script", [])
    assert requests.get(f"{process.url}/v1/Alerts", auth=AUTH, timeout=20).status_code == 200


# --- in the process of a test --------------------------------------------------------------------


def test_in_process_with_a_clock_handed_in() -> None:
    now = 1000.0
    with Emulator(Options(default="failed:1h"), clock=lambda: now) as running:
        assert get(running.url).json()["status"] == "building"
        now += 3599.0
        assert get(running.url).json()["status"] == "building"
        now += 1.0
        assert get(running.url).json()["status"] == "failed"
        entries = running.requests(BUILD)
        assert [entry["time"] for entry in entries] == [0, 3599, 3600]
        assert [entry["build_status"] for entry in entries] == ["building", "building", "failed"]
        assert running.log(BUILD)["builds"] == [
            {"sid": BUILD, "ending": "failed", "started": 0, "ends_at": 3600}
        ]


def test_every_answer_can_be_made_to_take_its_time() -> None:
    with Emulator(Options(latency=0.15)) as running:
        start = time.monotonic()
        assert get(running.url).status_code == 200
        assert time.monotonic() - start >= 0.15


def test_in_process_builds_and_scripts() -> None:
    with Emulator(Options(default=None)) as running, Emulator() as other:
        assert running.url != other.url
        assert get(running.url).status_code == 404
        running.add_build(BUILD, "failed", script=["500"], alerts=["none"])
        running.play("502")
        assert [get(running.url).status_code for _ in range(3)] == [500, 502, 200]
        alerts = requests.get(f"{running.url}/v1/Alerts", auth=AUTH, timeout=20).json()
        assert alerts["alerts"] == []
        with pytest.raises(ValueError, match="not a kind of fault"):
            running.play("explode")
        with pytest.raises(ValueError, match="not a build's SID"):
            running.add_build("ZB1")
        assert other.requests() == []


def test_in_process_it_ends_under_clients_that_hang() -> None:
    with Emulator(Options(script=["hang"])) as running:
        address = urlsplit(running.url)
        connection = socket.create_connection((address.hostname, address.port), timeout=20)
        connection.sendall(f"GET {path()} HTTP/1.1\r\n\r\n".encode())
        while not running.requests():
            time.sleep(0.01)  # until the server has seen the request
    with connection:
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=20)


def test_a_failed_handshake_is_not_fatal_in_process(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    certificate = tmp_path / "server.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    with Emulator(Options(tls_cert=str(certificate))) as running:
        address = urlsplit(running.url)
        with (
            socket.create_connection((address.hostname, address.port), timeout=20) as connection,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")
    assert capfd.readouterr() == ("", "")
