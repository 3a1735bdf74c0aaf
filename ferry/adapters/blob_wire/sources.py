"""Where blobs are read: a container, by a SAS of ours or a given one, or a single address."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import quote

from ferry.adapters.blob_wire.access import Access
from ferry.adapters.blob_wire.answered import item_of, told
from ferry.adapters.blob_wire.documents import read_tags
from ferry.adapters.blob_wire.listed import UnreadableXml
from ferry.adapters.blob_wire.listing import read_page
from ferry.adapters.blob_wire.raw_answer import RawAnswer
from ferry.adapters.blob_wire.reading import Reader
from ferry.adapters.blob_wire.request import Unsendable, is_strong, quoted_name
from ferry.domain.secret import Secret
from ferry.ports.blob_sides import WireLost, WireRefused
from ferry.ports.storage import BlobItem, BlobPage

LISTING_LIMIT_BYTES = 128 * 1024 * 1024
_TAGS_LIMIT_BYTES = 64 * 1024
# The service reads a source's address from a header of 2 KiB.
_URL_LIMIT = 2048
# Addresses that are signed for GET alone are among them.
_KNOWS_NO_HEAD = frozenset({400, 403, 405, 501})
_NO_TAGS = frozenset({400, 403, 409})


class ContainerListing:
    """Lists one container, with tags as long as that is allowed."""

    def __init__(self, reader: Reader, path: str, access: Access) -> None:
        self._reader = reader
        self._path = path
        self._access = access
        self._asks_for_tags = access.may_read_tags

    async def page(self, prefix: str, *, after: str | None, limit: int) -> BlobPage:
        """One page. Raises WireRefused, WireLost."""
        query = f"restype=container&comp=list&maxresults={limit}"
        if prefix:
            query += f"&prefix={quote(prefix, safe='')}"
        if after is not None:
            query += f"&marker={quote(after, safe='')}"
        query = f"{query}&{await self._access.own_query()}".rstrip("&")
        try:
            answer = await self._answer(query)
            return read_page(answer.body)
        except UnreadableXml as unreadable:
            raise WireLost(f"the listing cannot be read: {unreadable}", was_sent=True) from None

    async def _answer(self, query: str) -> RawAnswer:
        if not self._asks_for_tags:
            return await self._get(f"include=metadata&{query}")
        try:
            return await self._get(f"include=metadata,tags&{query}")
        except WireRefused as refused:
            if refused.answer.status not in _NO_TAGS:
                raise
        # Not allowed, or tags are unknown there; if something else was wrong, it still is.
        answer = await self._get(f"include=metadata&{query}")
        self._asks_for_tags = False
        return answer

    async def _get(self, query: str) -> RawAnswer:
        return await self._reader.get(f"{self._path}?{query}", limit_bytes=LISTING_LIMIT_BYTES)


class ContainerSource:
    """A container as a source. `base` is its address, `path` the part of it behind the origin, neither with a slash."""

    reads_ranges = True

    def __init__(self, reader: Reader, *, endpoint: str, base: str, path: str, access: Access) -> None:
        self._reader = reader
        self._endpoint = endpoint
        self._base = base
        self._path = path
        self._access = access
        self._listing = ContainerListing(reader, path, access)

    @property
    def endpoint(self) -> str:
        """The account's endpoint."""
        return self._endpoint

    async def prepare(self) -> None:
        """Have the key with which addresses are signed."""
        await self._access.prepare()

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """One page of names."""
        return await self._listing.page(prefix, after=after, limit=limit)

    async def head(self, name: str) -> BlobItem | None:
        """One blob, with its tags if it has any."""
        target = await self._target(name)
        answer = await self._reader.head(target)
        if _is_missing(answer):
            return None
        return await _item(self._reader, name, target, answer, may_read_tags=self._access.may_read_tags)

    def url(self, item: BlobItem) -> Secret | None:
        """The blob's address with a SAS, if it fits into a header."""
        query = self._access.query_for(item.name)
        if query is None:
            return None
        try:
            address = f"{self._base}/{quoted_name(item.name)}?{query}".rstrip("?")
        except Unsendable:
            return None
        return Secret(address) if len(address) <= _URL_LIMIT else None

    async def read(self, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """So many bytes of the blob."""
        return await self._reader.read(await self._target(item.name), item, start, size_bytes)

    def stream(self, item: BlobItem) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The whole blob."""
        return self._reader.stream(lambda: self._target(item.name), item)

    async def _target(self, name: str) -> str:
        try:
            return f"{self._path}/{quoted_name(name)}?{await self._access.own_query()}".rstrip("?")
        except Unsendable as unsendable:
            raise WireRefused(unsendable.answer) from None


class FileSource:
    """One address as a source: a blob with its SAS, or any file; `target` is the address behind the origin.

    A file without ranges, or without a version to pin to, is read in one pass: pieces of it might not fit together.
    """

    def __init__(self, reader: Reader, *, endpoint: str, name: str, address: Secret, may_read_tags: bool) -> None:
        self._reader = reader
        self._endpoint = endpoint
        self._name = name
        self._address = address
        self._target = "/" + address.reveal().split("://", 1)[1].partition("/")[2]
        self._may_read_tags = may_read_tags
        self._has_ranges: bool | None = None

    @property
    def endpoint(self) -> str:
        """The account's endpoint, or the origin."""
        return self._endpoint

    @property
    def reads_ranges(self) -> bool:
        """Whether its server said that it has ranges, and the file has a version."""
        return bool(self._has_ranges)

    async def prepare(self) -> None:
        """Look at the file once. Raises WireRefused, WireLost."""
        if self._has_ranges is None:
            await self.head(self._name)

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """The one item, where it is there and its name begins like that."""
        item = await self.head(self._name) if self._name.startswith(prefix) else None
        return BlobPage(() if item is None else (item,))

    async def head(self, name: str) -> BlobItem | None:
        """The file as it is now."""
        if name != self._name:
            return None
        answer = await self._reader.head(self._target)
        if answer.status in _KNOWS_NO_HEAD:
            answer = await self._reader.peek(self._target)
        if _is_missing(answer):
            return None
        item = await _item(self._reader, name, self._target, answer, may_read_tags=self._may_read_tags)
        self._has_ranges = item.size_bytes >= 0 and is_strong(item.etag) and _has_ranges(answer)
        return item

    def url(self, item: BlobItem) -> Secret | None:
        """The address itself, where a copy can be pinned to the version."""
        return self._address if is_strong(item.etag) and len(self._address.reveal()) <= _URL_LIMIT else None

    async def read(self, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """So many bytes of it."""
        return await self._reader.read(self._target, item, start, size_bytes)

    def stream(self, item: BlobItem) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """All of it."""
        return self._reader.stream(self._same_target, item)

    async def _same_target(self) -> str:
        return self._target


async def _item(reader: Reader, name: str, target: str, answer: RawAnswer, *, may_read_tags: bool) -> BlobItem:
    """The item of a HEAD; its tags take a request of their own where there are some."""
    if answer.status not in (200, 206):
        raise WireRefused(told(answer))
    item = item_of(name, answer)
    if answer.headers.get("x-ms-tag-count", "0") == "0" or not may_read_tags:
        return item
    path, _, query = target.partition("?")
    try:
        tags = await reader.get(f"{path}?comp=tags&{query}".rstrip("&"), limit_bytes=_TAGS_LIMIT_BYTES)
        return replace(item, tags=read_tags(tags.body), hidden_tags=0)
    except WireRefused as refused:
        if refused.answer.status not in _NO_TAGS:
            raise
        return item
    except UnreadableXml as unreadable:
        raise WireLost(f"the tags cannot be read: {unreadable}", was_sent=True) from None


def _is_missing(answer: RawAnswer) -> bool:
    return answer.status == 404 and told(answer).code not in ("ContainerNotFound", "ContainerBeingDeleted")


def _has_ranges(answer: RawAnswer) -> bool:
    return answer.status == 206 or "bytes" in answer.headers.get("accept-ranges", "").lower()
