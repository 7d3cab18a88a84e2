"""Starting the tool as a user's CI does, scripting the server it reads, reading back what it wrote.

Nothing of the package is imported here: the process, its files and the socket are all there is.
"""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration import runner_model

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRYPOINT = REPOSITORY / "entrypoint.py"

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT_SID = "ACfedcba9876543210fedcba9876543210"
API_KEY = "SK1111aaaa2222bbbb3333cccc4444dddd"
SERVICE_SID = "ZS00112233445566778899aabbccddeeff"
BUILD_SID = "ZBdeadbeefdeadbeefdeadbeefdeadbeef"
OTHER_BUILD_SID = "ZBfeedfacefeedfacefeedfacefeedface"
# Characters that Base64 and URL-encoding both change, so that no form passes for another.
TOKEN = "t0k/en+with=odd?chars%7e3"
SECRET = "s3c/ret+with=odd&chars#9f"

OUTPUT_NAMES = (
    "outcome",
    "status",
    "build-sid",
    "service-sid",
    "account-sid",
    "url",
    "elapsed-seconds",
    "polls",
    "reason",
)
EXITS: dict[str, tuple[int, ...]] = {
    "completed": (0, 5),
    "failed": (1,),
    "invalid": (2,),
    "timed-out": (3,),
    "rejected": (4,),
    "cancelled": (130, 143),
    "error": (70,),
}
GITHUB_COMMANDS = {"add-mask", "error", "warning", "debug"}
REASON_LIMIT = 500
ANNOTATION_LIMIT = 4096
UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
GITLAB_SECTION = re.compile(
    r"\x1b\[0Ksection_(?:start|end):[0-9]+:[a-z_]+(?:\[[a-z=,]+\])?\r\x1b\[0K"
)
AZURE_GROUP = re.compile(r"##\[(?:group|endgroup)\]")
OPENER = re.compile(r"::[A-Za-z]|##\[|##vso\[|##teamcity\[")
STATUS_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
BUILD_FORM = re.compile(r"ZB[0-9a-fA-F]{32}")
SERVICE_FORM = re.compile(r"ZS[0-9a-fA-F]{32}|[A-Za-z0-9_-]{1,255}")
ACCOUNT_FORM = re.compile(r"AC[0-9a-fA-F]{32}")


# --- the server ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One request as it came in; ``time`` is of this machine's monotonic clock."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    time: float

    def header(self, name: str) -> str | None:
        """The header's value, whatever the case of its name; None where it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def credentials(self) -> tuple[str, str]:
        """User and secret out of HTTP Basic."""
        scheme, _, encoded = (self.header("Authorization") or "").partition(" ")
        assert scheme == "Basic", self.headers
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        return user, secret


@dataclass(frozen=True)
class Exchange:
    """What a scripted handler has at hand: the request, the bare socket, the server's end."""

    request: Request
    connection: socket.socket
    stopping: threading.Event


@dataclass(frozen=True)
class Reply:
    """One ordinary HTTP/1.1 reply; ``length=False`` leaves Content-Length to ``headers``."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    phrase: str = "Scripted"
    delay: float = 0.0
    length: bool = True

    def __call__(self, exchange: Exchange) -> None:
        """Send it."""
        if self.delay:
            exchange.stopping.wait(self.delay)
        head = [f"HTTP/1.1 {self.status} {self.phrase}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        if self.length:
            head.append(f"Content-Length: {len(self.body)}")
        exchange.connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + self.body)


Handler = Callable[[Exchange], None]


def build(status: object = "building", **changes: object) -> Reply:
    """A good reply about BUILD_SID; a field changed to None is null, to Ellipsis left out."""
    fields: dict[str, object] = {
        "sid": BUILD_SID,
        "account_sid": ACCOUNT_SID,
        "service_sid": SERVICE_SID,
        "status": status,
        "url": f"https://serverless.twilio.com/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}/Status",
    }
    fields |= changes
    return json_reply({name: value for name, value in fields.items() if value is not ...})


def json_reply(
    value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Any JSON value as a reply."""
    content_type = ("Content-Type", "application/json; charset=utf-8")
    return Reply(status, json.dumps(value).encode(), (content_type, *headers))


def twilio_error(
    status: int, code: int, message: str, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """An error in Twilio's usual form, with the id that its support asks for."""
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_reply(body, status, (("Twilio-Request-Id", "RQ" + "7" * 32), *headers))


def silence(exchange: Exchange) -> None:
    """Never answer."""
    exchange.stopping.wait()


def hang_up(exchange: Exchange) -> None:
    """Close the connection without a word."""
    with contextlib.suppress(OSError):
        exchange.connection.shutdown(socket.SHUT_RDWR)


class ScriptedServer:
    """Answers with each entry of a script in turn; the last one repeats.

    One thread a connection, so that a hanging reply does not hold up the next request. Use it in a
    ``with`` block; ``url`` is its root and ``requests`` what came in.
    """

    def __init__(self, *script: Handler, family: socket.AddressFamily = socket.AF_INET) -> None:
        """Listen on a free loopback port; serving starts with the ``with`` block."""
        assert script, "a server needs something to say"
        self.script: Sequence[Handler] = script
        self.requests: list[Request] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(
            ("::1" if family is socket.AF_INET6 else "127.0.0.1", 0), family=family, backlog=128
        )
        self.port: int = self._listener.getsockname()[1]
        host = "[::1]" if family is socket.AF_INET6 else "127.0.0.1"
        self.url = f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        """Start serving."""
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, close every connection and wait for every thread."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(timeout=5)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while not self._stopping.is_set():
                request = self._read(connection)
                if request is None:
                    return
                with self._lock:
                    turn = min(len(self.requests), len(self.script) - 1)
                    self.requests.append(request)
                self.script[turn](Exchange(request, connection, self._stopping))

    @staticmethod
    def _read(connection: socket.socket) -> Request | None:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return None
            head += received
        lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:])
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        return Request(method, target, headers, time.monotonic())


@contextlib.contextmanager
def refusing_root() -> Iterator[str]:
    """An address that nothing listens on, kept from everyone else for as long as the block runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


# --- the process ---------------------------------------------------------------------------------


def base_env(root_url: str, tmp_path: Path, **overrides: str | None) -> dict[str, str]:
    """A complete environment of a step on GitHub, built from scratch; None takes a name away.

    Beside the outputs it has the output file as JSON, so that every run compares the two channels.
    """
    for name in ("github-output", "github-summary"):
        (tmp_path / name).touch()
    env: dict[str, str | None] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(tmp_path),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "github-output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "github-summary"),
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_SERVICE_SID": SERVICE_SID,
        "TWILIO_BUILD_SID": BUILD_SID,
        "TWILIO_BUILD_TIMEOUT": "10s",
        "TWILIO_BUILD_INTERVAL": "100ms",
        "TWILIO_BUILD_DIAGNOSE": "false",
        "TWILIO_BASE_URL": root_url,
        "TWILIO_BUILD_OUTPUT_FILE": str(tmp_path / "outputs.json"),
    }
    env |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {name: value for name, value in (env | overrides).items() if value is not None}


def off_github(env: Mapping[str, str]) -> dict[str, str]:
    """The same without a CI: no GitHub, no channel of its own but the output file."""
    return {
        name: value
        for name, value in env.items()
        if name != "CI" and not name.startswith(("GITHUB_", "RUNNER_"))
    }


def secret_forms(*secrets: str) -> set[str]:
    """A secret as such, in Base64 and URL-encoded."""
    forms = set(secrets)
    for secret in secrets:
        forms.add(base64.b64encode(secret.encode()).decode())
        forms.add(urllib.parse.quote(secret, safe=""))
        forms.add(urllib.parse.quote_plus(secret))
    return forms


def input_value(env: Mapping[str, str], name: str, plain: str) -> str:
    """The input as the contract finds it: the first of four names that is not empty."""
    upper = name.upper()
    shell = upper.replace("-", "_")
    names = (f"INPUT_{upper}", f"INPUT_{shell}", f"PLUGIN_{shell}", plain)
    return next((value for key in names if (value := env.get(key, "").strip())), "")


def credential_forms(env: Mapping[str, str]) -> set[str]:
    """Every form in which a credential of this environment could be shown."""
    pairs = (
        ("account-sid", "TWILIO_ACCOUNT_SID", "auth-token", "TWILIO_AUTH_TOKEN"),
        ("api-key", "TWILIO_API_KEY", "api-secret", "TWILIO_API_SECRET"),
    )
    forms: set[str] = set()
    for user_name, user_plain, secret_name, secret_plain in pairs:
        user = input_value(env, user_name, user_plain)
        secret = input_value(env, secret_name, secret_plain)
        if len(secret) >= 6:  # shorter ones are not redacted, the contract says
            forms |= secret_forms(secret)
            forms.add(base64.b64encode(f"{user}:{secret}".encode()).decode())
    return forms


@dataclass(frozen=True)
class Finished:
    """A run that has ended, and everything it left behind."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    env: Mapping[str, str] = field(repr=False)
    output_path: Path = field(repr=False)
    files: Mapping[str, str] = field(repr=False)

    @property
    def lines(self) -> list[str]:
        """Standard output by lines."""
        return self.stdout.removesuffix("\n").split("\n") if self.stdout else []

    @property
    def on_github(self) -> bool:
        """Whether the run was a step on GitHub."""
        return self.env.get("GITHUB_ACTIONS") == "true"

    @property
    def mask_prefix(self) -> str:
        """What a line begins with that tells this CI a secret; empty where there is no such."""
        azure = "##vso[task.setsecret]" if self.env.get("TF_BUILD") else ""
        return "::add-mask::" if self.on_github else azure

    @property
    def commands(self) -> list[runner_model.Command]:
        """What the GitHub runner reads out of the log."""
        return runner_model.github_commands(self.stdout)

    def named(self, name: str) -> list[runner_model.Command]:
        """The commands of one kind: ``error``, ``warning``, ``add-mask``, ``debug``."""
        return [command for command in self.commands if command.name == name]

    @property
    def visible(self) -> str:
        """The log as a person sees it: without masks and debug lines, annotations as text."""
        shown = []
        for line in runner_model.github_lines(self.stdout):
            command = runner_model.github_command(line)
            if command is None:
                shown.append(line)
            elif command.name not in {"add-mask", "debug"}:
                shown.append(command.data)
        return "\n".join(shown)

    @property
    def output_pairs(self) -> list[tuple[str, str]]:
        """Every pair in ``GITHUB_OUTPUT``, in order, earlier steps' included."""
        return runner_model.github_file(self.files.get("GITHUB_OUTPUT", ""))

    @property
    def outputs(self) -> dict[str, str]:
        """The step outputs: the last value of each name."""
        return dict(self.output_pairs)

    @property
    def summary(self) -> str:
        """The job summary."""
        return self.files.get("GITHUB_STEP_SUMMARY", "")

    @property
    def output_text(self) -> str:
        """The output file; an AssertionError where there is none."""
        assert "output-file" in self.files, f"no output file:\n{self.stdout}"
        return self.files["output-file"]

    @property
    def output_json(self) -> dict[str, str | int | float]:
        """The output file as JSON; a duplicate name fails."""

        def unique(pairs: list[tuple[str, str | int | float]]) -> dict[str, str | int | float]:
            assert len(dict(pairs)) == len(pairs), pairs
            return dict(pairs)

        read = json.loads(self.output_text, object_pairs_hook=unique)
        assert isinstance(read, dict), read
        return read

    def result(self) -> dict[str, str]:
        """The outputs as strings, from whichever channel this run has."""
        if self.env.get("GITHUB_OUTPUT") and self.on_github:
            return self.outputs
        if self.output_path.suffix == ".json":
            return {name: _as_text(value) for name, value in self.output_json.items()}
        prefix = "TWILIO_BUILD_WAIT_"
        return {
            name.removeprefix(prefix).lower().replace("_", "-"): value
            for name, value in runner_model.dotenv(self.output_text).items()
        }


def _left_behind(paths: Mapping[str, Path]) -> dict[str, str]:
    """The files as they are at this moment: a later run may write to the same ones."""
    return {name: path.read_text("utf-8") for name, path in paths.items() if path.is_file()}


def _as_text(value: str | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def check_invariants(run: Finished) -> None:
    """What the contract promises of every run, whatever happened in it."""
    context = f"exit {run.code}\n{run.stdout}"
    assert run.stderr == "", run.stderr
    assert run.stdout == "" or run.stdout.endswith("\n"), context
    leading = True
    for line in run.lines:
        leading = leading and bool(run.mask_prefix) and line.startswith(run.mask_prefix)
        # A mask is the exact value, so that the runner finds it; it ends with its line.
        shown = GITLAB_SECTION.sub("", line, count=1) if run.env.get("GITLAB_CI") else line
        assert "\r" not in line if leading else not UNSAFE.search(shown), context
        if not leading:
            for form in credential_forms(run.env):
                assert form not in line, context
    for text in run.files.values():
        for form in credential_forms(run.env):
            assert form not in text, text
    if run.code != 70:  # the one ending with a traceback
        assert "Traceback (most recent call last)" not in run.stdout, context
    _check_openers(run)
    if run.on_github:
        _check_annotations(run, context)
    if run.on_github and run.env.get("GITHUB_OUTPUT") and run.outputs:
        check_outputs(run.outputs, run.code, context)


def _check_openers(run: Finished) -> None:
    """Nothing that any CI could take for a command, beside the tool's own."""
    masks = True
    for line in run.lines:
        command = runner_model.github_command(line) if run.on_github else None
        masks = masks and command is not None and command.name == "add-mask"
        assert masks or command is None or command.name != "add-mask", f"a late mask: {line}"
        own = "##vso[" in line if run.env.get("TF_BUILD") else False
        own = own or ("##teamcity[" in line if run.env.get("TEAMCITY_VERSION") else False)
        if not own and not masks:
            text = line if command is None else command.data
            text = AZURE_GROUP.sub("", text, count=1) if run.env.get("TF_BUILD") else text
            assert not OPENER.search(text), line


def _check_annotations(run: Finished, context: str) -> None:
    assert {command.name for command in run.commands} <= GITHUB_COMMANDS, context
    errors, warnings = run.named("error"), run.named("warning")
    assert len(errors) == (0 if run.code in {0, 130, 143} else 1), context
    for annotation in (*errors, *warnings):
        assert annotation.properties.get("title"), context
        assert 0 < len(annotation.data) <= ANNOTATION_LIMIT, context
    if run.env.get("RUNNER_DEBUG") != "1":
        assert not run.named("debug"), context


def check_outputs(outputs: Mapping[str, str], code: int, context: str = "") -> None:
    """Every output is there and has its form, and the outcome fits the exit code."""
    assert tuple(sorted(outputs)) == tuple(sorted(OUTPUT_NAMES)), (outputs, context)
    assert code in EXITS[outputs["outcome"]], (outputs, context)
    assert re.fullmatch(r"[0-9]+", outputs["polls"]), outputs
    assert re.fullmatch(r"[0-9]+\.[0-9]", outputs["elapsed-seconds"]), outputs
    assert (outputs["reason"] == "") == (outputs["outcome"] == "completed"), outputs
    assert len(outputs["reason"]) <= REASON_LIMIT, outputs
    assert not UNSAFE.search(outputs["reason"]), outputs
    assert not OPENER.search(outputs["reason"]), outputs
    assert "\n" not in outputs["reason"], outputs
    forms = {
        "status": STATUS_WORD,
        "build-sid": BUILD_FORM,
        "service-sid": SERVICE_FORM,
        "account-sid": ACCOUNT_FORM,
    }
    for name, form in forms.items():
        assert outputs[name] == "" or form.fullmatch(outputs[name]), outputs
    assert outputs["status"] not in {"Completed", "COMPLETED", "Failed", "FAILED"}, outputs


class Running:
    """A run under way: what it has said so far, and the means to disturb it."""

    def __init__(self, process: subprocess.Popen[bytes], env: Mapping[str, str], cwd: Path) -> None:
        """Start reading both streams, so that neither ever fills up."""
        self.process = process
        self.started = time.monotonic()
        self.stamps: list[tuple[float, str]] = []
        self._env = env
        self._cwd = cwd
        self._held = {"stdout": bytearray(), "stderr": bytearray()}
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._held
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "stdout" else self.process.stderr
        if stream is None:
            return
        with stream:
            while received := os.read(stream.fileno(), 65536):
                with self._news:
                    self._held[name] += received
                    if name == "stdout":
                        text = received.decode(errors="replace")
                        self.stamps.append((time.monotonic() - self.started, text))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def stdout(self) -> str:
        """What standard output has had so far."""
        return bytes(self._held["stdout"]).decode(errors="replace")

    def wait_for_text(self, text: str, timeout: float = 10.0) -> None:
        """Until standard output holds the text; AssertionError when it does not come."""
        deadline = time.monotonic() + timeout
        with self._news:
            while text not in self.stdout:
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not self._readers[0].is_alive()
                assert left > 0, f"{text!r} never came:\n{self.stdout}"
                assert not ended, f"ended without {text!r}:\n{self.stdout}"
                self._news.wait(min(left, 0.05))

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Until the condition holds; AssertionError when it does not come to."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain:\n{self.stdout}"
            assert self.process.poll() is None, f"ended before:\n{self.stdout}"
            time.sleep(0.005)

    def send_signal(self, number: int) -> float:
        """Send it; gives the moment it was sent, on the monotonic clock."""
        self.process.send_signal(number)
        return time.monotonic()

    def finish(self, timeout: float = 20.0, *, check: bool = True) -> Finished:
        """Wait for the end and hold what is left against the invariants."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            message = f"still running after {timeout} s:\n{self.stdout}"
            raise AssertionError(message) from None
        seconds = time.monotonic() - self.started
        for reader in self._readers:
            reader.join(timeout=5)
        paths = {name: self._env.get(name, "") for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        paths["output-file"] = input_value(self._env, "output-file", "TWILIO_BUILD_OUTPUT_FILE")
        places = {name: self._cwd / path for name, path in paths.items()}
        finished = Finished(
            code,
            bytes(self._held["stdout"]).decode(),
            bytes(self._held["stderr"]).decode(),
            seconds,
            dict(self._env),
            places["output-file"],
            _left_behind(places),
        )
        if check:
            check_invariants(finished)
        return finished

    def kill(self) -> None:
        """End it for good, as a machine that goes away does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Tool:
    """The command under test: ``python entrypoint.py`` of this repository."""

    def __init__(self, cwd: Path, entrypoint: Path = ENTRYPOINT) -> None:
        """Run it in this working directory, which is not the repository's."""
        self.cwd = cwd
        self.entrypoint = entrypoint
        self._running: list[Running] = []

    def start(
        self,
        env: Mapping[str, str],
        args: Sequence[str] = (),
        *,
        python: Sequence[str] = (),
        stdout: int = subprocess.PIPE,
        umask: int = -1,
    ) -> Running:
        """Start it, in a session of its own: a signal to it reaches nobody else."""
        process = subprocess.Popen(
            [sys.executable, *python, str(self.entrypoint), *args],
            cwd=self.cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=umask,
        )
        running = Running(process, env, self.cwd)
        self._running.append(running)
        return running

    def run(
        self,
        env: Mapping[str, str],
        args: Sequence[str] = (),
        *,
        timeout: float = 20.0,
        check: bool = True,
        umask: int = -1,
    ) -> Finished:
        """Run it to its end."""
        return self.start(env, args, umask=umask).finish(timeout, check=check)

    def close(self) -> None:
        """Leave no process behind."""
        for running in self._running:
            running.kill()
