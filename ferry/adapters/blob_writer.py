"""AzureBlobWriter: blobs at a destination for which only a write SAS is held (steps 11 and 12).

Nothing is ever overwritten: every write carries `If-None-Match: *`. It tries again by itself, briefly; a blob that is
there after a try whose answer was lost is the one that this try wrote.
"""

import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ferry.adapters.blob_clients import BLOCK_BYTES, CONNECT_SECONDS, READ_SECONDS, BlobClients
from ferry.adapters.blob_errors import Refusal, attempt
from ferry.adapters.clock import SystemClock
from ferry.domain.faults import EffectFailed, FaultCode, ServerSideCopyUnavailable
from ferry.domain.secret import Secret
from ferry.ports import BlobHeaders, BlobItem, BlobTarget, Clock, PutOutcome

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContentSettings

_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.2
_MAX_BLOCKS = 50_000
_MIB = 1024 * 1024
# A copy answers when it is done; a service copies with 20 MB a second at the very least.
_COPY_BYTES_PER_SECOND = 20_000_000
_EXISTS = frozenset({"BlobAlreadyExists", "TargetConditionNotMet"})
_SOURCE_CHANGED = frozenset({"SourceConditionNotMet", "ConditionNotMet"})
_GONE = frozenset({"ContainerNotFound", "ContainerBeingDeleted"})
# What the destination says of our SAS. Any other 403 of a copy may be about the source, or about copies as such.
_SAS_REFUSED = frozenset(
    {
        "AuthenticationFailed",
        "AuthorizationPermissionMismatch",
        "AuthorizationProtocolMismatch",
        "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch",
        "AuthorizationSourceIPMismatch",
        "InvalidAuthenticationInfo",
    }
)


class AzureBlobWriter:
    """Writes single blobs with a SAS. Safe for threads."""

    def __init__(self, clients: BlobClients, clock: Clock | None = None) -> None:
        self._clients = clients
        self._clock = clock or SystemClock()

    def put_from_url(self, target: BlobTarget, source_url: Secret, item: BlobItem) -> PutOutcome:
        """Put Blob From URL, pinned to the ETag; properties and metadata of the source come along."""
        blob, options = self._blob(target), _copy_options(item)
        return self._copy(lambda: blob.upload_blob_from_url(source_url.reveal(), **options), target, item)

    def copy_from_url(self, target: BlobTarget, source_url: Secret, item: BlobItem) -> PutOutcome:
        """Copy Blob From URL, pinned to the ETag; the answer comes when the copy is done."""
        blob, options = self._blob(target), _copy_options(item)
        return self._copy(
            lambda: blob.start_copy_from_url(source_url.reveal(), requires_sync=True, **options), target, item
        )

    def put_stream(self, target: BlobTarget, chunks: Iterator[bytes], item: BlobItem) -> PutOutcome:
        """Put Blob up to 8 MiB, else blocks one after another and a commit: two blocks in memory at most."""
        blocks = _blocks(chunks, _block_bytes(item.size_bytes))
        first = next(blocks, b"")
        if item.size_bytes <= BLOCK_BYTES:
            _check_length(len(first), item)
            return self._put_whole(target, first, item.headers or BlobHeaders())
        return self._put_blocks(target, itertools.chain((first,), blocks), item)

    def put_bytes(self, target: BlobTarget, content: bytes, content_type: str) -> PutOutcome:
        """Put Blob."""
        return self._put_whole(target, content, BlobHeaders(content_type=content_type))

    def _put_whole(self, target: BlobTarget, content: bytes, headers: BlobHeaders) -> PutOutcome:
        blob, settings, metadata = self._blob(target), _settings(headers, None), dict(headers.metadata)
        options: dict[str, Any] = {"content_settings": settings, "overwrite": False, "metadata": metadata or None}
        return self._put(lambda: blob.upload_blob(content, **options), target)

    def _put_blocks(self, target: BlobTarget, blocks: Iterator[bytes], item: BlobItem) -> PutOutcome:
        from azure.core import MatchConditions
        from azure.storage.blob import BlobBlock

        blob, headers = self._blob(target), item.headers or BlobHeaders()
        digest, length, staged = hashlib.md5(usedforsecurity=False), 0, list[BlobBlock]()
        # Blocks that an earlier try has left behind bear other names.
        series = secrets.token_hex(8)
        for number, block in enumerate(blocks):
            block_id = f"{series}{number:06d}"
            self._put(lambda b=block, i=block_id: blob.stage_block(i, b), target)
            digest.update(block)
            length += len(block)
            staged.append(BlobBlock(block_id))
        _check_length(length, item)
        settings = _settings(headers, digest.digest())
        options: dict[str, Any] = {
            "content_settings": settings,
            "metadata": dict(headers.metadata) or None,
            "match_condition": MatchConditions.IfMissing,
        }
        return self._put(lambda: blob.commit_block_list(staged, **options), target)

    def _copy(self, copy: Callable[[], object], target: BlobTarget, item: BlobItem) -> PutOutcome:
        answer = self._send(copy, is_copy=True)
        if isinstance(answer, PutOutcome):
            return answer
        if answer.code in _SOURCE_CHANGED:
            raise EffectFailed.because(
                FaultCode.SOURCE_CHANGED,
                f"blob {item.name!r} of the source was changed since it was listed; start again for the new version",
            )
        if answer.code in _GONE or answer.code in _SAS_REFUSED or _is_busy(answer, is_copy=True):
            raise _failed(answer, target)
        raise ServerSideCopyUnavailable(f"the service at {target.endpoint} does not copy from this source ({answer})")

    def _put(self, put: Callable[[], object], target: BlobTarget) -> PutOutcome:
        answer = self._send(put, is_copy=False)
        if isinstance(answer, Refusal):
            raise _failed(answer, target)
        return answer

    def _send(self, request: Callable[[], object], *, is_copy: bool) -> PutOutcome | Refusal:
        """Send it until it is answered for good. What exists after a lost answer is ours."""
        may_be_ours = False
        pause_seconds = _FIRST_PAUSE_SECONDS
        for tries_left in reversed(range(_TRIES)):
            answer = attempt(request)
            if not isinstance(answer, Refusal):
                return PutOutcome.WRITTEN
            if answer.code in _EXISTS:
                return PutOutcome.WRITTEN if may_be_ours else PutOutcome.EXISTS
            if not _is_busy(answer, is_copy=is_copy) or not tries_left:
                return answer
            may_be_ours = may_be_ours or answer.is_ambiguous
            self._clock.sleep(pause_seconds)
            pause_seconds *= 2
        raise AssertionError("unreachable")

    def _blob(self, target: BlobTarget) -> "BlobClient":
        return self._clients.by_sas(target.endpoint, target.container, target.sas).get_blob_client(target.name)


def _is_busy(refusal: Refusal, *, is_copy: bool) -> bool:
    """Whether to try again soon. A 500 of a copy that names no code is how a service says that it has no such copy."""
    if is_copy and refusal.status == 500 and not refusal.code:
        return False
    return refusal.is_transient


def _failed(refusal: Refusal, target: BlobTarget) -> EffectFailed:
    where = f"container {target.container} at {target.endpoint}"
    if refusal.code in _GONE or refusal.status == 404:
        message = f"{where} does not exist any more ({refusal}); a retry does not help"
        return EffectFailed.because(FaultCode.DESTINATION_GONE, message)
    if refusal.status in (401, 403):
        message = (
            f"{where} refuses the SAS ({refusal}): it was revoked (with the container, if that was deleted), has "
            "expired or allows too little, or a firewall keeps us out; a retry does not help, the consumer must start "
            "a new transfer"
        )
        return EffectFailed.because(FaultCode.SAS_REFUSED, message)
    if refusal.source_status:
        message = f"the source of the copy to {where} answers {refusal.source_status} now; it is tried again"
        return EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, message, retryable=True)
    if refusal.is_transient or refusal.status >= 500:
        message = f"{where} cannot be reached now ({refusal}); it is tried again"
        return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message, retryable=True)
    message = f"{where} does not take blob {target.name!r} ({refusal}); a retry does not help"
    return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message)


def _copy_options(item: BlobItem) -> dict[str, Any]:
    from azure.core import MatchConditions

    return {
        "match_condition": MatchConditions.IfMissing,
        "source_etag": item.etag,
        "source_match_condition": MatchConditions.IfNotModified,
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS + item.size_bytes / _COPY_BYTES_PER_SECOND,
    }


def _settings(headers: BlobHeaders, content_md5: bytes | None) -> "ContentSettings":
    from azure.storage.blob import ContentSettings

    return ContentSettings(
        content_type=headers.content_type or "application/octet-stream",
        content_encoding=headers.content_encoding,
        content_language=headers.content_language,
        content_disposition=headers.content_disposition,
        cache_control=headers.cache_control,
        content_md5=bytearray(content_md5) if content_md5 is not None else None,
    )


def _block_bytes(size_bytes: int) -> int:
    """Blocks of 8 MiB, larger only where a blob would have too many."""
    least = -(-size_bytes // _MAX_BLOCKS)
    return max(BLOCK_BYTES, -(-least // _MIB) * _MIB)


def _blocks(chunks: Iterator[bytes], block_bytes: int) -> Iterator[bytes]:
    """The same bytes in blocks of that size; a chunk that has it already is passed on as it is."""
    held: list[bytes] = []
    held_bytes = 0
    for chunk in chunks:
        held.append(chunk)
        held_bytes += len(chunk)
        while held_bytes >= block_bytes:
            joined = held[0] if len(held) == 1 else b"".join(held)
            yield joined if held_bytes == block_bytes else joined[:block_bytes]
            rest = joined[block_bytes:]
            held, held_bytes = ([rest], len(rest)) if rest else ([], 0)
    if held:
        yield b"".join(held)


def _check_length(found_bytes: int, item: BlobItem) -> None:
    if found_bytes != item.size_bytes:
        raise EffectFailed.because(
            FaultCode.SOURCE_CHANGED,
            f"blob {item.name!r} of the source gave {found_bytes} bytes, not the {item.size_bytes} that were listed; "
            "start again",
        )
