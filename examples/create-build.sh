#!/bin/sh
# Creates a Twilio Serverless build and prints its SID, which is what twilio-build-wait waits for.
#
# Needs curl and jq, and in the environment TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID
# and TWILIO_FUNCTION_VERSION, the SID (ZN...) of a function version that was uploaded before.
set -eu
builds=${TWILIO_BASE_URL:-https://serverless.twilio.com}/v1/Services/$TWILIO_SERVICE_SID/Builds
# The credential goes in by standard input: on a command line every process could read it. curl
# stands last, for its exit code is that of the whole.
reply=$(
  printf 'user = "%s:%s"\n' "$TWILIO_API_KEY" "$TWILIO_API_SECRET" |
    curl --config - --silent --show-error --fail \
      --data-urlencode "FunctionVersions=$TWILIO_FUNCTION_VERSION" \
      --data-urlencode "Runtime=node22" "$builds"
)
printf '%s' "$reply" | jq --exit-status --raw-output .sid
