"""Copies of append and page blobs, by the operations of their own kind; only the service itself can do them."""

from collections import deque
from dataclasses import replace

from ferry.data_plane.copying.answers import Reading
from ferry.data_plane.copying.failures import SourceChanged, type_unsupported
from ferry.data_plane.copying.job import CopyJob
from ferry.data_plane.copying.page import StagedBlob
from ferry.data_plane.copying.sending import Slot, Write
from ferry.data_plane.copying.server_side import Copy, copy_by_service
from ferry.data_plane.copying.verdicts import CopyMethod
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import SourceBlob

APPEND, PAGES = "AppendBlob", "PageBlob"
# No other way is left for these, so an accident is not to look like a refusal.
_DOUBTS = 3
_POSITION_CODES = frozenset({"AppendPositionConditionNotMet", "TargetConditionNotMet", "ConditionNotMet"})


async def check_types(job: CopyJob, indexes: list[int], slot: Slot) -> None:
    """Refuse what this pair cannot copy before anything is copied. Raises EffectFailed BLOB_TYPE_UNSUPPORTED."""
    endpoint = job.order.destination.endpoint
    for index in indexes:
        blob = job.blob(index)
        if blob.item.blob_type not in (APPEND, PAGES):
            raise type_unsupported(blob, endpoint, "its type is not known")
        if job.url(blob.item) is None:
            raise type_unsupported(blob, endpoint, "its service cannot be given an address of the source")
    verdict = job.verdict
    methods = {_method(job.blob(index)) for index in indexes}
    unknown = [method for method in methods if not verdict.is_proven(method) and not verdict.is_refused(method)]
    if unknown:
        await _probe(job, next(index for index in indexes if _method(job.blob(index)) in unknown), slot)
    for index in indexes:
        if verdict.is_refused(_method(job.blob(index))):
            raise type_unsupported(job.blob(index), endpoint, "its service cannot copy from there")


async def _probe(job: CopyJob, index: int, slot: Slot) -> None:
    """Append a byte where no blob of ours can end, which is refused: for the place, or for what we want to know."""
    blob = job.blob(index)
    # Odd, and no step ends there.
    middle = blob.item.size_bytes // 2 | 1
    url = job.url(blob.item)
    if middle >= blob.item.size_bytes or url is None:
        return
    copy = Copy(index, blob, (CopyMethod.APPEND_FROM_URL,), 1, makes_blob=False, doubts=_DOUBTS)
    item = replace(blob.item, content_md5=None)
    send, name = job.order.destination.append_from_url, blob.target_name
    try:
        done = await copy_by_service(job, copy, slot, lambda _: send(name, url, item, start=middle, size_bytes=1))
    except SourceChanged:
        # It was read, which is all that was to be known.
        return
    if done is None:
        job.verdict.refuse((CopyMethod.APPEND_FROM_URL, CopyMethod.PAGES_FROM_URL))


class TypedCopy:
    """One version of one append or page blob. `pending` are the steps that nobody has taken yet; `is_over`: no more.

    The steps of an append blob are taken one after another, those of a page blob by many at once.
    """

    def __init__(self, job: CopyJob, index: int) -> None:
        self.pending: deque[int] = deque()
        self.is_over = False
        self._job = job
        self._index = index
        self._blob = job.blob(index)
        self._method = _method(self._blob)
        self._record = StagedBlob("", 0)
        self._left = 0
        self._is_found = False

    async def open(self, slot: Slot) -> None:
        """Make the empty blob, unless that was done."""
        job, index = self._job, self._index
        was_ours = index in job.state.staged
        await job.resume_version(index, slot)
        self._blob = blob = job.blob(index)
        sizes = job.options.sizes
        step_bytes = sizes.append_bytes if self._method is CopyMethod.APPEND_FROM_URL else sizes.pages_bytes
        is_same = was_ours and job.state.staged[index].etag == blob.item.etag
        if not is_same:
            await self._create(slot, is_ours=was_ours)
        self._record = job.staged(index, blob, step_bytes)
        count = -(-blob.item.size_bytes // step_bytes)
        steps = [step for step in range(count) if step not in self._record.blocks]
        self._left = len(steps)
        # Appends follow one another: one worker takes them all.
        self.pending.extend(steps[:1] if self._method is CopyMethod.APPEND_FROM_URL else steps)
        if not self._left:
            self._finish()

    async def copy_block(self, step: int, slot: Slot) -> None:
        """Copy one step of pages, or all steps from this one on. Raises EffectFailed."""
        try:
            if self._method is CopyMethod.PAGES_FROM_URL:
                await self._copy_step(step, slot)
            else:
                while not self.is_over and self._left:
                    await self._copy_step(step, slot)
                    step += 1
        except SourceChanged:
            if not self.is_over:
                self.is_over = True
                self.pending.clear()
                await self._job.renew(self._index, slot)
                self._job.again(self._index)

    async def _copy_step(self, step: int, slot: Slot) -> None:
        job, blob, step_bytes = self._job, self._blob, self._record.block_bytes
        start = step * step_bytes
        size_bytes = min(step_bytes, blob.item.size_bytes - start)
        url = job.url(blob.item) or ""
        destination, name = job.order.destination, blob.target_name
        send = (
            destination.append_from_url
            if self._method is CopyMethod.APPEND_FROM_URL
            else destination.put_pages_from_url
        )
        copy = Copy(self._index, blob, (self._method,), size_bytes, makes_blob=False, doubts=_DOUBTS)
        item = replace(blob.item, content_md5=None)
        done = await copy_by_service(
            job, copy, slot, lambda _: send(name, url, item, start=start, size_bytes=size_bytes)
        )
        if self.is_over:
            return
        if done is None:
            raise type_unsupported(blob, destination.endpoint, "its service cannot copy from there any more")
        _, reading, answer = done
        if reading is not Reading.DONE and not self._was_appended(reading, answer):
            raise job.refused(answer, blob)
        self._record.blocks.add(step)
        self._left -= 1
        if not self._left:
            self._finish()

    def _was_appended(self, reading: Reading, answer: WireAnswer) -> bool:
        """Whether the blob is longer already: an earlier try, or run, has appended this step.

        Nobody else appends to a blob that we have made, and only whole steps are appended.
        """
        return self._method is CopyMethod.APPEND_FROM_URL and answer.code in _POSITION_CODES

    async def _create(self, slot: Slot, *, is_ours: bool) -> None:
        """Make it, empty. One that holds an older version of ours is begun anew."""
        job, order = self._job, self._job.order
        destination = order.destination
        create = (
            destination.create_appendable if self._method is CopyMethod.APPEND_FROM_URL else destination.create_paged
        )
        while True:
            blob = self._blob
            write = Write(blob, slot)
            try:
                reading, answer = await job.sender.write(
                    write,
                    lambda item=blob.item, name=blob.target_name: create(
                        name, item, overwrite=order.overwrite or is_ours
                    ),
                )
            finally:
                job.written(self._index, write)
            if reading is Reading.EXISTS:
                # Raises unless an earlier try or run of ours has made it.
                job.check_ours(self._index, blob)
            elif reading is Reading.REFUSED and job.does_without(self._index, blob, answer):
                self._blob = job.blob(self._index)
                continue
            elif reading is not Reading.DONE:
                raise job.refused(answer, blob)
            return

    def _finish(self) -> None:
        self.is_over = True
        self.pending.clear()
        self._job.done(self._index, self._blob, self._method)


def is_typed(blob: SourceBlob) -> bool:
    """Whether it is no block blob."""
    return blob.item.blob_type not in ("BlockBlob", "")


def _method(blob: SourceBlob) -> CopyMethod:
    return CopyMethod.PAGES_FROM_URL if blob.item.blob_type == PAGES else CopyMethod.APPEND_FROM_URL
