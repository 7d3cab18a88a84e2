"""The table of inputs applied to an environment: the settings, and every problem at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar
from urllib.parse import urlsplit

from twilio_build_wait import credentials, inputs
from twilio_build_wait.credentials import Redactor
from twilio_build_wait.inputs import Input
from twilio_build_wait.model import count
from twilio_build_wait.output_path import why_unusable
from twilio_build_wait.safe_text import Message, message

T = TypeVar("T")

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
    ("account-sid", "SK"): ", which is the SID of an API key (SK…): put it into api-key",
    ("api-key", "AC"): ", which is the SID of an account (AC…): put it into account-sid",
}
# A value in the wrong input, or in a URL, may be a secret.
_HIDDEN = {
    inputs.ACCOUNT_SID,
    inputs.AUTH_TOKEN,
    inputs.API_KEY,
    inputs.API_SECRET,
    inputs.BASE_URL,
}

# A host is {product}.{edge}.{region}.twilio.com (twilio.com/docs/global-infrastructure). Only these
# regions imply an edge; us1 needs none.
_EDGES = {"us1": "", "ie1": "dublin", "au1": "sydney"}

# docs.github.com: "Secure use of secrets", "Reusing workflows", "Deployment environments".
_EMPTY_SECRETS = (
    "; on GitHub, secrets are empty in pull requests from forks and Dependabot, in a reusable "
    "workflow without 'secrets: inherit', and in a job that does not name their environment"
)
_NO_OUTPUT = ". It is empty: the step that should set it gave no output"
_TOO_SHORT = (
    "is too short to be hidden in the log: it would be found inside ordinary words. Twilio's own "
    "are 32 characters long"
)
_UNENCRYPTED = (
    "TWILIO_ALLOW_HTTP is true: the credential is sent to {} unencrypted, and anyone on the way "
    "can read it. Use https:// except for a test"
)


@dataclass(frozen=True)
class Settings:
    """The value of every input, with its default if it is missing or invalid: `settings[TIMEOUT]`.

    `login` is user and secret of HTTP Basic. `root` and `monitor` are the roots of Twilio's
    Serverless and Monitor APIs, `region` is empty with a base URL. With a problem, no request may
    be sent. The repr has no secret.
    """

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    login: tuple[str, str] = field(default=("", ""), repr=False)
    root: str = ""
    monitor: str = ""
    region: str = ""
    problems: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()

    def __getitem__(self, spec: Input[T]) -> T:
        value: T = self.values.get(spec.name, spec.default)
        return value

    @property
    def max_interval(self) -> float:
        """The longest interval, in seconds: the input, or the first interval if that is longer."""
        return max(self[inputs.INTERVAL], self[inputs.MAX_INTERVAL])

    @property
    def is_latest(self) -> bool:
        """Whether the build to wait for is the service's newest one."""
        return self[inputs.BUILD_SID] == inputs.LATEST

    @property
    def host(self) -> str:
        """The host that is polled, with its port if the URL has one."""
        return urlsplit(self.root).netloc

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
    """Reads inputs from an environment and collects the problems.

    `values` has those that are valid, and an empty text for those that are not given.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        secrets = credentials.secrets(environ, credentials.SHORTEST_PASSWORD)
        self._redactor = Redactor(secrets)
        # Step by step users write `with:`; everybody else sets variables.
        self._is_github = bool(environ.get("GITHUB_ACTIONS"))
        self.values: dict[str, Any] = {}
        self.problems: list[Message] = []
        self.warnings: list[Message] = []

    def name(self, spec: Input[Any]) -> str:
        """Return an input's name as the user knows it."""
        return spec.name if self._is_github else f"{spec.variable} ({spec.name})"

    def report(self, spec: Input[Any], problem: str, *values: Message | str) -> None:
        """Report a problem, which is the template of a message; the value is invalid."""
        self.problems.append(message(f"{self.name(spec)}: {problem}", *values))
        self.values.pop(spec.name, None)

    def unexpected(self, spec: Input[Any], why: str = "") -> None:
        """Report a value without the format of its input; never show what may be a secret."""
        raw = spec.read(self._environ)
        got = message("'{}'", raw)
        if spec in _HIDDEN:
            got = message(f"a value of {count(len(raw), 'character')}")
        self.report(spec, f"expected {spec.format.description}; got {{}}{why}", got)

    def read(self, spec: Input[Any]) -> None:
        """Read one input."""
        raw, description = spec.read(self._environ), spec.format.description
        self.values[spec.name] = spec.format.parse(raw) if raw else spec.default
        if spec.is_required and not raw:
            is_output = spec is inputs.BUILD_SID and self._is_github
            self.report(spec, f"required: {description}{_NO_OUTPUT if is_output else ''}")
        elif not spec.is_secret and self._redactor.contains(raw):
            self.report(
                spec, f"it contains a credential, so it is not shown; expected {description}"
            )
        elif _UNEXPANDED.fullmatch(raw):
            variable = "" if spec.is_secret else f" {raw}"
            self.report(
                spec, f"the CI did not expand the variable{{}}; expected {description}", variable
            )
        elif self.values[spec.name] is None:
            self.unexpected(spec, _OTHER_SIDS.get((spec.name, raw[:2]), ""))

    def login(self) -> tuple[str, str]:
        """Return user and secret of HTTP Basic."""
        alternatives = (inputs.API_KEY, inputs.API_SECRET, inputs.AUTH_TOKEN)
        given = {spec for spec in alternatives if spec.read(self._environ)}
        user, secret = inputs.API_KEY, inputs.API_SECRET
        if given == {inputs.AUTH_TOKEN}:
            user, secret = inputs.ACCOUNT_SID, inputs.AUTH_TOKEN
        for spec, partner in ((user, secret), (secret, user)):
            if not spec.read(self._environ):
                instead = "" if given else ", or account-sid and auth-token"
                problem = f"required with {partner.name}{instead}: {spec.format.description}"
                self.report(spec, problem + (_EMPTY_SECRETS if self._is_github else ""))
                break
        return self.values.get(user.name, ""), self.values.get(secret.name, "")

    def roots(self) -> tuple[str, str, str]:
        """Return the roots of the Serverless and the Monitor API, and the region."""
        specs = (inputs.BASE_URL, inputs.REGION, inputs.EDGE)
        root, region, edge = (self.values.get(spec.name) for spec in specs)
        if root != "":
            return root or "", root or "", ""
        region = "us1" if region == "" else region
        if region and edge == "":
            edge = _EDGES.get(region)
            if edge is None:
                why = f"required with region '{region}', which does not imply it: "
                self.report(inputs.EDGE, why + inputs.EDGE.format.description)
        if region is None or edge is None:
            return "", "", ""
        place = f"{edge}.{region}." if edge else ""
        return f"https://serverless.{place}twilio.com", f"https://monitor.{place}twilio.com", region

    def check(self) -> None:
        """Check what the format of an input does not say, and warn of what is not safe."""
        longest = self.values.get(inputs.MAX_INTERVAL.name) or inf
        is_given = inputs.MAX_INTERVAL.read(self._environ)
        if is_given and longest < self.values.get(inputs.INTERVAL.name, 0.0):
            self.unexpected(inputs.MAX_INTERVAL, ", which is shorter than interval")
        root = urlsplit(self.values.get(inputs.BASE_URL.name, ""))
        if root.scheme == "http" and not _LOCALHOST.fullmatch(root.hostname or ""):
            if self._environ.get("TWILIO_ALLOW_HTTP", "").strip().lower() == "true":
                self.warnings.append(message(_UNENCRYPTED, root.netloc))
            else:
                self.unexpected(inputs.BASE_URL, ": http:// would send the credential unencrypted")
        path = self.values.get(inputs.OUTPUT_FILE.name)
        if path and (why := why_unusable(path, self._environ)):
            self.unexpected(inputs.OUTPUT_FILE, f", {why}")
        for secret in (inputs.AUTH_TOKEN, inputs.API_SECRET):
            if 0 < len(secret.read(self._environ)) < credentials.SHORTEST_SECRET:
                self.warnings.append(message(f"{self.name(secret)} {_TOO_SHORT}"))


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
        reader.problems.append(message(problem))
    for spec in inputs.INPUTS:
        reader.read(spec)
    reader.check()
    login, roots = reader.login(), reader.roots()
    return Settings(reader.values, login, *roots, tuple(reader.problems), tuple(reader.warnings))
