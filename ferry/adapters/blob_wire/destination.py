"""A container that a SAS may write to: every way to make a blob there, one request each."""

import base64
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from ferry.adapters.blob_clients import READ_SECONDS
from ferry.adapters.blob_wire.access import GivenAccess, letters_of
from ferry.adapters.blob_wire.answered import told
from ferry.adapters.blob_wire.documents import read_uncommitted
from ferry.adapters.blob_wire.limits import Limit, check_block_ids, check_pages, check_size
from ferry.adapters.blob_wire.listed import UnreadableXml
from ferry.adapters.blob_wire.pool import PLAIN, Expected, OriginPool
from ferry.adapters.blob_wire.reading import SLOWEST_BYTES_PER_SECOND, Reader
from ferry.adapters.blob_wire.request import (
    Unsendable,
    content_lines,
    copied_metadata_lines,
    fixed_lines,
    header_line,
    is_clean,
    md5_line,
    quoted_name,
    source_pin_line,
    tags_line,
    tier_line,
)
from ferry.adapters.blob_wire.sources import ContainerListing
from ferry.ports.blob_sides import BlockRange, WireAnswer, WireLost, WireRefused
from ferry.ports.storage import BlobItem, BlobPage

# A copy answers when it is done. A service gives one request 50 MB a second, but all at once may share less than that.
_COPY_BYTES_PER_SECOND = 2_000_000
# Nothing is sent meanwhile, and whoever stands between forgets such a connection before long.
_MOST_COPY_SECONDS = 200.0
# What the service has copied in no time, as far as that of the request goes.
_QUICK_BYTES = 1024 * 1024
_BLOCK_LIST_LIMIT_BYTES = 16 * 1024 * 1024
_NEW_ONLY = "If-None-Match: *\r\n"
_EMPTY = "Content-Length: 0\r\n"


class ContainerDestination:
    """Blobs of one container. `path` is the container's address behind the origin, `sas` has no question mark."""

    def __init__(self, pool: OriginPool, *, endpoint: str, path: str, sas: str) -> None:
        self._pool = pool
        self._endpoint = endpoint
        self._path = f"{path}/"
        self._sas = sas
        self._reader = Reader(pool)
        self._listing = ContainerListing(self._reader, path, GivenAccess(sas))
        self._keeps_tags = "t" in (letters_of(sas) or "")
        # All of a Put Blob From URL between the name and the source's address.
        self._from_url = (
            f"?{sas} HTTP/1.1\r\n{fixed_lines(pool.host_header)}{_EMPTY}x-ms-blob-type: BlockBlob\r\nx-ms-copy-source: "
        )
        self._lines = fixed_lines(pool.host_header)

    @property
    def endpoint(self) -> str:
        """The account's endpoint."""
        return self._endpoint

    @property
    def keeps_tags(self) -> bool:
        """Whether the SAS says that it may set tags."""
        return self._keeps_tags

    async def put_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob From URL: properties come from the source; the service checks a stored MD5."""
        md5, tier = item.content_md5, item.tier
        try:
            if item.size_bytes > Limit.PUT:
                check_size(item.size_bytes, Limit.PUT, "Put Blob From URL")
            target = quoted_name(name)
            if not is_clean(f"{source_url}{item.etag}{md5}{tier}"):
                raise Unsendable("InvalidHeaderValue", f"a header of blob {item.name!r} cannot be written")
            head = (
                f"PUT {self._path}{target}{self._from_url}{source_url}\r\n{source_pin_line(item)}"
                f"{'' if md5 is None else f'x-ms-source-content-md5: {md5}\r\n'}"
                f"{'' if tier is None else f'x-ms-access-tier: {tier}\r\n'}"
                f"{self._tags(item, source_url) if self._keeps_tags else ''}"
                f"{copied_metadata_lines(item) if 'sig=' in source_url else content_lines(item)}"
                f"{'' if overwrite else _NEW_ONLY}\r\n"
            )
        except Unsendable as unsendable:
            return unsendable.answer
        size_bytes = item.size_bytes
        expected = PLAIN if size_bytes < _QUICK_BYTES else Expected(READ_SECONDS + _copy_seconds(size_bytes))
        return told(await self._pool.send(head.encode("ascii"), b"", expected))

    async def copy_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Copy Blob From URL, synchronous: properties and metadata come from the source."""

        def lines() -> str:
            check_size(item.size_bytes, Limit.COPY, "Copy Blob From URL")
            md5 = item.content_md5
            return (
                f"x-ms-requires-sync: true\r\n{self._of_source(source_url, item)}"
                + ("" if md5 is None else header_line("x-ms-source-content-md5", md5, "the MD5 of the source"))
                + f"{tier_line(item)}{self._tags(item, source_url)}{'' if overwrite else _NEW_ONLY}"
            )

        return await self._send(name, "", lines, copied_bytes=item.size_bytes)

    async def put(self, name: str, content: bytes, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob; the service checks the MD5 and keeps it."""

        def lines() -> str:
            check_size(len(content), Limit.PUT, "Put Blob")
            return (
                f"x-ms-blob-type: BlockBlob\r\n{md5_line('Content-MD5', content)}{content_lines(item)}"
                f"{tier_line(item)}{self._tags(item)}{'' if overwrite else _NEW_ONLY}"
            )

        return await self._send(name, "", lines, content)

    async def stage_from_url(self, name: str, source_url: str, item: BlobItem, block: BlockRange) -> WireAnswer:
        """Put Block From URL."""

        def lines() -> str:
            check_size(block.size_bytes, Limit.BLOCK, "Put Block From URL")
            check_block_ids([block.id])
            return self._of_source(source_url, item) + _source_range(block.start, block.size_bytes)

        return await self._send(name, _block_query(block), lines, copied_bytes=block.size_bytes)

    async def stage(self, name: str, content: bytes, block: BlockRange) -> WireAnswer:
        """Put Block; the service checks the MD5."""

        def lines() -> str:
            check_size(len(content), Limit.BLOCK, "Put Block")
            check_block_ids([block.id])
            return md5_line("Content-MD5", content)

        return await self._send(name, _block_query(block), lines, content)

    async def commit(
        self, name: str, block_ids: Sequence[str], item: BlobItem, *, content_md5: bytes | None, overwrite: bool
    ) -> WireAnswer:
        """Put Block List; without an MD5 of the whole the item's own is kept, since its version was pinned."""
        document = "".join(f"<Latest>{block_id}</Latest>" for block_id in block_ids)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{document}</BlockList>'.encode()

        def lines() -> str:
            check_block_ids(block_ids)
            md5 = item.content_md5 if content_md5 is None else base64.b64encode(content_md5).decode("ascii")
            return (
                md5_line("Content-MD5", body)
                + ("" if md5 is None else header_line("x-ms-blob-content-md5", md5, f"the MD5 of blob {item.name!r}"))
                + f"{content_lines(item)}{tier_line(item)}{self._tags(item)}{'' if overwrite else _NEW_ONLY}"
            )

        return await self._send(name, "comp=blocklist", lines, body)

    async def staged(self, name: str) -> Mapping[str, int]:
        """The uncommitted blocks by id; none where there is no such blob yet."""
        try:
            target = f"{self._path}{quoted_name(name)}?comp=blocklist&blocklisttype=uncommitted&{self._sas}"
            answer = await self._reader.get(target, limit_bytes=_BLOCK_LIST_LIMIT_BYTES)
            return read_uncommitted(answer.body)
        except Unsendable as unsendable:
            raise WireRefused(unsendable.answer) from None
        except WireRefused as refused:
            if refused.answer.code != "BlobNotFound":
                raise
            return {}
        except UnreadableXml as unreadable:
            raise WireLost(f"the list of blocks cannot be read: {unreadable}", was_sent=True) from None

    async def create_appendable(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob of an append blob; it has no tier."""

        def lines() -> str:
            kept = f"{content_lines(item)}{_stored_md5_line(item)}{self._tags(item)}"
            return f"x-ms-blob-type: AppendBlob\r\n{kept}{'' if overwrite else _NEW_ONLY}"

        return await self._send(name, "", lines)

    async def append_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """Append Block From URL, which fails where the blob is not as long as expected."""

        def lines() -> str:
            check_size(size_bytes, Limit.APPEND, "Append Block From URL")
            return (
                f"x-ms-blob-condition-appendpos: {start}\r\n"
                f"{self._of_source(source_url, item)}{_source_range(start, size_bytes)}"
            )

        return await self._send(name, "comp=appendblock", lines, copied_bytes=size_bytes)

    async def create_paged(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob of a page blob."""

        def lines() -> str:
            check_pages(0, item.size_bytes)
            return (
                f"x-ms-blob-type: PageBlob\r\nx-ms-blob-content-length: {item.size_bytes}\r\n{content_lines(item)}"
                f"{_stored_md5_line(item)}{tier_line(item)}{self._tags(item)}{'' if overwrite else _NEW_ONLY}"
            )

        return await self._send(name, "", lines)

    async def put_pages_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """Put Page From URL."""

        def lines() -> str:
            check_pages(start, size_bytes)
            check_size(size_bytes, Limit.PAGES, "Put Page From URL")
            return (
                f"x-ms-page-write: update\r\nx-ms-range: bytes={start}-{start + size_bytes - 1}\r\n"
                f"{self._of_source(source_url, item)}{_source_range(start, size_bytes)}"
            )

        return await self._send(name, "comp=page", lines, copied_bytes=size_bytes)

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """One page of names."""
        return await self._listing.page(prefix, after=after, limit=limit)

    async def _send(
        self, name: str, query: str, lines: Callable[[], str], body: bytes = b"", *, copied_bytes: int = 0
    ) -> WireAnswer:
        try:
            query = f"{query}&{self._sas}" if query else self._sas
            head = (
                f"PUT {self._path}{quoted_name(name)}?{query} HTTP/1.1\r\n{self._lines}"
                f"Content-Length: {len(body)}\r\n{lines()}\r\n"
            )
        except Unsendable as unsendable:
            return unsendable.answer
        seconds = READ_SECONDS + len(body) / SLOWEST_BYTES_PER_SECOND + _copy_seconds(copied_bytes)
        return told(await self._pool.send(head.encode("ascii"), body, Expected(seconds)))

    def _of_source(self, source_url: str, item: BlobItem) -> str:
        pin = source_pin_line(item) if is_clean(item.etag) else header_line("", item.etag, "the version of the source")
        return header_line("x-ms-copy-source", source_url, "the address of the source") + pin

    def _tags(self, item: BlobItem, source_url: str = "") -> str:
        """The item's tags; where it shows none, those that the service finds at a source that lets it."""
        if not self._keeps_tags:
            return ""
        if item.tags:
            return tags_line(item.tags)
        may_ask = "t" in (letters_of(source_url.partition("?")[2]) or "")
        return "x-ms-copy-source-tag-option: COPY\r\n" if may_ask else ""


def _stored_md5_line(item: BlobItem) -> str:
    """The MD5 that is stored with a blob of pages or appended blocks; the service does not make one for those."""
    md5 = item.content_md5
    return "" if md5 is None else header_line("x-ms-blob-content-md5", md5, f"the MD5 of blob {item.name!r}")


def _block_query(block: BlockRange) -> str:
    return f"comp=block&blockid={quote(block.id, safe='')}"


def _source_range(start: int, size_bytes: int) -> str:
    return f"x-ms-source-range: bytes={start}-{start + size_bytes - 1}\r\n"


def _copy_seconds(size_bytes: int) -> float:
    """How long the service may take to copy so much."""
    return min(size_bytes / _COPY_BYTES_PER_SECOND, _MOST_COPY_SECONDS)
