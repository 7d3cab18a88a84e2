"""The table of inputs applied to an environment: the settings, and every problem at once."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from twilio_build_wait import inputs, redaction
from twilio_build_wait.inputs import INPUTS, Input
from twilio_build_wait.redaction import Redactor
from twilio_build_wait.text import SafeText

T = TypeVar("T")

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LOCALHOST = re.compile(rf"localhost|host\.docker\.internal|::1|127(?:\.{_OCTET}){{3}}")

# A host is {product}.{edge}.{region}.twilio.com (twilio.com/docs/global-infrastructure). These are
# the regions whose edge is known.
_EDGE_OF_REGION = {"ie1": "dublin", "au1": "sydney"}
_US1 = "us1"

# docs.github.com: "Secure use of secrets", "Reusing workflows", "Deployment environments".
_EMPTY_SECRETS = (
    "on GitHub, secrets arrive empty in pull requests from forks and from Dependabot, in a "
    "reusable workflow without 'secrets: inherit', and in a job that does not name their "
    "environment"
)
# The files that a GitHub runner reads after the step.
_RUNNER_FILES = (
    "GITHUB_OUTPUT",
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
)


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
    credential: str
    root: str
    monitor: str
    region: str
    timeout: float
    interval: float
    max_interval: float
    output_file: str
    summary: bool
    diagnose: bool
    has_inputs: bool
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
        if not raw:
            if known.is_required:
                self.problem(known, f"required: {known.format.words}")
            return known.default
        if known not in inputs.SECRETS and self._credentials.contains(raw):
            self.problem(
                known,
                f"it contains a credential, so it is not shown; expected {known.format.words}",
            )
            return known.default
        parsed = known.format.parse(raw)
        if parsed is None:
            self.unexpected(known)
            return known.default
        return parsed

    def is_given(self, known: Input[T]) -> bool:
        """Return whether an input is set and not empty."""
        return bool(known.read(self._environ))

    def problem(self, known: Input[T], problem: str) -> None:
        """Report a problem with an input."""
        self.problems.append(self._show.line(f"{self.name(known)}: {problem}"))

    def name(self, known: Input[T]) -> str:
        """Return an input's name as the user knows it."""
        return known.name if self._is_github else f"{known.variable} ({known.name})"

    def unexpected(self, known: Input[T], why: str = "") -> None:
        """Report a value without the format of its input; never show what may be a secret."""
        raw = known.read(self._environ)
        is_shown = known not in (*inputs.SECRETS, inputs.API_KEY, inputs.ACCOUNT_SID)
        got = f"'{self._show.piece(raw)}'" if is_shown else f"{len(raw)} other characters"
        if known is inputs.BASE_URL:
            got = "another value"  # it may hold a password
        self.problem(known, f"expected {known.format.words}; got {got}{why}")

    # -- rules for more than one input -------------------------------------------------------

    def login(self) -> tuple[tuple[str, str], str]:
        """Return user and secret of HTTP Basic, and the kind of the credential."""
        account, token = self.value(inputs.ACCOUNT_SID), self.value(inputs.AUTH_TOKEN)
        key, secret = self.value(inputs.API_KEY), self.value(inputs.API_SECRET)
        hint = f"; {_EMPTY_SECRETS}" if self._is_github else ""
        has_key, has_secret = self.is_given(inputs.API_KEY), self.is_given(inputs.API_SECRET)
        if has_key and not has_secret:
            self.problem(inputs.API_SECRET, f"required with api-key: its secret{hint}")
        if has_secret and not has_key:
            self.problem(
                inputs.API_KEY, f"required with api-secret: {inputs.API_KEY.format.words}{hint}"
            )
        if has_key or has_secret:
            return (key, secret), "API key"
        if not self.is_given(inputs.AUTH_TOKEN):
            self.problem(
                inputs.AUTH_TOKEN,
                f"required: the account's token, or api-key and api-secret instead{hint}",
            )
        if not self.is_given(inputs.ACCOUNT_SID):
            self.problem(
                inputs.ACCOUNT_SID, f"required with auth-token: {inputs.ACCOUNT_SID.format.words}"
            )
        return (account, token), "auth token"

    def intervals(self) -> tuple[float, float]:
        """Return the first and the longest interval, in seconds."""
        interval = self.value(inputs.INTERVAL)
        max_interval = self.value(inputs.MAX_INTERVAL)
        if not self.is_given(inputs.MAX_INTERVAL):
            return interval, max(interval, max_interval)
        is_parsed = (
            inputs.MAX_INTERVAL.format.parse(inputs.MAX_INTERVAL.read(self._environ)) is not None
        )
        if is_parsed and max_interval < interval:
            self.unexpected(inputs.MAX_INTERVAL, ", which is shorter than interval")
        return interval, max_interval

    def roots(self) -> tuple[str, str, str]:
        """Return the roots of the Serverless and the Monitor API, and the region."""
        region, edge = self.value(inputs.REGION), self.value(inputs.EDGE)
        root = self.value(inputs.BASE_URL)
        if self.is_given(inputs.BASE_URL):
            root = root if self._is_allowed(root) else ""
            return root, root, ""
        is_edge_given = self.is_given(inputs.EDGE)
        if region not in {"", _US1} and not is_edge_given:
            edge = _EDGE_OF_REGION.get(region, "")
            if not edge:
                problem = f"required with region '{region}', whose edge is not known"
                self.problem(inputs.EDGE, f"{problem}: {inputs.EDGE.format.words}")
                return "", "", ""
        if (self.is_given(inputs.REGION) and not region) or (is_edge_given and not edge):
            return "", "", ""  # one of them is invalid
        place = f"{edge}.{region or _US1}." if edge else ""
        hosts = [f"https://{product}.{place}twilio.com" for product in ("serverless", "monitor")]
        return hosts[0], hosts[1], region or _US1

    def _is_allowed(self, root: str) -> bool:
        """Return whether a root may be used: http sends the credential unencrypted."""
        host = urlsplit(root).hostname or ""
        if not root.startswith("http:") or _LOCALHOST.fullmatch(host):
            return True
        if self._environ.get("TWILIO_ALLOW_HTTP", "").strip().lower() != "true":
            self.unexpected(inputs.BASE_URL, ": http:// would send the credential unencrypted")
            return False
        self.warnings.append(
            self._show.line(
                f"TWILIO_ALLOW_HTTP is true: the credential is sent to {host} unencrypted, and "
                "anyone on the way can read it. Use https:// except for a test"
            )
        )
        return True

    def output_file(self) -> str:
        """Return the path of the output file, which must not be one of the runner's."""
        path = self.value(inputs.OUTPUT_FILE)
        for name in _RUNNER_FILES:
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
        reader.problems.append(
            SafeText(
                f"arguments: got {len(arguments)}, expected none; every input is an environment "
                "variable (see --help). To run another command in the image, name it with "
                "docker run --entrypoint COMMAND"
            )
        )
    login, credential = reader.login()
    interval, max_interval = reader.intervals()
    root, monitor, region = reader.roots()
    for secret in inputs.SECRETS:
        if 0 < len(secret.read(environ)) < redaction.SHORTEST_SECRET:
            reader.warnings.append(
                SafeText(
                    f"{reader.name(secret)} is too short to be hidden in the log: it would be "
                    "found inside ordinary words. Twilio's own are 32 characters long"
                )
            )
    return Settings(
        build_sid=reader.value(inputs.BUILD_SID),
        service_sid=reader.value(inputs.SERVICE_SID),
        environment_sid=reader.value(inputs.ENVIRONMENT_SID),
        login=login,
        credential=credential,
        root=root,
        monitor=monitor,
        region=region,
        timeout=reader.value(inputs.TIMEOUT),
        interval=interval,
        max_interval=max_interval,
        output_file=reader.output_file(),
        summary=reader.value(inputs.SUMMARY),
        diagnose=reader.value(inputs.DIAGNOSE),
        has_inputs=any(known.values(environ) for known in INPUTS),
        problems=tuple(reader.problems),
        warnings=tuple(reader.warnings),
    )
