"""All outside things of one participant, in one record: what `compose` is given, from Azure or from memory."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.domain.contracts import Asset, ContractAgreement, ContractDefinition, ContractNegotiation, PolicyDefinition
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_flow import DataFlow
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.decision import Ids
from ferry.domain.plane_flow import PlaneFlow
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.blob_sides import BlobSides
from ferry.ports.callbacks import Callbacks
from ferry.ports.clock import Clock
from ferry.ports.copy_work import PageManifests
from ferry.ports.copying import BlobWriter
from ferry.ports.keys import KeyDocuments
from ferry.ports.peer import Peer
from ferry.ports.storage import ObjectStorage
from ferry.ports.stores import Definitions, ProcessStore
from ferry.ports.vault import Vault
from ferry.ports.work import TaskQueue
from ferry.protocol.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """One adapter for each port. `allow` is the egress guard: it raises EffectFailed ADDRESS_FORBIDDEN.

    `plane_peer` is for messages between this participant's own planes, and for nothing else: its tokens open them.
    """

    clock: Clock
    ids: Ids
    transfers: ProcessStore[TransferProcess]
    negotiations: ProcessStore[ContractNegotiation]
    flows: ProcessStore[DataFlow]
    plane_flows: ProcessStore[PlaneFlow]
    pages: ProcessStore[CopyPage]
    manifests: PageManifests
    assets: Definitions[Asset]
    policies: Definitions[PolicyDefinition]
    contract_definitions: Definitions[ContractDefinition]
    agreements: Definitions[ContractAgreement]
    data_planes: Definitions[DataPlaneInstance]
    queue: TaskQueue
    vault: Vault
    storage: ObjectStorage
    blobs: BlobWriter
    sides: BlobSides
    peer: Peer
    plane_peer: Peer
    callbacks: Callbacks
    identity: Identity
    key_documents: KeyDocuments
    allow: Callable[[str], None]
