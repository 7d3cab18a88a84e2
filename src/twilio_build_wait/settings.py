"""The inputs, read and checked: settings, and every problem with them at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from twilio_build_wait import credentials, durations, text
from twilio_build_wait.inputs import BY_NAME

_HEX = "[0-9A-Fa-f]{32}"
_ACCOUNT_SID = re.compile(f"AC{_HEX}")
_API_KEY = re.compile(f"SK{_HEX}")
SERVICE_SID = re.compile(f"ZS{_HEX}")
ACCOUNT_SID = _ACCOUNT_SID
_BUILD_SID = re.compile(f"ZB{_HEX}")
_UNIQUE_NAME = re.compile(r"(?!ZS.{32}\Z)[A-Za-z0-9_-]{1,255}")
_REGION = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")
_EDGE = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_PRINTABLE = re.compile(r"[ -~]+")
_URL = re.compile(r"[!-~]+")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)"
    r"(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]+)?")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LOOPBACK = re.compile(rf"localhost|host\.docker\.internal|::1|127(?:\.{_OCTET}){{3}}")

# twilio.com/docs/global-infrastructure: a host is {product}.{edge}.{region}.twilio.com; the edges
# of the regions that serve Twilio Serverless under their own name.
_EDGE_OF_REGION = {"ie1": "dublin", "au1": "sydney"}

_HOUR = 3600.0
_DAY = 24 * _HOUR

_FORK_HINT = "secrets are not given to workflows that run for a pull request from a fork"


@dataclass(frozen=True)
class Settings:
    """Every input as the rest of the program uses it; what failed its check is empty.

    `root` and `monitor` are the roots of Twilio's Serverless and Monitor APIs; `timeout`,
    `interval` and `max_interval` are in seconds. `problems` and `warnings` are sentences for a
    person. With problems, nothing may be requested. No secret is in the repr.
    """

    build_sid: str
    service_sid: str
    user: str
    secret: str = field(repr=False)
    credential: str
    root: str
    monitor: str
    timeout: float
    interval: float
    max_interval: float
    output_file: str
    summary: bool
    diagnose: bool
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)
    masks: tuple[str, ...] = field(repr=False)

    @property
    def host(self) -> str:
        """The host that the status is read from, with its port where one is named."""
        return urlsplit(self.root).netloc

    @property
    def build_url(self) -> str:
        """The address of the Build resource; empty while a part of it is not known."""
        if not (self.root and self.service_sid and self.build_sid):
            return ""
        return f"{self.root}/v1/Services/{self.service_sid}/Builds/{self.build_sid}"

    @property
    def status_url(self) -> str:
        """The address of the Build Status resource; empty while a part of it is not known."""
        return f"{self.build_url}/Status" if self.build_url else ""


class _Reader:
    """Reads inputs from an environment and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.secrets = credentials.secrets(environ)
        self._redact = text.Redactor(self.secrets)
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def raw(self, name: str) -> str:
        return BY_NAME[name].read(self._environ)

    def wrong(self, name: str, problem: str) -> None:
        self.problems.append(f"{name}: {problem}")

    def expected(self, name: str, raw: str, *, shown: bool = True) -> None:
        """Report a value that has not the form of its input, never showing what may be secret."""
        seen = (
            f"'{text.piece(self._redact(raw))}'" if shown else f"{len(raw)} characters that are not"
        )
        self.wrong(name, f"expected {BY_NAME[name].form}; got {seen}")

    def matching(self, name: str, pattern: re.Pattern[str], *, shown: bool = True) -> str:
        raw = self.raw(name)
        if not raw or pattern.fullmatch(raw):
            return raw
        self.expected(name, raw, shown=shown)
        return ""

    def required(self, name: str, *patterns: re.Pattern[str]) -> str:
        raw = self.raw(name)
        if not raw:
            known = BY_NAME[name]
            self.wrong(name, f"required: {known.form} (or set {known.variable})")
        elif any(pattern.fullmatch(raw) for pattern in patterns):
            return raw
        else:
            self.expected(name, raw)
        return ""

    def duration(self, name: str, default: float, lowest: float, highest: float) -> float | None:
        """Return seconds, or None where the value is wrong."""
        raw = self.raw(name)
        if not raw:
            return default
        seconds = durations.parse(raw)
        if seconds is not None and lowest <= seconds <= highest:
            return seconds
        self.expected(name, raw)
        return None

    def boolean(self, name: str) -> bool:
        raw = self.raw(name).lower()
        if raw not in {"", "true", "false"}:
            self.expected(name, raw)
        return raw != "false"

    # -- what takes more than one input ------------------------------------------------------

    def credential(self) -> tuple[str, str, str]:
        """Return user, secret and kind of the credential that Twilio is shown."""
        account = self.matching("account-sid", _ACCOUNT_SID, shown=False)
        token = self.matching("auth-token", _PRINTABLE, shown=False)
        key = self.matching("api-key", _API_KEY, shown=False)
        secret = self.matching("api-secret", _PRINTABLE, shown=False)
        given = {name: bool(self.raw(name)) for name in BY_NAME}
        hint = f"; {_FORK_HINT}" if self._environ.get("GITHUB_ACTIONS") else ""
        if given["api-key"] and not given["api-secret"]:
            self.wrong("api-secret", f"required with api-key: the key's secret{hint}")
        if given["api-secret"] and not given["api-key"]:
            self.wrong("api-key", f"required with api-secret: {BY_NAME['api-key'].form}{hint}")
        if given["api-key"] or given["api-secret"]:
            return key, secret, "API key"
        if not given["auth-token"]:
            self.wrong(
                "auth-token",
                f"required: the account's token, or api-key and api-secret instead{hint}",
            )
        if not given["account-sid"]:
            self.wrong("account-sid", f"required with auth-token: {BY_NAME['account-sid'].form}")
        return account, token, "auth token"

    def roots(self) -> tuple[str, str]:
        """Return the roots of the Serverless and the Monitor API."""
        region = self.matching("region", _REGION)
        edge = self.matching("edge", _EDGE)
        if self.raw("base-url"):
            root = self._base_url()
            return root, root
        region_given = bool(self.raw("region"))
        if region_given and region not in {"", "us1"} and not self.raw("edge"):
            edge = _EDGE_OF_REGION.get(region, "")
            if not edge:
                self.wrong("edge", f"required with region '{region}': no edge is known for it")
                return "", ""
        if (region_given and not region) or (self.raw("edge") and not edge):
            return "", ""
        place = f"{edge}.{region or 'us1'}." if edge else ""
        return f"https://serverless.{place}twilio.com", f"https://monitor.{place}twilio.com"

    def _base_url(self) -> str:
        raw = self.raw("base-url")
        problem = self._base_url_problem(raw)
        if problem:
            # The address itself is not shown: it may hold a password.
            self.wrong("base-url", f"expected {BY_NAME['base-url'].form}; {problem}")
            return ""
        parts = urlsplit(raw)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"

    def _base_url_problem(self, raw: str) -> str:  # noqa: PLR0911 (one return a problem)
        """Say what is wrong with a base URL; empty if nothing is."""
        if not _URL.fullmatch(raw) or set(raw) & set('\\"<>^`{|}'):
            return "it holds characters that have no place in an address"
        if "?" in raw or "#" in raw:
            return "it has a query or a fragment"
        try:
            parts = urlsplit(raw)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return "its host or port cannot be read"
        if "@" in parts.netloc:
            return "it has a user name; credentials have inputs of their own"
        if parts.scheme not in {"https", "http"}:
            return "it does not begin with https://"
        bracketed = "[" in parts.netloc
        known = _BRACKETED.fullmatch(parts.netloc) if bracketed else _HOST.fullmatch(host)
        if port == 0 or parts.netloc.endswith(":") or not known:
            return "its host or port cannot be read"
        if parts.scheme == "http" and not _LOOPBACK.fullmatch(host):
            if self._environ.get("TWILIO_ALLOW_HTTP", "").strip().lower() != "true":
                return "http:// is for this machine alone, for it shows the credential to anyone"
            self.warnings.append(
                f"TWILIO_ALLOW_HTTP is true: the credential goes to {host} unencrypted, and anyone "
                "on the way can read it; use https:// for anything but a test"
            )
        return ""


def read(environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Settings:
    """Read and check every input of an environment; never raises for a bad value.

    Arguments on the command line are a problem too: a secret among them would stand in the log of
    the runner and in the list of processes.
    """
    reader = _Reader(environ)
    if arguments:
        reader.wrong("arguments", "none are taken; every input is an environment variable")
    user, secret, credential = reader.credential()
    service_sid = reader.required("service-sid", SERVICE_SID, _UNIQUE_NAME)
    build_sid = reader.required("build-sid", _BUILD_SID)
    timeout = reader.duration("timeout", 15 * 60.0, 0.0, _DAY)
    interval = reader.duration("interval", 1.0, 0.1, _HOUR)
    lowest = 0.1 if interval is None else interval
    max_interval = reader.duration("max-interval", max(10.0, lowest), lowest, _HOUR)
    root, monitor = reader.roots()
    summary, diagnose = reader.boolean("summary"), reader.boolean("diagnose")
    for name in ("auth-token", "api-secret"):
        if reader.raw(name) and not text.maskable(reader.raw(name)):
            reader.warnings.append(
                f"{name} is too short to be hidden in the log: it would be found inside ordinary "
                "words; Twilio's own are 32 characters long"
            )
    return Settings(
        build_sid=build_sid,
        service_sid=service_sid,
        user=user,
        secret=secret,
        credential=credential,
        root=root,
        monitor=monitor,
        timeout=0.0 if timeout is None else timeout,
        interval=1.0 if interval is None else interval,
        max_interval=10.0 if max_interval is None else max_interval,
        output_file=reader.raw("output-file"),
        summary=summary,
        diagnose=diagnose,
        problems=tuple(reader.problems),
        warnings=tuple(reader.warnings),
        secrets=reader.secrets,
        masks=credentials.masks(environ),
    )
