# shellcheck shell=bash
# A loop as people write it in a `run:` step: polls every five seconds until there is a verdict.
url="$TWILIO_BASE_URL/v1/Services/$TWILIO_SERVICE_SID/Builds/$TWILIO_BUILD_SID/Status"
while true; do
  status=$(curl --silent --user "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN" "$url" | jq -r .status)
  if [ "$status" = completed ]; then echo "build completed"; break; fi
  if [ "$status" = failed ]; then echo "build failed"; exit 1; fi
  sleep 5
done
