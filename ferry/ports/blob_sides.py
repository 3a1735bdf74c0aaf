"""The two sides of a copy as the copy engine speaks to them: single requests on one event loop, never tried again here.

Every coroutine sends one request. An answer of any status is a `WireAnswer`; `WireLost` says that none came. What to do
about either is the engine's to decide (design section 5). A request that cannot be right (a header that HTTP does not
have, a size over the service's limit) is not sent: it is answered here as the service would, with a 4xx, its code and a
sentence in the body. Whatever connects may raise EffectFailed ADDRESS_FORBIDDEN, whatever signs StorageFailed.

An item's `etag` pins its version: an ETag, or for a file without one its Last-Modified (an HTTP date), or nothing
where there is neither.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from ferry.domain.secret import Secret
from ferry.ports.storage import Account, BlobItem, BlobPage

UNKNOWN_SIZE = -1


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What a service answered. `code` is its error code, empty where it gave none; header names are in lower case."""

    status: int
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def is_done(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300


class WireLost(Exception):
    """No answer came. `was_sent`: the request may have been carried out all the same."""

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class WireRefused(Exception):
    """A side answered a read or a listing with an error."""

    def __init__(self, answer: WireAnswer) -> None:
        super().__init__(f"{answer.status} {answer.code}".strip())
        self.answer = answer


@dataclass(frozen=True, slots=True)
class BlockRange:
    """One block of a blob: its id as it goes into the URL (base64, equally long for all blocks) and its bytes."""

    id: str
    start: int
    size_bytes: int


class SourceSide(Protocol):
    """Where blobs are read: a container of an account, or an HTTP(S) address. Raises WireRefused, WireLost."""

    @property
    def endpoint(self) -> str:
        """Whose throttling counts: the account's endpoint, or the origin of the address."""
        ...

    @property
    def reads_ranges(self) -> bool:
        """Whether `read` works; else `stream` is the only way. Certain after `prepare`, `head` or `list_page`."""
        ...

    async def prepare(self) -> None:
        """Get what `url` needs for the next ten minutes (a key, a look at the file); without it `url` may have to wait.

        Raises StorageFailed where no key is to be had, besides WireRefused and WireLost.
        """
        ...

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """One page of names with everything that a copy must keep (headers, metadata, tags, tier, type)."""
        ...

    async def head(self, name: str) -> BlobItem | None:
        """One blob as it is now, `size_bytes` UNKNOWN_SIZE where a file does not tell it; None where there is none."""
        ...

    def url(self, item: BlobItem) -> Secret | None:
        """The address from which the destination's service can read the blob; None where it must not or cannot."""
        ...

    async def read(self, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """So many bytes of the blob, pinned to its ETag. Fewer come only where it is shorter."""
        ...

    def stream(self, item: BlobItem) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The whole blob in one pass, for a source that knows no ranges."""
        ...


class DestinationSide(Protocol):
    """A container that a SAS may write to. Raises WireLost; every answer of the service comes back as it is.

    Without `overwrite` every request that makes a blob carries `If-None-Match: *`. `source_url` requests carry the
    source's ETag as `x-ms-source-if-match`. What the item holds in headers, metadata, tags and tier is sent along
    where the request does not take it from the source by itself.
    """

    @property
    def endpoint(self) -> str:
        """The account's endpoint."""
        ...

    @property
    def keeps_tags(self) -> bool:
        """Whether the SAS may set tags (`t`). Without it an item's tags are left out, for with them it is a 403."""
        ...

    async def put_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob From URL: the whole blob in one request, up to 5000 MiB."""
        ...

    async def copy_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Copy Blob From URL, synchronous, up to 256 MiB."""
        ...

    async def put(self, name: str, content: bytes, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob with the bytes and their MD5."""
        ...

    async def stage_from_url(self, name: str, source_url: str, item: BlobItem, block: BlockRange) -> WireAnswer:
        """Put Block From URL."""
        ...

    async def stage(self, name: str, content: bytes, block: BlockRange) -> WireAnswer:
        """Put Block with the bytes and their MD5."""
        ...

    async def commit(
        self, name: str, block_ids: Sequence[str], item: BlobItem, *, content_md5: bytes | None, overwrite: bool
    ) -> WireAnswer:
        """Put Block List."""
        ...

    async def staged(self, name: str) -> Mapping[str, int]:
        """The uncommitted blocks by id, with their sizes. Needs a SAS that may read. Raises WireRefused."""
        ...

    async def create_appendable(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob of an append blob, empty."""
        ...

    async def append_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """Append Block From URL, with the position it expects (`start`)."""
        ...

    async def create_paged(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob of a page blob of the item's size, without pages."""
        ...

    async def put_pages_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """Put Page From URL."""
        ...

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """One page of names. Needs a SAS that may list. Raises WireRefused."""
        ...


class BlobSides(Protocol):
    """Opens sides. One for each process: connections are shared by all sides of the same endpoint."""

    def source(self, account: Account, container: str, *, gives_urls: bool) -> SourceSide:
        """A container of ours. `gives_urls`: the other service may be given addresses, each for reading one blob."""
        ...

    def source_at(self, address: Secret) -> SourceSide:
        """What an address names: a container or blob with its SAS in the query, or any file by HTTP(S)."""
        ...

    def destination(self, endpoint: str, container: str, sas: Secret) -> DestinationSide:
        """A container for which a SAS is held (no `?` in front)."""
        ...

    async def close(self) -> None:
        """Close the idle connections, at the end of the loop; later requests open new ones."""
        ...
