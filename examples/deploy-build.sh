#!/bin/sh
# Puts a completed Twilio Serverless build live: deploy-build.sh BUILD_SID
#
# Needs curl, and in the environment TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID and
# TWILIO_ENVIRONMENT_SID.
set -eu
service=${TWILIO_BASE_URL:-https://serverless.twilio.com}/v1/Services/$TWILIO_SERVICE_SID
# Every process can read a command line, so the credential goes in by standard input.
code=$(
  printf 'user = "%s:%s"\n' "$TWILIO_API_KEY" "$TWILIO_API_SECRET" |
    curl --config - --silent --show-error --output /dev/null --write-out '%{http_code}' \
      --data-urlencode "BuildSid=$1" "$service/Environments/$TWILIO_ENVIRONMENT_SID/Deployments"
)
case $code in
  2??) echo "Build $1 is live" ;;
  409) echo "Build $1 was live already" ;; # the job ran again
  *)
    echo "Build $1 was not deployed: Twilio answered HTTP $code"
    exit 1
    ;;
esac
