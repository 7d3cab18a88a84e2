#!/bin/sh
# Uploads functions/ and assets/, creates a Twilio Serverless build of them, and prints its SID.
#
# As in Twilio's toolkit, the name of a file decides who can reach it: hello.js is public,
# admin.protected.js is protected, helper.private.js is private, and so are assets, such as
# logo.private.png. Folders become part of the path. If a name or a type is none that this script
# handles, it uploads nothing. A build has only the files that it is created with, so every file is
# uploaded, whether it has changed or not.
#
# Needs curl 7.76 or newer, jq, package.json, and in the environment TWILIO_API_KEY,
# TWILIO_API_SECRET and TWILIO_SERVICE_SID. TWILIO_REGION is us1 by default.
set -eu

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Every process can read a command line, so the credential goes in by standard input.
twilio() {
  answer=$(
    printf 'user = "%s:%s"\n' "$TWILIO_API_KEY" "$TWILIO_API_SECRET" |
      curl --config - --silent --show-error --fail-with-body "$@"
  ) || fail "No build was created. Twilio's response: ${answer:-none}"
  printf '%s\n' "$answer"
}

# Creates a resource, and prints its SID.
create() {
  created=$(twilio "$@") || exit
  printf '%s\n' "$created" | jq --raw-output .sid
}

# Prints kind, SID and name of each function or asset that the service has, page by page.
list() {
  query=PageSize=100
  while [ "$query" ]; do
    page=$(twilio "$api/$1?$query") || exit
    printf '%s\n' "$page" | jq --raw-output --arg kind "$1" \
      '.[.meta.key][] | [$kind, .sid, .friendly_name] | @tsv'
    query=$(printf '%s\n' "$page" |
      jq --raw-output '.meta.next_page_url // "" | sub("^[^?]*[?]"; "")')
  done
}

case ${TWILIO_REGION:-us1} in
  us1) region= ;;
  ie1) region=.dublin.ie1 ;;
  au1) region=.sydney.au1 ;;
  *) fail "TWILIO_REGION is $TWILIO_REGION. This script knows us1, ie1 and au1." ;;
esac
service=v1/Services/$TWILIO_SERVICE_SID
api=${TWILIO_BASE_URL:-https://serverless$region.twilio.com}/$service
upload=${TWILIO_BASE_URL:-https://serverless-upload$region.twilio.com}/$service

dependencies=$(
  jq --compact-output '.dependencies | to_entries | map({name: .key, version: .value})' \
    package.json 2>/dev/null
) || fail 'package.json has no "dependencies". Write {} if there are none.'

for folder in functions assets; do
  [ ! -d "$folder" ] || set -- "$@" "$folder"
done
[ $# -eq 0 ] || files=$(find "$@" ! -type d)
[ "${files:-}" ] || fail "There is no file in functions/ or assets/."

# A line per file: kind, file, path, visibility and type, or REFUSED and the file.
plan=$(printf '%s\n' "$files" | sort | jq --raw-input --raw-output '
  { css: "text/css", gif: "image/gif", html: "text/html", ico: "image/x-icon", jpg: "image/jpeg",
    js: "application/javascript", json: "application/json", mp3: "audio/mpeg",
    pdf: "application/pdf", png: "image/png", svg: "image/svg+xml", txt: "text/plain",
    wav: "audio/wav", xml: "application/xml" } as $types
  | . as $file
  | capture("^(?<folder>functions|assets)(?<path>/[A-Za-z0-9/_.-]+?)
    ([.](?<visibility>protected|private))?[.](?<extension>[a-z0-9]+)$"; "x") // {}
  | if $types[.extension // ""] == null
      or (.path | test("/[.]|node_modules|private|protected"; "i"))
      or (.folder == "functions" and (.extension != "js" or (.path | contains("."))))
    then "REFUSED \($file)"
    elif .folder == "functions"
    then "Functions \($file) \(.path) \(.visibility // "public") \($types.js)"
    else "Assets \($file) \(.path).\(.extension) \(.visibility // "public") \($types[.extension])"
    end')
refused=$(printf '%s\n' "$plan" | sed -n 's/^REFUSED /  /p' | head -n 10)
[ -z "$refused" ] || fail "Nothing was uploaded. The name or type of these files is not handled:
$refused"

existing=$(list Functions; list Assets)
set --
while read -r kind file path visibility type; do
  sid=$(printf '%s\n' "$existing" | awk -F '\t' -v kind="$kind" -v name="$path" \
    '$1 == kind && $3 == name && !found { print $2; found = 1 }')
  [ "$sid" ] || sid=$(create "$api/$kind" --data-urlencode "FriendlyName=$path")
  version=$(create "$upload/$kind/$sid/Versions" --form "Content=@$file;type=$type" \
    --form "Path=$path" --form "Visibility=$visibility")
  set -- "$@" --data "${kind%s}Versions=$version"
done <<END
$plan
END
create "$api/Builds" "$@" --data-urlencode "Dependencies=$dependencies" --data Runtime=node22
