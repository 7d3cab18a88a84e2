#!/bin/sh
# Waits for a Twilio Serverless build with Docker, and deploys it when it has completed.
#
# Needs create-build.sh and deploy-build.sh from this folder, package.json, and in the environment
# TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID and TWILIO_ENVIRONMENT_SID. Arguments are more
# options for `docker run`.
#
# Exit codes: 10 if no build was created, 11 if it was not deployed, 125 to 127 from Docker, and
# otherwise those of the wait.
set -eu

# To go on waiting after a timeout, set TWILIO_BUILD_SID to the SID in the log.
if [ -z "${TWILIO_BUILD_SID:-}" ]; then
  TWILIO_BUILD_SID=$(sh ./create-build.sh) || exit 10
  export TWILIO_BUILD_SID
fi

# --env NAME passes the variable on, so that no secret is on the command line. The exit code is 0 only
# if the build has completed. Any other ends this script.
docker run --rm "$@" \
  --env TWILIO_API_KEY --env TWILIO_API_SECRET \
  --env TWILIO_SERVICE_SID --env TWILIO_BUILD_SID \
  --env TWILIO_ENVIRONMENT_SID --env TWILIO_REGION \
  ghcr.io/OWNER/twilio-build-wait:1

sh ./deploy-build.sh "$TWILIO_BUILD_SID" || exit 11
