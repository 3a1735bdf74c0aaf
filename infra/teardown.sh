#!/usr/bin/env bash
# Takes participants out of Azure with everything that they hold, data and secrets included. Without --yes it only says
# what would go. Running it again goes on where it broke off.
#
#   infra/teardown.sh [--yes] PARTICIPANT.env...
#
# Needs az (logged in) and git.
set -euo pipefail

infra=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=infra/participant.sh
. "$infra/participant.sh"

usage() { sed -n '5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

tell_what_would_go() {
  if has_group; then
    say "== $NAME: all of resource group $RESOURCE_GROUP would go"
    azure resource list --resource-group "$RESOURCE_GROUP" --query "[].[type, name]" --output tsv
  else
    say "== $NAME: there is no resource group $RESOURCE_GROUP"
  fi
  find_deleted_vault
  [ -z "$deleted_vault" ] || say "the deleted vault $vault would be purged"
}

remove() {
  local looks=1
  if has_group; then
    looks=6
    say "== $NAME: deleting resource group $RESOURCE_GROUP (some minutes)"
    azure group delete --name "$RESOURCE_GROUP" --yes --output none
  fi
  # A deleted vault keeps its secrets, and its name, for days; it is listed a moment after it was deleted.
  for ((; looks > 0; looks--)); do
    find_deleted_vault
    if [ -n "$deleted_vault" ] || [ "$looks" -eq 1 ]; then break; fi
    sleep 5
  done
  case $deleted_vault in
    deleted)
      say "== $NAME: purging the vault $vault"
      azure keyvault purge --name "$vault" --location "$LOCATION" --output none
      ;;
    protected) say "the vault $vault is protected from purging: Azure removes it when its retention is over" ;;
  esac
  say "$NAME is gone"
}

assume_yes='' files=()
for argument in "$@"; do
  case $argument in
    --yes) assume_yes=1 ;;
    -*) usage ;;
    *) files+=("$argument") ;;
  esac
done
[ ${#files[@]} -gt 0 ] || usage

for it in "${files[@]}"; do
  read_participant "$it"
  find_subscription
  derive_names
  if [ -n "$assume_yes" ]; then remove; else tell_what_would_go; fi
done
[ -n "$assume_yes" ] || say "nothing was deleted; --yes deletes it"
