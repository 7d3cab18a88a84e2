"""The table of inputs: names, defaults, forms and meanings, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    """One input: its name in `with:`, its plain environment variable, and what it means.

    `default` and `form` are for people (`--help`, the README); an empty default means none.
    """

    name: str
    variable: str
    default: str
    form: str
    meaning: str

    def variables(self) -> tuple[str, ...]:
        """Name the environment variables that may hold it, the first that is set wins.

        `INPUT_` with a hyphen is what the GitHub runner sets; dash drops such names from the
        environment of what it starts, hence the second; Drone and Woodpecker set `PLUGIN_`.
        """
        upper = self.name.upper()
        under = upper.replace("-", "_")
        return (f"INPUT_{upper}", f"INPUT_{under}", f"PLUGIN_{under}", self.variable)

    def read(self, environ: Mapping[str, str]) -> str:
        """Return the first value that is not empty after trimming, else an empty string."""
        values = (environ.get(variable, "").strip() for variable in self.variables())
        return next(filter(None, values), "")


#: Every input, in the order in which they are documented.
INPUTS = (
    Input(
        "account-sid",
        "TWILIO_ACCOUNT_SID",
        "",
        "AC followed by 32 hexadecimal digits",
        "the account; needed with auth-token, optional with an API key",
    ),
    Input(
        "auth-token", "TWILIO_AUTH_TOKEN", "", "printable ASCII characters", "the account's token"
    ),
    Input(
        "api-key",
        "TWILIO_API_KEY",
        "",
        "SK followed by 32 hexadecimal digits",
        "an API key's SID; used before the auth token where both are given",
    ),
    Input(
        "api-secret", "TWILIO_API_SECRET", "", "printable ASCII characters", "the API key's secret"
    ),
    Input(
        "service-sid",
        "TWILIO_SERVICE_SID",
        "required",
        "ZS followed by 32 hexadecimal digits, or a unique name of letters, digits, _ and -",
        "the service that the build belongs to",
    ),
    Input(
        "build-sid",
        "TWILIO_BUILD_SID",
        "required",
        "ZB followed by 32 hexadecimal digits",
        "the build to wait for",
    ),
    Input(
        "timeout",
        "TWILIO_BUILD_TIMEOUT",
        "15m",
        "a duration such as 90s, 15m or 1h30m, from 0 to 24h",
        "how long to wait; 0 reads the status once",
    ),
    Input(
        "interval",
        "TWILIO_BUILD_INTERVAL",
        "1s",
        "a duration such as 500ms or 2s, from 100ms to 1h",
        "the first delay between two reads",
    ),
    Input(
        "max-interval",
        "TWILIO_BUILD_MAX_INTERVAL",
        "10s, or interval if longer",
        "a duration from interval to 1h",
        "the longest delay between two reads",
    ),
    Input(
        "region",
        "TWILIO_REGION",
        "",
        "2 to 20 lower-case letters, digits or hyphens, such as us1, ie1 or au1",
        "the Twilio region that the service is in",
    ),
    Input(
        "edge",
        "TWILIO_EDGE",
        "",
        "2 to 40 lower-case letters, digits or hyphens, such as ashburn, dublin or sydney",
        "the Twilio edge location to go through",
    ),
    Input(
        "base-url",
        "TWILIO_BASE_URL",
        "from region and edge",
        "an https:// address without user name, query or fragment (http:// only on this machine)",
        "another API root: a gateway, an emulator; may carry a path",
    ),
    Input(
        "output-file",
        "TWILIO_BUILD_OUTPUT_FILE",
        "",
        "a path",
        "also write the outputs here: JSON if it ends in .json, else dotenv",
    ),
    Input("summary", "TWILIO_BUILD_SUMMARY", "true", "true or false", "write the job summary"),
    Input(
        "diagnose",
        "TWILIO_BUILD_DIAGNOSE",
        "true",
        "true or false",
        "after a failed build, look for the reason in Twilio",
    ),
)

#: The inputs by their names.
BY_NAME = {known.name: known for known in INPUTS}
