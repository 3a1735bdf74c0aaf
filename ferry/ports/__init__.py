"""One Protocol for each outside thing. Each has a real adapter and an in-memory twin, held to one contract suite.

Errors of all ports: `EffectFailed` with a Fault where the other side is away or refuses (its `retryable` says whether
to try again); the stores also raise `AlreadyExists` and `CommitConflict`.
"""

from ferry.ports.callbacks import Callbacks
from ferry.ports.clock import Clock
from ferry.ports.copying import (
    BlobTarget,
    BlobWriter,
    ControlPlane,
    DataPlane,
    PutOutcome,
    SourceBlob,
)
from ferry.ports.keys import KeyDocuments, Signer
from ferry.ports.peer import Peer, PeerAnswer
from ferry.ports.storage import (
    Account,
    BlobHeaders,
    BlobItem,
    BlobPage,
    ContainerItem,
    ContainerPage,
    ContainerState,
    ObjectStorage,
    SasScope,
)
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from ferry.ports.stores import Definitions, IndexKind, IndexRow, Listed, ProcessStore, Record
from ferry.ports.vault import SecretVersion, Vault, VersionedSecrets
from ferry.ports.work import QUEUE_OF_LANE, Lane, LookMessage, QueueName, TaskQueue, queue_name

__all__ = [
    "QUEUE_OF_LANE",
    "Account",
    "BlobHeaders",
    "BlobItem",
    "BlobPage",
    "BlobTarget",
    "BlobWriter",
    "Callbacks",
    "Clock",
    "ContainerItem",
    "ContainerPage",
    "ContainerState",
    "ControlPlane",
    "DataPlane",
    "Definitions",
    "IndexKind",
    "IndexRow",
    "KeyDocuments",
    "Lane",
    "Listed",
    "LookMessage",
    "ObjectStorage",
    "Peer",
    "PeerAnswer",
    "ProcessStore",
    "PutOutcome",
    "QueueName",
    "Record",
    "SasScope",
    "SecretVersion",
    "Signer",
    "SourceBlob",
    "StorageFailed",
    "StorageProblem",
    "TaskQueue",
    "Vault",
    "VersionedSecrets",
    "queue_name",
]
