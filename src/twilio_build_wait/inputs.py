"""The table of inputs: name, variable, format, default and meaning of each, in one place.

`--help`, the settings and the tests of README and action.yml are made from it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar, cast
from urllib.parse import urlsplit

from twilio_build_wait import durations

T = TypeVar("T")

_HOUR = 3_600_000  # milliseconds

_HEX = "[0-9A-Fa-f]{32}"
ACCOUNT_SID_FORM = re.compile(f"AC{_HEX}")
SERVICE_SID_FORM = re.compile(f"ZS{_HEX}")
BUILD_SID_FORM = re.compile(f"ZB{_HEX}")

#: The value of `build-sid` that stands for the service's newest build.
LATEST = "latest"


@dataclass(frozen=True)
class Format(Generic[T]):
    """What the text of an input looks like: a parser, which returns None for any other text."""

    parse: Callable[[str], T | None]
    description: str


@dataclass(frozen=True)
class Input(Generic[T]):
    """One input. `default_text` is its default as a person would write it; empty if none."""

    name: str
    variable: str
    meaning: str
    format: Format[T]
    default_text: str = ""
    is_required: bool = False
    is_secret: bool = False

    @property
    def default(self) -> T:
        """The default; an empty text if there is none."""
        return cast("T", self.format.parse(self.default_text) if self.default_text else "")

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


def _match(pattern: str, raw: str) -> str | None:
    return raw if re.fullmatch(pattern, raw) else None


def _duration(lowest: int, highest: int, raw: str) -> float | None:
    """Parse a duration between two bounds, both in milliseconds, into seconds."""
    milliseconds = durations.parse(raw)
    if milliseconds is None or not lowest <= milliseconds <= highest:
        return None
    return milliseconds / 1000


def _build(raw: str) -> str | None:
    if raw.lower() == LATEST:
        return LATEST
    return raw if BUILD_SID_FORM.fullmatch(raw) else None


_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"(?=[^/:]{{1,253}}(?:[/:]|\Z)){_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\]"
# The path is printable ASCII without "#<>?\^`{|} and without a space.
_URL = re.compile(rf"(?i:https?)://(?:{_HOST})(?::[0-9]+)?(?:/[!$-;=@-\[\]_a-z~]*)?")


def _root(raw: str) -> str | None:
    """Return an API root without the slash at its end; settings.py says where http is allowed."""
    try:
        parts = urlsplit(raw)
        port = parts.port
    except ValueError:
        return None
    if port == 0 or not _URL.fullmatch(raw):
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


_SID = "followed by 32 hexadecimal digits"
_ACCOUNT = Format(partial(_match, f"AC{_HEX}"), f"AC {_SID}")
_KEY = Format(partial(_match, f"SK{_HEX}"), f"SK {_SID}")
_SECRET = Format(partial(_match, "[ -~]+"), "printable ASCII characters")
_SERVICE = Format(
    partial(_match, rf"ZS{_HEX}|(?!ZS.{{32}}\Z)[A-Za-z0-9_-]{{1,255}}"),
    f"ZS {_SID}, or a unique name of letters, digits, _ and -",
)
_BUILD = Format(_build, f"ZB {_SID}, or latest")
_ENVIRONMENT = Format(partial(_match, f"ZE{_HEX}"), f"ZE {_SID}")
_TIMEOUT = Format(
    partial(_duration, 0, 24 * _HOUR), "a duration such as 90s, 15m or 1h30m, from 0 to 24h"
)
_INTERVAL = Format(
    partial(_duration, 100, _HOUR), "a duration such as 500ms or 2s, from 100ms to 1h"
)
_MAX_INTERVAL = Format(partial(_duration, 100, _HOUR), "a duration from interval to 1h")
_REGION = Format(
    partial(_match, "[a-z][a-z0-9-]{0,18}[a-z0-9]"),
    "2 to 20 lower-case letters, digits or hyphens, such as ie1",
)
_EDGE = Format(
    partial(_match, "[a-z][a-z0-9-]{0,38}[a-z0-9]"),
    "2 to 40 lower-case letters, digits or hyphens, such as dublin",
)
_ROOT = Format(
    _root, "an https:// URL without user name, query or fragment (http:// only for localhost)"
)
_PATH = Format(partial(_match, "(?s).+"), "the path of a file in a folder that exists")
_BOOLEAN = Format(lambda raw: {"true": True, "false": False}.get(raw.lower()), "true or false")

ACCOUNT_SID = Input(
    "account-sid", "TWILIO_ACCOUNT_SID", "the account; required with auth-token", _ACCOUNT
)
AUTH_TOKEN = Input(
    "auth-token",
    "TWILIO_AUTH_TOKEN",
    "the account's token; or use an API key",
    _SECRET,
    is_secret=True,
)
API_KEY = Input("api-key", "TWILIO_API_KEY", "an API key; takes precedence over auth-token", _KEY)
API_SECRET = Input(
    "api-secret",
    "TWILIO_API_SECRET",
    "the API key's secret; required with api-key",
    _SECRET,
    is_secret=True,
)
SERVICE_SID = Input(
    "service-sid", "TWILIO_SERVICE_SID", "the build's service", _SERVICE, is_required=True
)
BUILD_SID = Input(
    "build-sid", "TWILIO_BUILD_SID", "the build to wait for", _BUILD, is_required=True
)
ENVIRONMENT_SID = Input(
    "environment-sid", "TWILIO_ENVIRONMENT_SID", "say what deploying would change", _ENVIRONMENT
)
TIMEOUT = Input(
    "timeout", "TWILIO_BUILD_TIMEOUT", "how long to wait; 0 polls once", _TIMEOUT, "15m"
)
INTERVAL = Input("interval", "TWILIO_BUILD_INTERVAL", "the first interval", _INTERVAL, "1s")
MAX_INTERVAL = Input(
    "max-interval",
    "TWILIO_BUILD_MAX_INTERVAL",
    "the longest interval; if not set, at least as long as interval",
    _MAX_INTERVAL,
    "5s",
)
REGION = Input("region", "TWILIO_REGION", "the service's Twilio region", _REGION)
EDGE = Input("edge", "TWILIO_EDGE", "the Twilio edge location; rarely needed", _EDGE)
BASE_URL = Input(
    "base-url",
    "TWILIO_BASE_URL",
    "another API root than that of region and edge, such as a gateway; may have a path",
    _ROOT,
)
OUTPUT_FILE = Input(
    "output-file",
    "TWILIO_BUILD_OUTPUT_FILE",
    "also write the outputs to this file: JSON if its name ends in .json, otherwise dotenv",
    _PATH,
)
SUMMARY = Input("summary", "TWILIO_BUILD_SUMMARY", "write the job summary", _BOOLEAN, "true")
DIAGNOSE = Input(
    "diagnose",
    "TWILIO_BUILD_DIAGNOSE",
    "look for the reason of a failed build",
    _BOOLEAN,
    "true",
)

#: Every input above, in the order in which it is documented.
INPUTS: tuple[Input[str] | Input[float] | Input[bool], ...] = tuple(
    value for value in [*globals().values()] if isinstance(value, Input)
)
