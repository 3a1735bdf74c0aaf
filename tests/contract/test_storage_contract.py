"""The storage adapters, held to the contract suites: in memory, Azurite with account keys, Azurite with identities."""

# The SDK leaves its keyword arguments without types.
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import ContentSettings

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.adapters.blob_writer import AzureBlobWriter
from ferry.adapters.clock import VirtualClock
from ferry.adapters.credentials import new_credential
from ferry.adapters.egress import EgressGuard
from ferry.adapters.memory_cloud import MemoryCloud
from ferry.adapters.memory_storage import MemoryBlobWriter, MemoryStorage
from ferry.domain.secret import Secret
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.launch import LaunchedEmulators
from ferry.ports.storage import Account, BlobHeaders
from tests.contract.blob_writer_suite import BlobWriterSuite
from tests.contract.container_list_suite import ContainerListSuite
from tests.contract.storage_backend import PAGE_SIZE, Seed, StorageBackend
from tests.contract.storage_suite import AccessSuite, BlobSuite, ContainerSuite, PolicySuite


class TestMemory(ContainerSuite, ContainerListSuite, BlobSuite, AccessSuite, PolicySuite, BlobWriterSuite):
    """The twin."""

    @pytest.fixture
    def backend(self) -> StorageBackend:
        clock = VirtualClock()
        cloud = MemoryCloud(clock, page_size=PAGE_SIZE)
        return StorageBackend(
            storage=MemoryStorage(cloud),
            writer=MemoryBlobWriter(cloud),
            source=cloud.add_account("ferrysource"),
            destination=cloud.add_account("ferrydestination"),
            seed=cloud.add_blob,
            add_container=cloud.add_container,
            now=clock.now,
            accounts_have_keys=True,
        )


@pytest.mark.emulators
class TestAzuriteWithKeys(ContainerSuite, ContainerListSuite, BlobSuite, AccessSuite, PolicySuite, BlobWriterSuite):
    """Account keys over plain HTTP, as a local participant has it."""

    @pytest.fixture
    def backend(self, source_account: StorageAccount, destination_account: StorageAccount) -> Iterator[StorageBackend]:
        with RequestsTransport() as transport:
            clients = BlobClients(guard=EgressGuard([], allow_loopback=True), transport=transport)
            yield azure_backend(clients, with_key(source_account), with_key(destination_account))
            clients.close()


@pytest.mark.emulators
class TestAzuriteWithIdentity(ContainerSuite, ContainerListSuite, BlobSuite, AccessSuite, BlobWriterSuite):
    """Managed identities over TLS: no key anywhere, user delegation SAS."""

    @pytest.fixture
    def backend(
        self, keyless_emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[StorageBackend]:
        participants = keyless_emulators.participants
        consumer = participants["consumer"]
        for name, value in {**consumer.identity_environment, **consumer.trust_environment}.items():
            monkeypatch.setenv(name, value)
        credential = new_credential()
        with RequestsTransport() as transport:
            clients = BlobClients(
                guard=EgressGuard([], allow_loopback=True), transport=transport, credential=lambda: credential
            )
            yield azure_backend(
                clients,
                without_key(participants["provider"].data_storage),
                without_key(consumer.data_storage),
            )
            clients.close()


def with_key(account: StorageAccount) -> Account:
    return Account(account.name, account.blob_endpoint, Secret(account.key))


def without_key(account: StorageAccount) -> Account:
    return Account(account.name, account.blob_endpoint)


def azure_backend(clients: BlobClients, source: Account, destination: Account) -> StorageBackend:
    return StorageBackend(
        storage=AzureBlobStorage(clients, page_size=PAGE_SIZE),
        writer=AzureBlobWriter(clients),
        source=source,
        destination=destination,
        seed=seed_with(clients),
        add_container=lambda account, name: clients.container(account, name).create_container(),
        now=lambda: datetime.now(UTC),
        accounts_have_keys=destination.key is not None,
    )


def seed_with(clients: BlobClients) -> Seed:
    def seed(account: Account, container: str, name: str, content: bytes, headers: BlobHeaders | None = None) -> None:
        shown = headers or BlobHeaders()
        settings = ContentSettings(
            shown.content_type,
            shown.content_encoding,
            shown.content_language,
            shown.content_disposition,
            shown.cache_control,
        )
        clients.container(account, container).upload_blob(
            name, content, overwrite=True, content_settings=settings, metadata=dict(shown.metadata)
        )

    return seed
