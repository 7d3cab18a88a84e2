#!/bin/sh
# Waits for a Twilio Serverless build with Docker, and deploys it when it has completed.
#
# Needs in the environment TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID, TWILIO_BUILD_SID,
# and what deploy-build.sh needs. Arguments are more options for `docker run`.
set -eu

rm -f wait.env # of an earlier run
code=0
# --env NAME passes the variable on: no secret stands on the command line.
docker run --rm \
  --env TWILIO_API_KEY --env TWILIO_API_SECRET \
  --env TWILIO_SERVICE_SID --env TWILIO_BUILD_SID \
  --env TWILIO_BUILD_OUTPUT_FILE=wait.env \
  --user "$(id -u):$(id -g)" --volume "$PWD:/work" --workdir /work "$@" \
  ghcr.io/OWNER/twilio-build-wait:1 || code=$?
. ./wait.env

case "$TWILIO_BUILD_WAIT_OUTCOME:$TWILIO_BUILD_WAIT_STATUS" in
  completed:*)
    ./deploy-build.sh "$TWILIO_BUILD_WAIT_BUILD_SID"
    ;;
  timed-out:?*) # Twilio has answered, and the build is slow
    echo "Not deployed: the build is still $TWILIO_BUILD_WAIT_STATUS; run this again"
    ;;
  *)
    exit "$code"
    ;;
esac
