"""What an answer to a write means, whichever service gave it: Azure's and Azurite's codes side by side."""

from enum import Enum

from ferry.ports.blob_sides import WireAnswer


class Reading(Enum):
    """What to do about an answer.

    EXISTS: something is there and was not to be overwritten. EXISTS_OR_CHANGED: that, or the source is another version
    now; only the source can tell. UNVERIFIED: the service could not read the source, for whatever reason. NO_SUCH_COPY:
    this operation is not offered; NO_COPY: no copy from this source is. BUSY and SOURCE_BUSY: throttled. AGAIN: may
    succeed in a moment. REFUSED: it will not.
    """

    DONE = "done"
    EXISTS = "exists"
    EXISTS_OR_CHANGED = "exists or changed"
    SOURCE_CHANGED = "source changed"
    UNVERIFIED = "unverified"
    NO_SUCH_COPY = "no such copy"
    NO_COPY = "no copy"
    WRONG_MD5 = "wrong md5"
    BUSY = "busy"
    SOURCE_BUSY = "source busy"
    AGAIN = "again"
    REFUSED = "refused"


_EXISTS = frozenset({"BlobAlreadyExists", "TargetConditionNotMet"})
_NOT_OFFERED = frozenset(
    {"APINotImplemented", "NotImplemented", "CopyAcrossAccountsNotSupported", "UnsupportedHttpVerb"}
)
# What the destination says of our SAS. Any other 403 of a copy is about the source, or about copies as such.
_SAS_REFUSED = frozenset(
    {
        "AuthenticationFailed",
        "AuthorizationPermissionMismatch",
        "AuthorizationProtocolMismatch",
        "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch",
        "AuthorizationSourceIPMismatch",
        "InvalidAuthenticationInfo",
        "InsufficientAccountPermissions",
        "AccountIsDisabled",
    }
)
_BUSY_SOURCE = frozenset({429, 500, 502, 503, 504})


def read_answer(answer: WireAnswer, *, copies: bool, may_be_unsupported: bool = False) -> Reading:
    """Read the answer to a write. `copies`: the service was to read the source.

    `may_be_unsupported`: this kind of copy has never worked here, and some services say so with a 500 and no word.
    """
    if answer.is_done:
        return Reading.DONE if answer.headers.get("x-ms-copy-status", "success") == "success" else Reading.AGAIN
    if copies:
        reading = _read_copy(answer, may_be_unsupported=may_be_unsupported)
        if reading is not None:
            return reading
    status, code = answer.status, answer.code
    if code in _EXISTS or (code == "ConditionNotMet" and status == 412):
        return Reading.EXISTS
    if code == "Md5Mismatch":
        return Reading.WRONG_MD5
    if status == 429 or (status == 503 and code) or code == "OperationTimedOut":
        return Reading.BUSY
    if status == 408 or (status >= 500 and status not in (501, 507)):
        return Reading.AGAIN
    return Reading.REFUSED


def _read_copy(answer: WireAnswer, *, may_be_unsupported: bool) -> Reading | None:
    status, code, source = answer.status, answer.code, source_status(answer)
    if source in _BUSY_SOURCE:
        return Reading.SOURCE_BUSY
    if code == "SourceConditionNotMet" or source in (412, 416):
        return Reading.SOURCE_CHANGED
    if code == "CannotVerifyCopySource":
        return Reading.SOURCE_CHANGED if status in (412, 416) else Reading.UNVERIFIED
    if code == "ConditionNotMet" and status == 412:
        return Reading.EXISTS_OR_CHANGED
    if status == 416:
        return Reading.SOURCE_CHANGED
    if status in (405, 501) or code in _NOT_OFFERED:
        return Reading.NO_SUCH_COPY
    if status == 500 and not code and may_be_unsupported:
        return Reading.NO_SUCH_COPY
    if source in (401, 403, 404):
        return Reading.UNVERIFIED
    if status == 403 and code not in _SAS_REFUSED:
        # Such as AllowedCopyScope of the destination's account: a streamed copy is not affected.
        return Reading.NO_COPY
    return None


def source_status(answer: WireAnswer) -> int:
    """What the source of a copy answered the service; 0 where it does not say."""
    told = answer.headers.get("x-ms-copy-source-status-code", "")
    return int(told) if told.isdecimal() else 0


def source_code(answer: WireAnswer) -> str:
    """The error code that the source of a copy gave the service."""
    return answer.headers.get("x-ms-copy-source-error-code", "")


def may_be_carried_out(answer: WireAnswer) -> bool:
    """Whether a request with that answer may have done its work all the same. A 503 turns away at the door."""
    return answer.status >= 500 and answer.status not in (501, 503, 507)
