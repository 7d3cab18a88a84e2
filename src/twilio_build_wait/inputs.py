"""The table of inputs: name, variable, parser, default and meaning of each, in one place.

`--help`, the settings and the tests of README and action.yml are made from it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from twilio_build_wait import durations

T = TypeVar("T")

HOUR = 3600.0

_HEX = "[0-9A-Fa-f]{32}"
ACCOUNT_SID_FORM = re.compile(f"AC{_HEX}")
SERVICE_SID_FORM = re.compile(f"ZS{_HEX}")
BUILD_SID_FORM = re.compile(f"ZB{_HEX}")

#: The value of `build-sid` that stands for the service's newest build.
LATEST = "latest"


@dataclass(frozen=True)
class Input(Generic[T]):
    """One input.

    `parse` returns the value of a text, or None if the text does not have the `format`.
    `default` is the value without an input, `default_text` the same in words where it is not
    obvious. `is_secret` marks a value that is never shown. A `required` input has no default.
    """

    name: str
    variable: str
    parse: Callable[[str], T | None]
    default: T
    format: str
    meaning: str
    default_text: str = ""
    required: bool = False
    is_secret: bool = False

    @property
    def shown_default(self) -> str:
        """The default as a person would write it; empty if there is none."""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, float) and not self.default_text:
            return durations.render(self.default)
        return self.default_text

    def variables(self) -> tuple[str, ...]:
        """Return the environment variables that may hold it; the first one that is set wins.

        The GitHub runner sets `INPUT_` with the hyphen. dash drops such names from the environment
        of the programs that it starts, hence the underscore. Drone and Woodpecker set `PLUGIN_`.
        """
        upper = self.name.upper()
        names = dict.fromkeys((upper, upper.replace("-", "_")))
        prefixed = [f"{prefix}_{name}" for prefix in ("INPUT", "PLUGIN") for name in names]
        return (*prefixed, self.variable)

    def values(self, environ: Mapping[str, str]) -> list[str]:
        """Return every value that is set and not empty after trimming, the first wins."""
        values = (environ.get(variable, "").strip() for variable in self.variables())
        return list(filter(None, values))

    def read(self, environ: Mapping[str, str]) -> str:
        """Return the value that counts, or an empty text."""
        return next(iter(self.values(environ)), "")


def _matching(*patterns: str) -> Callable[[str], str | None]:
    form = re.compile("|".join(patterns))
    return lambda raw: raw if form.fullmatch(raw) else None


def _seconds(lowest: float, highest: float) -> Callable[[str], float | None]:
    """Make a parser of durations between two bounds, both in seconds."""

    def parse(raw: str) -> float | None:
        milliseconds = durations.parse(raw)
        if milliseconds is None or not lowest * 1000 <= milliseconds <= highest * 1000:
            return None
        return milliseconds / 1000

    return parse


def _build(raw: str) -> str | None:
    if raw.lower() == LATEST:
        return LATEST
    return raw if BUILD_SID_FORM.fullmatch(raw) else None


def _boolean(raw: str) -> bool | None:
    return {"true": True, "false": False}.get(raw.lower())


_URL = re.compile(r"[!-~]+")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]+)?")


def _root(raw: str) -> str | None:
    """Return an API root without the slash at its end; settings.py says where http is allowed."""
    if not _URL.fullmatch(raw) or set(raw) & set('\\"<>^`{|}?#'):
        return None
    try:
        parts = urlsplit(raw)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if "@" in parts.netloc or parts.scheme not in {"https", "http"}:
        return None
    is_ipv6 = "[" in parts.netloc
    form = _BRACKETED.fullmatch(parts.netloc) if is_ipv6 else _HOST.fullmatch(host)
    if port == 0 or parts.netloc.endswith(":") or not form:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


ACCOUNT_SID = Input(
    "account-sid",
    "TWILIO_ACCOUNT_SID",
    _matching(ACCOUNT_SID_FORM.pattern),
    default="",
    format="AC followed by 32 hexadecimal digits",
    meaning="the account's SID; required with auth-token, optional with an API key",
)
AUTH_TOKEN = Input(
    "auth-token",
    "TWILIO_AUTH_TOKEN",
    _matching("[ -~]+"),
    default="",
    format="printable ASCII characters",
    meaning="the account's auth token; required unless an API key is given",
    is_secret=True,
)
API_KEY = Input(
    "api-key",
    "TWILIO_API_KEY",
    _matching(f"SK{_HEX}"),
    default="",
    format="SK followed by 32 hexadecimal digits",
    meaning="the SID of an API key; takes precedence over the auth token",
)
API_SECRET = Input(
    "api-secret",
    "TWILIO_API_SECRET",
    _matching("[ -~]+"),
    default="",
    format="printable ASCII characters",
    meaning="the API key's secret; required with api-key",
    is_secret=True,
)
SERVICE_SID = Input(
    "service-sid",
    "TWILIO_SERVICE_SID",
    _matching(SERVICE_SID_FORM.pattern, r"(?!ZS.{32}\Z)[A-Za-z0-9_-]{1,255}"),
    default="",
    format="ZS followed by 32 hexadecimal digits, or a unique name of letters, digits, _ and -",
    meaning="the service that the build belongs to",
    required=True,
)
BUILD_SID = Input(
    "build-sid",
    "TWILIO_BUILD_SID",
    _build,
    default="",
    format="ZB followed by 32 hexadecimal digits, or latest",
    meaning="the build to wait for; latest is the service's newest build",
    required=True,
)
ENVIRONMENT_SID = Input(
    "environment-sid",
    "TWILIO_ENVIRONMENT_SID",
    _matching(f"ZE{_HEX}"),
    default="",
    format="ZE followed by 32 hexadecimal digits",
    meaning="after completed, say what deploying the build would change in this environment",
)
TIMEOUT = Input(
    "timeout",
    "TWILIO_BUILD_TIMEOUT",
    _seconds(0.0, 24 * HOUR),
    default=15 * 60.0,
    format="a duration such as 90s, 15m or 1h30m, from 0 to 24h",
    meaning="how long to wait; 0 polls once",
)
INTERVAL = Input(
    "interval",
    "TWILIO_BUILD_INTERVAL",
    _seconds(0.1, HOUR),
    default=1.0,
    format="a duration such as 500ms or 2s, from 100ms to 1h",
    meaning="the first interval between two polls",
)
MAX_INTERVAL = Input(
    "max-interval",
    "TWILIO_BUILD_MAX_INTERVAL",
    _seconds(0.1, HOUR),
    default=10.0,
    format="a duration from interval to 1h",
    meaning="the longest interval between two polls",
    default_text="10s, or interval if longer",
)
REGION = Input(
    "region",
    "TWILIO_REGION",
    _matching("[a-z][a-z0-9-]{0,18}[a-z0-9]"),
    default="",
    format="2 to 20 lower-case letters, digits or hyphens, such as us1 or ie1",
    meaning="the Twilio region of the service",
)
EDGE = Input(
    "edge",
    "TWILIO_EDGE",
    _matching("[a-z][a-z0-9-]{0,38}[a-z0-9]"),
    default="",
    format="2 to 40 lower-case letters, digits or hyphens, such as ashburn or dublin",
    meaning="the Twilio edge location; rarely needed",
)
BASE_URL = Input(
    "base-url",
    "TWILIO_BASE_URL",
    _root,
    default="",
    format="an https:// URL without user name, query or fragment (http:// only for localhost)",
    meaning="another API root, such as a gateway or an emulator; may have a path",
    default_text="from region and edge",
)
OUTPUT_FILE: Input[str] = Input(
    "output-file",
    "TWILIO_BUILD_OUTPUT_FILE",
    lambda raw: raw,
    default="",
    format="a path",
    meaning="also write the outputs to this file: JSON if its name ends in .json, otherwise dotenv",
)
SUMMARY = Input(
    "summary",
    "TWILIO_BUILD_SUMMARY",
    _boolean,
    default=True,
    format="true or false",
    meaning="write the job summary on GitHub",
)
DIAGNOSE = Input(
    "diagnose",
    "TWILIO_BUILD_DIAGNOSE",
    _boolean,
    default=True,
    format="true or false",
    meaning="after a failed build, look for the reason in Twilio",
)

#: Every input, in the order in which it is documented.
INPUTS: tuple[Input[str] | Input[float] | Input[bool], ...] = (
    ACCOUNT_SID,
    AUTH_TOKEN,
    API_KEY,
    API_SECRET,
    SERVICE_SID,
    BUILD_SID,
    ENVIRONMENT_SID,
    TIMEOUT,
    INTERVAL,
    MAX_INTERVAL,
    REGION,
    EDGE,
    BASE_URL,
    OUTPUT_FILE,
    SUMMARY,
    DIAGNOSE,
)
