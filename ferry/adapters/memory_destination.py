"""A container of the in-memory cloud for which a SAS is held: the twin of the wire's destination side."""

import base64
import re
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qs

from ferry.adapters.memory_cloud import MemoryBlob, MemoryCloud, MemoryContainer, MemoryRequest, SasRefused, item_of
from ferry.domain.secret import Secret
from ferry.ports.blob_sides import BlockRange, WireAnswer, WireRefused
from ferry.ports.storage import BlobItem, BlobPage

_METADATA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METADATA_LIMIT_BYTES = 8192
_CREATED = WireAnswer(201)
_EXISTS = WireAnswer(409, "BlobAlreadyExists")
_NO_BLOB = WireAnswer(404, "BlobNotFound")


class Send(Protocol):
    """How a request is made, with what is planned to happen to it."""

    def __call__[E, T](
        self, request: MemoryRequest, enter: Callable[[], E], carry_out: Callable[[E], T]
    ) -> Awaitable[T | WireAnswer]:
        """What carrying it out gives, or an answer that was planned."""
        ...


class MemoryDestination:
    """Answers as Azure does: conditions first, then the source, then the change, all at once."""

    def __init__(self, cloud: MemoryCloud, container: str, sas: Secret, *, endpoint: str, send: Send) -> None:
        self._cloud = cloud
        self._endpoint = endpoint
        self._container = container
        self._sas = sas
        self._send = send
        self._account = endpoint.split("//", 1)[-1].split(".", 1)[0]

    @property
    def endpoint(self) -> str:
        """The account's."""
        return self._endpoint

    @property
    def keeps_tags(self) -> bool:
        """Whether the SAS has the letter `t`, in itself or by its policy."""
        parameters = parse_qs(self._sas.reveal())
        policies = parameters.get("si")
        if policies is None:
            return "t" in parameters.get("sp", [""])[0]
        found = self._cloud.accounts[self._endpoint].containers.get(self._container)
        policy = found.policies.get(policies[0]) if found is not None else None
        return policy is not None and "t" in policy.permissions

    async def put_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob From URL."""
        return await self._copy("Put Blob From URL", name, source_url, item, overwrite=overwrite)

    async def copy_from_url(self, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Copy Blob From URL."""
        return await self._copy("Copy Blob From URL", name, source_url, item, overwrite=overwrite)

    async def put(self, name: str, content: bytes, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob."""

        def carry_out(found: MemoryContainer) -> WireAnswer:
            if name in found.blobs and not overwrite:
                return _EXISTS
            return self._write(found, name, content, replace(item, content_md5=None))

        return _unsendable(item) or await self._ask("Put Blob", name, carry_out)

    async def stage_from_url(self, name: str, source_url: str, item: BlobItem, block: BlockRange) -> WireAnswer:
        """Put Block From URL."""

        def carry_out(found: MemoryContainer, source: MemoryBlob) -> WireAnswer:
            content = source.content[block.start : block.start + block.size_bytes]
            found.staged.setdefault(name, {})[block.id] = content
            return _CREATED

        return await self._from_url("Put Block From URL", name, source_url, item=item, carry_out=carry_out)

    async def stage(self, name: str, content: bytes, block: BlockRange) -> WireAnswer:
        """Put Block."""

        def carry_out(found: MemoryContainer) -> WireAnswer:
            found.staged.setdefault(name, {})[block.id] = content
            return _CREATED

        return await self._ask("Put Block", name, carry_out)

    async def commit(
        self, name: str, block_ids: Sequence[str], item: BlobItem, *, content_md5: bytes | None, overwrite: bool
    ) -> WireAnswer:
        """Put Block List."""

        def carry_out(found: MemoryContainer) -> WireAnswer:
            if name in found.blobs and not overwrite:
                return _EXISTS
            staged = found.staged.get(name, {})
            if any(block_id not in staged for block_id in block_ids):
                return WireAnswer(400, "InvalidBlockList")
            md5 = base64.b64encode(content_md5).decode() if content_md5 is not None else item.content_md5
            content = b"".join(staged[block_id] for block_id in block_ids)
            return self._write(found, name, content, replace(item, content_md5=md5))

        return _unsendable(item) or await self._ask("Put Block List", name, carry_out)

    async def staged(self, name: str) -> Mapping[str, int]:
        """Get Block List, of those that are not committed."""
        found = await self._read("Get Block List", name, "r", lambda found: dict(found.staged.get(name, {})))
        return {block_id: len(content) for block_id, content in found.items()}

    async def create_appendable(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob of an append blob, empty."""
        return await self._create(name, b"", item, overwrite=overwrite)

    async def append_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """Append Block From URL."""

        def carry_out(found: MemoryContainer, source: MemoryBlob) -> WireAnswer:
            blob = found.blobs.get(name)
            if blob is None:
                return _NO_BLOB
            if blob.blob_type != "AppendBlob":
                return WireAnswer(409, "InvalidBlobType")
            if len(blob.content) != start:
                return WireAnswer(412, "AppendPositionConditionNotMet")
            found.blobs[name] = replace(blob, content=blob.content + source.content[start : start + size_bytes])
            return _CREATED

        return await self._from_url("Append Block From URL", name, source_url, item=item, carry_out=carry_out)

    async def create_paged(self, name: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        """Put Blob of a page blob, without pages."""
        if item.size_bytes % 512:
            return WireAnswer(400, "InvalidHeaderValue")
        return await self._create(name, bytes(item.size_bytes), item, overwrite=overwrite)

    async def put_pages_from_url(
        self, name: str, source_url: str, item: BlobItem, *, start: int, size_bytes: int
    ) -> WireAnswer:
        """Put Page From URL."""

        def carry_out(found: MemoryContainer, source: MemoryBlob) -> WireAnswer:
            blob = found.blobs.get(name)
            if blob is None:
                return _NO_BLOB
            if blob.blob_type != "PageBlob":
                return WireAnswer(409, "InvalidBlobType")
            end = start + size_bytes
            content = blob.content[:start] + source.content[start:end] + blob.content[end:]
            found.blobs[name] = replace(blob, content=content)
            return _CREATED

        return await self._from_url("Put Page From URL", name, source_url, item=item, carry_out=carry_out)

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """One page of names."""

        def page(found: MemoryContainer) -> BlobPage:
            names = sorted(name for name in found.blobs if name.startswith(prefix))
            start = bisect_right(names, after) if after is not None else 0
            some = names[start : start + min(limit, self._cloud.page_size)]
            is_last = start + len(some) >= len(names)
            return BlobPage(tuple(item_of(name, found.blobs[name]) for name in some), None if is_last else some[-1])

        return await self._read("List Blobs", "", "l", page)

    async def _copy(self, operation: str, name: str, source_url: str, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        def carry_out(found: MemoryContainer, source: MemoryBlob) -> WireAnswer:
            carried = replace(item, headers=source.headers, tier=item.tier or source.tier)
            return self._write(found, name, source.content, carried)

        return await self._from_url(operation, name, source_url, item=item, carry_out=carry_out, is_free=not overwrite)

    async def _create(self, name: str, content: bytes, item: BlobItem, *, overwrite: bool) -> WireAnswer:
        def carry_out(found: MemoryContainer) -> WireAnswer:
            if name in found.blobs and not overwrite:
                return _EXISTS
            return self._write(found, name, content, item, blob_type=item.blob_type)

        return _unsendable(item) or await self._ask("Put Blob", name, carry_out)

    async def _from_url(
        self,
        operation: str,
        name: str,
        source_url: str,
        *,
        item: BlobItem,
        carry_out: Callable[[MemoryContainer, MemoryBlob], WireAnswer],
        is_free: bool = False,
    ) -> WireAnswer:
        """`is_free`: the name must not be taken."""

        def with_source(found: MemoryContainer) -> WireAnswer:
            if operation not in self._cloud.server_side:
                return WireAnswer(501, "APINotImplemented")
            if is_free and name in found.blobs:
                return _EXISTS
            try:
                source = self._cloud.blob_by_url(Secret(source_url))
            except SasRefused:
                return WireAnswer(403, "CannotVerifyCopySource")
            if source is None:
                return WireAnswer(404, "CannotVerifyCopySource")
            if source.etag != item.etag:
                # Copy Blob From URL says it in other words than the rest.
                is_copy = operation == "Copy Blob From URL"
                return WireAnswer(412, "ConditionNotMet" if is_copy else "SourceConditionNotMet")
            return carry_out(found, source)

        return await self._ask(operation, name, with_source)

    async def _ask(self, operation: str, name: str, carry_out: Callable[[MemoryContainer], WireAnswer]) -> WireAnswer:
        try:
            return await self._do(operation, name, "cw", carry_out)
        except WireRefused as refused:
            return refused.answer

    async def _read[T](self, operation: str, name: str, letters: str, carry_out: Callable[[MemoryContainer], T]) -> T:
        result = await self._do(operation, name, letters, carry_out)
        if isinstance(result, WireAnswer):
            raise WireRefused(result)
        return result

    async def _do[T](
        self, operation: str, name: str, letters: str, carry_out: Callable[[MemoryContainer], T]
    ) -> T | WireAnswer:
        request, cloud = MemoryRequest(operation, self._account, self._container, name), self._cloud

        def with_container(_: None) -> T:
            with cloud.lock:
                found = cloud.container_by_sas(self._endpoint, self._container, name, sas=self._sas, letters=letters)
                if found is None:
                    raise WireRefused(WireAnswer(404, "ContainerNotFound"))
                return carry_out(found)

        return await self._send(request, lambda: cloud.enter(request), with_container)

    def _write(
        self, found: MemoryContainer, name: str, content: bytes, item: BlobItem, *, blob_type: str = "BlockBlob"
    ) -> WireAnswer:
        tags = item.tags if self.keeps_tags else dict[str, str]()
        blob = self._cloud.new_blob(content, item.headers)
        md5 = item.content_md5 or blob.content_md5
        found.blobs[name] = replace(blob, blob_type=blob_type, tier=item.tier, tags=tags, content_md5=md5)
        found.staged.pop(name, None)
        return WireAnswer(201, headers={"etag": blob.etag})


def _unsendable(item: BlobItem) -> WireAnswer | None:
    """What the wire answers by itself, before anything is sent, to headers that cannot be."""
    headers = item.headers
    if headers is None:
        return None
    if any(not _METADATA_NAME.fullmatch(name) for name in headers.metadata):
        return WireAnswer(400, "InvalidMetadata")
    content = (headers.content_type, headers.content_encoding, headers.content_language, headers.content_disposition)
    values = [value for value in (*content, headers.cache_control, *headers.metadata.values()) if value]
    if any("\r" in value or "\n" in value for value in values):
        return WireAnswer(400, "InvalidHeaderValue")
    size_bytes = sum(len(name) + len(value) for name, value in headers.metadata.items())
    return WireAnswer(400, "MetadataTooLarge") if size_bytes > _METADATA_LIMIT_BYTES else None
