"""Names a storage request as Microsoft's REST reference does, from what the request line and a few headers show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type StorageService = Literal["blob", "queue", "table"]
type _Level = Literal[
    "service", "container", "blob", "queue", "messages", "message", "tables", "table", "entity", "batch"
]


@dataclass(frozen=True, slots=True)
class RequestShape:
    """What decides a storage operation's name; `path` is the URL's, account first, still percent-encoded."""

    service: StorageService
    method: str
    path: str
    restype: str | None = None
    comp: str | None = None
    blob_type: str | None = None
    has_copy_source: bool = False
    copies_synchronously: bool = False
    peeks_only: bool = False


_NAMES: Mapping[tuple[_Level, str, str | None], str] = {
    ("service", "GET", "list"): "List Containers",
    ("service", "GET", "properties"): "Get Service Properties",
    ("service", "PUT", "properties"): "Set Service Properties",
    ("service", "GET", "blobs"): "Find Blobs by Tags",
    ("service", "POST", "batch"): "Blob Batch",
    ("service", "POST", "userdelegationkey"): "Get User Delegation Key",
    ("container", "PUT", None): "Create Container",
    ("container", "DELETE", None): "Delete Container",
    ("container", "GET", None): "Get Container Properties",
    ("container", "HEAD", None): "Get Container Properties",
    ("container", "GET", "list"): "List Blobs",
    ("container", "PUT", "acl"): "Set Container ACL",
    ("container", "GET", "acl"): "Get Container ACL",
    ("container", "PUT", "metadata"): "Set Container Metadata",
    ("container", "PUT", "lease"): "Lease Container",
    ("container", "POST", "batch"): "Blob Batch",
    ("blob", "GET", None): "Get Blob",
    ("blob", "HEAD", None): "Get Blob Properties",
    ("blob", "DELETE", None): "Delete Blob",
    ("blob", "PUT", "blocklist"): "Put Block List",
    ("blob", "GET", "blocklist"): "Get Block List",
    ("blob", "PUT", "metadata"): "Set Blob Metadata",
    ("blob", "PUT", "properties"): "Set Blob Properties",
    ("blob", "PUT", "tags"): "Set Blob Tags",
    ("blob", "GET", "tags"): "Get Blob Tags",
    ("blob", "PUT", "tier"): "Set Blob Tier",
    ("blob", "PUT", "lease"): "Lease Blob",
    ("blob", "PUT", "copy"): "Abort Copy Blob",
    ("queue", "PUT", None): "Create Queue",
    ("queue", "DELETE", None): "Delete Queue",
    ("queue", "GET", "metadata"): "Get Queue Metadata",
    ("queue", "PUT", "metadata"): "Set Queue Metadata",
    ("messages", "POST", None): "Put Message",
    ("messages", "DELETE", None): "Clear Messages",
    ("message", "PUT", None): "Update Message",
    ("message", "DELETE", None): "Delete Message",
    ("tables", "GET", None): "Query Tables",
    ("tables", "POST", None): "Create Table",
    ("tables", "DELETE", None): "Delete Table",
    ("table", "POST", None): "Insert Entity",
    ("table", "GET", None): "Query Entities",
    ("entity", "GET", None): "Get Entity",
    ("entity", "PUT", None): "Update Entity",
    ("entity", "PATCH", None): "Merge Entity",
    ("entity", "MERGE", None): "Merge Entity",
    ("entity", "DELETE", None): "Delete Entity",
    ("batch", "POST", None): "Entity Group Transaction",
}


def operation_name(shape: RequestShape) -> str:
    """The operation's name in the REST reference, else method and level, such as `OPTIONS container`."""
    level = _level(shape)
    special = _blob_write(shape) if level == "blob" else _queue_read(shape) if level == "messages" else None
    if special is not None:
        return special
    if level == "service" and shape.comp == "list" and shape.service == "queue":
        return "List Queues"
    return _NAMES.get((level, shape.method, shape.comp)) or " ".join(filter(None, (shape.method, level, shape.comp)))


def _blob_write(shape: RequestShape) -> str | None:
    if shape.method != "PUT":
        return None
    if shape.comp == "block":
        return "Put Block From URL" if shape.has_copy_source else "Put Block"
    if shape.comp is not None:
        return None
    if not shape.has_copy_source:
        return "Put Blob"
    if shape.blob_type is not None:
        return "Put Blob From URL"
    return "Copy Blob From URL" if shape.copies_synchronously else "Copy Blob"


def _queue_read(shape: RequestShape) -> str | None:
    if shape.method != "GET":
        return None
    return "Peek Messages" if shape.peeks_only else "Get Messages"


def _level(shape: RequestShape) -> _Level:
    segments = [segment for segment in shape.path.split("/") if segment][1:]
    if not segments:
        return "service"
    if shape.service == "blob":
        return "container" if len(segments) == 1 else "blob"
    if shape.service == "queue":
        return ("queue", "messages", "message")[min(len(segments), 3) - 1]
    return _table_level(segments[0])


def _table_level(segment: str) -> _Level:
    if segment == "$batch":
        return "batch"
    if segment == "Tables" or segment.startswith("Tables("):
        return "tables"
    return "entity" if segment.endswith(")") and not segment.endswith("()") else "table"
