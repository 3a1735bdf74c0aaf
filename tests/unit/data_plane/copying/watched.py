"""A destination that notes which blocks it is sent, and a source that counts the bytes it has given away alive."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ferry.ports.blob_sides import BlockRange, DestinationSide, SourceSide, WireAnswer
from ferry.ports.storage import BlobItem, BlobPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from ferry.domain.secret import Secret


@dataclass(slots=True)
class Held:
    """Bytes that were read and not let go of yet."""

    now: int = 0
    peak: int = 0


class _Content(bytes):
    """Bytes that say when they go."""

    held: Held

    def __del__(self) -> None:
        self.held.now -= len(self)


class _AnyVersion(str):
    """An ETag that every version has."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = str.__hash__


@dataclass(slots=True)
class WatchedSource:
    """Passes everything on; what `read` gives is counted as long as somebody holds it."""

    inner: SourceSide
    held: Held = field(default_factory=Held)

    @property
    def endpoint(self) -> str:
        """The inner one's."""
        return self.inner.endpoint

    @property
    def reads_ranges(self) -> bool:
        """The inner one's."""
        return self.inner.reads_ranges

    async def prepare(self) -> None:
        """The inner one's."""
        await self.inner.prepare()

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """The inner one's."""
        return await self.inner.list_page(prefix, after=after, limit=limit)

    async def head(self, name: str) -> BlobItem | None:
        """The inner one's."""
        return await self.inner.head(name)

    def url(self, item: BlobItem) -> "Secret | None":
        """The inner one's."""
        return self.inner.url(item)

    async def read(self, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """The inner one's, counted."""
        content = _Content(await self.inner.read(item, start, size_bytes))
        content.held = self.held
        self.held.now += len(content)
        self.held.peak = max(self.held.peak, self.held.now)
        return content

    def stream(self, item: BlobItem) -> "AbstractAsyncContextManager[AsyncIterator[bytes]]":
        """The inner one's."""
        return self.inner.stream(item)


@dataclass(slots=True)
class WatchedDestination:
    """Passes everything on. `sent` counts the blocks by blob and id, `acknowledged` those that were answered with 201.

    `is_unpinned` and `overwrites` are defects: the source's version is not pinned; what is there is overwritten.
    """

    inner: DestinationSide
    sent: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    acknowledged: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    is_unpinned: bool = False
    overwrites: bool = False

    @property
    def endpoint(self) -> str:
        """The inner one's."""
        return self.inner.endpoint

    @property
    def keeps_tags(self) -> bool:
        """The inner one's."""
        return self.inner.keeps_tags

    async def put_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """The inner one's."""
        overwrite = overwrite or self.overwrites
        return await self.inner.put_from_url(name, source_url, self._pinned(item), overwrite=overwrite)

    async def copy_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """The inner one's."""
        overwrite = overwrite or self.overwrites
        return await self.inner.copy_from_url(name, source_url, self._pinned(item), overwrite=overwrite)

    async def put(self, name: str, content: bytes, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """The inner one's."""
        return await self.inner.put(name, bytes(content), item, overwrite=overwrite or self.overwrites)

    async def stage_from_url(self, name: str, source_url: str, item: BlobItem, block: BlockRange) -> WireAnswer:
        """The inner one's, noted."""
        self.sent[name, block.id] += 1
        return self._noted(name, block, await self.inner.stage_from_url(name, source_url, self._pinned(item), block))

    async def stage(self, name: str, content: bytes, block: BlockRange) -> WireAnswer:
        """The inner one's, noted."""
        self.sent[name, block.id] += 1
        return self._noted(name, block, await self.inner.stage(name, bytes(content), block))

    async def commit(
        self, name: str, block_ids: Sequence[str], item: BlobItem, *, content_md5: bytes | None, overwrite: bool
    ) -> WireAnswer:
        """The inner one's."""
        overwrite = overwrite or self.overwrites
        return await self.inner.commit(name, block_ids, item, content_md5=content_md5, overwrite=overwrite)

    async def staged(self, name: str) -> Mapping[str, int]:
        """The inner one's."""
        return await self.inner.staged(name)

    async def create_appendable(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """The inner one's."""
        return await self.inner.create_appendable(name, item, overwrite=overwrite)

    async def append_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """The inner one's."""
        item = self._pinned(item)
        return await self.inner.append_from_url(name, source_url, item, start=start, size_bytes=size_bytes)

    async def create_paged(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """The inner one's."""
        return await self.inner.create_paged(name, item, overwrite=overwrite)

    async def put_pages_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """The inner one's."""
        item = self._pinned(item)
        return await self.inner.put_pages_from_url(name, source_url, item, start=start, size_bytes=size_bytes)

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """The inner one's."""
        return await self.inner.list_page(prefix, after=after, limit=limit)

    def _noted(self, name: str, block: BlockRange, answer: WireAnswer) -> WireAnswer:
        if answer.is_done:
            self.acknowledged.add((name, block.id))
        return answer

    def _pinned(self, item: BlobItem) -> BlobItem:
        return replace(item, etag=_AnyVersion(item.etag)) if self.is_unpinned else item
