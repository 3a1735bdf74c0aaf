# What deploy.sh and teardown.sh share: reads a participant's file, checks it, derives its names, and calls az.
# shellcheck shell=bash

# The keys of a participant's file, and the parameter of main.bicep that each sets; `-`: none of its own.
PARTICIPANT_KEYS='
NAME name
PARTICIPANT_ID participantId
SUBSCRIPTION -
RESOURCE_GROUP -
LOCATION location
ROLES roles
MANAGEMENT_AUTH managementAuth
ENTRA_AUDIENCE entraAudience
ENTRA_TENANT entraTenant
IDENTITY identity
PARTNERS partners
ALLOWED_HOSTS allowedHosts
STORAGE_CREDENTIAL storageCredential
STORAGE_SKU storageSku
INSTANCE_MEMORY_MB instanceMemoryMb
MAXIMUM_INSTANCES maximumInstances
ALWAYS_READY alwaysReady
PURGE_PROTECTION purgeProtection
VAULT_RETENTION_DAYS vaultRetentionDays
LOG_DAYS logDays
LOG_GIGABYTES_PER_DAY logGigabytesPerDay
LOG_STORAGE_REQUESTS logStorageRequests
RETENTION_DAYS retentionDays
ALERT_ACTION_GROUP_ID alertActionGroupId
SETTINGS settings
'

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }

# Sets a variable for each key of the file; the file is read, never run. Arguments: the file.
read_participant() {
  file=$1
  [ -r "$file" ] || die "$file cannot be read; infra/participants holds two examples"
  local key value number=0
  while read -r key _; do
    if [ -n "$key" ]; then printf -v "$key" '%s' ''; fi
  done <<<"$PARTICIPANT_KEYS"
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    case $line in '' | '#'*) continue ;; esac
    key=${line%%=*} value=${line#*=}
    [ "$key" != "$line" ] || die "$file, line $number: no KEY=VALUE"
    case $PARTICIPANT_KEYS in *$'\n'"$key "*) ;; *) die "$file, line $number: there is no key '$key'" ;; esac
    printf -v "$key" '%s' "$value"
  done <"$file"
  check_participant
}

must_match() { # key, value, extended expression, what it must be
  [[ $2 =~ ^($3)$ ]] || die "$file: $1 must be $4, not '$2'"
}

check_participant() {
  must_match NAME "$NAME" '[a-z][a-z0-9]{2,9}' '3 to 10 lower-case letters and digits, a letter first'
  PARTICIPANT_ID=${PARTICIPANT_ID:-$NAME}
  must_match PARTICIPANT_ID "$PARTICIPANT_ID" '[A-Za-z0-9._:/-]{1,128}' 'letters, digits and . _ : / -'
  RESOURCE_GROUP=${RESOURCE_GROUP:-ferry-$NAME}
  must_match RESOURCE_GROUP "$RESOURCE_GROUP" '[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]' 'the name of a resource group'
  must_match LOCATION "$LOCATION" '[a-z0-9]+' "a region such as westeurope ('az functionapp list-flexconsumption-locations')"
  must_match SUBSCRIPTION "$SUBSCRIPTION" '[A-Za-z0-9 ._()-]*' 'the name or id of a subscription, or empty'
  IDENTITY=${IDENTITY:-signed} MANAGEMENT_AUTH=${MANAGEMENT_AUTH:-function-key}
  must_match ALLOWED_HOSTS "$ALLOWED_HOSTS" '[A-Za-z0-9.:*,-]*' 'hosts, separated by commas without a space'
  must_match ENTRA_AUDIENCE "$ENTRA_AUDIENCE" '([A-Za-z0-9][A-Za-z0-9.:/_-]*)?' 'the audience of a token'
  must_match ALERT_ACTION_GROUP_ID "$ALERT_ACTION_GROUP_ID" '(/[A-Za-z0-9._()/ -]+)?' 'the resource id of an action group'
  must_match PARTNERS "$PARTNERS" '(\{.*\})?' 'a JSON object'
  must_match SETTINGS "$SETTINGS" '(\{.*\})?' 'a JSON object'
  must_match IDENTITY "$IDENTITY" 'signed|mock' 'signed or mock'
  must_match MANAGEMENT_AUTH "$MANAGEMENT_AUTH" 'function-key|entra' 'function-key or entra'
  [ "$MANAGEMENT_AUTH" != entra ] || [ -n "$ENTRA_AUDIENCE" ] || die "$file: MANAGEMENT_AUTH=entra needs ENTRA_AUDIENCE"
}

# Sets subscription_id: the one that the file names, or the one that az is logged in to.
find_subscription() {
  subscription_id=$SUBSCRIPTION
  subscription_id=$(azure account show --query id --output tsv) ||
    die "az knows no subscription '${SUBSCRIPTION:-current}'; run 'az login', or correct SUBSCRIPTION in $file"
}

# Sets the suffix, which makes names unique in Azure, and the names that are needed before Azure has answered.
derive_names() {
  suffix=$(printf '%s' "$subscription_id|$RESOURCE_GROUP|$NAME" | git hash-object --stdin | cut -c1-8)
  app=ferry-$NAME-$suffix
  vault=$NAME-kv-$suffix
}

# az for this participant's subscription: what is going on is told by these scripts.
azure() {
  if [ -n "$subscription_id" ]; then set -- "$@" --subscription "$subscription_id"; fi
  az "$@" --only-show-errors
}

# Whether the participant's group is there; one that somebody else made is never touched.
has_group() {
  local there owner
  there=$(azure group exists --name "$RESOURCE_GROUP" --output tsv) || die "az cannot ask for $RESOURCE_GROUP; run this again"
  [ "$there" = true ] || return 1
  owner=$(azure group show --name "$RESOURCE_GROUP" --query tags.ferry --output tsv) ||
    die "az cannot read the resource group $RESOURCE_GROUP; run this again"
  [ "$owner" = "$NAME" ] || die "the resource group $RESOURCE_GROUP is not Ferry's (it has no tag ferry=$NAME):" \
    "choose another RESOURCE_GROUP in $file, or set the tag if all in it may be changed and deleted"
}

# Sets deleted_vault: 'deleted' or 'protected' where the vault lies among the deleted ones, else empty.
find_deleted_vault() {
  local kept="properties.purgeProtectionEnabled && 'protected' || 'deleted'"
  deleted_vault=$(azure keyvault list-deleted --resource-type vault --query "[?name=='$vault'].[$kept] | [0][0]" \
    --output tsv) || die "az cannot list deleted vaults (needs Microsoft.KeyVault/deletedVaults/read on the subscription)"
}
