"""Participants in one process on memory adapters and a virtual clock: for tests, exploration and fault injection."""

from dataclasses import dataclass, field

from ferry.adapters.clock import VirtualClock
from ferry.adapters.ids import SequentialIds
from ferry.adapters.key_documents import FetchedKeyDocuments
from ferry.adapters.memory_cloud import MemoryCloud
from ferry.adapters.memory_definitions import MemoryDefinitions
from ferry.adapters.memory_manifests import MemoryPageManifests
from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_sides import MemorySides
from ferry.adapters.memory_storage import MemoryBlobWriter, MemoryStorage
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.contracts import Asset, ContractAgreement, ContractDefinition, ContractNegotiation, PolicyDefinition
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_flow import DataFlow
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.plane_flow import PlaneFlow
from ferry.domain.transfer_process import TransferProcess
from ferry.protocol.identity import Identity, MockIdentity
from ferry.services.identities import identity_of
from ferry.services.outside import Outside
from ferry.settings import Settings


@dataclass(frozen=True, slots=True)
class MemoryWorld:
    """What participants share: the time, the network, the cloud."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    cloud: MemoryCloud = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cloud", MemoryCloud(self.clock))


def memory_outside(world: MemoryWorld, participant_id: str, settings: Settings | None = None) -> Outside:
    """All outside things of one participant in memory. `settings`: for an identity that is not the mock."""
    vault = MemoryVault(world.clock)
    key_documents = FetchedKeyDocuments(MemoryPeer(world.network), clock=world.clock)
    identity: Identity = MockIdentity(participant_id)
    if settings is not None:
        identity = identity_of(settings, vault=vault, key_documents=key_documents, clock=world.clock)
    peer = MemoryPeer(world.network, authorization=identity.authorization)
    return Outside(
        clock=world.clock,
        ids=SequentialIds(participant_id),
        transfers=MemoryProcessStore(TransferProcess),
        negotiations=MemoryProcessStore(ContractNegotiation),
        flows=MemoryProcessStore(DataFlow),
        plane_flows=MemoryProcessStore(PlaneFlow),
        pages=MemoryProcessStore(CopyPage),
        manifests=MemoryPageManifests(),
        assets=MemoryDefinitions(Asset),
        policies=MemoryDefinitions(PolicyDefinition),
        contract_definitions=MemoryDefinitions(ContractDefinition),
        agreements=MemoryDefinitions(ContractAgreement),
        data_planes=MemoryDefinitions(DataPlaneInstance),
        queue=MemoryTaskQueue(world.clock),
        vault=vault,
        storage=MemoryStorage(world.cloud),
        blobs=MemoryBlobWriter(world.cloud),
        sides=MemorySides(world.cloud),
        peer=peer,
        plane_peer=MemoryPeer(world.network, authorization=identity.plane_authorization),
        callbacks=peer,
        identity=identity,
        key_documents=key_documents,
        allow=lambda url: None,
    )
