#!/bin/sh
# Puts a completed Twilio Serverless build live: deploy-build.sh BUILD_SID
#
# Needs curl, and in the environment TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID and
# TWILIO_ENVIRONMENT_SID. TWILIO_REGION is us1 by default.
set -eu
build=${1:?"the SID of the build is missing"}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Prints Twilio's response, and the HTTP status in a line of its own. Every process can read a
# command line, so the credential goes in by standard input.
twilio() {
  printf 'user = "%s:%s"\n' "$TWILIO_API_KEY" "$TWILIO_API_SECRET" |
    curl --config - --silent --show-error --write-out '\n%{http_code}\n' "$@"
}

case ${TWILIO_REGION:-us1} in
  us1) region= ;;
  ie1) region=.dublin.ie1 ;;
  au1) region=.sydney.au1 ;;
  *) fail "TWILIO_REGION is $TWILIO_REGION. This script knows us1, ie1 and au1." ;;
esac
api=${TWILIO_BASE_URL:-https://serverless$region.twilio.com}
environment=$api/v1/Services/$TWILIO_SERVICE_SID/Environments/$TWILIO_ENVIRONMENT_SID

answer=$(twilio --data-urlencode "BuildSid=$build" "$environment/Deployments") ||
  fail "Build $build was not deployed."
status=$(printf '%s\n' "$answer" | tail -n 1)
case $status in
  2??) echo "Build $build is live" ;;
  409) # as Twilio answers when the build is live already: the job ran again
    twilio "$environment" | grep -q "\"build_sid\": *\"$build\"" ||
      fail "Build $build was not deployed. Twilio's response: $answer"
    echo "Build $build was live already"
    ;;
  *) fail "Build $build was not deployed. Twilio's response: $answer" ;;
esac
