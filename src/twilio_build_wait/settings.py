"""The table of inputs applied to an environment: the settings, and every problem at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twilio_build_wait import credentials, inputs
from twilio_build_wait.inputs import Input, T
from twilio_build_wait.model import count
from twilio_build_wait.output_path import why_unusable
from twilio_build_wait.safe_text import Message, message

_LOCALHOST = re.compile(
    r"localhost|host\.docker\.internal|::1"
    r"|127(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}"
)
# A variable that the CI did not expand, in the syntax of Azure Pipelines, a shell, Windows, GitHub.
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_UNEXPANDED = re.compile(
    rf"\$\({_NAME}\)|\$\{{{_NAME}\}}|\${_NAME}|%{_NAME}%|\$\{{\{{.*\}}\}}", re.DOTALL
)
# What a SID is that was put into the wrong input, by the input and the start of the value.
_OTHER_SIDS = {
    (inputs.ACCOUNT_SID, "SK"): ", which is the SID of an API key (SK…): put it into api-key",
    (inputs.API_KEY, "AC"): ", which is the SID of an account (AC…): put it into account-sid",
}
# A value in the wrong input, or in a URL, may be a secret.
_HIDDEN = {inputs.BASE_URL}.union(*credentials.LOGINS)
# {product}.{edge}.{region}.twilio.com, or without an edge (twilio.com/docs/global-infrastructure).
_HOSTS = {"us1": "twilio.com", "ie1": "dublin.ie1.twilio.com", "au1": "sydney.au1.twilio.com"}
# docs.github.com: "Secure use of secrets", "Reusing workflows", "Deployment environments".
_EMPTY_SECRETS = (
    "; on GitHub, secrets are empty in pull requests from forks and Dependabot, in a reusable "
    "workflow without 'secrets: inherit', and in a job that does not name their environment"
)
_NO_OUTPUT = ". It is empty: the step that should set it gave no output"
_TOO_SHORT = "is too short to be hidden in the log; Twilio's own are 32 characters long"
_UNENCRYPTED = (
    "TWILIO_ALLOW_HTTP is true: the credential is sent to {} unencrypted, and anyone on the way "
    "can read it. Use https:// except for a test"
)
_ARGUMENTS = (
    "arguments: got {}, expected none; every input is an environment variable (see --help). To run "
    "another command in the image, name it with docker run --entrypoint COMMAND"
)


@dataclass(frozen=True, repr=False)
class Settings:
    """The value of every input, its default if it is missing or invalid: `settings[TIMEOUT]`.

    `login` is user and secret of HTTP Basic. `root` and `monitor` are the roots of Twilio's
    Serverless and Monitor APIs, `region` is empty with a base URL. A repr would show secrets.
    """

    values: Mapping[Input[Any], Any] = field(default_factory=dict)
    login: tuple[str, str] = ("", "")
    root: str = ""
    monitor: str = ""
    region: str = ""
    problems: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()

    def __getitem__(self, spec: Input[T]) -> T:
        value: T = self.values.get(spec, spec.default)
        return value

    @property
    def is_latest(self) -> bool:
        """Whether the build to wait for is the service's newest one."""
        return self[inputs.BUILD_SID].lower() == inputs.LATEST

    @property
    def service_url(self) -> str:
        """The URL of the Service resource."""
        return f"{self.root}/v1/Services/{self[inputs.SERVICE_SID]}"

    def build_url(self, build_sid: str) -> str:
        """Return the URL of a Build resource."""
        return f"{self.service_url}/Builds/{build_sid}"

    def status_url(self, build_sid: str) -> str:
        """Return the URL of a Build Status resource; empty while a part of it is unknown."""
        has_all_parts = self.root and self[inputs.SERVICE_SID] and build_sid
        return f"{self.build_url(build_sid)}/Status" if has_all_parts else ""


class _Reader:
    """Collects the values that are valid, an empty text for one that is not given, and problems."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._redactor = credentials.Redactor(credentials.secrets(environ))
        # Step by step users write `with:`; everybody else sets variables.
        self._is_github = bool(environ.get("GITHUB_ACTIONS"))
        self.values: dict[Input[Any], Any] = {}
        self.problems: list[Message] = []
        self.warnings: list[Message] = []

    def name(self, spec: Input[Any]) -> str:
        """Return an input's name as the user knows it."""
        return spec.name if self._is_github else f"{spec.variable} ({spec.name})"

    def report(self, spec: Input[Any], problem: str, *values: Message | str) -> None:
        """Report a problem, the template of a message with `FORMAT` in it; the value is invalid."""
        problem = problem.replace("FORMAT", spec.format.description)
        self.problems.append(message(f"{self.name(spec)}: {problem}", *values))
        del self.values[spec]

    def missing(self, spec: Input[Any], why: str = "", on_github: str = "") -> None:
        self.report(spec, f"required{why}: FORMAT{on_github if self._is_github else ''}")

    def unexpected(self, spec: Input[Any], why: str) -> None:
        """Report a value without the format of its input; never show what may be a secret."""
        raw = spec.read(self._environ)
        length = message(f"a value of {count(len(raw), 'character')}")
        got = length if spec in _HIDDEN else message("'{}'", raw)
        self.report(spec, f"expected FORMAT; got {{}}{why}", got)

    def read(self, spec: Input[Any]) -> None:
        raw, is_secret = spec.read(self._environ), spec.format.is_secret
        self.values[spec] = spec.format.parse(raw) if raw else spec.default
        if is_secret and 0 < len(raw) < credentials.SHORTEST_SECRET:
            self.warnings.append(message(f"{self.name(spec)} {_TOO_SHORT}"))
        if spec.is_required and not raw:
            self.missing(spec, on_github=_NO_OUTPUT if spec is inputs.BUILD_SID else "")
        elif not is_secret and self._redactor.contains(raw):
            self.report(spec, "it contains a credential, so it is not shown; expected FORMAT")
        elif _UNEXPANDED.fullmatch(raw):
            variable = "" if is_secret else f" {raw}"
            self.report(spec, "the CI did not expand the variable{}; expected FORMAT", variable)
        elif self.values[spec] is None:
            self.unexpected(spec, _OTHER_SIDS.get((spec, raw[:2]), ""))

    def check(self) -> None:
        """Check what the format of an input does not say."""
        interval = self.values.get(inputs.INTERVAL, 0.0)
        if self.values.get(inputs.MAX_INTERVAL, interval) < interval:
            if inputs.MAX_INTERVAL.read(self._environ):
                self.unexpected(inputs.MAX_INTERVAL, ", which is shorter than interval")
            else:
                self.values[inputs.MAX_INTERVAL] = interval
        root = urlsplit(self.values.get(inputs.BASE_URL, ""))
        if root.scheme == "http" and not _LOCALHOST.fullmatch(root.hostname or ""):
            if self._environ.get("TWILIO_ALLOW_HTTP", "").strip().lower() == "true":
                self.warnings.append(message(_UNENCRYPTED, root.netloc))
            else:
                self.unexpected(inputs.BASE_URL, ": http:// would send the credential unencrypted")
        path = self.values.get(inputs.OUTPUT_FILE)
        if path and (why := why_unusable(path, self._environ)):
            self.unexpected(inputs.OUTPUT_FILE, f", {why}")

    def login(self) -> tuple[str, str]:
        token, key = credentials.LOGINS
        has_key = any(spec.read(self._environ) for spec in key)
        user, secret = token if token[1].read(self._environ) and not has_key else key
        spec, partner = (secret, user) if user.read(self._environ) else (user, secret)
        if not spec.read(self._environ):
            is_half = partner.read(self._environ)
            instead = "" if is_half else ", or account-sid and auth-token"
            self.missing(spec, f" with {partner.name}{instead}", _EMPTY_SECRETS)
        return self.values.get(user, ""), self.values.get(secret, "")

    def roots(self) -> tuple[str, str, str]:
        specs = (inputs.BASE_URL, inputs.REGION, inputs.EDGE)
        root, region, edge = (self.values.get(spec) for spec in specs)
        if root or None in (root, region, edge):
            return root or "", root or "", ""
        region = region or "us1"
        host = f"{edge}.{region}.twilio.com" if edge else _HOSTS.get(region)
        if host:
            return f"https://serverless.{host}", f"https://monitor.{host}", region
        self.missing(inputs.EDGE, f" with region '{region}', which does not imply it")
        return "", "", ""


def read(environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Settings:
    """Read and check every input of an environment; never raises for an invalid value."""
    reader = _Reader(environ)
    if arguments:
        reader.problems.append(message(_ARGUMENTS.format(len(arguments))))
    for spec in inputs.INPUTS:
        reader.read(spec)
    reader.check()
    login, roots = reader.login(), reader.roots()
    return Settings(reader.values, login, *roots, tuple(reader.problems), tuple(reader.warnings))
