# shellcheck shell=bash
# The same the other way round, as people write it too: reads every two seconds while it is building.
url="$TWILIO_BASE_URL/v1/Services/$TWILIO_SERVICE_SID/Builds/$TWILIO_BUILD_SID/Status"
status=building
while [ "$status" = building ]; do
  status=$(curl --silent --user "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN" "$url" | jq -r .status)
  sleep 2
done
echo "build complete"
