#!/bin/sh
# Waits for a Twilio Serverless build with Docker alone, and deploys it once it has completed.
#
# In the environment: TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID, TWILIO_BUILD_SID, and
# what deploy-build.sh needs.
set -eu
image=ghcr.io/OWNER/twilio-build-wait:1

# If the container does not even start, an earlier run's verdict must not be taken for this one's.
rm -f wait.env
code=0
# --env NAME hands on the variable itself: no secret stands on the command line.
docker run --rm \
  --env TWILIO_API_KEY --env TWILIO_API_SECRET \
  --env TWILIO_SERVICE_SID --env TWILIO_BUILD_SID \
  --env TWILIO_BUILD_OUTPUT_FILE=wait.env \
  --user "$(id -u):$(id -g)" --volume "$PWD:/work" --workdir /work \
  "$image" || code=$?
. ./wait.env

case "$TWILIO_BUILD_WAIT_OUTCOME:$TWILIO_BUILD_WAIT_STATUS" in
  completed:*)
    ./deploy-build.sh "$TWILIO_BUILD_WAIT_BUILD_SID"
    ;;
  timed-out:?*) # Twilio answered, and the build is not done: run this again to go on waiting.
    echo "Not deployed: the build is still $TWILIO_BUILD_WAIT_STATUS"
    ;;
  *)
    exit "$code"
    ;;
esac
