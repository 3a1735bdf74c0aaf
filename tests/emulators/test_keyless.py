"""The keyless path: Azurite over TLS with tokens of managed identities, and SAS made from a user delegation key."""

# The SDKs leave their keyword arguments without types.
# pyright: reportUnknownMemberType=false

import datetime as dt
from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableServiceClient
from azure.identity import ChainedTokenCredential, DefaultAzureCredential
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient, generate_container_sas
from azure.storage.queue import QueueServiceClient

from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.resources import ParticipantResources

pytestmark = pytest.mark.emulators


@pytest.fixture
def consumer(keyless_emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch) -> ParticipantResources:
    """The consumer, as which this process is signed in."""
    resources = keyless_emulators.participants["consumer"]
    for name, value in resources.environment().items():
        monkeypatch.setenv(name, value)
    return resources


@pytest.fixture
def credential(consumer: ParticipantResources) -> Iterator[ChainedTokenCredential]:
    with DefaultAzureCredential() as made:
        yield made


def test_user_delegation_sas_writes_and_does_not_read(
    consumer: ParticipantResources, credential: ChainedTokenCredential, unique_name: str
) -> None:
    now = dt.datetime.now(dt.UTC)
    with BlobServiceClient(consumer.data_storage.blob_endpoint, credential) as blobs:
        container = blobs.create_container(unique_name)
        key = blobs.get_user_delegation_key(now - dt.timedelta(minutes=5), now + dt.timedelta(minutes=60))
        sas = generate_container_sas(
            consumer.data_storage.name,
            unique_name,
            user_delegation_key=key,
            permission="cw",
            expiry=now + dt.timedelta(minutes=60),
            protocol="https",
        )
    with ContainerClient.from_container_url(f"{container.url}?{sas}") as writer:
        writer.upload_blob("b", b"1")
        with pytest.raises(HttpResponseError) as refusal:
            writer.download_blob("b")
    assert refusal.value.status_code == 403


def test_token_is_good_for_queues_and_tables(
    consumer: ParticipantResources, credential: ChainedTokenCredential, unique_name: str
) -> None:
    with QueueServiceClient(consumer.data_storage.queue_endpoint, credential) as queues:
        queue = queues.create_queue(unique_name)
        queue.send_message("look")
        assert [message.content for message in queue.receive_messages()] == ["look"]
    with TableServiceClient(endpoint=consumer.data_storage.table_endpoint, credential=credential) as tables:
        table = tables.create_table(unique_name)
        table.create_entity({"PartitionKey": "p", "RowKey": "r"})
        assert table.get_entity("p", "r")["RowKey"] == "r"


def test_server_side_copies_between_accounts_work_over_tls(
    keyless_emulators: LaunchedEmulators, consumer: ParticipantResources, unique_name: str
) -> None:
    provider = keyless_emulators.participants["provider"]
    with (
        BlobServiceClient.from_connection_string(provider.data_storage.connection_string) as source,
        BlobServiceClient.from_connection_string(consumer.data_storage.connection_string) as destination,
    ):
        blob = source.create_container(unique_name).upload_blob("b", b"content")
        sas = generate_container_sas(
            provider.data_storage.name,
            unique_name,
            account_key=provider.data_storage.key,
            permission="r",
            expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
        )
        container = destination.create_container(unique_name)
        staged = container.get_blob_client("staged")
        staged.stage_block_from_url("AAAA", f"{blob.url}?{sas}")
        staged.commit_block_list([BlobBlock("AAAA")])
        copied = container.get_blob_client("copied")
        copied.start_copy_from_url(f"{blob.url}?{sas}")
        assert staged.download_blob().readall() == copied.download_blob().readall() == b"content"
