"""LargeCopy: one version of one blob in blocks, several at once, committed when all are staged."""

import base64
import binascii
from collections import deque
from collections.abc import Sequence

from ferry.data_plane.copying.answers import Reading
from ferry.data_plane.copying.blocks import BlockPlan, BlockRange
from ferry.data_plane.copying.failures import RangesIgnored, SourceChanged
from ferry.data_plane.copying.hashing import BlobMd5
from ferry.data_plane.copying.job import CopyJob
from ferry.data_plane.copying.page import StagedBlob
from ferry.data_plane.copying.sending import Slot, Write
from ferry.data_plane.copying.server_side import Copy, copy_by_service
from ferry.data_plane.copying.verdicts import CopyMethod
from ferry.data_plane.copying.whole import settle
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireRefused
from ferry.ports.storage import SourceBlob

_BLOCKS_GONE = frozenset({"InvalidBlockList", "InvalidBlockId"})


class LargeCopy:
    """`pending` are the blocks that nobody has taken yet. `is_over`: it is committed, or begun anew otherwise."""

    def __init__(self, job: CopyJob, index: int) -> None:
        self.pending: deque[int] = deque()
        self.is_over = False
        self._job = job
        self._index = index
        self._blob = job.blob(index)
        self._url: str | None = None
        self._plan = BlockPlan(self._blob, 1)
        self._blocks: list[BlockRange] = []
        self._record = StagedBlob("", 0)
        self._left = 0
        self._md5: BlobMd5 | None = None

    async def open(self, slot: Slot) -> None:
        """Decide how it is cut, and find out which blocks are there already."""
        job, index = self._job, self._index
        await job.resume_version(index, slot)
        self._blob = blob = job.blob(index)
        verdict = job.verdict
        can_serve = index not in job.must_stream and not verdict.is_refused(CopyMethod.BLOCKS_FROM_URL)
        self._url = job.url(blob.item) if can_serve else None
        if self._url is None and not job.order.source.reads_ranges:
            raise RangesIgnored
        sizes, size_bytes = job.options.sizes, blob.item.size_bytes
        cut = job.block_bytes(size_bytes)
        block_bytes = cut if self._url is not None else sizes.stream_block_bytes(size_bytes)
        self._plan = BlockPlan(blob, block_bytes)
        self._blocks = self._plan.blocks()
        self._record = job.staged(index, blob, block_bytes)
        # Where all are staged, the commit itself finds out; it may have been carried out already.
        if job.order.may_list and len(self._record.blocks) < self._plan.count:
            await self._ask_for_staged(slot)
        wanted = range(self._plan.count)
        if job.order.blocks is not None:
            parts = cut // block_bytes
            wanted = range(job.order.blocks.start * parts, min(job.order.blocks.stop * parts, self._plan.count))
        self.pending.extend(block for block in wanted if block not in self._record.blocks)
        self._left = len(self.pending)
        if self._url is None and not self._record.blocks and job.order.blocks is None:
            self._md5 = BlobMd5()
        if not self._left:
            await self._finish(slot)

    async def copy_block(self, block: int, slot: Slot) -> None:
        """Stage one block; whoever stages the last one commits. Raises EffectFailed."""
        if self.is_over:
            return
        try:
            is_staged = await (self._stream(block, slot) if self._url is None else self._serve(block, slot))
        except SourceChanged:
            if self._close():
                await self._job.renew(self._index, slot)
                self._job.again(self._index)
            return
        except RangesIgnored:
            if self._close():
                self._job.one_pass.add(self._index)
                self._job.again(self._index)
            return
        if not is_staged:
            if self._close():
                self._job.must_stream.add(self._index)
                self._job.again(self._index)
            return
        if self.is_over:
            return
        self._left -= 1
        if not self._left:
            await self._finish(slot)

    async def _serve(self, block: int, slot: Slot) -> bool:
        """Put Block From URL; False where the service cannot."""
        job, part, blob = self._job, self._blocks[block], self._blob
        url = self._url or ""
        copy = Copy(self._index, blob, (CopyMethod.BLOCKS_FROM_URL,), part.size_bytes, makes_blob=False)
        done = await copy_by_service(
            job,
            copy,
            slot,
            lambda _: job.order.destination.stage_from_url(blob.target_name, url, blob.item, part),
        )
        if done is None:
            return False
        _, reading, answer = done
        if reading is not Reading.DONE:
            raise job.refused(answer, blob)
        self._note(block, part)
        return True

    async def _stream(self, block: int, slot: Slot) -> bool:
        """Read a block and put it, within the budget."""
        job, part = self._job, self._blocks[block]
        await job.budget.take(part.size_bytes)
        try:
            content = await job.sender.read(self._blob.item, part.start, part.size_bytes, slot)
            await stage(job, self._blob, part, content, slot)
            self._note(block, part)
            if self._md5 is not None:
                await self._md5.add(block, content)
        finally:
            job.budget.give_back(part.size_bytes)
        return True

    def _note(self, block: int, part: BlockRange) -> None:
        """Of a version or cut that was given up nothing is noted: its record is not the state's any more."""
        if not self.is_over:
            self._record.blocks.add(block)
            if self._job.order.blocks is not None:
                self._job.state.bytes_done += part.size_bytes

    async def _finish(self, slot: Slot) -> None:
        if self._job.order.blocks is not None:
            self._job.are_parts_staged = True
            self._close()
            return
        item = self._blob.item
        digest = self._md5.digest(self._plan.count) if self._md5 is not None else None
        stored = stored_md5(item.content_md5)
        if digest is not None and stored is not None and digest != stored:
            self._job.state.not_kept["content_md5"] += 1
        method = CopyMethod.STREAM if self._url is None else CopyMethod.BLOCKS_FROM_URL
        ids = self._plan.ids()
        job = self._job
        if not await commit(job, self._index, self._blob, ids, method=method, content_md5=digest or stored, slot=slot):
            self._job.state.staged.pop(self._index, None)
            if self._close():
                self._job.again(self._index)
            return
        self._close()

    async def _ask_for_staged(self, slot: Slot) -> None:
        """Believe the service, not the record: the blocks that are there under our names, in the size of ours."""
        job, name = self._job, self._blob.target_name
        try:
            found = await job.sender.ask_destination(lambda: job.order.destination.staged(name), self._blob, slot)
        except WireRefused as refused:
            raise job.refused(refused.answer, self._blob) from None
        here = {block for block, part in enumerate(self._blocks) if found.get(part.id) == part.size_bytes}
        self._record.blocks.clear()
        self._record.blocks.update(here)

    def _close(self) -> bool:
        """Whether this was the first to end it."""
        was_over, self.is_over = self.is_over, True
        self.pending.clear()
        if self._md5 is not None:
            self._md5.close()
        return not was_over


async def stage(job: CopyJob, blob: SourceBlob, part: BlockRange, content: bytes, slot: Slot) -> None:
    """Put Block. Raises EffectFailed."""
    write = Write(blob, slot, moves_bytes=len(content))
    reading, answer = await job.sender.write(
        write, lambda: job.order.destination.stage(blob.target_name, content, part)
    )
    if reading is Reading.WRONG_MD5:
        reading, answer = await job.sender.write(
            write, lambda: job.order.destination.stage(blob.target_name, content, part)
        )
    if reading is not Reading.DONE:
        raise job.refused(answer, blob)


async def commit(
    job: CopyJob,
    index: int,
    blob: SourceBlob,
    ids: Sequence[str],
    *,
    method: CopyMethod,
    content_md5: bytes | None,
    slot: Slot,
) -> bool:
    """Put Block List; False where its blocks are not there any more. Raises EffectFailed."""
    order = job.order
    while True:
        item, write = blob.item, Write(blob, slot)
        try:
            reading, answer = await job.sender.write(
                write,
                lambda name=blob.target_name, item=item: order.destination.commit(
                    name, ids, item, content_md5=content_md5, overwrite=order.overwrite
                ),
            )
        finally:
            job.written(index, write)
        if reading is Reading.REFUSED and answer.code in _BLOCKS_GONE:
            if job.may_begin_anew(index):
                return False
            message = f"the blocks of blob {blob.target_name!r} vanish before they can be committed; it is tried again"
            raise EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message, retryable=True)
        if settle(job, index, blob, method, told=(reading, answer)):
            return True
        blob = job.blob(index)


async def commit_parts(job: CopyJob, slot: Slot) -> None:
    """Commit the only blob of an order, whose blocks others have staged. Raises EffectFailed.

    Which blocks they are says the merged record; without one both ways to cut it are tried.
    """
    blob, sizes = job.blob(0), job.options.sizes
    size_bytes, record = blob.item.size_bytes, job.state.staged.get(0)
    served = sizes.block_bytes(size_bytes)
    cuts = (served, sizes.stream_block_bytes(size_bytes)) if record is None else (record.block_bytes,)
    if record is not None:
        missing = set(range(BlockPlan(blob, record.block_bytes).count)) - record.blocks
        if missing or record.etag != blob.item.etag:
            raise _parts_missing(blob, f"{len(missing)} blocks of this version are not staged")
    for block_bytes in cuts:
        method = CopyMethod.BLOCKS_FROM_URL if block_bytes == served else CopyMethod.STREAM
        ids, md5 = BlockPlan(blob, block_bytes).ids(), stored_md5(blob.item.content_md5)
        if await commit(job, 0, blob, ids, method=method, content_md5=md5, slot=slot):
            return
    raise _parts_missing(blob, "the destination does not know all of its blocks")


def _parts_missing(blob: SourceBlob, why: str) -> EffectFailed:
    message = f"blob {blob.target_name!r} cannot be put together: {why}; copy its parts again"
    return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message)


def stored_md5(text: str | None) -> bytes | None:
    """The MD5 that is stored with the blob; None where there is none that could be one."""
    try:
        found = base64.b64decode(text or "", validate=True)
    except binascii.Error:
        return None
    return found if len(found) == 16 else None
