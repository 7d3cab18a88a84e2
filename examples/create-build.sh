#!/bin/sh
# Uploads functions/*.js, creates a Twilio Serverless build of them, and prints the build's SID.
#
# Needs curl and jq, package.json for the dependencies, and in the environment TWILIO_API_KEY,
# TWILIO_API_SECRET and TWILIO_SERVICE_SID. A build has only the functions that it is created with,
# so every file is uploaded, whether it has changed or not.
set -eu
service=v1/Services/$TWILIO_SERVICE_SID
api=${TWILIO_BASE_URL:-https://serverless.twilio.com}/$service
upload=${TWILIO_BASE_URL:-https://serverless-upload.twilio.com}/$service

# Every process can read a command line, so the credential goes in by standard input.
twilio() {
  printf 'user = "%s:%s"\n' "$TWILIO_API_KEY" "$TWILIO_API_SECRET" |
    curl --config - --silent --show-error --fail "$@"
}

sid() { printf %s "$1" | jq --exit-status --raw-output .sid; }

existing=$(twilio "$api/Functions?PageSize=100")
set --
for file in functions/*.js; do
  name=$(basename "$file" .js)
  function=$(printf %s "$existing" | jq --compact-output --arg name "$name" \
    'first(.functions[] | select(.friendly_name == $name))')
  if [ -z "$function" ]; then
    function=$(twilio --data-urlencode "FriendlyName=$name" "$api/Functions")
  fi
  version=$(twilio --form "Content=@$file;type=application/javascript" --form "Path=/$name" \
    --form Visibility=public "$upload/Functions/$(sid "$function")/Versions")
  set -- "$@" --data-urlencode "FunctionVersions=$(sid "$version")"
done

dependencies=$(jq --compact-output '.dependencies | to_entries | map({name: .key, version: .value})' \
  package.json)
build=$(twilio "$@" --data-urlencode "Dependencies=$dependencies" \
  --data-urlencode Runtime=node22 "$api/Builds")
sid "$build"
