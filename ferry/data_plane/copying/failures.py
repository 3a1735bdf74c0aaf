"""How a copy fails: what a side answered as a fault with its code, for which blob, and what to do next."""

from collections.abc import Mapping

from ferry.data_plane.copying.answers import source_code
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import SourceBlob

_GONE = frozenset({"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"})
_BY_CODE: Mapping[str, FaultCode] = {
    "BlobArchived": FaultCode.SOURCE_BLOB_ARCHIVED,
    "BlobImmutableDueToPolicy": FaultCode.DESTINATION_IMMUTABLE,
    "BlobImmutableDueToLegalHold": FaultCode.DESTINATION_IMMUTABLE,
    "InvalidResourceName": FaultCode.NAME_REFUSED,
    "InvalidUri": FaultCode.NAME_REFUSED,
    "OutOfRangeInput": FaultCode.NAME_REFUSED,
    "RequestUrlFailedToParse": FaultCode.NAME_REFUSED,
    "InvalidBlobType": FaultCode.BLOB_TYPE_UNSUPPORTED,
    "BlobTypeNotSupported": FaultCode.BLOB_TYPE_UNSUPPORTED,
    "FeatureNotSupported": FaultCode.BLOB_TYPE_UNSUPPORTED,
}
_BY_STATUS: Mapping[int, FaultCode] = {414: FaultCode.NAME_REFUSED, 507: FaultCode.DESTINATION_FULL}
_ADVICE: Mapping[FaultCode, str] = {
    FaultCode.SOURCE_BLOB_ARCHIVED: "it lies in the archive tier; rehydrate it, then start again",
    FaultCode.DESTINATION_IMMUTABLE: "an immutability policy or a legal hold protects that name; choose another folder",
    FaultCode.NAME_REFUSED: "the destination takes no blob of that name; rename it or leave it out",
    FaultCode.BLOB_TYPE_UNSUPPORTED: "the destination takes no blob of that type",
    FaultCode.DESTINATION_FULL: "the destination has no room left; make room there, then start again",
}


class CopyStopped(Exception):
    """The flow is over or another worker has it: nothing more is to be written."""


class SourceChanged(Exception):
    """The source has another version now than the one that is pinned."""


class Halted(Exception):
    """Nothing new may be sent: the copy stops, or has failed elsewhere."""


class RangesIgnored(Exception):
    """The source sends the whole file, whatever range is asked for."""


def told(answer: WireAnswer) -> str:
    """Status and code, for a message."""
    return f"{answer.status} {answer.code or 'without a code'}"


def destination_failed(answer: WireAnswer, blob: SourceBlob, endpoint: str) -> EffectFailed:
    """The fault for a write that is refused for good."""
    where, name = f"the destination at {endpoint}", f"blob {blob.target_name!r}"
    code = _BY_CODE.get(answer.code) or _BY_CODE.get(source_code(answer)) or _BY_STATUS.get(answer.status)
    if code is None and ("Quota" in answer.code or "LimitExceeded" in answer.code):
        code = FaultCode.DESTINATION_FULL
    if code is not None:
        return EffectFailed.because(code, f"{name} cannot be copied to {where} ({told(answer)}): {_ADVICE[code]}")
    if answer.code in _GONE or answer.status == 404:
        message = (
            f"the container of {name} at {endpoint} does not exist any more ({told(answer)}); a retry does not help"
        )
        return EffectFailed.because(FaultCode.DESTINATION_GONE, message)
    if answer.status in (401, 403):
        message = (
            f"{where} refuses the SAS ({told(answer)}): it was revoked (with the container, if that was deleted), has "
            "expired or allows too little, or a firewall keeps us out; a retry does not help, a new SAS is needed"
        )
        return EffectFailed.because(FaultCode.SAS_REFUSED, message)
    # Only what was refused here, before it was sent, has a sentence and no headers. A service's own sentence may quote
    # what it was sent, and that held a signature.
    reason = f": {answer.body[:200].decode(errors='replace')}" if answer.status == 400 and not answer.headers else ""
    message = f"{where} does not take {name} ({told(answer)}{reason}); a retry does not help"
    return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message)


def destination_away(what: str, blob: SourceBlob, endpoint: str) -> EffectFailed:
    """The fault for a destination that has not done it after many tries."""
    message = f"the destination at {endpoint} did not take blob {blob.target_name!r} ({what}); it is tried again"
    return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message, retryable=True)


def destination_exists(blob: SourceBlob) -> EffectFailed:
    """The fault for a name that is taken."""
    message = (
        f"blob {blob.target_name!r} exists at the destination and is not overwritten; "
        "start again with another folder or container"
    )
    return EffectFailed.because(FaultCode.DESTINATION_EXISTS, message)


def source_failed(answer: WireAnswer, name: str, endpoint: str) -> EffectFailed:
    """The fault for a read that is refused for good."""
    where = f"blob {name!r} of the source at {endpoint}"
    if answer.code == "BlobArchived":
        code = FaultCode.SOURCE_BLOB_ARCHIVED
        return EffectFailed.because(code, f"{where} cannot be read: {_ADVICE[code]}")
    if answer.status in (401, 403):
        message = (
            f"{where} is refused ({told(answer)}): the key, SAS or identity of the source does not allow reading it"
        )
        return EffectFailed.because(FaultCode.SOURCE_KEY_MISSING, message)
    if answer.status == 404:
        return source_missing(name, endpoint)
    message = f"{where} cannot be read ({told(answer)}); a retry does not help"
    return EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, message)


def source_missing(name: str, endpoint: str) -> EffectFailed:
    """The fault for a blob that was listed and is gone."""
    message = f"blob {name!r} of the source at {endpoint} does not exist any more; start again"
    return EffectFailed.because(FaultCode.SOURCE_BLOB_MISSING, message)


def source_away(what: str, name: str, endpoint: str) -> EffectFailed:
    """The fault for a source that has not answered after many tries."""
    message = f"the source at {endpoint} did not give blob {name!r} ({what}); it is tried again"
    return EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, message, retryable=True)


def source_changed(name: str) -> EffectFailed:
    """The fault for a blob that is another one than the one that was listed."""
    message = f"blob {name!r} of the source was changed since it was listed; start again for the new version"
    return EffectFailed.because(FaultCode.SOURCE_CHANGED, message)


def type_unsupported(blob: SourceBlob, endpoint: str, why: str) -> EffectFailed:
    """The fault for an append or page blob that only the service itself could copy."""
    item = blob.item
    message = (
        f"{item.blob_type} {item.name!r} cannot be copied to {endpoint}: {why}, and only block blobs can pass through "
        "here; nothing was copied. Leave it out, or let the destination's service read the source"
    )
    return EffectFailed.because(FaultCode.BLOB_TYPE_UNSUPPORTED, message)
