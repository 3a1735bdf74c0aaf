"""What can go wrong, as values and as exceptions.

    FerryError
    ├── InvalidInput        the request has faults; all of them are listed        (HTTP 400)
    ├── NotFound            no such thing, or none that this caller may see        (HTTP 404)
    ├── IllegalTransition   the process is in a state that does not allow this     (HTTP 409)
    ├── AlreadyExists       the id is taken by something else                      (HTTP 409)
    ├── CommitConflict      somebody else committed first; re-read and decide anew
    └── EffectFailed        an effect did not succeed; its fault says why and whether to try again

A `Fault` is what a failed process shows: which code, a sentence, whether a retry may help, and the step where it was.
"""

from dataclasses import dataclass
from enum import StrEnum


class FaultCode(StrEnum):
    """Machine-readable causes of a failed transfer or negotiation."""

    SOURCE_BLOB_MISSING = "SOURCE_BLOB_MISSING"
    SOURCE_KEY_MISSING = "SOURCE_KEY_MISSING"
    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    SOURCE_CHANGED = "SOURCE_CHANGED"
    SOURCE_BLOB_ARCHIVED = "SOURCE_BLOB_ARCHIVED"
    DESTINATION_KEY_MISSING = "DESTINATION_KEY_MISSING"
    DESTINATION_UNAVAILABLE = "DESTINATION_UNAVAILABLE"
    DESTINATION_EXISTS = "DESTINATION_EXISTS"
    DESTINATION_GONE = "DESTINATION_GONE"
    DESTINATION_IMMUTABLE = "DESTINATION_IMMUTABLE"
    DESTINATION_FULL = "DESTINATION_FULL"
    NAME_REFUSED = "NAME_REFUSED"
    BLOB_TYPE_UNSUPPORTED = "BLOB_TYPE_UNSUPPORTED"
    CONTAINER_TAKEN = "CONTAINER_TAKEN"
    CONTAINER_MISSING = "CONTAINER_MISSING"
    SAS_REFUSED = "SAS_REFUSED"
    SAS_MISSING = "SAS_MISSING"
    SAS_EXPIRED = "SAS_EXPIRED"
    VAULT_UNAVAILABLE = "VAULT_UNAVAILABLE"
    IDENTITY_UNAVAILABLE = "IDENTITY_UNAVAILABLE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    PEER_UNREACHABLE = "PEER_UNREACHABLE"
    PEER_REFUSED = "PEER_REFUSED"
    PEER_TERMINATED = "PEER_TERMINATED"
    AGREEMENT_UNKNOWN = "AGREEMENT_UNKNOWN"
    AGREEMENT_EXPIRED = "AGREEMENT_EXPIRED"
    OFFER_UNKNOWN = "OFFER_UNKNOWN"
    POLICY_VIOLATED = "POLICY_VIOLATED"
    ADDRESS_INVALID = "ADDRESS_INVALID"
    ADDRESS_FORBIDDEN = "ADDRESS_FORBIDDEN"
    DATA_PLANE_UNAVAILABLE = "DATA_PLANE_UNAVAILABLE"
    DATA_FLOW_FAILED = "DATA_FLOW_FAILED"
    MARKER_NAME_TAKEN = "MARKER_NAME_TAKEN"
    VERIFICATION_FAILED = "VERIFICATION_FAILED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    TERMINATED_BY_CLIENT = "TERMINATED_BY_CLIENT"
    SUSPENDED_BY_CLIENT = "SUSPENDED_BY_CLIENT"
    DEPROVISIONED_BY_CLIENT = "DEPROVISIONED_BY_CLIENT"
    POISONED = "POISONED"
    UNEXPECTED = "UNEXPECTED"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something failed: code, sentence, whether a retry may help, and the step (1-18) where it happened."""

    code: str
    message: str
    retryable: bool = False
    step: int | None = None


@dataclass(frozen=True, slots=True)
class InputFault:
    """One thing that is wrong with a request: where (JSON path), what, and the value if it may be shown."""

    path: str
    message: str
    value: str | None = None


class FerryError(Exception):
    """The one base that a caller can catch."""


class InvalidInput(FerryError):
    """The request has faults; `faults` lists every one of them."""

    def __init__(self, faults: tuple[InputFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = faults

    @classmethod
    def at(cls, path: str, message: str, value: str | None = None) -> "InvalidInput":
        """One fault at one path."""
        return cls((InputFault(path, message, value),))


class NotFound(FerryError):
    """There is no such thing, or none that this caller may see."""

    def __init__(self, kind: str, wanted_id: str) -> None:
        super().__init__(f"{kind} {wanted_id!r} does not exist")
        self.kind = kind
        self.wanted_id = wanted_id


class IllegalTransition(FerryError):
    """The process is in a state that does not allow what was asked; nothing was changed."""

    def __init__(self, process_id: str, state: str, wanted: str) -> None:
        super().__init__(f"process {process_id} is {state}: {wanted}")
        self.process_id = process_id
        self.state = state


class AlreadyExists(FerryError):
    """The id is taken by something else."""

    def __init__(self, kind: str, taken_id: str, detail: str = "") -> None:
        super().__init__(f"{kind} {taken_id!r} exists already{': ' + detail if detail else ''}")
        self.kind = kind
        self.taken_id = taken_id


class CommitConflict(FerryError):
    """Somebody else committed this process first: re-read it and decide anew."""


class EffectFailed(FerryError):
    """An effect did not succeed; `fault` says why and whether the same effect may succeed later."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.code}: {fault.message}")
        self.fault = fault

    @classmethod
    def because(
        cls, code: FaultCode, message: str, *, retryable: bool = False, step: int | None = None
    ) -> "EffectFailed":
        """Raise-ready error from the parts of its fault."""
        return cls(Fault(code, message, retryable, step))
