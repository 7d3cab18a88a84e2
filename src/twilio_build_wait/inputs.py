"""The table of inputs: name, variable, format, default and meaning of each, in one place.

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
class Format(Generic[T]):
    """What the text of an input looks like: a parser, which returns None for others, and words."""

    parse: Callable[[str], T | None]
    words: str


@dataclass(frozen=True)
class Input(Generic[T]):
    """One input. `default_words` is the default where its value would not explain it."""

    name: str
    variable: str
    format: Format[T]
    default: T
    meaning: str
    default_words: str = ""
    is_required: bool = False

    @property
    def shown_default(self) -> str:
        """The default as a person would write it; empty if there is none."""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, float) and not self.default_words:
            return durations.render(self.default)
        return self.default_words

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
        """Return every value that is set and not empty after trimming; the first one counts."""
        values = (environ.get(variable, "").strip() for variable in self.variables())
        return list(filter(None, values))

    def read(self, environ: Mapping[str, str]) -> str:
        """Return the value that counts, or an empty text."""
        return next(iter(self.values(environ)), "")


def _text(pattern: str, words: str) -> Format[str]:
    form = re.compile(pattern)
    return Format(lambda raw: raw if form.fullmatch(raw) else None, words)


def _sid(prefix: str) -> Format[str]:
    return _text(prefix + _HEX, f"{prefix} followed by 32 hexadecimal digits")


def _duration(lowest: float, highest: float, words: str) -> Format[float]:
    """Make the format of a duration between two bounds, both in seconds."""

    def parse(raw: str) -> float | None:
        milliseconds = durations.parse(raw)
        if milliseconds is None or not lowest * 1000 <= milliseconds <= highest * 1000:
            return None
        return milliseconds / 1000

    return Format(parse, f"a duration {words}")


def _build(raw: str) -> str | None:
    if raw.lower() == LATEST:
        return LATEST
    return raw if BUILD_SID_FORM.fullmatch(raw) else None


_URL = re.compile(r"[!#-;=?-\[\]_a-z~]+")  # printable ASCII without "<>\^`{|}
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]+)?")


def _root(raw: str) -> str | None:
    """Return an API root without the slash at its end; settings.py says where http is allowed."""
    try:
        parts = urlsplit(raw)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    is_ipv6 = "[" in parts.netloc
    has_host = _BRACKETED.fullmatch(parts.netloc) if is_ipv6 else _HOST.fullmatch(host)
    has_extras = set(raw) & set("?#") or "@" in parts.netloc or parts.netloc.endswith(":")
    if parts.scheme not in {"https", "http"} or not _URL.fullmatch(raw):
        return None
    if not has_host or has_extras or port == 0:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


_SECRET = _text("[ -~]+", "printable ASCII characters")
_SERVICE = _text(
    rf"ZS{_HEX}|(?!ZS.{{32}}\Z)[A-Za-z0-9_-]{{1,255}}",
    "ZS followed by 32 hexadecimal digits, or a unique name of letters, digits, _ and -",
)
_BUILD = Format(_build, "ZB followed by 32 hexadecimal digits, or latest")
_TIMEOUT = _duration(0.0, 24 * HOUR, "such as 90s, 15m or 1h30m, from 0 to 24h")
_INTERVAL = _duration(0.1, HOUR, "such as 500ms or 2s, from 100ms to 1h")
_MAX_INTERVAL = _duration(0.1, HOUR, "from interval to 1h")
_REGION = _text(
    "[a-z][a-z0-9-]{0,18}[a-z0-9]", "2 to 20 lower-case letters, digits or hyphens, such as ie1"
)
_EDGE = _text(
    "[a-z][a-z0-9-]{0,38}[a-z0-9]", "2 to 40 lower-case letters, digits or hyphens, such as dublin"
)
_ROOT = Format(
    _root, "an https:// URL without user name, query or fragment (http:// only for localhost)"
)
_PATH = _text(r"(?s).+", "a path")
_BOOLEAN = Format(lambda raw: {"true": True, "false": False}.get(raw.lower()), "true or false")

ACCOUNT_SID = Input(
    "account-sid", "TWILIO_ACCOUNT_SID", _sid("AC"), "", "the account; required with auth-token"
)
AUTH_TOKEN = Input(
    "auth-token", "TWILIO_AUTH_TOKEN", _SECRET, "", "the account's token; or use an API key"
)
API_KEY = Input(
    "api-key", "TWILIO_API_KEY", _sid("SK"), "", "an API key; takes precedence over auth-token"
)
API_SECRET = Input(
    "api-secret", "TWILIO_API_SECRET", _SECRET, "", "the API key's secret; required with api-key"
)
SERVICE_SID = Input(
    "service-sid", "TWILIO_SERVICE_SID", _SERVICE, "", "the build's service", is_required=True
)
BUILD_SID = Input(
    "build-sid", "TWILIO_BUILD_SID", _BUILD, "", "the build to wait for", is_required=True
)
ENVIRONMENT_SID = Input(
    "environment-sid", "TWILIO_ENVIRONMENT_SID", _sid("ZE"), "", "say what deploying would change"
)
TIMEOUT = Input(
    "timeout", "TWILIO_BUILD_TIMEOUT", _TIMEOUT, 900.0, "how long to wait; 0 polls once"
)
INTERVAL = Input("interval", "TWILIO_BUILD_INTERVAL", _INTERVAL, 1.0, "the first interval")
MAX_INTERVAL = Input(
    "max-interval",
    "TWILIO_BUILD_MAX_INTERVAL",
    _MAX_INTERVAL,
    10.0,
    "the longest interval",
    default_words="10s, or interval if longer",
)
REGION = Input("region", "TWILIO_REGION", _REGION, "", "the service's Twilio region")
EDGE = Input("edge", "TWILIO_EDGE", _EDGE, "", "the Twilio edge location; rarely needed")
BASE_URL = Input(
    "base-url",
    "TWILIO_BASE_URL",
    _ROOT,
    "",
    "another API root, such as a gateway or an emulator; may have a path",
    default_words="from region and edge",
)
OUTPUT_FILE = Input(
    "output-file",
    "TWILIO_BUILD_OUTPUT_FILE",
    _PATH,
    "",
    "also write the outputs to this file: JSON if its name ends in .json, otherwise dotenv",
)
SUMMARY = Input(
    "summary", "TWILIO_BUILD_SUMMARY", _BOOLEAN, default=True, meaning="write the job summary"
)
DIAGNOSE = Input(
    "diagnose",
    "TWILIO_BUILD_DIAGNOSE",
    _BOOLEAN,
    default=True,
    meaning="look for the reason of a failed build",
)

#: Every input, in the order in which it is documented.
INPUTS: tuple[Input[str] | Input[float] | Input[bool], ...] = (
    *(ACCOUNT_SID, AUTH_TOKEN, API_KEY, API_SECRET),
    *(SERVICE_SID, BUILD_SID, ENVIRONMENT_SID),
    *(TIMEOUT, INTERVAL, MAX_INTERVAL),
    *(REGION, EDGE, BASE_URL, OUTPUT_FILE, SUMMARY, DIAGNOSE),
)
#: The inputs whose values are never shown.
SECRETS = (AUTH_TOKEN, API_SECRET)
