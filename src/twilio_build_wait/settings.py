"""The table of inputs applied to an environment: the settings, and every problem at once."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from twilio_build_wait import inputs, redaction
from twilio_build_wait.inputs import Input
from twilio_build_wait.model import count
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import SafeText

T = TypeVar("T")

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LOCALHOST = re.compile(rf"localhost|host\.docker\.internal|::1|127(?:\.{_OCTET}){{3}}")

# A host is {product}.{edge}.{region}.twilio.com (twilio.com/docs/global-infrastructure). These are
# the regions whose edge is known; us1 needs none.
_EDGES = {"us1": "", "ie1": "dublin", "au1": "sydney"}

# docs.github.com: "Secure use of secrets", "Reusing workflows", "Deployment environments".
_EMPTY_SECRETS = (
    "on GitHub, secrets arrive empty in pull requests from forks and from Dependabot, in a "
    "reusable workflow without 'secrets: inherit', and in a job that does not name their "
    "environment"
)
# The files that a GitHub runner reads after the step.
_STEP_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


@dataclass(frozen=True)
class Settings:
    """Every input as the rest of the program uses it; an input that is invalid is empty.

    `root` and `monitor` are the roots of Twilio's Serverless and Monitor APIs. `timeout`,
    `interval` and `max_interval` are in seconds. `region` is empty with a base URL. `problems` and
    `warnings` are sentences; with a problem, no request may be sent. The repr has no secret.
    """

    build_sid: str
    service_sid: str
    environment_sid: str
    login: tuple[str, str] = field(repr=False)
    root: str
    monitor: str
    region: str
    timeout: float
    interval: float
    max_interval: float
    output_file: str
    summary: bool
    diagnose: bool
    problems: tuple[SafeText, ...]
    warnings: tuple[SafeText, ...]

    @property
    def host(self) -> str:
        """The host that is polled, with its port if the URL has one."""
        return urlsplit(self.root).netloc

    @property
    def service_url(self) -> str:
        """The URL of the Service resource."""
        return f"{self.root}/v1/Services/{self.service_sid}"

    @property
    def builds_url(self) -> str:
        """The URL of the list of builds."""
        return f"{self.service_url}/Builds"

    def build_url(self, build_sid: str) -> str:
        """Return the URL of a Build resource."""
        return f"{self.builds_url}/{build_sid}"

    def status_url(self, build_sid: str) -> str:
        """Return the URL of a Build Status resource; empty while a part of it is unknown."""
        is_known = self.root and self.service_sid and build_sid and build_sid != inputs.LATEST
        return f"{self.build_url(build_sid)}/Status" if is_known else ""


class _Reader:
    """Reads inputs from an environment and collects the problems."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._show = Redactor(redaction.secrets(environ))
        self._credentials = Redactor(redaction.credentials(environ))
        # Step by step users write `with:`; everybody else sets variables.
        self._is_github = bool(environ.get("GITHUB_ACTIONS"))
        self.problems: list[SafeText] = []
        self.warnings: list[SafeText] = []

    def value(self, known: Input[T]) -> T:
        """Return an input's value, or its default if it is missing or invalid."""
        raw = known.read(self._environ)
        parsed = known.format.parse(raw)
        if not raw:
            if known.is_required:
                self.problem(known, f"required: {known.format.words}")
        elif known not in inputs.SECRETS and self._credentials.contains(raw):
            why = "it contains a credential, so it is not shown"
            self.problem(known, f"{why}; expected {known.format.words}")
            parsed = None
        elif parsed is None:
            self.unexpected(known)
        return known.default if parsed is None else parsed

    def is_given(self, known: Input[T]) -> bool:
        return bool(known.read(self._environ))

    def require(self, known: Input[T], why: str) -> None:
        if not self.is_given(known):
            self.problem(known, f"required{why}")

    def problem(self, known: Input[T], problem: str) -> None:
        self.problems.append(self._show.line(f"{self.name(known)}: {problem}"))

    def name(self, known: Input[T]) -> str:
        """Return an input's name as the user knows it."""
        return known.name if self._is_github else f"{known.variable} ({known.name})"

    def unexpected(self, known: Input[T], why: str = "") -> None:
        """Report a value without the format of its input; never show what may be a secret."""
        raw = known.read(self._environ)
        is_shown = known not in (*inputs.SECRETS, inputs.API_KEY, inputs.ACCOUNT_SID)
        got = (
            f"'{self._show.piece(raw)}'"
            if is_shown
            else f"a value of {count(len(raw), 'character')}"
        )
        if known is inputs.BASE_URL:
            got = "another value"  # it may hold a password
        self.problem(known, f"expected {known.format.words}; got {got}{why}")

    def login(self) -> tuple[str, str]:
        """Return user and secret of HTTP Basic."""
        account, token = self.value(inputs.ACCOUNT_SID), self.value(inputs.AUTH_TOKEN)
        key, secret = self.value(inputs.API_KEY), self.value(inputs.API_SECRET)
        hint = f"; {_EMPTY_SECRETS}" if self._is_github else ""
        if self.is_given(inputs.API_KEY) or self.is_given(inputs.API_SECRET):
            self.require(inputs.API_SECRET, f" with api-key: its secret{hint}")
            words = inputs.API_KEY.format.words
            self.require(inputs.API_KEY, f" with api-secret: {words}{hint}")
            return key, secret
        instead = "the account's token, or api-key and api-secret instead"
        self.require(inputs.AUTH_TOKEN, f": {instead}{hint}")
        self.require(inputs.ACCOUNT_SID, f" with auth-token: {inputs.ACCOUNT_SID.format.words}")
        return account, token

    def intervals(self) -> tuple[float, float]:
        """Return the first and the longest interval, in seconds."""
        interval = self.value(inputs.INTERVAL)
        max_interval = self.value(inputs.MAX_INTERVAL)
        raw = inputs.MAX_INTERVAL.read(self._environ)
        if not raw:
            return interval, max(interval, max_interval)
        if inputs.MAX_INTERVAL.format.parse(raw) and max_interval < interval:
            self.unexpected(inputs.MAX_INTERVAL, ", which is shorter than interval")
        return interval, max_interval

    def roots(self) -> tuple[str, str, str]:
        """Return the roots of the Serverless and the Monitor API, and the region."""
        region, edge = self.value(inputs.REGION), self.value(inputs.EDGE)
        root = self.value(inputs.BASE_URL)
        if self.is_given(inputs.BASE_URL):
            root = root if self._is_allowed(root) else ""
            return root, root, ""
        given = self.is_given(inputs.REGION), self.is_given(inputs.EDGE)
        if given != (bool(region), bool(edge)):
            return "", "", ""  # one of them is invalid
        region = region or "us1"
        if not edge and region not in _EDGES:
            why = f" with region '{region}', whose edge is not known: {inputs.EDGE.format.words}"
            self.require(inputs.EDGE, why)
            return "", "", ""
        edge = edge or _EDGES[region]
        place = f"{edge}.{region}." if edge else ""
        hosts = [f"https://{product}.{place}twilio.com" for product in ("serverless", "monitor")]
        return hosts[0], hosts[1], region

    def _is_allowed(self, root: str) -> bool:
        """Return whether a root may be used: http sends the credential unencrypted."""
        host = urlsplit(root).hostname or ""
        if not root.startswith("http:") or _LOCALHOST.fullmatch(host):
            return True
        if self._environ.get("TWILIO_ALLOW_HTTP", "").strip().lower() != "true":
            self.unexpected(inputs.BASE_URL, ": http:// would send the credential unencrypted")
            return False
        warning = (
            f"TWILIO_ALLOW_HTTP is true: the credential is sent to {host} unencrypted, and "
            "anyone on the way can read it. Use https:// except for a test"
        )
        self.warnings.append(self._show.line(warning))
        return True

    def output_file(self) -> str:
        """Return the path of the output file, which must not be one of the runner's."""
        path = self.value(inputs.OUTPUT_FILE)
        for name in _STEP_FILES:
            other = self._environ.get(name, "")
            if path and other and _is_same_file(path, other):
                self.unexpected(inputs.OUTPUT_FILE, f", which is the file that {name} names")
                return ""
        return path


def _is_same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them does not exist
        return os.path.realpath(path) == os.path.realpath(other)


def read(environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Settings:
    """Read and check every input of an environment; never raises for an invalid value.

    An argument is a problem: the runner's log and the list of processes would show a secret.
    """
    reader = _Reader(environ)
    if arguments:
        problem = (
            f"arguments: got {len(arguments)}, expected none; every input is an environment "
            "variable (see --help). To run another command in the image, name it with "
            "docker run --entrypoint COMMAND"
        )
        reader.problems.append(SafeText(problem))
    login = reader.login()
    interval, max_interval = reader.intervals()
    root, monitor, region = reader.roots()
    for secret in inputs.SECRETS:
        if 0 < len(secret.read(environ)) < redaction.SHORTEST_SECRET:
            warning = (
                f"{reader.name(secret)} is too short to be hidden in the log: it would be "
                "found inside ordinary words. Twilio's own are 32 characters long"
            )
            reader.warnings.append(SafeText(warning))
    return Settings(
        build_sid=reader.value(inputs.BUILD_SID),
        service_sid=reader.value(inputs.SERVICE_SID),
        environment_sid=reader.value(inputs.ENVIRONMENT_SID),
        login=login,
        root=root,
        monitor=monitor,
        region=region,
        timeout=reader.value(inputs.TIMEOUT),
        interval=interval,
        max_interval=max_interval,
        output_file=reader.output_file(),
        summary=reader.value(inputs.SUMMARY),
        diagnose=reader.value(inputs.DIAGNOSE),
        problems=tuple(reader.problems),
        warnings=tuple(reader.warnings),
    )
