"""Reads a build's status once with Twilio's own Python client, which has no way to wait."""

import os
from urllib.parse import urlsplit, urlunsplit

# Twilio's client is annotated but has no py.typed, so that mypy takes none of it for typed.
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped] # as above
from twilio.http.response import Response  # type: ignore[import-untyped] # as above
from twilio.rest import Client  # type: ignore[import-untyped] # as above


class _Elsewhere(TwilioHttpClient):  # type: ignore[misc] # as above
    """Sends each request to TWILIO_BASE_URL: the client has no setting for another API root."""

    def request(self, method: str, url: str, *args: object, **options: object) -> Response:
        """Send one request."""
        base = urlsplit(os.environ["TWILIO_BASE_URL"])
        url = urlunsplit(urlsplit(url)._replace(scheme=base.scheme, netloc=base.netloc))
        return super().request(method, url, *args, **options)


client = Client(
    os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"], http_client=_Elsewhere()
)
service = client.serverless.v1.services(os.environ["TWILIO_SERVICE_SID"])
print(service.builds(os.environ["TWILIO_BUILD_SID"]).build_status().fetch().status)
