"""Copies of one blob in one request to the destination."""

from collections.abc import Awaitable, Sequence

from ferry.data_plane.copying.answers import Reading, may_be_carried_out
from ferry.data_plane.copying.failures import RangesIgnored
from ferry.data_plane.copying.job import CopyJob
from ferry.data_plane.copying.sending import Slot, Write
from ferry.data_plane.copying.server_side import Copy, copy_by_service
from ferry.data_plane.copying.verdicts import CopyMethod
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import BlobItem, SourceBlob


async def copy_whole(job: CopyJob, index: int, slot: Slot) -> None:
    """Copy a blob that fits in one request; what does not fit when it must be streamed is put back for blocks."""
    blob = job.blob(index)
    if blob.item.size_bytes < 0:
        raise RangesIgnored
    url = None if index in job.must_stream else job.url(blob.item)
    if url is not None:
        is_proven = job.verdict.is_proven(CopyMethod.PUT_FROM_URL)
        if await (_put if is_proven else _by_service)(job, index, blob, url, slot):
            return
    if blob.item.size_bytes > job.options.sizes.put_bytes:
        job.by_blocks.add(index)
    else:
        job.must_stream.add(index)
    if job.is_whole(index):
        await _by_hand(job, index, job.blob(index), slot)
    else:
        job.again(index)


async def _put(job: CopyJob, index: int, blob: SourceBlob, url: str, slot: Slot) -> bool:
    """Whether the service did it. The way that a billion blobs go is short, and everything else a way around it."""
    item, order = blob.item, job.order
    write = Write(blob, slot, True, False, item.size_bytes)
    try:
        first = await job.sender.write_once(
            write, lambda: order.destination.put_from_url(blob.target_name, url, item, overwrite=order.overwrite)
        )
    finally:
        if write.is_ambiguous:
            job.written(index, write)
    answer, reading = first
    if reading is Reading.DONE:
        job.done(index, blob, CopyMethod.PUT_FROM_URL)
        return True
    if may_be_carried_out(answer):
        write.is_ambiguous = True
        job.written(index, write)
    return await _by_service(job, index, blob, url, slot, firsts=[first])


async def _by_service(
    job: CopyJob,
    index: int,
    blob: SourceBlob,
    url: str,
    slot: Slot,
    *,
    firsts: Sequence[tuple[WireAnswer, Reading]] = (),
) -> bool:
    """Whether the service did it, by whichever of its ways."""
    destination, name, overwrite = job.order.destination, blob.target_name, job.order.overwrite
    methods = (CopyMethod.PUT_FROM_URL, CopyMethod.COPY_FROM_URL)
    if blob.item.size_bytes > job.options.sizes.put_bytes:
        methods = methods[:1]
    first = list(firsts)
    while True:
        item = blob.item

        def request(method: CopyMethod, item: BlobItem = item) -> Awaitable[WireAnswer]:
            send = destination.put_from_url if method is CopyMethod.PUT_FROM_URL else destination.copy_from_url
            return send(name, url, item, overwrite=overwrite)

        done = await copy_by_service(job, Copy(index, blob, methods, item.size_bytes, firsts=first), slot, request)
        if done is None:
            return False
        method, reading, answer = done
        if settle(job, index, blob, method, told=(reading, answer)):
            return True
        blob = job.blob(index)


async def _by_hand(job: CopyJob, index: int, blob: SourceBlob, slot: Slot) -> None:
    """Read it and put it."""
    size_bytes = blob.item.size_bytes
    if not job.order.source.reads_ranges:
        raise RangesIgnored
    await job.budget.take(size_bytes)
    try:
        content = await job.sender.read(blob.item, 0, size_bytes, slot) if size_bytes else b""
        await put(job, index, blob, content, slot)
    finally:
        job.budget.give_back(size_bytes)


async def put(job: CopyJob, index: int, blob: SourceBlob, content: bytes, slot: Slot) -> None:
    """Put Blob. Raises EffectFailed."""
    order, is_again = job.order, False
    while True:
        item = blob.item
        write = Write(blob, slot, moves_bytes=len(content))
        try:
            reading, answer = await job.sender.write(
                write,
                lambda name=blob.target_name, item=item: order.destination.put(
                    name, content, item, overwrite=order.overwrite
                ),
            )
        finally:
            job.written(index, write)
        if reading is Reading.WRONG_MD5 and not is_again:
            is_again = True
            continue
        if settle(job, index, blob, CopyMethod.STREAM, told=(reading, answer)):
            return
        blob = job.blob(index)


def settle(job: CopyJob, index: int, blob: SourceBlob, method: CopyMethod, *, told: tuple[Reading, WireAnswer]) -> bool:
    """Account for a write that makes a blob; False where it is to be sent again without what was refused.

    Raises EffectFailed.
    """
    reading, answer = told
    if reading is Reading.DONE:
        job.done(index, blob, method)
    elif reading is Reading.EXISTS:
        job.exists(index, blob, method)
    elif job.does_without(index, blob, answer):
        return False
    else:
        raise job.refused(answer, blob)
    return True
