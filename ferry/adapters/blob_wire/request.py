"""Heads of requests: what may stand in them, and how names, metadata, tags and pins are written.

A value that HTTP cannot carry, or that the service could only refuse, raises `Unsendable` with the answer that the
service would have given; nothing that could end a line ever gets into one.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote

from ferry.adapters.blob_sas import API_VERSION
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import BlobHeaders, BlobItem

USER_AGENT = "ferry"
NAME_LIMIT = 1024
METADATA_LIMIT_BYTES = 8 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.~/-]+")
_METADATA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTENT_HEADERS = (
    ("x-ms-blob-content-type", "content_type"),
    ("x-ms-blob-content-encoding", "content_encoding"),
    ("x-ms-blob-content-language", "content_language"),
    ("x-ms-blob-content-disposition", "content_disposition"),
    ("x-ms-blob-cache-control", "cache_control"),
)


class Unsendable(Exception):
    """A request that is not sent, with the answer that it gets instead."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.answer = WireAnswer(status, code, {}, message.encode())


def fixed_lines(host_header: str) -> str:
    """The headers that every request carries, for behind the request line."""
    return f"Host: {host_header}\r\nUser-Agent: {USER_AGENT}\r\nx-ms-version: {API_VERSION}\r\n"


def is_clean(value: str) -> bool:
    """Whether a header may have this value: visible ASCII and spaces."""
    return value.isascii() and value.isprintable()


def header_line(name: str, value: str, what: str) -> str:
    """A header. Raises Unsendable where HTTP has no such value; `what` says whose it is."""
    if not is_clean(value):
        raise Unsendable("InvalidHeaderValue", f"{what} has characters that no HTTP header can carry")
    return f"{name}: {value}\r\n"


def quoted_name(name: str) -> str:
    """A blob's name as it stands in a URL. Raises Unsendable for one that no blob can have."""
    if not 0 < len(name) <= NAME_LIMIT:
        raise Unsendable("InvalidInput", f"a blob's name has 1 to {NAME_LIMIT} characters, this one has {len(name)}")
    if _PLAIN_NAME.fullmatch(name):
        return name
    try:
        return quote(name, safe="~/")
    except UnicodeEncodeError:
        raise Unsendable("InvalidInput", "the blob's name is no Unicode text") from None


def content_lines(item: BlobItem) -> str:
    """Content headers and metadata of the item. Raises Unsendable."""
    headers = item.headers
    if headers is None:
        return ""
    lines: list[str] = []
    for name, field in _CONTENT_HEADERS:
        value: str | None = getattr(headers, field)
        if value:
            lines.append(header_line(name, value, f"the {field.replace('_', '-')} of blob {item.name!r}"))
    return "".join(lines) + _metadata_lines(item.name, headers)


def copied_metadata_lines(item: BlobItem) -> str:
    """Metadata for a copy of a blob by the service, which is only said to take properties along.

    What no request can carry is left to it.
    """
    try:
        return _metadata_lines(item.name, item.headers) if item.headers is not None and item.headers.metadata else ""
    except Unsendable:
        return ""


def _metadata_lines(blob_name: str, headers: BlobHeaders) -> str:
    size_bytes = 0
    lines: list[str] = []
    for name, value in headers.metadata.items():
        if not _METADATA_NAME.fullmatch(name):
            raise Unsendable("InvalidMetadata", f"blob {blob_name!r} has metadata {name!r}, which is no valid name")
        size_bytes += len(name) + len(value)
        lines.append(header_line(f"x-ms-meta-{name}", value, f"metadata {name!r} of blob {blob_name!r}"))
    if size_bytes > METADATA_LIMIT_BYTES:
        raise Unsendable(
            "MetadataTooLarge", f"blob {blob_name!r} has {size_bytes} bytes of metadata, 8 KiB are allowed"
        )
    return "".join(lines)


def tags_line(tags: Mapping[str, str]) -> str:
    """All tags in one header."""
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in tags.items())
    return f"x-ms-tags: {pairs}\r\n"


def tier_line(item: BlobItem) -> str:
    """The item's own tier, if it has one."""
    return "" if item.tier is None else header_line("x-ms-access-tier", item.tier, f"the tier of blob {item.name!r}")


def md5_line(name: str, content: bytes) -> str:
    """A header with the MD5 of the bytes, which the service checks."""
    return f"{name}: {base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode('ascii')}\r\n"


def is_date(pin: str) -> bool:
    """Whether an item's pin is a Last-Modified: an HTTP date, while an ETag begins with a quote or `W/`."""
    return pin.endswith(" GMT")


def is_strong(pin: str) -> bool:
    """Whether a request can be pinned to it at all."""
    return bool(pin) and not pin.startswith("W/")


def source_pin_line(item: BlobItem) -> str:
    """The condition on the source of a copy: the version that was listed."""
    pin = item.etag
    if not pin:
        return ""
    return f"x-ms-source-if-unmodified-since: {pin}\r\n" if is_date(pin) else f"x-ms-source-if-match: {pin}\r\n"


def pin_line(item: BlobItem) -> str:
    """The condition on a read. A weak ETag is none: it is compared with that of the answer."""
    pin = item.etag
    if not is_strong(pin):
        return ""
    name = "If-Unmodified-Since" if is_date(pin) else "If-Match"
    return header_line(name, pin, f"the version of {item.name!r}")
