#!/bin/sh
# Puts a completed Twilio Serverless build live: deploy-build.sh BUILD_SID
#
# Needs curl, and in the environment TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID and
# TWILIO_ENVIRONMENT_SID (ZE...).
set -eu
service=${TWILIO_BASE_URL:-https://serverless.twilio.com}/v1/Services/$TWILIO_SERVICE_SID
printf 'user = "%s:%s"\n' "$TWILIO_API_KEY" "$TWILIO_API_SECRET" |
  curl --config - --silent --show-error --fail --output /dev/null \
    --data-urlencode "BuildSid=$1" "$service/Environments/$TWILIO_ENVIRONMENT_SID/Deployments"
echo "Build $1 is live"
