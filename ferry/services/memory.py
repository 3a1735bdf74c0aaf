"""Participants in one process on memory adapters and a virtual clock: for tests, exploration and fault injection."""

from dataclasses import dataclass, field

from ferry.adapters.clock import VirtualClock
from ferry.adapters.ids import SequentialIds
from ferry.adapters.memory_cloud import MemoryCloud
from ferry.adapters.memory_definitions import MemoryDefinitions
from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_storage import MemoryBlobWriter, MemoryStorage
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.contracts import Asset, ContractAgreement, ContractDefinition, ContractNegotiation, PolicyDefinition
from ferry.domain.data_flow import DataFlow
from ferry.domain.transfer_process import TransferProcess
from ferry.protocol.identity import MockIdentity
from ferry.services.outside import Outside


@dataclass(frozen=True, slots=True)
class MemoryWorld:
    """What participants share: the time, the network, the cloud."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    cloud: MemoryCloud = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cloud", MemoryCloud(self.clock))


def memory_outside(world: MemoryWorld, participant_id: str) -> Outside:
    """All outside things of one participant in memory."""
    identity = MockIdentity(participant_id)
    return Outside(
        clock=world.clock,
        ids=SequentialIds(participant_id),
        transfers=MemoryProcessStore(TransferProcess),
        negotiations=MemoryProcessStore(ContractNegotiation),
        flows=MemoryProcessStore(DataFlow),
        assets=MemoryDefinitions(Asset),
        policies=MemoryDefinitions(PolicyDefinition),
        contract_definitions=MemoryDefinitions(ContractDefinition),
        agreements=MemoryDefinitions(ContractAgreement),
        queue=MemoryTaskQueue(world.clock),
        vault=MemoryVault(world.clock),
        storage=MemoryStorage(world.cloud),
        blobs=MemoryBlobWriter(world.cloud),
        peer=MemoryPeer(world.network, authorization=identity.authorization),
        identity=identity,
        allow=lambda url: None,
    )
