"""Creates a Twilio Serverless build of uploaded function versions, and prints its SID.

    python create_build.py ZN00000000000000000000000000000000 ...

Needs the package `twilio`, and in the environment TWILIO_ACCOUNT_SID, TWILIO_API_KEY,
TWILIO_API_SECRET and TWILIO_SERVICE_SID. The library has no call that waits for the build.
"""

import json
import os
import sys

from twilio.rest import Client

account, key, secret, service = (
    os.environ[f"TWILIO_{name}"] for name in ("ACCOUNT_SID", "API_KEY", "API_SECRET", "SERVICE_SID")
)
dependencies = [
    {"name": "twilio", "version": "5.3.0"},
    {"name": "@twilio/runtime-handler", "version": "1.3.0"},
]
build = (
    Client(key, secret, account)
    .serverless.v1.services(service)
    .builds.create(
        function_versions=sys.argv[1:],
        dependencies=json.dumps(dependencies),
        runtime="node22",
    )
)
print(build.sid)
