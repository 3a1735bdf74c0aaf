"""Turns neutral storage failures into the fault of the side and step where they happened (steps 2-18)."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.ports.storage_failure import StorageFailed, StorageProblem

type _Codes = Mapping[StorageProblem, FaultCode]

_SOURCE: _Codes = {
    StorageProblem.UNAVAILABLE: FaultCode.SOURCE_UNAVAILABLE,
    StorageProblem.CONTAINER_MISSING: FaultCode.SOURCE_BLOB_MISSING,
    StorageProblem.BLOB_MISSING: FaultCode.SOURCE_BLOB_MISSING,
    StorageProblem.BLOB_CHANGED: FaultCode.SOURCE_CHANGED,
}
_PREPARATION: _Codes = {
    StorageProblem.UNAVAILABLE: FaultCode.DESTINATION_UNAVAILABLE,
    StorageProblem.CONTAINER_MISSING: FaultCode.CONTAINER_MISSING,
}
_DELIVERY: _Codes = {
    StorageProblem.UNAVAILABLE: FaultCode.DESTINATION_UNAVAILABLE,
    StorageProblem.CONTAINER_MISSING: FaultCode.DESTINATION_GONE,
}


@contextmanager
def at_source(step: int) -> Generator[None]:
    """Storage failures in this block are the provider's source."""
    with at_step(step), _told(_SOURCE, FaultCode.SOURCE_KEY_MISSING, FaultCode.SOURCE_UNAVAILABLE):
        yield


@contextmanager
def while_preparing(step: int) -> Generator[None]:
    """Storage failures in this block are the consumer's destination, before anything was sent there."""
    with at_step(step), _told(_PREPARATION, FaultCode.DESTINATION_KEY_MISSING, FaultCode.DESTINATION_UNAVAILABLE):
        yield


@contextmanager
def at_destination(step: int) -> Generator[None]:
    """Storage failures in this block are the consumer's destination, once it was prepared."""
    with at_step(step), _told(_DELIVERY, FaultCode.DESTINATION_KEY_MISSING, FaultCode.DESTINATION_UNAVAILABLE):
        yield


@contextmanager
def at_step(step: int) -> Generator[None]:
    """Faults of this block that name no step happened in this one."""
    try:
        yield
    except EffectFailed as failed:
        if failed.fault.step is None:
            failed.fault = replace(failed.fault, step=step)
        raise


@contextmanager
def _told(codes: _Codes, key_refused: FaultCode, otherwise: FaultCode) -> Generator[None]:
    try:
        yield
    except StorageFailed as failed:
        refused_key = failed.problem is StorageProblem.REFUSED and failed.with_key
        code = key_refused if refused_key else codes.get(failed.problem, otherwise)
        fault = Fault(code, failed.fault.message, failed.fault.retryable, failed.fault.step)
        raise EffectFailed(fault) from failed
