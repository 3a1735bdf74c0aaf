"""How object storage fails, told neutrally: which side it was and in which step is known to the caller alone.

The storage adapters raise `StorageFailed`; the data plane turns it into the fault of its side (design section 5).
"""

from enum import StrEnum

from ferry.domain.faults import EffectFailed, Fault, FaultCode


class StorageProblem(StrEnum):
    """What was wrong, whatever the storage was wanted for."""

    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    CONTAINER_MISSING = "container missing"
    BLOB_MISSING = "blob missing"
    BLOB_CHANGED = "blob changed"


_CODES: dict[StorageProblem, FaultCode] = {
    StorageProblem.UNAVAILABLE: FaultCode.STORAGE_UNAVAILABLE,
    StorageProblem.REFUSED: FaultCode.STORAGE_UNAVAILABLE,
    StorageProblem.CONTAINER_MISSING: FaultCode.CONTAINER_MISSING,
    StorageProblem.BLOB_MISSING: FaultCode.SOURCE_BLOB_MISSING,
    StorageProblem.BLOB_CHANGED: FaultCode.SOURCE_CHANGED,
}


class StorageFailed(EffectFailed):
    """Storage could not do what was asked. `with_key`: the account key was used, not an identity."""

    def __init__(self, problem: StorageProblem, message: str, *, with_key: bool = False) -> None:
        retryable = problem is StorageProblem.UNAVAILABLE
        super().__init__(Fault(_CODES[problem], message, retryable))
        self.problem = problem
        self.with_key = with_key
