"""One build, one service, one account and their credentials: the values that the tests share."""

from collections.abc import Mapping

from twilio_build_wait.settings import Settings, read

ACCOUNT_SID = "AC0123456789abcdef0123456789ABCDEF"
API_KEY = "SK1111aaaa2222bbbb3333cccc4444dddd"
SERVICE_SID = "ZS00112233445566778899aabbccddeeff"
OTHER_SERVICE_SID = "ZSffeeddccbbaa99887766554433221100"
BUILD_SID = "ZBdeadbeefdeadbeefdeadbeefdeadbeef"
OTHER_BUILD_SID = "ZBfeedfacefeedfacefeedfacefeedface"
# Characters that Base64 and URL-encoding both change, so that no form passes for another.
TOKEN = "t0k/en+with=odd?chars%7e3"
SECRET = "s3c/ret+with=odd&chars#9f"

BUILD_URL = f"https://serverless.twilio.com/v1/Services/{SERVICE_SID}/Builds/{BUILD_SID}"
STATUS_URL = f"{BUILD_URL}/Status"

#: What has to be set, and no more.
ENVIRONMENT: Mapping[str, str] = {
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWILIO_SERVICE_SID": SERVICE_SID,
    "TWILIO_BUILD_SID": BUILD_SID,
}


def environment(**changes: str | None) -> dict[str, str]:
    """Return the environment with some variables changed, or taken away by None."""
    changed = {**ENVIRONMENT, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def settings(**changes: str | None) -> Settings:
    """Read the settings of the environment with some variables changed, or taken away by None."""
    return read(environment(**changes))


def problems(**changes: str | None) -> list[str]:
    """Say what is wrong with the environment once it is changed."""
    return list(settings(**changes).problems)
