# shellcheck shell=bash
# The other common loop: polls every two seconds while the status is `building`.
url="$TWILIO_BASE_URL/v1/Services/$TWILIO_SERVICE_SID/Builds/$TWILIO_BUILD_SID/Status"
status=building
while [ "$status" = building ]; do
  status=$(curl --silent --user "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN" "$url" | jq -r .status)
  sleep 2
done
echo "build complete"
