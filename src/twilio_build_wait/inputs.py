"""The table of inputs, from which `--help`, the settings and the tests of the pages are made."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar, cast
from urllib.parse import urlsplit

from twilio_build_wait import durations

T = TypeVar("T")
_OWN = "TWILIO_BUILD_"
_HOUR = 3_600_000  # milliseconds
_HEX = "[0-9A-Fa-f]{32}"
ACCOUNT_SID_FORM = re.compile(f"AC{_HEX}")
SERVICE_SID_FORM = re.compile(f"ZS{_HEX}")
BUILD_SID_FORM = re.compile(f"ZB{_HEX}")
#: The value of `build-sid`, in any case, that stands for the service's newest build.
LATEST = "latest"


@dataclass(frozen=True)
class Format(Generic[T]):
    """What the text of an input looks like; `convert` returns its value, or None if it has none."""

    pattern: str
    description: str
    convert: Callable[[str], T | None]
    is_secret: bool = False

    def parse(self, raw: str) -> T | None:
        """Return the value of a text, or None if it has another format."""
        return self.convert(raw) if re.fullmatch(self.pattern, raw, re.ASCII) else None


@dataclass(frozen=True, eq=False)
class Input(Generic[T]):
    """One input; `default_text` is as a person writes it, `prefix` that of the variable."""

    name: str
    meaning: str
    format: Format[T]
    default_text: str = ""
    is_required: bool = False
    prefix: str = "TWILIO_"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return self.prefix + self.name.upper().replace("-", "_")

    @property
    def default(self) -> T:
        """The default; an empty text if there is none."""
        return cast("T", self.format.parse(self.default_text) if self.default_text else "")

    def values(self, environ: Mapping[str, str]) -> list[str]:
        """Return every value that is set and not empty after trimming; the first one counts."""
        # The GitHub runner sets `INPUT_` with a hyphen, which dash drops; Drone sets `PLUGIN_`.
        upper = self.name.upper()
        names = (upper, upper.replace("-", "_"))
        prefixed = [f"{prefix}_{name}" for prefix in ("INPUT", "PLUGIN") for name in names]
        values = [environ.get(name, "").strip() for name in (*prefixed, self.variable)]
        return [value for value in values if value]

    def read(self, environ: Mapping[str, str]) -> str:
        """Return the value that counts, or an empty text."""
        return next(iter(self.values(environ)), "")


def _duration(lowest: int, highest: int, raw: str) -> float | None:
    """Return the seconds of a duration between two bounds in milliseconds."""
    milliseconds = durations.parse(raw)
    if milliseconds is None or not lowest <= milliseconds <= highest:
        return None
    return milliseconds / 1000


_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"(?=[^/:]{{1,253}}(?:[/:]|\Z)){_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\]"
# The path is printable ASCII without "#<>?\^`{|} and without a space.
_URL = re.compile(rf"(?ai:https?)://(?:{_HOST})(?::[0-9]+)?(?:/[!$-;=@-\[\]_a-z~]*)?")


def _root(raw: str) -> str | None:
    """Return an API root without the slash at its end; settings.py says where http is allowed."""
    with suppress(ValueError):
        parts = urlsplit(raw)
        if parts.port != 0 and _URL.fullmatch(raw):
            return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return None


_ANY, _SID = "(?s).+", "followed by 32 hexadecimal digits"
_ACCOUNT = Format(f"AC{_HEX}", f"AC {_SID}", str)
_KEY = Format(f"SK{_HEX}", f"SK {_SID}", str)
_SECRET = Format("[ -~]+", "printable ASCII characters", str, is_secret=True)
_SERVICE = Format(
    rf"ZS{_HEX}|(?!ZS.{{32}}\Z)[A-Za-z0-9_-]{{1,255}}",
    f"ZS {_SID}, or a unique name of letters, digits, _ and -",
    str,
)
_BUILD = Format(f"ZB{_HEX}|(?i:{LATEST})", f"ZB {_SID}, or {LATEST}", str)
_ENVIRONMENT = Format(f"ZE{_HEX}", f"ZE {_SID}", str)
_TIMEOUT = Format(
    _ANY, "a duration such as 90s, 15m or 1h30m, from 0 to 24h", partial(_duration, 0, 24 * _HOUR)
)
_INTERVAL = Format(
    _ANY, "a duration such as 500ms or 2s, from 100ms to 1h", partial(_duration, 100, _HOUR)
)
_MAX_INTERVAL = replace(_INTERVAL, description="a duration from interval to 1h")
_LETTERS = "lower-case letters, digits or hyphens"
_REGION = Format("[a-z][a-z0-9-]{0,18}[a-z0-9]", f"2 to 20 {_LETTERS}, such as ie1", str)
_EDGE = Format("[a-z][a-z0-9-]{0,38}[a-z0-9]", f"2 to 40 {_LETTERS}, such as dublin", str)
_ROOT = Format(
    _ANY, "an https:// URL without user name, query or fragment (http:// only for localhost)", _root
)
_PATH = Format(_ANY, "the path of a file in a folder that exists", str)
_BOOLEAN = Format("(?i:true|false)", "true or false", lambda raw: raw.lower() == "true")

ACCOUNT_SID = Input("account-sid", "the account; required with auth-token", _ACCOUNT)
AUTH_TOKEN = Input("auth-token", "the account's token; or use an API key", _SECRET)
API_KEY = Input("api-key", "an API key; takes precedence over auth-token", _KEY)
API_SECRET = Input("api-secret", "the API key's secret; required with api-key", _SECRET)
SERVICE_SID = Input("service-sid", "the build's service", _SERVICE, is_required=True)
BUILD_SID = Input("build-sid", "the build to wait for", _BUILD, is_required=True)
ENVIRONMENT_SID = Input("environment-sid", "say what deploying would change", _ENVIRONMENT)
TIMEOUT = Input("timeout", "how long to wait; 0 polls once", _TIMEOUT, "15m", prefix=_OWN)
INTERVAL = Input("interval", "the first interval", _INTERVAL, "1s", prefix=_OWN)
MAX_INTERVAL = Input(
    "max-interval",
    "the longest interval; if not set, at least as long as interval",
    _MAX_INTERVAL,
    "5s",
    prefix=_OWN,
)
REGION = Input("region", "the service's Twilio region", _REGION)
EDGE = Input("edge", "the Twilio edge location; rarely needed", _EDGE)
BASE_URL = Input("base-url", "another API root, such as a gateway; may have a path", _ROOT)
OUTPUT_FILE = Input(
    "output-file",
    "also write the outputs to this file: JSON if its name ends in .json, otherwise dotenv",
    _PATH,
    prefix=_OWN,
)
SUMMARY = Input("summary", "write the job summary", _BOOLEAN, "true", prefix=_OWN)
DIAGNOSE = Input("diagnose", "look for the reason of a failed build", _BOOLEAN, "true", prefix=_OWN)

#: Every input above, in the order in which it is documented.
INPUTS: tuple[Input[str] | Input[float] | Input[bool], ...] = tuple(
    value for value in [*globals().values()] if isinstance(value, Input)
)
