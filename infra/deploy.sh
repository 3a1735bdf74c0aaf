#!/usr/bin/env bash
# Puts one participant, or two that are each other's partners, into Azure: shows what would change, asks, deploys, waits
# until it is ready, says where it is. Running it again changes what has changed, and goes on where it broke off.
#
#   infra/deploy.sh [--yes] [--what-if] [--package app.zip] PARTICIPANT.env [PARTICIPANT.env]
#
#   --yes      do not ask                    --what-if  show what would change, and leave it at that
#   --package  deploy this archive instead of the last commit
#
# Needs az (logged in), git and curl.
set -euo pipefail

infra=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=infra/participant.sh
. "$infra/participant.sh"

poll_seconds=10
polls=90 # a quarter of an hour: new roles take minutes to count everywhere
tries=5

usage() { sed -n '5,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

read_arguments() {
  assume_yes='' only_look='' package='' files=()
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) assume_yes=1 ;;
      --what-if) only_look=1 ;;
      --package) [ $# -gt 1 ] || usage; package=$2; shift ;;
      -*) usage ;;
      *) files+=("$1") ;;
    esac
    shift
  done
  [ ${#files[@]} -eq 1 ] || [ ${#files[@]} -eq 2 ] || usage
  [ -z "$package" ] || [ -r "$package" ] || die "$package cannot be read"
  [ -n "$assume_yes$only_look" ] || [ -t 0 ] || die "there is nobody to ask here: give --yes or --what-if"
}

# Names of all participants first: each app is told of its partner's address before that is there.
meet_participants() {
  subscription_ids=() hosts=() ids=()
  local it
  for it in "${files[@]}"; do
    read_participant "$it"
    find_subscription
    derive_names
    subscription_ids+=("$subscription_id") hosts+=("$app.azurewebsites.net") ids+=("$PARTICIPANT_ID")
  done
  if [ ${#files[@]} -eq 2 ]; then
    [ "${hosts[0]}" != "${hosts[1]}" ] || die "both files name the same participant"
    [ "${ids[0]}" != "${ids[1]}" ] || die "both participants call themselves '${ids[0]}': set PARTICIPANT_ID"
  fi
}

# Arguments: the participant's place in the list.
choose() {
  read_participant "${files[$1]}"
  subscription_id=${subscription_ids[$1]} host=${hosts[$1]}
  derive_names
  partner_host=''
  if [ ${#files[@]} -eq 2 ]; then
    local other=$((1 - $1))
    partner_host=${hosts[$other]}
    [ -z "$PARTNERS" ] || die "$file: PARTNERS is for one participant alone; two are told of each other"
    PARTNERS="{\"${ids[$other]}\": \"did:web:$partner_host:api\"}"
    ALLOWED_HOSTS=${ALLOWED_HOSTS:+$ALLOWED_HOSTS,}$partner_host
  fi
  [ "$IDENTITY" = mock ] || [ -n "$PARTNERS" ] ||
    die "$file: with IDENTITY=signed nobody gets in who is not in PARTNERS; name them, or deploy two files"
  [ -n "$ALLOWED_HOSTS" ] || die "$file: no partner can be called without its host in ALLOWED_HOSTS"
}

# Sets `parameters` from the chosen participant's file.
collect_parameters() {
  parameters=("suffix=$suffix")
  local key parameter
  while read -r key parameter; do
    if [ -n "$key" ] && [ "$parameter" != - ] && [ -n "${!key}" ]; then parameters+=("$parameter=${!key}"); fi
  done <<<"$PARTICIPANT_KEYS"
}

show_changes() {
  say "== $NAME: what would change in resource group $RESOURCE_GROUP"
  # An empty group costs nothing, and without it Azure cannot tell what would change.
  has_group || azure group create --name "$RESOURCE_GROUP" --location "$LOCATION" --tags "ferry=$NAME" --output none
  collect_parameters
  azure deployment group what-if --resource-group "$RESOURCE_GROUP" --name ferry \
    --template-file "$infra/main.bicep" --parameters "${parameters[@]}" --no-prompt true >&2
}

ask() {
  if [ -n "$assume_yes" ]; then return; fi
  local answer=''
  read -r -p 'Deploy this? [y/N] ' answer || :
  case $answer in [yY]*) ;; *) die "nothing was deployed" ;; esac
}

deploy_resources() {
  say "== $NAME: deploying the resources"
  find_deleted_vault
  if [ -n "$deleted_vault" ]; then
    say "the vault $vault was deleted and not purged: bringing it back"
    azure keyvault recover --name "$vault" --resource-group "$RESOURCE_GROUP" --location "$LOCATION" --output none
  fi
  collect_parameters
  azure deployment group create --resource-group "$RESOURCE_GROUP" --name ferry \
    --template-file "$infra/main.bicep" --parameters "${parameters[@]}" --no-prompt true --output none
  local given
  given=$(output_of hostName)
  [ "$given" = "$host" ] || die "Azure calls the app $given, and partners were told $host; see docs/deploy.md, names"
}

output_of() {
  azure deployment group show --resource-group "$RESOURCE_GROUP" --name ferry \
    --query "properties.outputs.$1.value" --output tsv
}

# The last commit without what .funcignore leaves out.
make_package() {
  if [ -n "$package" ]; then return; fi
  local root all ignored
  root=$(dirname -- "$infra")
  package=$scratch/app.zip
  [ -z "$(git -C "$root" status --porcelain)" ] || say "what is not committed is not deployed"
  all=$(git -C "$root" ls-tree -r --name-only HEAD | sort)
  ignored=$(git -C "$root" ls-files --cached --ignored --exclude-from=.funcignore | sort)
  comm -23 <(printf '%s\n' "$all") <(printf '%s\n' "$ignored") >"$scratch/wanted"
  tr '\n' '\0' <"$scratch/wanted" | (cd "$root" && xargs -0 git archive --format=zip --output="$package" HEAD --)
}

publish_code() {
  say "== $NAME: publishing the code (Azure installs the packages; some minutes)"
  persist "Azure did not take the code" \
    azure functionapp deployment source config-zip --resource-group "$RESOURCE_GROUP" --name "$app" \
    --src "$package" --build-remote true --timeout 900 --output none
}

# Repeats a command that may fail while roles do not count everywhere. Arguments: what to say at the end, the command.
persist() {
  local what=$1 try
  shift
  for ((try = 1; ; try++)); do
    if "$@"; then return; fi
    [ "$try" -lt "$tries" ] || die "$what, $tries times. Run this again"
    say "that failed; trying it again in $((try * poll_seconds)) s"
    sleep $((try * poll_seconds))
  done
}

# Runs a command until it succeeds. Arguments: what is waited for, the command.
wait_until() {
  local what=$1 poll
  shift
  for ((poll = 0; poll < polls; poll++)); do
    if "$@"; then return; fi
    [ "$poll" -ne 0 ] || say "waiting until $what"
    sleep "$poll_seconds"
  done
  die "a quarter of an hour, and still not true: $what. Look at https://$host/api/health/ready and at the app's" \
    "'Diagnose and solve problems' in the portal, then run this again"
}

is_ready() { curl --silent --fail --max-time 30 --output /dev/null "https://$host/api/health/ready"; }

has_extension_key() {
  [ "$(azure functionapp keys list --resource-group "$RESOURCE_GROUP" --name "$app" \
    --query "systemKeys.blobs_extension != null" --output tsv)" = true ]
}

# Event Grid asks the app for its consent; an app that has just started may be too slow for that.
subscribe() {
  local topic account
  topic=$(output_of topicName)
  if [ -z "$topic" ]; then return; fi
  account=$(output_of hostAccountName)
  wait_until "the host has made its key for events" has_extension_key
  say "== $NAME: subscribing to the markers of finished transfers"
  persist "Event Grid could not subscribe (transfers complete by message and by look all the same)" \
    azure deployment group create --resource-group "$RESOURCE_GROUP" --name ferry-completion \
    --template-file "$infra/completion.bicep" --no-prompt true --output none \
    --parameters "appName=$app" "topicName=$topic" "hostAccountName=$account"
}

tell() {
  local data_account
  data_account=$(output_of dataAccountName)
  cat <<END

$PARTICIPANT_ID
  address        https://$host
  DSP            https://$host/api/dsp/2025-1
  identity       did:web:$host:api
  management     https://$host/api/management/v3
  data account   $data_account
  vault          $vault
  resource group $RESOURCE_GROUP, subscription $subscription_id
END
}

tell_first_call() {
  local header body='{"@context": {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}}' path=assets/request
  if [ "$MANAGEMENT_AUTH" = entra ]; then
    header="authorization: Bearer \$(az account get-access-token --resource $ENTRA_AUDIENCE --query accessToken -o tsv)"
  else
    header="x-functions-key: \$(az functionapp keys list -g $RESOURCE_GROUP -n $app --subscription $subscription_id"
    header="$header --query functionKeys.default -o tsv)"
  fi
  if [ -n "$partner_host" ]; then
    path=catalog/request
    body="{\"@context\": {\"@vocab\": \"https://w3id.org/edc/v0.0.1/ns/\"}, \"protocol\": \"dataspace-protocol-http:2025-1\",
  \"counterPartyAddress\": \"https://$partner_host/api/dsp/2025-1\", \"counterPartyId\": \"${ids[$((1 - $1))]}\"}"
  fi
  cat <<END

The first call:
curl -X POST https://$host/api/management/v3/$path \\
  -H "$header" \\
  -H 'content-type: application/json' -d '$body'
END
}

read_arguments "$@"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
meet_participants
for place in "${!files[@]}"; do choose "$place"; show_changes; done
if [ -n "$only_look" ]; then exit; fi
ask
make_package
for place in "${!files[@]}"; do choose "$place"; deploy_resources; publish_code; done
for place in "${!files[@]}"; do choose "$place"; wait_until "$host is ready" is_ready; subscribe; done
for place in "${!files[@]}"; do choose "$place"; tell; done
choose 0
tell_first_call 0
