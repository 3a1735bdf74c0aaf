"""The operations that write: every one checks what the service checks, in its order, and answers with its codes."""

import re
from base64 import b64encode
from collections.abc import Mapping

from bench.standin import sas
from bench.standin.content import Extent, cut, md5_of
from bench.standin.http import Answer, Body, Head, refusal
from bench.standin.orders import Order, stretch_of
from bench.standin.source import Source, SourceBlob, now
from bench.standin.written import Blob, Container, Part

MIB = 1024 * 1024
_MOST_BYTES = {"Put Blob From URL": 5000 * MIB, "Put Block From URL": 4000 * MIB, "Copy Blob From URL": 256 * MIB}
_BLOCK_ID = re.compile(r"<(?:Latest|Uncommitted|Committed)>([^<]*)</")
_KEPT_HEADERS = {
    "x-ms-blob-content-type": "Content-Type",
    "x-ms-blob-content-encoding": "Content-Encoding",
    "x-ms-blob-content-language": "Content-Language",
    "x-ms-blob-content-disposition": "Content-Disposition",
    "x-ms-blob-cache-control": "Cache-Control",
    "x-ms-blob-content-md5": "Content-MD5",
}


# One for all that have nothing else.
_PLAIN: Mapping[str, str] = {"Content-Type": "application/octet-stream"}


class Writer:
    """Writes into containers. `copies`: whether the service can reach the source."""

    def __init__(self, source: Source, *, copies: bool) -> None:
        self._source = source
        self._copies = copies

    def copied(self, order: Order, container: Container) -> Answer:
        """Put Blob From URL, Put Block From URL, Copy Blob From URL, Copy Blob."""
        head, is_block = order.head, order.operation == "Put Block From URL"
        refused = _forbidden(head, container, is_block=is_block)
        if refused is not None:
            return refused
        found = self._found(order)
        if isinstance(found, Answer):
            return found
        self._source.read(found)
        extent = self._asked(order, found)
        if isinstance(extent, Answer):
            return extent
        if is_block:
            return _staged(head, container, extent, {})
        headers: Mapping[str, str] = _PLAIN
        kept, md5 = _kept(head), self._source.md5(found)
        if kept or md5:
            headers = {**_PLAIN, **({"Content-MD5": md5} if md5 else {}), **kept}
        blob = container.put(head.name, (extent,), headers)
        if order.operation.startswith("Copy"):
            told = {"x-ms-copy-id": "00000000-0000-0000-0000-000000000001", "x-ms-copy-status": "success"}
            return _made(blob, status=202, headers=told)
        return _made(blob)

    def put(self, head: Head, body: Body, container: Container) -> Answer:
        """Put Blob."""
        refused = _forbidden(head, container, is_block=False) or _corrupt(head, body)
        if refused is not None:
            return refused
        headers = {"Content-Type": head.get("content-type") or "application/octet-stream"} | _kept(head)
        if body.md5 is not None:
            headers.setdefault("Content-MD5", b64encode(body.md5).decode())
        return _made(container.put(head.name, (body.part,), headers))

    def stage(self, head: Head, body: Body, container: Container) -> Answer:
        """Put Block."""
        refused = _forbidden(head, container, is_block=True) or _corrupt(head, body)
        if refused is not None:
            return refused
        told = {"Content-MD5": b64encode(body.md5).decode()} if body.md5 is not None else {}
        return _staged(head, container, body.part, told)

    def commit(self, head: Head, body: Body, container: Container) -> Answer:
        """Put Block List."""
        refused = _forbidden(head, container, is_block=False)
        if refused is not None:
            return refused
        blocks = container.staged.get(head.name, {})
        ids = _BLOCK_ID.findall(body.content.decode())
        if any(it not in blocks for it in ids):
            return refusal(400, "InvalidBlockList")
        headers = {**_PLAIN, **_kept(head)}
        return _made(container.put(head.name, tuple(blocks[it] for it in ids), headers))

    def _found(self, order: Order) -> SourceBlob | Answer:
        """The source of a copy as it is now."""
        asked = order.source
        if asked is None:
            return refusal(400, "MissingRequiredHeader")
        if not self._copies or not sas.may_read(asked.query):
            return _unreadable(403, "AuthenticationFailed")
        if order.number is None:
            return _unreadable(404, "BlobNotFound")
        found = self._source.blob(order.number)
        pin = order.head.get("x-ms-source-if-match")
        if pin is not None and pin.strip('"') != found.etag.strip('"'):
            is_copy = order.operation.startswith("Copy")
            return refusal(412, "ConditionNotMet" if is_copy else "SourceConditionNotMet")
        return found

    def _asked(self, order: Order, found: SourceBlob) -> Extent | Answer:
        """What of the source is to be copied."""
        asked = stretch_of(order.head.get("x-ms-source-range") or order.head.get("x-ms-range"))
        whole = found.extent
        if asked.start >= whole.size_bytes > 0:
            return refusal(416, "InvalidRange")
        # Azurite cuts a range that ends behind the end; the client has to see it.
        size = min(asked.size_bytes or whole.size_bytes, whole.size_bytes - asked.start)
        if size > _MOST_BYTES.get(order.operation, size):
            return refusal(413, "RequestBodyTooLarge")
        extent = cut(whole, asked.start, size)
        told = order.head.get("x-ms-source-content-md5")
        if told is not None and told != md5_of(extent):
            return refusal(400, "Md5Mismatch")
        return extent


def _forbidden(head: Head, container: Container, *, is_block: bool) -> Answer | None:
    """Why nothing may be written: the SAS, or what is there already."""
    refused = sas.fault(head.query, "wc")
    if refused is not None or is_block:
        return refused
    there = container.blobs.get(head.name)
    if there is None:
        return refusal(412, "ConditionNotMet") if head.get("if-match") else None
    if "w" not in head.query.get("sp", ""):
        return refusal(403, "AuthorizationPermissionMismatch")
    return refusal(409, "BlobAlreadyExists") if head.get("if-none-match") == "*" else None


def _corrupt(head: Head, body: Body) -> Answer | None:
    told = head.get("content-md5")
    if told is None or body.md5 is None or told == b64encode(body.md5).decode():
        return None
    return refusal(400, "Md5Mismatch")


def _unreadable(status: int, code: str) -> Answer:
    told = {"x-ms-copy-source-status-code": str(status), "x-ms-copy-source-error-code": code}
    return refusal(status, "CannotVerifyCopySource", told)


def _staged(head: Head, container: Container, part: Part, told: dict[str, str]) -> Answer:
    block_id = head.query.get("blockid", "")
    others = container.staged.get(head.name)
    if not block_id or (others and len(next(iter(others))) != len(block_id)):
        return refusal(400, "InvalidBlobOrBlock")
    container.stage(head.name, block_id, part)
    return Answer(201, {"x-ms-request-server-encrypted": "true", **told})


def _kept(head: Head) -> dict[str, str]:
    return {_KEPT_HEADERS[name]: head.headers[name] for name in head.headers.keys() & _KEPT_HEADERS.keys()}


def _made(blob: Blob, *, status: int = 201, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"ETag": blob.etag, "Last-Modified": now(), **(headers or {})})
