"""The lean HTTP path, held to the suite of the two sides against Azurite: by account key, and by identity over TLS."""

from collections.abc import Iterator

import pytest
from azure.core.pipeline.transport import RequestsTransport

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.clock import SystemClock
from ferry.adapters.credentials import new_credential
from ferry.adapters.egress import EgressGuard
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.launch import LaunchedEmulators
from tests.contract.blob_sides_suite import AddressSuite, CopySuite, DestinationSuite, SourceSuite
from tests.contract.sides_backend import SidesBackend
from tests.contract.test_storage_contract import azure_backend, with_key, without_key

pytestmark = pytest.mark.emulators


class TestAzuriteWithKeys(SourceSuite, AddressSuite, DestinationSuite, CopySuite):
    """Account keys over plain HTTP."""

    @pytest.fixture
    def sides(self, source_account: StorageAccount, destination_account: StorageAccount) -> Iterator[SidesBackend]:
        guard = EgressGuard([], allow_loopback=True)
        with RequestsTransport() as transport:
            clients = BlobClients(guard=guard, transport=transport)
            storage = azure_backend(clients, with_key(source_account), with_key(destination_account))
            yield SidesBackend(storage, WireSides(guard, clients, SystemClock()))
            clients.close()


class TestAzuriteWithIdentity(SourceSuite, AddressSuite, DestinationSuite, CopySuite):
    """Managed identities over TLS: every SAS is signed with a user delegation key."""

    @pytest.fixture
    def sides(self, keyless_emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[SidesBackend]:
        participants = keyless_emulators.participants
        consumer = participants["consumer"]
        for name, value in {**consumer.identity_environment, **consumer.trust_environment}.items():
            monkeypatch.setenv(name, value)
        credential = new_credential()
        guard = EgressGuard([], allow_loopback=True)
        with RequestsTransport() as transport:
            clients = BlobClients(guard=guard, transport=transport, credential=lambda: credential)
            source, destination = participants["provider"].data_storage, consumer.data_storage
            storage = azure_backend(clients, without_key(source), without_key(destination))
            yield SidesBackend(storage, WireSides(guard, clients, SystemClock()))
            clients.close()
