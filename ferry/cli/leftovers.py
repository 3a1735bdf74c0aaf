"""Looks for what a transfer should not have left behind: containers, markers, policies and secrets, on both sides."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from ferry.cli.blob_checks import blob_names, container_exists
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack

_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class VaultContents:
    """The names in a vault, those of deleted secrets that are not purged included."""

    participant: str
    names: frozenset[str]


def vault_contents(stack: LocalStack) -> tuple[VaultContents, ...]:
    """What lies in both vaults now."""
    found: list[VaultContents] = []
    for participant in (CONSUMER, PROVIDER):
        told = stack.admin.secret_names(participant)
        found.append(VaultContents(participant, frozenset((*told.live, *told.deleted))))
    return tuple(found)


def secrets_since(stack: LocalStack, before: tuple[VaultContents, ...]) -> Iterator[str]:
    """The secrets that are new, in words."""
    for then, now in zip(before, vault_contents(stack), strict=True):
        for name in sorted(now.names - then.names):
            yield f"secret {name} in the vault of the {now.participant}"


def destination_leftovers(service: BlobServiceClient, container: str, *, marker: str, managed: bool) -> Iterator[str]:
    """What is left of a destination: the container if it was ours, else marker and access policies, in words."""
    if managed:
        if container_exists(service, container):
            yield f"container {container} in account {service.account_name}"
        return
    if marker in blob_names(service, container):
        yield f"completion marker {marker} in container {container}"
    for policy_id in _policy_ids(service, container):
        yield f"access policy {policy_id} of container {container}"


def settled(look: Callable[[], list[str]]) -> list[str]:
    """What is left after a while: the last clean-up may be under way when the process is shown as finished."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _policy_ids(service: BlobServiceClient, container: str) -> list[str]:
    with service.get_container_client(container) as client:
        try:
            policies = client.get_container_access_policy()["signed_identifiers"]
        except ResourceNotFoundError:
            return []
    return [policy.id for policy in policies]
