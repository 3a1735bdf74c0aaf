"""Copies of a file whose server knows no ranges: read once from the beginning, block by block."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

from ferry.data_plane.copying.blocks import BlockPlan
from ferry.data_plane.copying.failures import Halted, SourceChanged, source_away
from ferry.data_plane.copying.job import CopyJob
from ferry.data_plane.copying.large import commit, stage
from ferry.data_plane.copying.sending import Slot, refused_read
from ferry.data_plane.copying.verdicts import CopyMethod
from ferry.data_plane.copying.whole import put
from ferry.ports.blob_sides import WireLost, WireRefused
from ferry.ports.storage import SourceBlob

# What is read and not a block yet, the next block, and the one that is being sent.
_HELD_BLOCKS = 3


async def copy_one_pass(job: CopyJob, index: int, slot: Slot) -> None:
    """Copy it; a connection that breaks begins again from the start. Raises SourceChanged, EffectFailed."""
    options, what = job.options, ""
    for attempt in range(options.tries):
        if attempt:
            pause_seconds = options.first_pause_seconds * 2.0 ** (attempt - 1)
            await asyncio.sleep(min(pause_seconds, options.longest_pause_seconds))
        try:
            await _copy_once(job, index, slot)
        except WireLost as lost:
            what = str(lost)
        except WireRefused as refused:
            status = refused.answer.status
            if status not in (408, 429) and status < 500:
                raise refused_read(refused.answer, job.blob(index).item.name, job.order.source.endpoint) from None
            what = str(refused)
        else:
            return
    raise source_away(what, job.blob(index).item.name, job.order.source.endpoint)


async def _copy_once(job: CopyJob, index: int, slot: Slot) -> None:
    blob = job.blob(index)
    size_bytes, sizes = blob.item.size_bytes, job.options.sizes
    block_bytes = sizes.stream_block_bytes(size_bytes) if size_bytes > sizes.read_bytes else sizes.read_bytes
    held_bytes = _HELD_BLOCKS * (block_bytes if size_bytes < 0 else min(block_bytes, max(1, size_bytes)))
    await job.budget.take(held_bytes)
    try:
        if job.sender.is_halted:
            raise Halted
        async with job.order.source.stream(blob.item) as chunks:
            await _write(job, index, blob, _cut(chunks, block_bytes), slot)
    finally:
        job.budget.give_back(held_bytes)


async def _write(job: CopyJob, index: int, blob: SourceBlob, blocks: AsyncIterator[bytes], slot: Slot) -> None:
    """One request where one block is all there is, else blocks that nobody else uses, and a commit."""
    wanted = blob.item.size_bytes
    block_bytes = job.options.sizes.stream_block_bytes(wanted) if wanted > 0 else job.options.sizes.read_bytes
    first = await anext(blocks, b"")
    second = await anext(blocks, b"")
    if not second:
        if len(first) != wanted >= 0:
            raise SourceChanged
        await put(job, index, job.resize(index, len(first)), first, slot)
        return
    # Without a pin a later pass may read another version, so every pass has block names of its own.
    marked = SourceBlob(replace(blob.item, etag=secrets.token_hex(8), size_bytes=1 << 62), blob.target_name)
    plan = BlockPlan(marked, block_bytes)
    md5, length, count, content = hashlib.md5(usedforsecurity=False), 0, 0, first
    while content:
        part = replace(plan.block(count), size_bytes=len(content))
        await stage(job, blob, part, content, slot)
        md5.update(content)
        length, count = length + len(content), count + 1
        content, second = second, await anext(blocks, b"") if second else b""
    if length != wanted >= 0:
        raise SourceChanged
    ids = [plan.block(number).id for number in range(count)]
    whole = job.resize(index, length)
    done = await commit(job, index, whole, ids, method=CopyMethod.STREAM, content_md5=md5.digest(), slot=slot)
    if not done:
        raise WireLost("its blocks have vanished", was_sent=True)


async def _cut(chunks: AsyncIterator[bytes], block_bytes: int) -> AsyncIterator[bytes]:
    """The same bytes in blocks of that size."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= block_bytes:
            yield bytes(held[:block_bytes])
            del held[:block_bytes]
    if held:
        yield bytes(held)
