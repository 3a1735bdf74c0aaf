"""A SAS of seconds at Azurite, renewed while the copy is held up for longer: by its policy, and as another one."""

# The SDK leaves its keyword arguments without types.
# pyright: reportUnknownMemberType=false

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import AccessPolicy, ContainerClient

from ferry.adapters.azure_sides import AzureSides
from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.adapters.blob_writer import AzureBlobWriter
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import EgressGuard
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_vault import MemoryVault
from ferry.control_plane import renewal_decisions
from ferry.domain.contracts import Asset, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.emulators.azurite import StorageAccount
from ferry.ports.blob_sides import BlobSides, DestinationSide, SourceSide
from ferry.ports.storage import Account
from ferry.protocol.sas import parse_sas
from ferry.services.memory import MemoryWorld, memory_outside
from tests.world.participants import Pair, Participant, negotiate, participant, settings_of

pytestmark = pytest.mark.emulators

SAS_SECONDS = 6.0
HELD_SECONDS = 10.0
BLOBS = ("one.txt", "two.txt", "three.txt")


@pytest.fixture(autouse=True)
def asks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider asks again sooner than it may in earnest: nobody waits a minute here."""
    monkeypatch.setattr(renewal_decisions, "LEAST_PAUSE", timedelta(0))


@dataclass(frozen=True, slots=True)
class HeldUp:
    """ports.BlobSides whose destination does not answer before a time."""

    inner: BlobSides
    until: datetime

    def source(self, account: Account, container: str, *, gives_urls: bool) -> SourceSide:
        """The source."""
        return self.inner.source(account, container, gives_urls=gives_urls)

    def source_at(self, address: Secret) -> SourceSide:
        """The source by its address."""
        return self.inner.source_at(address)

    def destination(self, endpoint: str, container: str, sas: Secret) -> DestinationSide:
        """The destination, later."""
        if datetime.now(UTC) < self.until:
            message = "the destination does not answer; it is tried again"
            raise EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message, retryable=True, step=11)
        return self.inner.destination(endpoint, container, sas)

    async def close(self) -> None:
        """Close what is open."""
        await self.inner.close()


@dataclass(frozen=True, slots=True)
class Stage:
    """A pair on real storage and real time; all else is in memory."""

    pair: Pair
    destination: StorageAccount
    container: ContainerClient

    def transfer(self, **order: object) -> str:
        """A transfer that has begun."""
        consumer = self.pair.consumer
        handled = consumer.core.transfers.initiate(self.pair.order(sas_seconds=SAS_SECONDS, **order), inline_seconds=1)
        consumer.emit(handled.looks)
        return handled.process.id

    def run(self, process_id: str) -> None:
        """Until it is over on both sides."""
        until = time.monotonic() + 45
        while time.monotonic() < until:
            for side in self.pair.both:
                side.work_once()
            ours = self.pair.transfer(process_id)
            if ours.is_final and self.theirs(ours).is_final:
                return
            time.sleep(0.02)
        pytest.fail(f"{self.pair.transfer(process_id)} does not come to its end")

    def theirs(self, ours: TransferProcess) -> TransferProcess:
        """The provider's side of it."""
        return self.pair.provider.core.transfers.get(ours.provider_pid)

    def told_sas(self) -> list[str]:
        """Every SAS that the consumer has told, in order."""
        bodies = [it.body for it in self.pair.world.network.exchanges if it.url.endswith("/transfers/request")]
        answers = [
            it.answer.body if it.answer else None
            for it in self.pair.world.network.exchanges
            if it.url.endswith("/address")
        ]
        return [_sas_in(body) for body in (*bodies, *answers)]

    def is_good(self, sas: str, container: str) -> bool:
        """Whether the service still takes it."""
        address = f"{self.destination.blob_endpoint}/{container}?{sas}"
        with ContainerClient.from_container_url(address) as client:
            try:
                client.upload_blob(f"probe-{time.monotonic_ns()}", b"")
            except HttpResponseError:
                return False
            return True


def _sas_in(body: object) -> str:
    found = [
        it["value"]
        for it in json.loads(json.dumps(body))["dataAddress"]["endpointProperties"]
        if it["name"].endswith("/secret")
    ]
    return parse_sas(found[0])[0].reveal()


@pytest.fixture
def stage(source_account: StorageAccount, destination_account: StorageAccount, unique_name: str) -> Iterator[Stage]:
    world, clock, clients = MemoryWorld(), SystemClock(), BlobClients()
    guard = EgressGuard([], allow_loopback=True)
    both = (source_account, destination_account)
    accounts = json.dumps({account.name: {"endpoint": account.blob_endpoint} for account in both})
    until = clock.now() + timedelta(seconds=HELD_SECONDS)

    def side(name: str) -> Participant:
        settings = settings_of(
            name, FERRY_STORAGE_ACCOUNTS=accounts, FERRY_DESTINATION_ACCOUNT=destination_account.name
        )
        vault = MemoryVault(clock)
        for account in both:
            vault.store(account.name, Secret(account.key))
        outside = replace(
            memory_outside(world, name),
            clock=clock,
            vault=vault,
            queue=MemoryTaskQueue(clock),
            storage=AzureBlobStorage(clients),
            blobs=AzureBlobWriter(clients),
            sides=HeldUp(AzureSides(guard, clients, clock, own_guard=guard), until),
        )
        return participant(world, settings, outside)

    pair = Pair(world, side("consumer"), side("provider"))
    source = clients.container(
        Account(source_account.name, source_account.blob_endpoint, Secret(source_account.key)), unique_name
    )
    source.create_container()
    for name in BLOBS:
        source.upload_blob(name, name.encode())
    _offer(pair, SourceAddress(source_account.name, unique_name, None, ""))
    shared = clients.container(
        Account(destination_account.name, destination_account.blob_endpoint, Secret(destination_account.key)),
        f"{unique_name}-shared",
    )
    yield Stage(pair, destination_account, shared)


def _offer(pair: Pair, source: SourceAddress) -> None:
    outside, now = pair.provider.core.outside, datetime.now(UTC)
    outside.assets.create("asset-1", Asset("asset-1", now, source))
    outside.policies.create("policy-1", PolicyDefinition("policy-1", now, {}))
    definition = ContractDefinition("cd-1", now, "policy-1", "policy-1", (Criterion("id", "=", "asset-1"),))
    outside.contract_definitions.create("cd-1", definition)
    pair.agreement_id = negotiate(pair)


@pytest.mark.slow
def test_copy_that_is_held_up_for_longer_than_its_sas_is_finished_by_the_policy_that_was_extended(stage: Stage) -> None:
    process_id = stage.transfer(destination=DestinationAddress(stage.destination.name))
    stage.run(process_id)

    ours = stage.pair.transfer(process_id)
    assert (ours.state, stage.theirs(ours).state) == (TransferState.COMPLETED, TransferState.COMPLETED)
    assert (ours.verification, ours.delivered and ours.delivered["blobs"]) == ("manifest", len(BLOBS))
    told = stage.told_sas()
    assert len(told) >= 3 and len(set(told)) == 1
    assert ours.destination is not None
    assert not stage.is_good(told[0], ours.destination.container)


@pytest.mark.slow
def test_copy_into_a_full_container_is_finished_with_another_sas(stage: Stage) -> None:
    stage.container.create_container()
    theirs = AccessPolicy(permission="r", expiry=datetime.now(UTC) + timedelta(days=1), start=datetime.now(UTC))
    stage.container.set_container_access_policy({f"theirs-{number}": theirs for number in range(5)})
    name = stage.container.container_name
    process_id = stage.transfer(managed=False, destination=DestinationAddress(stage.destination.name, name, "in/"))
    stage.run(process_id)

    ours = stage.pair.transfer(process_id)
    assert (ours.state, stage.theirs(ours).state) == (TransferState.COMPLETED, TransferState.COMPLETED)
    assert ours.verification == "manifest"
    told = stage.told_sas()
    assert len(told) >= 3 and len(set(told)) == len(told)
    assert not stage.is_good(told[0], name)
    assert len(stage.container.get_container_access_policy()["signed_identifiers"]) == 5
