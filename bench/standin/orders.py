"""What a request asks for: the operation in Azure's words, and the stretch of the source that it is to copy."""

from dataclasses import dataclass
from typing import NamedTuple

from bench.standin.http import Head, parts_of, query_of

FROM_URL = frozenset({"Put Blob From URL", "Put Block From URL", "Copy Blob From URL", "Copy Blob"})
UPLOADS = frozenset({"Put Blob", "Put Block"})
_OF_COMP = {
    "blocklist": {"PUT": "Put Block List", "GET": "Get Block List"},
    "metadata": {"PUT": "Set Blob Metadata"},
    "properties": {"PUT": "Set Blob Properties"},
    "tier": {"PUT": "Set Blob Tier"},
    "tags": {"PUT": "Set Blob Tags"},
}


class CopySource(NamedTuple):
    """The address that a request copies from."""

    account: str
    name: str
    query: dict[str, str]


class Stretch(NamedTuple):
    """The bytes of a range; `size_bytes` None: to the end."""

    start: int
    size_bytes: int | None


@dataclass(slots=True)
class Order:
    """A request that is understood; `number`: the blob of the source that it reads, where there is that one."""

    head: Head
    operation: str
    source: CopySource | None
    number: int | None = None


def understood(head: Head) -> Order:
    """What a request asks for."""
    address = head.get("x-ms-copy-source") if head.method == "PUT" else None
    if address is None:
        return Order(head, _operation(head), None)
    path, _, query = address.partition("://")[2].partition("/")[2].partition("?")
    account, _, name = parts_of(path)
    return Order(head, _copying(head), CopySource(account, name, query_of(query)))


def stretch_of(text: str | None) -> Stretch:
    """What a range header asks for; all of it where there is none."""
    if not text:
        return Stretch(0, None)
    first, _, last = text.removeprefix("bytes=").partition("-")
    return Stretch(int(first), int(last) - int(first) + 1 if last else None)


def _copying(head: Head) -> str:
    if head.query.get("comp") == "block":
        return "Put Block From URL"
    if head.get("x-ms-blob-type") is not None:
        return "Put Blob From URL"
    return "Copy Blob From URL" if (head.get("x-ms-requires-sync") or "").lower() == "true" else "Copy Blob"


def _operation(head: Head) -> str:
    comp, restype = head.query.get("comp"), head.query.get("restype")
    if restype == "account":
        return "Get Account Information"
    if restype == "container":
        named = {"PUT": "Create Container", "DELETE": "Delete Container"}
        return "List Blobs" if comp == "list" else named.get(head.method, "Get Container Properties")
    if comp is not None and (found := _OF_COMP.get(comp, {}).get(head.method)):
        return found
    if head.method == "PUT":
        return "Put Block" if comp == "block" else "Put Blob"
    return {"GET": "Get Blob", "HEAD": "Get Blob Properties", "DELETE": "Delete Blob"}.get(head.method, "unknown")
