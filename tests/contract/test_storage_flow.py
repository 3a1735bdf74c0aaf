"""Steps 2-4, 8-13 and 16-18 with the real adapters: prepared, copied, verified, revoked, removed; and the requests.

Key Vault and the queues are not what is tested here; the vault is the twin.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from azure.core.pipeline.transport import RequestsTransport

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.blob_writer import AzureBlobWriter
from ferry.adapters.clock import SystemClock
from ferry.adapters.credentials import new_credential
from ferry.adapters.egress import EgressGuard
from ferry.adapters.memory_manifests import MemoryPageManifests
from ferry.adapters.memory_vault import MemoryVault
from ferry.data_plane.accounts import AccountDirectory, KnownAccount
from ferry.data_plane.copy_ends import CopyOptions, CopyServices
from ferry.data_plane.copy_runner import CopyRunner
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.verification import DeliveryVerifier
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import FlowState, TransferState
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.emulators.azurite import Azurite, StorageAccount
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.relay_faults import RelayFault
from tests.conftest import DESTINATION_ACCOUNT, SOURCE_ACCOUNT
from tests.contract.storage_backend import Seed
from tests.contract.test_storage_contract import seed_with, with_key, without_key
from tests.unit.data_plane.world import Desk, Recorder

pytestmark = pytest.mark.emulators

INTENT = Intent(id="intent-1", kind=IntentKind.COPY)


@dataclass
class Participants:
    """A consumer and a provider on real storage; an account without a key is used by identity."""

    clients: BlobClients
    source: StorageAccount
    destination: StorageAccount
    with_keys: bool
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.consumer_vault, self.provider_vault = MemoryVault(self.clock), MemoryVault(self.clock)
        self.storage = AzureBlobStorage(self.clients)
        self.sides = WireSides(EgressGuard([], allow_loopback=True), self.clients, self.clock)
        consumer = self._directory(self.destination, self.consumer_vault)
        provider = self._directory(self.source, self.provider_vault)
        self.provisioner = ObjectStorageProvisioner(
            self.storage, self.consumer_vault, accounts=consumer, clock=self.clock
        )
        self.verifier = DeliveryVerifier(self.storage, self.consumer_vault, accounts=consumer)
        self.services = CopyServices(
            engine=CopyEngine(EngineOptions(first_pause_seconds=0.01), at_close=self.sides.close),
            sides=self.sides,
            writer=AzureBlobWriter(self.clients),
            vault=self.provider_vault,
            accounts=provider,
            manifests=MemoryPageManifests(),
            desk=Desk(),
            clock=self.clock,
            # A local policy is in force at once.
            options=CopyOptions(sas_grace_seconds=0),
        )
        self.runner = CopyRunner(self.services)

    @property
    def seed(self) -> Seed:
        return seed_with(self.clients)

    def process(self, name: str, *, managed: bool = True) -> TransferProcess:
        now = self.clock.now()
        return TransferProcess(
            id=f"consumer-{name}",
            created_at=now,
            state_at=now,
            role=Role.CONSUMER,
            state=TransferState.PREPARATION_REQUESTED,
            counter_party_id="provider",
            counter_party_address="https://provider.example/api/dsp",
            agreement_id="agreement-1",
            asset_id="asset-1",
            transfer_type="AzureStorage-PUSH",
            correlation_id=f"provider-{name}",
            destination=Destination(
                account=self.destination.name,
                container=name,
                marker=".complete" if managed else f".consumer-{name}.complete",
                secret_name="sas",
                managed=managed,
                policy_id=f"policy-{name}",
                sas_expires_at=now + timedelta(minutes=30),
            ),
        )

    def copy(self, process: TransferProcess, source: SourceAddress) -> JsonObject:
        sas = self.consumer_vault.get("sas")
        assert sas is not None and process.destination is not None
        self.provider_vault.store("sas", sas)
        flow = DataFlow(
            id=f"provider-{process.id.removeprefix('consumer-')}",
            created_at=self.clock.now(),
            state_at=self.clock.now(),
            state=FlowState.STARTED,
            agreement_id=process.agreement_id,
            participant_id="consumer",
            consumer_pid=process.id,
            source=source,
            destination=replace(process.destination, endpoint=self.destination.blob_endpoint),
        )
        return self._until_finished(flow)

    def _until_finished(self, flow: DataFlow) -> JsonObject:
        """Run it again from its last checkpoint after a fault that may pass, as the engine does."""
        watch = Recorder()
        for _ in range(5):
            try:
                resumed = replace(flow, checkpoint=watch.seen[-1]) if watch.seen else flow
                return self.runner.run(resumed, INTENT, watch=watch)
            except EffectFailed as failed:
                if not failed.fault.retryable:
                    raise
        pytest.fail("the copy does not get on")

    def _directory(self, account: StorageAccount, vault: MemoryVault) -> AccountDirectory:
        alias = f"{account.name}-key1" if self.with_keys else None
        key = with_key(account).key
        if alias is not None and key is not None:
            vault.store(alias, key)
        guard = EgressGuard([], allow_loopback=True)
        known = KnownAccount(account.name, account.blob_endpoint, alias)
        return AccountDirectory([known], allow=lambda url: guard.admit(url) and None)


@pytest.fixture
def keyed(source_account: StorageAccount, destination_account: StorageAccount) -> Iterator[Participants]:
    with RequestsTransport() as transport:
        clients = BlobClients(guard=EgressGuard([], allow_loopback=True), transport=transport)
        made = Participants(clients, source_account, destination_account, with_keys=True)
        yield made
        made.services.engine.close()
        clients.close()


@pytest.fixture
def keyless(keyless_emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[Participants]:
    participants = keyless_emulators.participants
    consumer = participants["consumer"]
    for name, value in {**consumer.identity_environment, **consumer.trust_environment}.items():
        monkeypatch.setenv(name, value)
    credential = new_credential()
    with RequestsTransport() as transport:
        clients = BlobClients(
            guard=EgressGuard([], allow_loopback=True), transport=transport, credential=lambda: credential
        )
        made = Participants(clients, participants["provider"].data_storage, consumer.data_storage, with_keys=False)
        yield made
        made.services.engine.close()
        clients.close()


@pytest.fixture
def participants(request: pytest.FixtureRequest) -> Participants:
    found: Participants = request.getfixturevalue(request.param)
    return found


BOTH_MODES = pytest.mark.parametrize("participants", ["keyed", "keyless"], indirect=True)


def transfer(participants: Participants, process: TransferProcess, source: SourceAddress) -> JsonObject:
    participants.provisioner.prepare(process, INTENT)
    result = participants.copy(process, source)
    assert result["finished"] is True
    assert participants.verifier.verify(process, INTENT)["outcome"] == "verified"
    return result


@BOTH_MODES
def test_whole_transfer_leaves_nothing_behind(participants: Participants, unique_name: str) -> None:
    account = (with_key if participants.with_keys else without_key)(participants.source)
    participants.storage.create_container(account, unique_name, "provider")
    files = {"data/a.txt": b"1", "data/empty": b"", "data/ünï cödé/#?%.bin": b"x" * 9_000_000}
    for name, content in files.items():
        participants.seed(account, unique_name, name, content)
    process = participants.process(f"{unique_name}d")

    result = transfer(participants, process, SourceAddress(participants.source.name, unique_name, blob_prefix="data/"))

    summary = result["summary"]
    assert isinstance(summary, dict)
    assert (summary["blobs"], summary["bytes"]) == (3, 9_000_001)
    assert summary["methods"] == {"copy_from_url": 3}
    participants.provisioner.revoke(process, INTENT)
    assert participants.provisioner.remove(process, INTENT) == {"removed": True}
    assert participants.provisioner.remove(process, INTENT) == {"removed": False}


def test_single_blob_costs_few_requests(keyed: Participants, azurite: Azurite, unique_name: str) -> None:
    account = with_key(keyed.source)
    keyed.storage.create_container(account, unique_name, "provider")
    keyed.seed(account, unique_name, "report.csv", b"x" * 1024)
    source = SourceAddress(keyed.source.name, unique_name, blob_name="report.csv")
    # The first copy between two accounts finds out what their service can do.
    transfer(keyed, keyed.process(f"{unique_name}1"), source)
    process = keyed.process(f"{unique_name}2")

    def spent() -> Counter[str]:
        azurite.flush_requests()
        asked = [request for request in azurite.requests.since(marks[-1]) if not request.is_copy_source_read]
        marks.append(azurite.requests.last_sequence)
        return Counter(request.operation for request in asked)

    azurite.flush_requests()
    marks = [azurite.requests.last_sequence]
    keyed.provisioner.prepare(process, INTENT)
    assert spent() == {"Create Container": 1, "Set Container ACL": 1}
    keyed.copy(process, source)
    assert spent() == {"Get Blob Properties": 1, "Copy Blob From URL": 1, "Put Blob": 1}
    assert keyed.verifier.verify(process, INTENT)["outcome"] == "verified"
    assert spent() == {"Get Blob": 1, "List Blobs": 1}
    keyed.provisioner.revoke(process, INTENT)
    assert spent() == {"Set Container ACL": 1}
    keyed.provisioner.remove(process, INTENT)
    assert spent() == {"Get Container Properties": 1, "Delete Container": 1}


def test_captured_sas_is_dead_after_revocation(keyed: Participants, unique_name: str) -> None:
    account = with_key(keyed.source)
    keyed.storage.create_container(account, unique_name, "provider")
    keyed.seed(account, unique_name, "a", b"1")
    source = SourceAddress(keyed.source.name, unique_name, blob_name="a")
    process = keyed.process(f"{unique_name}d")
    keyed.provisioner.prepare(process, INTENT)
    captured = keyed.consumer_vault.get("sas")
    assert captured is not None
    keyed.provisioner.revoke(process, INTENT)
    keyed.consumer_vault.store("sas", captured)
    with pytest.raises(EffectFailed) as caught:
        keyed.copy(process, source)
    fault = caught.value.fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.SAS_REFUSED, 11, False)


def test_two_transfers_at_once_and_one_after_share_a_container(keyed: Participants, unique_name: str) -> None:
    account = with_key(keyed.source)
    keyed.storage.create_container(account, unique_name, "provider")
    shared = f"{unique_name}d"
    keyed.storage.create_container(with_key(keyed.destination), shared, "somebody-else")
    keyed.seed(with_key(keyed.destination), shared, "bystander", b"theirs")
    processes: list[TransferProcess] = []
    for number in range(3):
        keyed.seed(account, unique_name, f"{number}.csv", b"x" * number)
        process = keyed.process(f"{shared}-{number}", managed=False)
        assert process.destination is not None
        secret = f"sas-{number}"
        destination = replace(process.destination, container=shared, secret_name=secret)
        processes.append(replace(process, destination=destination))
    for process in processes:
        keyed.provisioner.prepare(process, INTENT)
    for number, process in enumerate(processes):
        sas = keyed.consumer_vault.get(f"sas-{number}")
        assert sas is not None and process.destination is not None
        keyed.consumer_vault.store("sas", sas)
        keyed.provider_vault.store(f"sas-{number}", sas)
        source = SourceAddress(keyed.source.name, unique_name, blob_name=f"{number}.csv")
        assert keyed.copy(process, source)["finished"] is True
        assert keyed.verifier.verify(process, INTENT)["outcome"] == "verified"
        keyed.provisioner.revoke(process, INTENT)
    for process in processes:
        assert keyed.provisioner.remove(process, INTENT) == {"removed": False}
    left = keyed.storage.list_blobs(with_key(keyed.destination), shared, "").items
    assert [item.name for item in left] == ["0.csv", "1.csv", "2.csv", "bystander"]


def test_account_whose_service_cannot_reach_the_source_is_streamed_to(
    keyed: Participants, keyless: Participants, unique_name: str
) -> None:
    account = with_key(keyed.source)
    keyed.storage.create_container(account, unique_name, "provider")
    content = bytes(range(256)) * 80_000
    keyed.seed(account, unique_name, "big.bin", content)
    apart = Participants(keyless.clients, keyed.source, keyless.destination, with_keys=False)
    apart.provider_vault.store("source-key", with_key(keyed.source).key or pytest.fail("no key"))
    process = apart.process(f"{unique_name}d")

    result = transfer(
        apart, process, SourceAddress(keyed.source.name, unique_name, blob_name="big.bin", key_name="source-key")
    )
    apart.services.engine.close()

    summary = result["summary"]
    assert isinstance(summary, dict) and summary["methods"] == {"stream": 1}


# The SDK leaves replies that were cut off to the garbage collector, with their connections.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    "faults",
    [
        (RelayFault("status", every=5),),
        (RelayFault("lost_reply", every=4),),
        (RelayFault("reset", every=4), RelayFault("lost_reply", every=5, method="PUT")),
    ],
)
def test_transfer_survives_a_storage_that_fails_now_and_then(
    azurite: Azurite, faults: tuple[RelayFault, ...], unique_name: str
) -> None:
    with FaultRelay(azurite) as relay, RequestsTransport() as transport:
        clients = BlobClients(guard=EgressGuard([], allow_loopback=True), transport=transport)
        participants = Participants(
            clients, relay.account(SOURCE_ACCOUNT), relay.account(DESTINATION_ACCOUNT), with_keys=True
        )
        account = with_key(participants.source)
        participants.storage.create_container(account, unique_name, "provider")
        for number in range(30):
            participants.seed(account, unique_name, f"{number:02d}", b"x" * number)
        relay.faults.plan(*faults)
        process = participants.process(f"{unique_name}d")

        result = transfer(participants, process, SourceAddress(SOURCE_ACCOUNT, unique_name, blob_prefix=""))
        summary = result["summary"]
        assert isinstance(summary, dict) and summary["blobs"] == 30
        participants.provisioner.revoke(process, INTENT)
        participants.provisioner.remove(process, INTENT)

        participants.services.engine.close()
        relay.faults.clear()
        assert not participants.storage.container_exists(with_key(participants.destination), f"{unique_name}d")
        clients.close()
    del participants, clients
    gc.collect()
