"""One Protocol for each outside thing. Each has a real adapter and an in-memory twin, held to one contract suite.

Errors of all ports: `EffectFailed` with a Fault where the other side is away or refuses (its `retryable` says whether
to try again); the stores also raise `AlreadyExists` and `CommitConflict`.
"""

from ferry.ports.clock import Clock
from ferry.ports.copying import (
    BlobTarget,
    BlobWriter,
    ControlPlane,
    DataPlane,
    DataSink,
    DataSource,
    PutOutcome,
    SourceBlob,
)
from ferry.ports.peer import Peer, PeerAnswer
from ferry.ports.storage import Account, BlobHeaders, BlobItem, BlobPage, ContainerState, ObjectStorage, SasScope
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from ferry.ports.stores import Definitions, IndexKind, IndexPage, IndexRow, ProcessStore, Record
from ferry.ports.vault import Vault
from ferry.ports.work import QUEUE_OF_LANE, Lane, LookMessage, QueueName, TaskQueue, queue_name

__all__ = [
    "QUEUE_OF_LANE",
    "Account",
    "BlobHeaders",
    "BlobItem",
    "BlobPage",
    "BlobTarget",
    "BlobWriter",
    "Clock",
    "ContainerState",
    "ControlPlane",
    "DataPlane",
    "DataSink",
    "DataSource",
    "Definitions",
    "IndexKind",
    "IndexPage",
    "IndexRow",
    "Lane",
    "LookMessage",
    "ObjectStorage",
    "Peer",
    "PeerAnswer",
    "ProcessStore",
    "PutOutcome",
    "QueueName",
    "Record",
    "SasScope",
    "SourceBlob",
    "StorageFailed",
    "StorageProblem",
    "TaskQueue",
    "Vault",
    "queue_name",
]
