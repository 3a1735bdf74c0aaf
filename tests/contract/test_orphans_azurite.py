"""Orphans on the real service: found with what is in them, and removed by name."""

from collections.abc import Iterator

import pytest
from azure.core.pipeline.transport import RequestsTransport

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import EgressGuard
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.adapters.memory_vault import MemoryVault
from ferry.data_plane.accounts import AccountDirectory, KnownAccount
from ferry.data_plane.orphans import Orphan, OrphanReason, Orphans, RemovalOutcome
from ferry.domain.plane_flow import PlaneFlow
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.emulators.azurite import StorageAccount
from tests.contract.storage_backend import StorageBackend
from tests.contract.test_storage_contract import azure_backend, with_key

pytestmark = pytest.mark.emulators


@pytest.fixture
def backend(source_account: StorageAccount, destination_account: StorageAccount) -> Iterator[StorageBackend]:
    with RequestsTransport() as transport:
        clients = BlobClients(guard=EgressGuard([], allow_loopback=True), transport=transport)
        yield azure_backend(clients, with_key(source_account), with_key(destination_account))
        clients.close()


@pytest.fixture
def orphans(backend: StorageBackend, destination_account: StorageAccount) -> Orphans:
    """Those of a participant that knows of no process."""
    clock = SystemClock()
    vault = MemoryVault(clock)
    vault.store("key", Secret(destination_account.key))
    known = KnownAccount(destination_account.name, destination_account.blob_endpoint, "key")
    return Orphans(
        storage=backend.storage,
        vault=vault,
        accounts=AccountDirectory([known], allow=lambda _: None),
        account_name=destination_account.name,
        participant_id="consumer",
        transfers=MemoryProcessStore(TransferProcess),
        plane_flows=MemoryProcessStore(PlaneFlow),
        clock=clock,
        retention_seconds=3600.0,
        rest_seconds=0.0,
    )


def found(orphans: Orphans) -> dict[str, Orphan]:
    """All of them, on however many pages."""
    told: dict[str, Orphan] = {}
    marker: str | None = None
    while True:
        page = orphans.find(marker)
        told |= {it.container: it for it in page.orphans}
        marker = page.next_marker
        if marker is None:
            return told


def test_orphans_are_found_with_what_is_in_them_and_removed_by_name(
    backend: StorageBackend, orphans: Orphans, unique_name: str
) -> None:
    names = [f"{unique_name}-{number}" for number in range(4)]
    for name, participant_id in zip(names, ("consumer", "consumer", "another"), strict=False):
        backend.storage.create_container(backend.destination, name, "p1", participant_id=participant_id)
    backend.add_container(backend.destination, names[3])
    backend.seed(backend.destination, names[0], ".complete", b"{}")

    told = found(orphans)

    shown = [(told[it].delivered, told[it].reason) if it in told else None for it in names]
    assert shown == [(True, OrphanReason.UNKNOWN_PROCESS), (False, OrphanReason.UNKNOWN_PROCESS), None, None]
    outcome = RemovalOutcome
    for dry_run, of_orphans in ((True, outcome.REMOVABLE), (False, outcome.REMOVED), (False, outcome.GONE)):
        removed = orphans.remove(names, dry_run=dry_run)
        assert [it.outcome for it in removed] == [of_orphans] * 2 + [outcome.NOT_OURS] * 2
    left = backend.storage.list_containers(backend.destination, unique_name).items
    assert [it.name for it in left] == names[2:]
