"""Two participants over one in-memory cloud: the consumer's destination, the provider's source, their vaults."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_cloud import MemoryCloud, MemoryContainer
from ferry.adapters.memory_manifests import MemoryPageManifests
from ferry.adapters.memory_sides import MemorySides
from ferry.adapters.memory_storage import MemoryBlobWriter, MemoryStorage
from ferry.adapters.memory_vault import MemoryVault
from ferry.data_plane.accounts import AccountDirectory, KnownAccount
from ferry.data_plane.copy_ends import CopyOptions, CopyServices
from ferry.data_plane.copy_runner import CopyRunner
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.sas_token import read_sas_token
from ferry.data_plane.verification import DeliveryVerifier
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import FlowState, TransferState
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.ports.copying import BlobTarget
from ferry.ports.storage import Account

CONTAINER = "transfer-0001"
SOURCE_CONTAINER = "assets"
CONSUMER_PID = "consumer-pid"
PROVIDER_PID = "provider-pid"
AGREEMENT = "agreement-1"


def intent(kind: IntentKind, detail: JsonObject | None = None) -> Intent:
    """An intent to perform."""
    return Intent(id="intent-1", kind=kind, detail=detail or {})


def step_numbers(result: JsonObject) -> list[int]:
    """The numbers of the steps that a result tells of."""
    return [number for number, _ in cast("list[tuple[int, str]]", result["steps"])]


@dataclass
class Recorder:
    """What a copy has kept (ports.CopyWatch); `answers` are given in turn to whatever it asks, then True."""

    answers: list[bool] = field(default_factory=list[bool])
    seen: list[JsonObject] = field(default_factory=list[JsonObject])
    on_report: Callable[[], None] | None = None
    asked: int = 0

    def save(self, checkpoint: JsonObject) -> bool:
        """Kept."""
        self.seen.append(checkpoint)
        if self.on_report is not None:
            self.on_report()
        return self.answers.pop(0) if self.answers else True

    def holds(self) -> bool:
        """Asked."""
        self.asked += 1
        return self.answers.pop(0) if self.answers else True


class Desk:
    """The pages that a copy has begun (ports.PageDesk)."""

    def __init__(self) -> None:
        self.pages: dict[int, CopyPage] = {}
        self.begun: list[int] = []
        self.looked_after: list[tuple[tuple[int, ...], bool]] = []

    def begin(self, pages: Sequence[CopyPage]) -> None:
        """Noted; what is there stays."""
        for page in pages:
            self.begun.append(page.number)
            self.pages.setdefault(page.number, page)

    def look_after(self, flow_id: str, numbers: Sequence[int], *, unbegun: bool) -> None:
        """Noted."""
        del flow_id
        self.looked_after.append((tuple(numbers), unbegun))

    def load(self, flow_id: str, number: int) -> CopyPage | None:
        """As it was begun, or as a test has left it."""
        del flow_id
        return self.pages.get(number)


class World:
    """Everything that a transfer needs. Both accounts are known by key; `keyless` takes the keys away."""

    def __init__(
        self, *, page_size: int = 5000, keyless: bool = False, destination_endpoint: str | None = None
    ) -> None:
        self.clock = VirtualClock()
        self.cloud = MemoryCloud(self.clock, page_size=page_size)
        self.consumer_account = self.cloud.add_account("consumerdata", endpoint=destination_endpoint)
        self.provider_account = self.cloud.add_account("providerdata")
        self.cloud.add_container(self.provider_account, SOURCE_CONTAINER)
        self.storage = MemoryStorage(self.cloud)
        self.writer = MemoryBlobWriter(self.cloud)
        self.sides = MemorySides(self.cloud)
        self.manifests = MemoryPageManifests()
        self.desk = Desk()
        self.consumer_vault = MemoryVault(self.clock)
        self.provider_vault = MemoryVault(self.clock)
        self.consumer_accounts = self._directory(self.consumer_account, self.consumer_vault, keyless=keyless)
        self.provider_accounts = self._directory(self.provider_account, self.provider_vault, keyless=keyless)
        self.provisioner = ObjectStorageProvisioner(
            self.storage, self.consumer_vault, accounts=self.consumer_accounts, clock=self.clock
        )

    def verifier(self, *, slice_seconds: float = 20.0) -> DeliveryVerifier:
        return DeliveryVerifier(
            self.storage, self.consumer_vault, accounts=self.consumer_accounts, slice_seconds=slice_seconds
        )

    def services(self, *, window: int = 16, **options: Any) -> CopyServices:
        """What copies of this world share; `window`: requests under way at once."""
        return CopyServices(
            engine=CopyEngine(EngineOptions(window_cap=window, tries=2, first_pause_seconds=0.001)),
            sides=self.sides,
            writer=self.writer,
            vault=self.provider_vault,
            accounts=self.provider_accounts,
            manifests=self.manifests,
            desk=self.desk,
            clock=self.clock,
            options=replace(CopyOptions(sas_grace_seconds=0.0), **options),
        )

    def runner(self, *, window: int = 16, **options: Any) -> CopyRunner:
        return CopyRunner(self.services(window=window, **options))

    def process(self, *, managed: bool = True, folder: str = "", blob_name: str | None = None) -> TransferProcess:
        """A consumer's process as it is when its destination is to be prepared."""
        return TransferProcess(
            id=CONSUMER_PID,
            created_at=self.clock.now(),
            state_at=self.clock.now(),
            role=Role.CONSUMER,
            state=TransferState.PREPARATION_REQUESTED,
            counter_party_id="provider",
            counter_party_address="https://provider.example/api/dsp",
            agreement_id=AGREEMENT,
            asset_id="asset-1",
            transfer_type="AzureStorage-PUSH",
            correlation_id=PROVIDER_PID,
            destination=Destination(
                account="consumerdata",
                container=CONTAINER,
                marker=".complete" if managed else f".{CONSUMER_PID}.complete",
                secret_name="sas-consumer",
                managed=managed,
                folder=folder,
                blob_name=blob_name,
                policy_id="policy-1",
                sas_expires_at=self.clock.now() + timedelta(hours=2),
            ),
        )

    def flow(self, process: TransferProcess, source: SourceAddress) -> DataFlow:
        """The provider's flow for a prepared process; the SAS has crossed the wire into the provider's vault."""
        assert process.destination is not None
        sas = self.consumer_vault.get(process.destination.secret_name)
        assert sas is not None
        self.provider_vault.store("sas-provider", sas)
        return DataFlow(
            id=PROVIDER_PID,
            created_at=self.clock.now(),
            state_at=self.clock.now(),
            state=FlowState.STARTED,
            agreement_id=AGREEMENT,
            participant_id="consumer",
            consumer_pid=process.id,
            source=source,
            destination=replace(process.destination, secret_name="sas-provider", policy_id=None, key_name=None),
        )

    def prepared(self, process: TransferProcess) -> TransferProcess:
        """The process with its destination ready."""
        self.provisioner.prepare(process, intent(IntentKind.PREPARE_DESTINATION))
        return process

    def source_blobs(self, **blobs: bytes) -> SourceAddress:
        """Blobs under `data/` of the provider, and the address of the prefix."""
        for name, content in blobs.items():
            self.cloud.add_blob(self.provider_account, SOURCE_CONTAINER, f"data/{name}", content)
        return SourceAddress("providerdata", SOURCE_CONTAINER, blob_prefix="data/")

    def single(self, name: str, content: bytes) -> SourceAddress:
        """One blob of the provider, and its address."""
        self.cloud.add_blob(self.provider_account, SOURCE_CONTAINER, name, content)
        return SourceAddress("providerdata", SOURCE_CONTAINER, blob_name=name)

    def delivered(self) -> dict[str, bytes]:
        """What lies in the destination, by name."""
        return {name: blob.content for name, blob in self.container.blobs.items()}

    @property
    def container(self) -> MemoryContainer:
        return self.cloud.containers()["consumerdata", CONTAINER]

    def target(self, name: str) -> BlobTarget:
        """A blob of the destination, with the SAS that the process has issued."""
        stored = self.consumer_vault.get("sas-consumer")
        token = read_sas_token(stored) if stored is not None else None
        assert token is not None
        return BlobTarget(self.consumer_account.endpoint, CONTAINER, name, token.sas)

    def operations(self) -> list[str]:
        """The requests so far, by name; forgets them."""
        names = [request.operation for request in self.cloud.requests]
        self.cloud.requests.clear()
        return names

    def _directory(self, account: Account, vault: MemoryVault, *, keyless: bool) -> AccountDirectory:
        alias = f"{account.name}-key1"
        if not keyless:
            assert account.key is not None
            vault.store(alias, account.key)
        known = KnownAccount(account.name, account.endpoint, None if keyless else alias)
        return AccountDirectory([known], allow=lambda _: None)
