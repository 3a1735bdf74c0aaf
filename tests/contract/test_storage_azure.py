"""What only the real adapters can show: lost replies, leases, what a SAS refuses, what Azurite cannot do."""

# The SDK leaves its keyword arguments without types.
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.adapters.blob_writer import AzureBlobWriter
from ferry.adapters.egress import EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.emulators.azurite import StorageAccount
from ferry.ports.copying import PutOutcome
from ferry.ports.storage import Account, ContainerState
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.contract.storage_backend import StorageBackend
from tests.contract.transports import WatchedTransport

pytestmark = pytest.mark.emulators


@pytest.fixture
def transport() -> Iterator[WatchedTransport]:
    with WatchedTransport() as transport:
        yield transport


@pytest.fixture
def clients(transport: WatchedTransport) -> BlobClients:
    return BlobClients(transport=transport)


@pytest.fixture
def backend(
    clients: BlobClients, source_account: StorageAccount, destination_account: StorageAccount
) -> StorageBackend:
    def seed(account: Account, container: str, name: str, content: bytes, headers: object = None) -> None:
        clients.container(account, container).upload_blob(name, content, overwrite=True)

    return StorageBackend(
        storage=AzureBlobStorage(clients),
        writer=AzureBlobWriter(clients),
        source=Account(source_account.name, source_account.blob_endpoint, Secret(source_account.key)),
        destination=Account(
            destination_account.name, destination_account.blob_endpoint, Secret(destination_account.key)
        ),
        seed=seed,
        add_container=lambda account, name: clients.container(account, name).create_container(),
        now=lambda: datetime.now(UTC),
        accounts_have_keys=True,
    )


@pytest.fixture
def container(backend: StorageBackend, transport: WatchedTransport, unique_name: str) -> str:
    backend.storage.create_container(backend.source, unique_name, "process-1")
    backend.storage.create_container(backend.destination, unique_name, "process-1")
    transport.take()
    return unique_name


def test_lost_reply_to_a_creation_is_recognised(
    backend: StorageBackend, transport: WatchedTransport, unique_name: str
) -> None:
    transport.replies_to_lose = 1
    assert backend.storage.create_container(backend.destination, unique_name, "process-1") is ContainerState.OURS


def test_lost_reply_to_the_marker_is_recognised(
    backend: StorageBackend, transport: WatchedTransport, container: str
) -> None:
    target = backend.target(container, ".complete")
    transport.replies_to_lose = 1
    assert backend.writer.put_bytes(target, b"{}", "application/json") is PutOutcome.WRITTEN
    assert transport.take() == ["PUT .complete", "PUT .complete"]


def test_refused_connection_is_tried_again_and_what_was_there_stays(
    backend: StorageBackend, transport: WatchedTransport, container: str
) -> None:
    backend.seed(backend.destination, container, "a", b"old")
    target = backend.target(container, "a")
    transport.requests_to_refuse = 2
    assert backend.writer.put_bytes(target, b"new", "text/plain") is PutOutcome.EXISTS
    assert backend.delivered(container) == {"a": b"old"}


def test_managed_container_is_ready_in_two_requests(
    backend: StorageBackend, transport: WatchedTransport, unique_name: str
) -> None:
    backend.storage.create_container(backend.destination, unique_name, "process-1")
    scope = backend.scope(unique_name, policy_id="policy-1")
    backend.storage.add_access_policy(backend.destination, scope, exclusive=True)
    backend.storage.issue_sas(backend.destination, scope)
    assert len(transport.take()) == 2


def test_page_of_containers_is_one_request(
    backend: StorageBackend, transport: WatchedTransport, unique_name: str
) -> None:
    for number in range(3):
        backend.storage.create_container(backend.destination, f"{unique_name}-{number}", f"process-{number}")
    transport.take()
    page = backend.storage.list_containers(backend.destination, unique_name, limit=2)
    assert [it.owner_id for it in page.items] == ["process-0", "process-1"]
    assert len(transport.take()) == 1


def test_container_that_is_leased_for_good_takes_no_policy_and_can_lose_one(
    backend: StorageBackend, clients: BlobClients, container: str
) -> None:
    ours = backend.scope(container, policy_id="ours")
    backend.storage.add_access_policy(backend.destination, ours)
    clients.container(backend.destination, container).acquire_lease(-1)
    another = backend.scope(container, policy_id="another")
    assert backend.storage.add_access_policy(backend.destination, another) is False
    backend.storage.remove_access_policy(backend.destination, container, "ours")
    with pytest.raises(EffectFailed) as caught:
        backend.writer.put_bytes(backend.target(container, "a", ours), b"", "text/plain")
    assert caught.value.fault.code == FaultCode.SAS_REFUSED


def test_policy_waits_for_a_short_lease(backend: StorageBackend, clients: BlobClients, container: str) -> None:
    lease = clients.container(backend.destination, container).acquire_lease(15)
    with pytest.raises(StorageFailed) as caught:
        impatient = AzureBlobStorage(clients, _ClockInAHurry())
        impatient.add_access_policy(backend.destination, backend.scope(container, policy_id="policy-1"))
    assert (caught.value.problem, caught.value.fault.retryable) == (StorageProblem.UNAVAILABLE, True)
    lease.release()
    assert backend.storage.add_access_policy(backend.destination, backend.scope(container, policy_id="policy-1"))


def test_policies_keep_public_access_and_those_of_others(
    backend: StorageBackend, clients: BlobClients, container: str
) -> None:
    client = clients.container(backend.destination, container)
    client.set_container_access_policy({}, public_access="blob")
    backend.storage.add_access_policy(backend.destination, backend.scope(container, policy_id="policy-1"))
    backend.storage.remove_access_policy(backend.destination, container, "policy-1")
    assert client.get_container_access_policy()["public_access"] == "blob"


def test_leased_container_is_not_deleted_and_the_lease_is_told(
    backend: StorageBackend, clients: BlobClients, container: str
) -> None:
    clients.container(backend.destination, container).acquire_lease(-1)
    with pytest.raises(StorageFailed, match="break the lease") as caught:
        backend.storage.delete_container(backend.destination, container, "process-1")
    assert caught.value.fault.retryable


def test_write_sas_reads_lists_and_deletes_nothing(backend: StorageBackend, container: str) -> None:
    target = backend.target(container, "a", backend.scope(container))
    backend.writer.put_bytes(target, b"1", "text/plain")
    with ContainerClient(target.endpoint, container, credential=target.sas.reveal(), retry_total=0) as client:
        for forbidden in (
            lambda: client.download_blob("a").readall(),
            lambda: list(client.list_blobs()),
            lambda: client.delete_blob("a"),
        ):
            with pytest.raises(HttpResponseError) as caught:
                forbidden()
            assert caught.value.status_code == 403


def test_sas_for_https_is_refused_over_http(backend: StorageBackend, container: str) -> None:
    as_on_azure = replace(backend.destination, endpoint=f"https://{backend.destination.name}.blob.core.windows.net")
    sas = backend.storage.issue_sas(as_on_azure, backend.scope(container))
    assert "spr=https" in sas.reveal()
    with pytest.raises(EffectFailed) as caught:
        backend.writer.put_bytes(replace(backend.target(container, "a"), sas=sas), b"", "text/plain")
    assert caught.value.fault.code == FaultCode.SAS_REFUSED


def test_destination_that_the_guard_forbids_is_never_called(backend: StorageBackend, container: str) -> None:
    clients = BlobClients(guard=EgressGuard([]))
    with pytest.raises(EffectFailed) as caught:
        AzureBlobWriter(clients).put_bytes(backend.target(container, "a"), b"", "text/plain")
    clients.close()
    assert caught.value.fault.code == FaultCode.ADDRESS_FORBIDDEN
    assert backend.delivered(container) == {}


@pytest.mark.parametrize("key", ["not base64!", "d3Jvbmc="])
def test_key_that_is_none_is_refused(backend: StorageBackend, unique_name: str, key: str) -> None:
    wrong = replace(backend.destination, key=Secret(key))
    with pytest.raises(StorageFailed) as caught:
        backend.storage.create_container(wrong, unique_name, "process-1")
    assert (caught.value.problem, caught.value.with_key) == (StorageProblem.REFUSED, True)


def test_sas_with_a_key_that_is_none_is_refused(backend: StorageBackend, container: str) -> None:
    with pytest.raises(StorageFailed, match="no account key"):
        backend.storage.issue_sas(replace(backend.destination, key=Secret("not base64!")), backend.scope(container))


def test_identity_is_not_shown_over_plain_http(backend: StorageBackend, unique_name: str) -> None:
    with pytest.raises(StorageFailed, match="plain HTTP") as caught:
        backend.storage.create_container(replace(backend.destination, key=None), unique_name, "process-1")
    assert caught.value.problem is StorageProblem.REFUSED


class _ClockInAHurry:
    """Real time, for which nobody waits."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        assert seconds < 1
