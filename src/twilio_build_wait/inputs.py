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
    meaning: str
    format: Format[T]
    default: T
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


def _label(longest: int, example: str) -> Format[str]:
    words = f"2 to {longest} lower-case letters, digits or hyphens, such as {example}"
    return _text(f"[a-z][a-z0-9-]{{0,{longest - 2}}}[a-z0-9]", words)


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


_URL = re.compile(r"(?i:https?)://[!$-;=@-\[\]_a-z~]+")  # printable ASCII without "#<>?\^`{|}
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
    has_extras = "@" in parts.netloc or parts.netloc.endswith(":") or port == 0
    if not _URL.fullmatch(raw) or not has_host or has_extras:
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
_ROOT = Format(
    _root, "an https:// URL without user name, query or fragment (http:// only for localhost)"
)
_BOOLEAN = Format(lambda raw: {"true": True, "false": False}.get(raw.lower()), "true or false")

ACCOUNT_SID = Input(
    "account-sid", "TWILIO_ACCOUNT_SID", "the account; required with auth-token", _sid("AC"), ""
)
AUTH_TOKEN = Input(
    "auth-token", "TWILIO_AUTH_TOKEN", "the account's token; or use an API key", _SECRET, ""
)
API_KEY = Input(
    "api-key", "TWILIO_API_KEY", "an API key; takes precedence over auth-token", _sid("SK"), ""
)
API_SECRET = Input(
    "api-secret", "TWILIO_API_SECRET", "the API key's secret; required with api-key", _SECRET, ""
)
SERVICE_SID = Input(
    "service-sid", "TWILIO_SERVICE_SID", "the build's service", _SERVICE, "", is_required=True
)
BUILD_SID = Input(
    "build-sid", "TWILIO_BUILD_SID", "the build to wait for", _BUILD, "", is_required=True
)
ENVIRONMENT_SID = Input(
    "environment-sid", "TWILIO_ENVIRONMENT_SID", "say what deploying would change", _sid("ZE"), ""
)
TIMEOUT = Input(
    "timeout", "TWILIO_BUILD_TIMEOUT", "how long to wait; 0 polls once", _TIMEOUT, 900.0
)
INTERVAL = Input("interval", "TWILIO_BUILD_INTERVAL", "the first interval", _INTERVAL, 1.0)
MAX_INTERVAL = Input(
    "max-interval",
    "TWILIO_BUILD_MAX_INTERVAL",
    "the longest interval",
    _MAX_INTERVAL,
    5.0,
    "5s, or interval if longer",
)
REGION = Input("region", "TWILIO_REGION", "the service's Twilio region", _label(20, "ie1"), "")
EDGE = Input(
    "edge", "TWILIO_EDGE", "the Twilio edge location; rarely needed", _label(40, "dublin"), ""
)
BASE_URL = Input(
    "base-url",
    "TWILIO_BASE_URL",
    "another API root, such as a gateway or an emulator; may have a path",
    _ROOT,
    "",
    default_words="from region and edge",
)
OUTPUT_FILE = Input(
    "output-file",
    "TWILIO_BUILD_OUTPUT_FILE",
    "also write the outputs to this file: JSON if its name ends in .json, otherwise dotenv",
    _text(r"(?s).+", "a path"),
    "",
)
SUMMARY = Input("summary", "TWILIO_BUILD_SUMMARY", "write the job summary", _BOOLEAN, default=True)
DIAGNOSE = Input(
    "diagnose",
    "TWILIO_BUILD_DIAGNOSE",
    "look for the reason of a failed build",
    _BOOLEAN,
    default=True,
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
