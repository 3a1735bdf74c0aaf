"""The relay before Azurite: what the SDKs see of its faults, and what Azurite sees."""

# The SDKs leave their keyword arguments without types.
# pyright: reportUnknownMemberType=false

import datetime as dt
import time
from collections.abc import Iterator

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient, generate_container_sas
from azure.storage.queue import QueueServiceClient

from ferry.emulators.azurite import Azurite, StorageAccount
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.relay_faults import RelayFault

pytestmark = pytest.mark.emulators


@pytest.fixture
def relay(azurite: Azurite) -> Iterator[FaultRelay]:
    with FaultRelay(azurite) as running:
        yield running


@pytest.fixture
def container(relay: FaultRelay, source_account: StorageAccount, unique_name: str) -> Iterator[ContainerClient]:
    connection_string = relay.account(source_account.name).connection_string
    with BlobServiceClient.from_connection_string(connection_string, retry_total=0) as blobs:
        yield blobs.create_container(unique_name)


def _exists(account: StorageAccount, container: ContainerClient, name: str) -> bool:
    with BlobServiceClient.from_connection_string(account.connection_string) as direct:
        return direct.get_blob_client(container.container_name, name).exists()


def test_all_three_services_work_through_the_relay(
    relay: FaultRelay, source_account: StorageAccount, container: ContainerClient, unique_name: str
) -> None:
    connection_string = relay.account(source_account.name).connection_string
    content = bytes(range(256)) * 40_000
    container.upload_blob("big", content)
    assert container.download_blob("big").readall() == content
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        queue = queues.create_queue(unique_name)
        queue.send_message("look")
        assert [message.content for message in queue.receive_messages()] == ["look"]
    with TableServiceClient.from_connection_string(connection_string) as tables:
        table = tables.create_table(unique_name)
        table.submit_transaction([("upsert", {"PartitionKey": "p", "RowKey": str(row)}) for row in range(100)])
        assert len(list(table.list_entities())) == 100


def test_copy_source_behind_the_same_relay_is_accepted(
    relay: FaultRelay, destination_account: StorageAccount, container: ContainerClient, unique_name: str
) -> None:
    blob = container.upload_blob("b", b"content")
    account = container.credential
    sas = generate_container_sas(
        container.account_name,
        container.container_name,
        account_key=account.account_key,
        permission="r",
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
    connection_string = relay.account(destination_account.name).connection_string
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        copy = blobs.create_container(unique_name).get_blob_client("copy")
        copy.stage_block_from_url("AAAA", f"{blob.url}?{sas}")
        copy.commit_block_list([BlobBlock("AAAA")])
        assert copy.download_blob().readall() == b"content"


def test_every_second_write_is_answered_503_and_not_carried_out(
    relay: FaultRelay, source_account: StorageAccount, container: ContainerClient
) -> None:
    relay.faults.plan(RelayFault("status", every=2, method="PUT"))
    container.upload_blob("first", b"1")
    with pytest.raises(HttpResponseError) as refusal:
        container.upload_blob("second", b"2")
    container.upload_blob("third", b"3")
    assert refusal.value.status_code == 503
    assert "ErrorCode:ServerBusy" in str(refusal.value)
    assert [_exists(source_account, container, name) for name in ("first", "second", "third")] == [True, False, True]


def test_503_is_survived_by_the_sdks_retries(
    relay: FaultRelay, source_account: StorageAccount, container: ContainerClient
) -> None:
    relay.faults.plan(RelayFault("status", limit=1))
    connection_string = relay.account(source_account.name).connection_string
    with BlobServiceClient.from_connection_string(
        connection_string, initial_backoff=0, increment_base=0, random_jitter_range=0
    ) as blobs:
        blobs.get_blob_client(container.container_name, "b").upload_blob(b"1")
    assert _exists(source_account, container, "b")


def test_reset_connection_the_write_does_not_happen(
    relay: FaultRelay, source_account: StorageAccount, container: ContainerClient
) -> None:
    relay.faults.plan(RelayFault("reset", limit=1))
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        container.upload_blob("b", b"1")
    assert not _exists(source_account, container, "b")


def test_lost_reply_the_write_has_happened(
    relay: FaultRelay, source_account: StorageAccount, container: ContainerClient
) -> None:
    container.upload_blob("before", b"1")
    relay.faults.plan(RelayFault("lost_reply", limit=1, path_contains="lost"))
    with pytest.raises(ServiceResponseError):
        container.upload_blob("lost", b"1")
    assert _exists(source_account, container, "lost")
    container.upload_blob("after", b"1")


def test_delay_is_waited_for(relay: FaultRelay, container: ContainerClient) -> None:
    relay.faults.delay_seconds = 0.3
    started_at = time.monotonic()
    container.upload_blob("b", b"1")
    assert time.monotonic() - started_at >= 0.3


def test_refused_connections_come_back_on_the_same_port(relay: FaultRelay, container: ContainerClient) -> None:
    relay.refuse()
    with pytest.raises(AzureError):
        container.upload_blob("b", b"1")
    relay.accept()
    container.upload_blob("b", b"1")


def test_relay_of_a_running_stack_is_steered_from_outside(emulators: LaunchedEmulators, unique_name: str) -> None:
    account = emulators.participants["provider"].data_storage
    with BlobServiceClient.from_connection_string(account.connection_string, retry_total=0) as blobs:
        emulators.admin.plan_relay_faults(RelayFault("status", status=500, limit=1))
        with pytest.raises(HttpResponseError) as refusal:
            blobs.create_container(unique_name)
        assert refusal.value.status_code == 500
        emulators.admin.configure_relay(accepting=False)
        with pytest.raises(AzureError):
            blobs.create_container(unique_name)
        emulators.admin.clear_relay_faults()
        blobs.create_container(unique_name)
