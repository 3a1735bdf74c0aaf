"""CopyJob: what all copies of one order share, and the only place where its state is changed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.data_plane.copying.budget import ByteBudget
from ferry.data_plane.copying.failures import (
    SourceChanged,
    destination_exists,
    destination_failed,
    source_changed,
    source_missing,
)
from ferry.data_plane.copying.options import EngineOptions
from ferry.data_plane.copying.page import PageOrder, PageState, StagedBlob
from ferry.data_plane.copying.sending import Sender, Slot, Write
from ferry.data_plane.copying.verdicts import CopyMethod, PairVerdict
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import BlobHeaders, BlobItem, SourceBlob

# A longer address of the source is refused, which happens with long names of letters that must be escaped.
_MAX_SOURCE_URL = 2048
_TIER_CODES = frozenset(
    {"InvalidBlobTier", "AccessTierNotSupportedForBlobType", "BlobAccessTierNotSupportedForAccountType"}
)
_METADATA_CODES = frozenset({"InvalidMetadata", "MetadataTooLarge", "EmptyMetadataKey"})
_TAG_CODES = frozenset({"InvalidTags", "TagsTooLarge", "BlobTagsNotSupported"})
_HEADER_NAMES = {b"x-ms-access-tier": "tier", b"x-ms-tags": "tags", b"x-ms-meta": "metadata"}


@dataclass(frozen=True, slots=True)
class Shared:
    """What an order shares with the others of its process."""

    sender: Sender
    verdict: PairVerdict
    budget: ByteBudget
    options: EngineOptions


class CopyJob:
    """One order on the event loop. `again` puts a blob back to be begun anew."""

    def __init__(self, order: PageOrder, state: PageState, shared: Shared, again: Callable[[int], None]) -> None:
        self.order = order
        self.state = state
        self.sender = shared.sender
        self.verdict = shared.verdict
        self.budget = shared.budget
        self.options = shared.options
        self.again = again
        # Blobs of which a try was lost, and the version of the first one: if it exists, it is this.
        self.maybe_ours: dict[int, BlobItem] = {}
        self.must_stream: set[int] = set()
        self.one_pass: set[int] = set()
        self.by_blocks: set[int] = set()
        self.are_parts_staged = False
        self._newer: dict[int, BlobItem] = {}
        self._versions: Counter[int] = Counter()
        self._begun_anew: Counter[int] = Counter()
        self._whole_bytes = _whole_bytes(order, shared.options)
        in_blocks = sum(1 for blob in order.blobs if blob.item.size_bytes > self._whole_bytes)
        self._are_many_in_blocks = in_blocks >= shared.options.sizes.many_in_blocks
        self._refused: set[str] = set()
        self._refused_of: dict[int, set[str]] = {}

    def blob(self, index: int) -> SourceBlob:
        """The blob in the version that is copied now, without what its destination does not take."""
        blob = self.order.blobs[index]
        if not (self._newer or self._refused or self._refused_of):
            return blob
        item = self._newer.get(index, blob.item)
        refused = self._refused | self._refused_of.get(index, set())
        return SourceBlob(_without(item, refused), blob.target_name)

    def url(self, item: BlobItem) -> str | None:
        """Where the destination's service reads it; None where it cannot."""
        url = self.order.source.url(item)
        if url is None:
            return None
        revealed = url.reveal()
        return revealed if len(revealed) <= _MAX_SOURCE_URL else None

    def written(self, index: int, write: Write) -> None:
        """Note whether a write that makes a blob may have been carried out unseen."""
        if write.is_ambiguous:
            self.maybe_ours.setdefault(index, write.blob.item)

    def done(self, index: int, blob: SourceBlob, method: CopyMethod) -> None:
        """The blob is at the destination, whole."""
        state, listed = self.state, self.order.blobs[index].item
        if index in state.done:
            return
        state.done.add(index)
        state.bytes_done += blob.item.size_bytes
        state.methods[method.value] += 1
        if state.staged:
            state.staged.pop(index, None)
        if self._newer and (blob.item.etag, blob.item.size_bytes) != (listed.etag, listed.size_bytes):
            state.changed[index] = blob.item.size_bytes
        original = self._newer.get(index, listed)
        if original.tags or original.hidden_tags or self._refused or self._refused_of:
            for what in self._lost(index, original):
                state.not_kept[what] += 1

    def exists(self, index: int, blob: SourceBlob, method: CopyMethod) -> None:
        """A name was taken: by us in an earlier try, then it is done. Raises EffectFailed DESTINATION_EXISTS."""
        ours = self.check_ours(index, blob)
        self.done(index, SourceBlob(ours, blob.target_name), method)

    def check_ours(self, index: int, blob: SourceBlob) -> BlobItem:
        """The version that we wrote ourselves to a name that is taken. Raises EffectFailed DESTINATION_EXISTS."""
        if self.order.was_begun:
            return self.order.blobs[index].item
        if index not in self.maybe_ours:
            raise destination_exists(blob)
        return self.maybe_ours[index]

    def resize(self, index: int, size_bytes: int) -> SourceBlob:
        """The blob, now that its size is known: that of a file which did not tell it."""
        item = self._newer.get(index, self.order.blobs[index].item)
        if item.size_bytes != size_bytes:
            self._newer[index] = replace(item, size_bytes=size_bytes)
        return self.blob(index)

    def staged(self, index: int, blob: SourceBlob, block_bytes: int) -> StagedBlob:
        """The record of the blob's blocks; begun anew where it was of another version, or cut otherwise."""
        record = self.state.staged.get(index)
        if record is None or record.etag != blob.item.etag or record.block_bytes != block_bytes:
            record = self.state.staged[index] = StagedBlob(blob.item.etag, block_bytes)
        return record

    def is_whole(self, index: int) -> bool:
        """Whether the blob goes in one request: by the service up to its size, else what is read at once."""
        size_bytes, sizes = self.blob(index).item.size_bytes, self.options.sizes
        if self.order.blocks is not None or index in self.by_blocks:
            return False
        if index in self.must_stream:
            return size_bytes <= sizes.read_bytes
        return size_bytes <= self._whole_bytes

    def block_bytes(self, size_bytes: int) -> int:
        """The block of a server-side copy of that blob; where orders share a blob all must cut it alike."""
        is_one_of_many = self._are_many_in_blocks and self.order.blocks is None
        return self.options.sizes.block_bytes(size_bytes, is_one_of_many=is_one_of_many)

    def is_all_done(self) -> bool:
        """Whether nothing of the order is left."""
        return self.are_parts_staged or len(self.state.done) == len(self.order.blobs)

    def may_begin_anew(self, index: int) -> bool:
        """Whether a blob whose blocks have vanished is copied once more."""
        self._begun_anew[index] += 1
        return self._begun_anew[index] < self.options.versions

    async def renew(self, index: int, slot: Slot) -> None:
        """The source has changed: pin its new version. Raises EffectFailed where that is not wanted, or not the end."""
        name = self.order.blobs[index].item.name
        self._versions[index] += 1
        if not self.order.takes_changes or self.order.blocks is not None:
            raise source_changed(name)
        if self._versions[index] >= self.options.versions:
            message = f"blob {name!r} of the source changes faster than it can be copied; it is tried again"
            raise EffectFailed.because(FaultCode.SOURCE_CHANGED, message, retryable=True)
        self._newer[index] = await self.head(index, slot)

    async def head(self, index: int, slot: Slot) -> BlobItem:
        """The blob as the source has it now. Raises EffectFailed SOURCE_BLOB_MISSING."""
        name = self.order.blobs[index].item.name
        item = await self.sender.ask(lambda: self.order.source.head(name), name, slot)
        if item is None:
            raise source_missing(name, self.order.source.endpoint)
        return item

    async def check_pin(self, index: int, blob: SourceBlob, slot: Slot) -> None:
        """Ask the source whether the pinned version is still there. Raises SourceChanged, EffectFailed."""
        found = await self.head(index, slot)
        if found.etag != blob.item.etag:
            raise SourceChanged

    async def resume_version(self, index: int, slot: Slot) -> None:
        """Blocks of a newer version are staged: go on with that version if it is still the one."""
        record = self.state.staged.get(index)
        if record is None or not self.order.takes_changes or record.etag == self.blob(index).item.etag:
            return
        found = await self.head(index, slot)
        if found.etag == record.etag:
            self._newer[index] = found

    def does_without(self, index: int, blob: SourceBlob, answer: WireAnswer) -> bool:
        """Whether the write may succeed without something that the answer refuses; it is left out from now on."""
        what, is_for_all = _refused_part(answer, blob.item)
        if what is None:
            return False
        (self._refused if is_for_all else self._refused_of.setdefault(index, set())).add(what)
        return True

    def refused(self, answer: WireAnswer, blob: SourceBlob) -> EffectFailed:
        """The fault for a write that is refused for good."""
        if answer.status in (401, 403):
            self.verdict.forget_refusals()
        return destination_failed(answer, blob, self.order.destination.endpoint)

    def _lost(self, index: int, original: BlobItem) -> set[str]:
        refused = self._refused | self._refused_of.get(index, set())
        lost = {what for what in refused if _has(original, what)}
        if original.hidden_tags or (original.tags and not self.order.destination.keeps_tags):
            lost.add("tags")
        return lost


def _whole_bytes(order: PageOrder, options: EngineOptions) -> int:
    """Up to which size a blob goes in one request: larger where there are enough others to keep all hands busy."""
    sizes = options.sizes
    between = sum(1 for blob in order.blobs if sizes.put_bytes < blob.item.size_bytes <= sizes.put_of_many_bytes)
    return sizes.put_of_many_bytes if between >= sizes.many else sizes.put_bytes


def _refused_part(answer: WireAnswer, item: BlobItem) -> tuple[str | None, bool]:
    what, is_for_all = None, False
    if answer.code == "AuthorizationPermissionMismatch":
        what, is_for_all = "tags", True
    elif answer.code in _TIER_CODES:
        what, is_for_all = "tier", True
    elif answer.code in _METADATA_CODES:
        what = "metadata"
    elif answer.code in _TAG_CODES:
        what = "tags"
    elif answer.code == "InvalidHeaderValue":
        body = answer.body.lower()
        what = next((part for header, part in _HEADER_NAMES.items() if header in body), None)
    return (what, is_for_all) if what is not None and _has(item, what) else (None, False)


def _has(item: BlobItem, what: str) -> bool:
    if what == "metadata":
        return item.headers is not None and bool(item.headers.metadata)
    return bool(item.tags) if what == "tags" else item.tier is not None


def _without(item: BlobItem, refused: set[str]) -> BlobItem:
    if "tags" in refused and item.tags:
        item = replace(item, tags={})
    if "tier" in refused and item.tier is not None:
        item = replace(item, tier=None)
    if "metadata" in refused and item.headers is not None and item.headers.metadata:
        item = replace(item, headers=replace(item.headers or BlobHeaders(), metadata={}))
    return item
