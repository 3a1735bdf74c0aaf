"""The service behind the connections: which operation is carried out on what, and its answer."""

from bench.standin import listing, sas
from bench.standin.behaviour import Behaviour
from bench.standin.content import Extent, cut
from bench.standin.http import Answer, Body, Head, refusal
from bench.standin.orders import FROM_URL, Order, stretch_of
from bench.standin.source import ACCOUNT, Source, now
from bench.standin.writes import Writer
from bench.standin.written import Container, Foreign, Part

_COMMON = {
    "x-ms-blob-type": "BlockBlob",
    "x-ms-lease-status": "unlocked",
    "x-ms-lease-state": "available",
    "x-ms-access-tier": "Hot",
    "x-ms-server-encrypted": "true",
    "Accept-Ranges": "bytes",
}
_OF_CONTAINER = {"ETag": '"0x8D0"', "x-ms-lease-status": "unlocked", "x-ms-lease-state": "available"}
_NO_BODY = Body(0, is_hashed=False)


class Service:
    """A source account that is computed, and any other account with any containers to write into."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.source = Source(
            behaviour.blobs, behaviour.sizes, changes_after=behaviour.changes_after, has_md5=behaviour.has_md5
        )
        self.containers: dict[str, Container] = {}
        self._writer = Writer(self.source, copies=behaviour.copies)

    def container(self, name: str) -> Container:
        """A container of the destination; each one that is asked for is there."""
        found = self.containers.get(name)
        if found is None:
            found = self.containers[name] = Container()
        return found

    def moved_bytes(self, order: Order) -> int:
        """How many bytes a request moves. Finds what it reads of the source."""
        head = order.head
        if order.source is not None:
            order.number = self.source.number(order.source.name)
        elif order.operation == "Get Blob" and head.account == ACCOUNT:
            order.number = self.source.number(head.name)
        else:
            return head.size_bytes
        if order.number is None:
            return 0
        total = self.source.size_bytes(order.number)
        asked = stretch_of(head.get("x-ms-source-range") or head.get("x-ms-range") or head.get("range"))
        return max(0, min(asked.size_bytes or total, total - asked.start))

    def answer(self, order: Order, body: Body | None) -> Answer:
        """Carry it out."""
        head, operation = order.head, order.operation
        if head.account == ACCOUNT:
            return self._of_source(operation, head)
        container = self.container(head.container)
        if operation in FROM_URL:
            return self._writer.copied(order, container)
        if operation == "Put Blob":
            return self._writer.put(head, body or _NO_BODY, container)
        if operation == "Put Block":
            return self._writer.stage(head, body or _NO_BODY, container)
        if operation == "Put Block List":
            return self._writer.commit(head, body or _NO_BODY, container)
        return _of_container(operation, head, container)

    def _of_source(self, operation: str, head: Head) -> Answer:
        if (refused := _refused(operation, head)) is not None:
            return refused
        if operation == "List Blobs":
            return _xml(listing.of_source(self.source, listing.Listed(head.query)))
        if operation not in ("Get Blob", "Get Blob Properties"):
            return _administrative(operation)
        blob = self.source.find(head.name)
        if blob is None:
            return refusal(404, "BlobNotFound")
        pin = head.get("if-match")
        if pin is not None and pin.strip('"') != blob.etag.strip('"'):
            return refusal(412, "ConditionNotMet")
        headers = {**_COMMON, "ETag": blob.etag, "Last-Modified": blob.modified}
        if (md5 := self.source.md5(blob)) is not None:
            headers["Content-MD5"] = md5
        if operation == "Get Blob":
            self.source.read(blob)
        return _read(head, (blob.extent,), {"Content-Type": "application/octet-stream", **headers})


def _refused(operation: str, head: Head) -> Answer | None:
    wanted = {"List Blobs": "l", "Delete Blob": "d", "Delete Container": "d"}.get(operation, "r")
    return None if operation in _FOR_ALL else sas.fault(head.query, wanted)


_FOR_ALL = frozenset({"Create Container", "Get Account Information", "Get Container Properties"})


def _of_container(operation: str, head: Head, container: Container) -> Answer:
    """What reads the destination, and what clients ask of it beside."""
    if operation.startswith("Set "):
        return sas.fault(head.query, "w") or Answer(200)
    if (refused := _refused(operation, head)) is not None:
        return refused
    if operation == "List Blobs":
        return _xml(listing.of_container(container, listing.Listed(head.query)))
    blob = container.blobs.get(head.name)
    if operation == "Get Block List":
        staged = container.staged.get(head.name, {})
        if blob is None and not staged:
            return refusal(404, "BlobNotFound")
        return _xml(listing.block_list(container, head.name, lambda it: staged[it].size_bytes))
    if operation not in ("Get Blob", "Get Blob Properties", "Delete Blob"):
        return _administrative(operation)
    if blob is None:
        return refusal(404, "BlobNotFound") if head.method != "HEAD" else _unbodied(404, "BlobNotFound")
    if operation == "Delete Blob":
        del container.blobs[head.name]
        return Answer(202)
    return _read(head, blob.parts, {**_COMMON, **blob.headers, "ETag": blob.etag, "Last-Modified": now()})


def _administrative(operation: str) -> Answer:
    if operation == "Create Container":
        return refusal(409, "ContainerAlreadyExists")
    if operation == "Get Account Information":
        return Answer(200, {"x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2"})
    if operation == "Get Container Properties":
        return Answer(200, {**_OF_CONTAINER, "Last-Modified": now()})
    return refusal(405, "UnsupportedHttpVerb")


def _unbodied(status: int, code: str) -> Answer:
    return Answer(status, {"x-ms-error-code": code}, code=code, has_no_body=True)


def _xml(body: bytes) -> Answer:
    return Answer(200, {"Content-Type": "application/xml"}, body)


def _read(head: Head, parts: tuple[Part, ...], headers: dict[str, str]) -> Answer:
    total = sum(part.size_bytes for part in parts)
    if head.method == "HEAD":
        return Answer(200, {**headers, "Content-Length": str(total)}, has_no_body=True)
    ranged = head.get("x-ms-range") or head.get("range")
    if not ranged:
        return Answer(200, headers, parts=parts)
    asked = stretch_of(ranged)
    if asked.start >= total:
        return refusal(416, "InvalidRange")
    size = min(asked.size_bytes or total, total - asked.start)
    told = {**headers, "Content-Range": f"bytes {asked.start}-{asked.start + size - 1}/{total}"}
    return Answer(206, told, parts=tuple(_cut(parts, asked.start, size)))


def _cut(parts: tuple[Part, ...], start: int, size_bytes: int) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        if start >= part.size_bytes:
            start -= part.size_bytes
            continue
        size = min(part.size_bytes - start, size_bytes)
        if size <= 0:
            break
        if isinstance(part, Extent):
            found.append(cut(part, start, size))
        else:
            found.append(Foreign(part.content[start : start + size], size))
        start, size_bytes = 0, size_bytes - size
    return found
